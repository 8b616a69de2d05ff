"""Supervisor of the embedded PostgreSQL: one server a home, shared by all processes that use this home.

    conninfo = ensure_running(Path("/srv/acme"))    # "user=anlan dbname=anlan host=/srv/acme/run"
    stop(Path("/srv/acme"))

The server listens on a socket only. Who may connect is decided by the socket's directory (0700) and by peer
authentication. The role `anlan` owns the database `anlan` and is no superuser; backups use `admin_conninfo`.
The server is nobody's child: it outlives the process that started it, and a crash of ours does not touch it.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from anlan.kernel.settings import Settings, Words
from anlan.kernel.storage import place as places
from anlan.kernel.storage.place import Place, ServerError

ROLE = "anlan"
_ADMIN = "postgres"
_LOCK_SECONDS = 660.0  # longer than the start that another process may be busy with
_START_SECONDS = 600  # recovery after a crash replays up to max_wal_size; pg_ctl's own 60 s can be too short
_RETRY_SECONDS = 60.0  # backends of a killed postmaster keep its shared memory until they notice
_NO_PID = 2**31 - 1  # above the highest pid of Linux, 2**22
_TRANSIENT = ("lock file", "shared memory block")  # what a start says until then

_CONFIGURATION = """\
# Written at each start. Settings of your own belong into local.conf beside this file: they win.
listen_addresses = ''
unix_socket_directories = {socket}
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
jit = off                      # compiling costs more than our short statements take
wal_compression = pglz
summarize_wal = on             # incremental backups
synchronous_commit = on        # what was acknowledged survives a power cut
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on  # seven files, one a weekday
log_rotation_size = 0
lc_messages = 'C'              # the supervisor reads them
default_text_search_config = 'pg_catalog.simple'
include_if_exists 'local.conf'
"""


class ServerStatus(NamedTuple):
    """`running`: it answers a query. `pid`: the postmaster's, None when there is none; `version`: "18.6"."""

    running: bool
    pid: int | None
    version: str | None
    data: Path | None


def conninfo(settings: Settings) -> str:
    """Return how to reach the site's database: your own server, else the embedded one, started if need be."""
    return str(settings.database_url) if settings.database_url else ensure_running(settings.home)


def ensure_running(home: Path) -> str:
    """Start the server of this home unless it answers, making it first if need be; return the conninfo.

    Steps: 1. A server that answers is used, without a lock. 2. Else, under the home's lock: look again;
    settle the place; copy the binaries; initdb into a side directory, renamed when it is whole; configure;
    start; make role and database. What a process that dies at any step leaves, the next one mends.
    """
    place = places.recorded(home)
    if place is not None and _answers(place):
        return _conninfo(place, ROLE, ROLE)
    make_home(home)
    with _locked(home):
        place = places.settle(home)
        if not _answers(place):
            bin_dir = places.binaries(place)
            if not (place.data / "PG_VERSION").exists():
                _initialise(place, bin_dir)
            _configure(place)
            _start(place, bin_dir)
        _make_role_and_database(place)
    return _conninfo(place, ROLE, ROLE)


def admin_conninfo(home: Path) -> str:
    """Return the superuser's conninfo of a running server, for backups and repairs."""
    place = places.recorded(home)
    if place is None:
        raise _no_server(home)
    return _conninfo(place, _ADMIN, _ADMIN)


def tools(home: Path) -> Path:
    """Return the folder with pg_dump, pg_basebackup and the like that fit this home's server."""
    place = places.recorded(home)
    if place is None:
        raise _no_server(home)
    return places.binaries(place)


def stop(home: Path) -> bool:
    """Stop the server of this home; running transactions are rolled back. False when none was running."""
    place = places.recorded(home)
    if place is None:
        return False
    with _locked(home):
        if _postmaster(place) is None:
            return False
        done = place.account.run(
            [places.binaries(place) / "pg_ctl", "stop", "-D", place.data, "-m", "fast", "-w", "-t", "120"],
            timeout=150,
        )
        if done.returncode != 0 and _postmaster(place) is not None:
            fault = _last_line(done.stdout)
            raise ServerError(
                Words(f"数据库没有停下：{fault}", f"the database does not stop: {fault}"),
                Words(
                    f"请看 {place.data}/log，再运行 anlan stop",
                    f"look at {place.data}/log, then run anlan stop",
                ),
            )
    return True


def status(home: Path) -> ServerStatus:
    """Ask the server of this home; starts and changes nothing."""
    place = places.recorded(home)
    if place is None:
        return ServerStatus(False, None, None, None)
    version = _version(place)
    return ServerStatus(version is not None, _postmaster(place), version, place.data)


def postmaster(home: Path) -> int | None:
    """Return the pid of this home's server, None when it does not run. Asks the system, not the server."""
    place = places.recorded(home)
    return None if place is None else _postmaster(place)


def stop_if_unused(home: Path) -> bool:
    """Stop the server unless somebody else is connected: for commands that had to start it.

    A connection that we have closed is listed until its process has ended, so the list is looked at for a second.
    """
    place = places.recorded(home)
    if place is None or not _answers(place):
        return False
    others = "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
    with psycopg.connect(_conninfo(place, _ADMIN, _ADMIN), autocommit=True) as connection:
        until = time.monotonic() + 1
        while connection.execute(others).fetchone() is not None:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    return stop(home)


def make_home(home: Path) -> None:
    """Make the home if it is missing; one that exists keeps its mode. Others may pass through root's."""
    if not home.exists():
        home.mkdir(parents=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _conninfo(place: Place, user: str, database: str) -> str:
    return make_conninfo(host=str(place.socket), user=user, dbname=database)


def _answers(place: Place) -> bool:
    return _version(place) is not None


def _version(place: Place) -> str | None:
    """Run a real query. A pid that exists, or a socket that can be opened, proves nothing after a kill -9."""
    try:
        address = _conninfo(place, _ADMIN, _ADMIN)
        with psycopg.connect(address, connect_timeout=5, autocommit=True) as connection:
            connection.execute("select 1")
            return connection.info.parameter_status("server_version")
    except psycopg.OperationalError:
        return None


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold `<home>/pg.lock`, free when this process dies; programs that we start do not inherit it."""
    deadline = time.monotonic() + _LOCK_SECONDS
    with (home / "pg.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerError(
                        Words(f"另一个进程一直占用 {home}/pg.lock", f"another process keeps {home}/pg.lock"),
                        Words("请结束启动到一半的 anlan 进程", "end the anlan process that hangs"),
                    ) from None
                time.sleep(0.05)
        yield


def _initialise(place: Place, bin_dir: Path) -> None:
    """Make the cluster beside its name and rename it at the end: a half-made one is never taken for whole.

    Locale: builtin C.UTF-8. With plain C, pg_trgm drops every Chinese character; with the environment's, the
    order of an index would depend on the machine.
    """
    making = place.data.with_name(f"{places.MAJOR}.making")
    shutil.rmtree(making, ignore_errors=True)
    done = place.account.run(
        [bin_dir / "initdb", "-D", making, "-U", _ADMIN, "--encoding=UTF8", "--locale-provider=builtin",
         "--locale=C.UTF-8", "--data-checksums", "--auth-local=peer", "--auth-host=reject"],
        timeout=300,
    )  # fmt: skip
    if done.returncode != 0:
        said = _last_line(done.stdout)
        raise ServerError(
            Words(f"无法建立数据库：{said}", f"cannot make the database: {said}"),
            Words(f"请检查 {place.base} 的空间与权限", f"check space and permissions of {place.base}"),
        )
    making.rename(place.data)


def _configure(place: Place) -> None:
    """Write what each start may change: settings, and who may connect as whom."""
    directory = '"' + str(place.socket).replace('"', '""') + '"'  # a list: double quotes keep spaces together
    quoted = "'" + directory.replace("\\", "\\\\").replace("'", "''") + "'"
    _write(place, "postgresql.conf", _CONFIGURATION.format(socket=quoted))
    _write(place, "pg_hba.conf", "local all all peer map=anlan\nlocal replication all peer map=anlan\n")
    pairs = [(user, role) for user in sorted({"root", place.account.name}) for role in (_ADMIN, ROLE)]
    _write(place, "pg_ident.conf", "".join(f'anlan "{user}" {role}\n' for user, role in pairs))


def _write(place: Place, name: str, text: str) -> None:
    """Replace a file of the cluster. As root: never through a link that the server's user may have set."""
    fresh = place.data / f"{name}.new"
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        if place.account.is_other:
            os.fchown(file.fileno(), place.account.uid, place.account.gid)
    fresh.replace(place.data / name)


def _start(place: Place, bin_dir: Path) -> None:
    """Start and wait until the server answers; try again while the remains of a killed one are in the way."""
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        _bury(place)
        place.log.unlink(missing_ok=True)
        known = {file: file.stat().st_size for file in (place.data / "log").glob("*.log")}
        done = place.account.run(
            [bin_dir / "pg_ctl", "start", "-D", place.data, "-l", place.log, "-w", "-t", str(_START_SECONDS)],
            timeout=_START_SECONDS + 60,
        )
        if _answers(place):
            return
        said = _said(place, known) or done.stdout
        if time.monotonic() > deadline or not any(word in said for word in _TRANSIENT):
            fault = _last_line(said)
            raise ServerError(
                Words(f"数据库没有启动：{fault}", f"the database does not start: {fault}"),
                Words(f"请看 {place.log} 与 {place.data}/log", f"look at {place.log} and {place.data}/log"),
            )
        time.sleep(0.25)


def _make_role_and_database(place: Place) -> None:
    with psycopg.connect(_conninfo(place, _ADMIN, _ADMIN), autocommit=True) as connection:
        if connection.execute("select from pg_roles where rolname = %s", [ROLE]).fetchone() is None:
            # CREATEDB: rehearsals and restore drills run in databases beside the live one.
            connection.execute(sql.SQL("create role {} login createdb").format(sql.Identifier(ROLE)))
            connection.execute(sql.SQL("grant pg_monitor to {}").format(sql.Identifier(ROLE)))
        if connection.execute("select from pg_database where datname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(ROLE)))


def _postmaster(place: Place) -> int | None:
    """Return the pid of the process that holds the data directory, None when it is gone or a zombie.

    The pid file survives a kill -9, and the number may have been given to another program since.
    """
    pid = _noted_pid(place)
    name, state = _process(pid) if pid is not None else ("", "")
    return pid if name == "postgres" and state != "Z" else None


def _bury(place: Place) -> None:
    """Take the number of a zombie out of both lock files: a new postmaster would hold it for alive.

    A killed postmaster stays a zombie until its parent reaps it, which process 1 of many a container never
    does. In the pid file the number becomes one that no process can have; the rest stays, because by it
    PostgreSQL finds backends of the dead one that still use its shared memory.
    """
    pid = _noted_pid(place)
    if pid is not None and _process(pid)[1] == "Z":
        _, _, rest = (place.data / "postmaster.pid").read_text(encoding="utf-8").partition("\n")
        _write(place, "postmaster.pid", f"{_NO_PID}\n{rest}")
        (place.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _noted_pid(place: Place) -> int | None:
    try:
        return int((place.data / "postmaster.pid").read_text(encoding="utf-8").partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _process(pid: int) -> tuple[str, str]:
    """Return name and state letter of a process from /proc; two empty texts when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    return text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2]


def _said(place: Place, known: dict[Path, int]) -> str:
    """Return what a start wrote to start.log and, once its collector ran, behind the known sizes in log/."""
    text = place.log.read_bytes() if place.log.exists() else b""
    for file in sorted((place.data / "log").glob("*.log")):
        text += file.read_bytes()[known.get(file, 0) :]
    return text.decode("utf-8", errors="replace")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "error" in line]
    return (fatal or lines or ["?"])[-1]


def _no_server(home: Path) -> ServerError:
    return ServerError(
        Words(f"{home} 还没有数据库", f"there is no database in {home} yet"),
        Words("请先运行 anlan up", "run anlan up first"),
    )
