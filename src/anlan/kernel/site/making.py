"""Making a site, opening it, bringing it up to date.

    password = create(settings, packs=None, demo=False, months=12)     # database, kernel tables, packs, seeds, administrator
    site = open(settings)                                   # for a process; installs what newer packs say

When the packs' files are broken, the last good catalogue serves, and `site.trouble` says what is wrong.
"""

from __future__ import annotations

import importlib
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from anlan.kernel.access.caller import SYSTEM_USER, system_caller
from anlan.kernel.access.sessions import set_password
from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.build import Definitions
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.install import install
from anlan.kernel.clock import Clock
from anlan.kernel.context import Context
from anlan.kernel.definition.reader import Broken, Source
from anlan.kernel.i18n import Messages
from anlan.kernel.ids import uuid7
from anlan.kernel.settings import OperatorError, Settings, Words
from anlan.kernel.site.site import Site
from anlan.kernel.storage import migrate as steps
from anlan.kernel.storage import server
from anlan.kernel.storage.pool import Connection, Pool, connect

__all__ = ["PackShown", "create", "migrate", "open", "packs"]

PACKS = "anlan.packs"  # the package whose folders are the packs of this program
ZONE = "Asia/Shanghai"
LOCK = 7_311_202_602  # advisory: one process installs at a time

_log = logging.getLogger(__name__)


class PackShown(NamedTuple):
    """A pack of this program: `label` by language, `installed` on this site."""

    name: str
    label: dict[str, str]
    version: str
    installed: bool


def packs_folder() -> Path:
    """Where the packs of this program are."""
    return Path(importlib.import_module(PACKS).__file__ or "").parent


def messages() -> Messages:
    """All sentences: of every room, of the web floor, of every pack. Reads files."""
    root = Path(__file__).parents[2]
    folders = sorted(path.parent for path in root.glob("**/messages/zh.yaml"))
    return Messages.load(folders)


def create(
    settings: Settings, packs: Sequence[str] | None = None, demo: bool = False, *, months: int = 12
) -> str:
    """Make the site: database, tables, packs, seeds, administrator; his first password.

    1. Kernel tables. 2. Packs published. 3. Seeds through the record path. 4. `admin`. 5. Demo data of so many `months`.
    Raises OperatorError when there is a site already, Broken when a pack cannot be used.
    """
    conninfo = server.conninfo(settings)
    with connect(conninfo) as connection:
        steps.apply(connection)
        if is_complete(connection):
            raise OperatorError(
                Words(f"{settings.home} 中已有站点", f"there is a site in {settings.home} already"),
                Words(
                    "请用 anlan up 启动，或用 --home 另选目录",
                    "start it with anlan up, or choose another folder with --home",
                ),
            )
        connection.commit()
    sources = store.pack_sources(packs_folder(), PACKS, packs)
    with connect(conninfo, autocommit=True) as connection:
        # A site that was never finished (no administrator yet) is made anew on what is there.
        connection.execute(
            "INSERT INTO site_version (epoch, mode) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [uuid7(), settings.mode],
        )
        definitions = store.assemble_site(sources, connection)
        definitions["digest"] = store.digest_of(
            packs_folder(), [source.name for source in sources if source.name != "system"]
        )
        _install(connection, definitions, settings, comment="init")
    site = open(settings, filling=True)
    try:
        password = _fill(site, sources)
        if demo:
            importlib.import_module(f"{PACKS}.demo").load(site, months=months)
    finally:
        site.close()
    return password


def is_complete(connection: Connection) -> bool:
    """Whether the database holds a site: its first user is made by the last step of making it."""
    row = connection.execute("SELECT to_regclass('\"system_user\"') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return False
    return connection.execute('SELECT 1 FROM "system_user" LIMIT 1').fetchone() is not None


def _fill(site: Site, sources: Sequence[Source]) -> str:
    from anlan.kernel import record

    ctx = Context(site, system_caller(site.catalogue.policies), via="seed")
    password = secrets.token_urlsafe(12)

    def work() -> None:
        for source in in_order_of(sources, site.catalogue):
            for form, records in source.seeds:
                record.create_many(ctx, form, records)
        record.create(
            ctx, "system.user", {"code": "admin", "name": "管理员", "roles": ["admin"], "language": "zh-CN"}
        )

    ctx.atomically(work)
    set_password(site, "admin", password, by=None)
    return password


def in_order_of(sources: Sequence[Source], catalogue: Catalogue) -> list[Source]:
    """The sources in the catalogue's order of packs."""
    by_name = {source.name: source for source in sources}
    return [by_name[name] for name in catalogue.packs if name in by_name]


def _install(
    connection: Connection, definitions: Definitions, settings: Settings, *, comment: str
) -> Catalogue:
    """Check, bring the tables up to date, publish. Raises Broken before anything is changed."""
    return install(connection, definitions, at=Clock(settings.clock).now(), by=SYSTEM_USER, comment=comment)


def migrate(settings: Settings, phase: Literal["all", "pre", "post"] = "all") -> list[str]:
    """Apply what is missing: steps of the kernel's tables, then newer packs. The names of what was done."""
    with connect(server.conninfo(settings)) as connection:
        done = steps.apply(connection, phase=phase)
        connection.commit()
    if phase != "post":
        with connect(server.conninfo(settings), autocommit=True) as connection:
            if _upgrade(connection, settings):
                done.append("packs")
    return done


def _upgrade(connection: Connection, settings: Settings) -> bool:
    """Publish what the packs' files say now, if that differs from what is published. Raises Broken."""
    connection.execute("SELECT pg_advisory_lock($1)", [LOCK])
    try:
        published = store.definitions_of(connection, store.published_version(connection))
        names = [name for name in published["packs"] if name != "system"]
        digest = store.digest_of(packs_folder(), names)
        if published.get("digest") == digest:
            return False
        definitions = store.assemble_site(store.pack_sources(packs_folder(), PACKS, names), connection)
        definitions["digest"] = digest
        if store.same(published, definitions):
            connection.execute(
                "UPDATE catalogue_version SET definitions = $2::json WHERE version = $1",
                [store.published_version(connection), orjson.dumps(definitions).decode()],
            )
            return False
        _install(connection, definitions, settings, comment="upgrade")
        return True
    finally:
        connection.execute("SELECT pg_advisory_unlock($1)", [LOCK])


def open(settings: Settings, *, filling: bool = False) -> Site:
    """Open the site for this process: database up, tables current, catalogue loaded.

    Broken pack files do not keep it from opening: the published catalogue serves. Raises OperatorError when there
    is no site.
    """
    conninfo = server.conninfo(settings)
    trouble = None
    with connect(conninfo) as connection:
        steps.apply(connection)
        connection.commit()
        if not is_complete(connection) and not filling:
            raise OperatorError(
                Words("数据库中还没有站点", "there is no site in this database yet"),
                Words("请先运行 anlan init", "run anlan init first"),
            )
    with connect(conninfo, autocommit=True) as connection:
        try:
            _upgrade(connection, settings)
        except Broken as broken:
            trouble = str(broken)
            _log.error("the packs' files are not used: %s", trouble)
        catalogue = store.load_published(connection)
        row = connection.execute("SELECT mode, epoch FROM site_version").fetchone()
    pool = Pool(conninfo, min_size=1, max_size=settings.pool_size)
    mode = settings.mode if settings.is_rehearsal else (row[0] if row else "live")
    site = Site(
        settings,
        pool,
        catalogue,
        clock=Clock(settings.clock),
        messages=messages(),
        mode=mode,
        zone=ZONE,
        name=str(row[1]) if row else "",
    )
    site.trouble = trouble
    return site


def packs(settings: Settings) -> list[PackShown]:
    """The packs of this program, and whether this site has them."""
    with connect(server.conninfo(settings)) as connection:
        row: tuple[Any, ...] | None = connection.execute(
            "SELECT to_regclass('site_version') IS NOT NULL"
        ).fetchone()
        installed = set()
        if row and row[0]:
            installed = set(store.definitions_of(connection, store.published_version(connection))["packs"])
    return [
        PackShown(
            source.name,
            _label(source.pack.get("label", source.name)),
            str(source.pack.get("version", "")),
            source.name in installed,
        )
        for source in store.pack_sources(packs_folder(), PACKS)
        if source.name != "system"
    ]


def _label(value: Any) -> dict[str, str]:
    return value if isinstance(value, dict) else {"zh": value, "en": value}
