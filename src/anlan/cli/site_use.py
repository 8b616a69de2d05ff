"""Opening the site for the length of one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anlan.kernel.settings import OperatorError, Settings, Words
from anlan.kernel.storage import server
from anlan.kernel.storage.pool import connect

if TYPE_CHECKING:
    from anlan.kernel.site import Site


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Yield the conninfo of the site's database; an embedded server that was started for it ends again."""
    found = settings.database_url is not None or server.status(settings.home).running
    try:
        yield server.conninfo(settings)
    finally:
        if not found:
            server.stop_if_unused(settings.home)


@contextmanager
def opened(settings: Settings) -> "Iterator[Site]":
    """Yield the open site; OperatorError when there is none in this home."""
    from anlan.kernel import site as sites

    require(settings)
    with database(settings):
        site = sites.open(settings)
        try:
            yield site
        finally:
            site.close()


def require(settings: Settings) -> None:
    """Refuse to make an empty database where somebody only mistyped the folder.

    With a server of one's own there may be many machines, each with a home of its own, which is made here.
    """
    if settings.database_url is not None:
        server.make_home(settings.home)
    elif not (settings.home / "pg.json").exists():
        raise OperatorError(
            Words(f"{settings.home} 中没有站点", f"there is no site in {settings.home}"),
            Words("请先运行 anlan init，或用 --home 指定站点目录",
                  "run anlan init first, or name the site's folder with --home"),
        )  # fmt: skip


def exists(settings: Settings) -> bool:
    """Is there a site to run? Starts the embedded database if it has to be asked."""
    if settings.database_url is None and not (settings.home / "pg.json").exists():
        return False
    server.make_home(settings.home)
    with connect(server.conninfo(settings)) as connection:
        if connection.execute("select to_regclass('site_version')").fetchone() == (None,):
            return False
        return connection.execute("select from site_version").fetchone() is not None
