"""The checks of `anlan doctor`: each looks at one thing, and says what to do if it is not well."""

import json
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

import anlan
from anlan.cli import processes, site_use
from anlan.kernel.settings import OperatorError, Settings, Words
from anlan.kernel.storage import migrate, place
from anlan.kernel.storage.pool import Connection, connect

# The newest minor release known when this was published; older ones lack fixes of the database's own faults.
NEWEST_DATABASE = (18, 6)
_FREE_BYTES = 1 << 30  # below this a busy day, or a base backup of a small site, may fill the disk


class Check(NamedTuple):
    """`fault` makes the command fail, `warning` does not."""

    name: str
    level: Literal["ok", "warning", "fault"]
    message: Words
    remedy: Words | None = None


def run(settings: Settings) -> list[Check]:
    """Do all checks. An embedded server that does not run is started for them and stopped again."""
    found = [check(settings) for check in (_program, _front_end, _home, _clock, _processes)]
    try:
        site_use.require(settings)
        with site_use.database(settings) as conninfo, connect(conninfo) as connection:
            found += [check(connection) for check in (_database, _checksums, _steps)]
    except OperatorError as error:
        found.append(Check("database", "fault", error.problem, error.remedy))
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        problem = Words(f"数据库没有应答：{reason}", f"the database does not answer: {reason}")
        remedy = Words("请检查 ANLAN_DATABASE_URL", "check ANLAN_DATABASE_URL and that server")
        found.append(Check("database", "fault", problem, remedy))
    return found


def _program(settings: Settings) -> Check:
    versions = f"{version('anlan')}, Python {'.'.join(map(str, sys.version_info[:3]))}"
    return Check("program", "ok", Words(f"安澜 {versions}", f"Anlan {versions}"))


def _front_end(settings: Settings) -> Check:
    package = Path(anlan.__file__).parent
    manifest = package / "web" / "static" / "vendor" / "manifest.json"
    remedy = Words("make vendor", "make vendor")
    if not manifest.exists():
        return Check(
            "front_end", "fault", Words("缺少前端文件和字体", "front-end files and fonts are missing"), remedy
        )
    names = json.loads(manifest.read_text(encoding="utf-8"))
    missing = [name for name in names if not (package / name).exists()]
    if missing:
        return Check("front_end", "fault", Words(f"缺少 {missing[0]}", f"{missing[0]} is missing"), remedy)
    return Check(
        "front_end", "ok", Words(f"前端文件和字体 {len(names)} 个", f"{len(names)} front-end files and fonts")
    )


def _home(settings: Settings) -> Check:
    home = settings.home
    if not home.is_dir():
        return Check("home", "fault", Words(f"目录 {home} 不存在", f"there is no folder {home}"),
                     Words("anlan init", "anlan init"))  # fmt: skip
    if not os.access(home, os.W_OK | os.X_OK):
        return Check("home", "fault", Words(f"不能写入 {home}", f"{home} cannot be written to"),
                     Words("请换用有权限的用户", "run as the user who owns it"))  # fmt: skip
    noted = place.recorded(home)
    folder = home if noted is None else noted.base
    free = shutil.disk_usage(folder).free
    size = Words(f"{folder} 剩余 {free / 1e9:.1f} GB", f"{free / 1e9:.1f} GB are free in {folder}")
    if free < _FREE_BYTES:
        return Check("home", "fault", size, Words("请清理磁盘", "make room on this disk"))
    return Check("home", "ok", size)


def _clock(settings: Settings) -> Check:
    if settings.clock is None:
        return Check("clock", "ok", Words("使用系统时钟", "the system's clock is used"))
    shown = settings.clock.isoformat()
    return Check("clock", "warning", Words(f"时钟被拨到 {shown}", f"the clock is set to {shown}"),
                 Words("unset ANLAN_CLOCK", "unset ANLAN_CLOCK"))  # fmt: skip


def _processes(settings: Settings) -> Check:
    supervisor = next((one for one in processes.running(settings.home) if one.name == "up"), None)
    url = supervisor.note.get("url") if supervisor else None
    if url is None:
        return Check(
            "web", "warning", Words("站点没有在运行", "the site does not run"), Words("anlan up", "anlan up")
        )
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:
            if answer.status == 200:
                return Check("web", "ok", Words(f"站点运行于 {url}", f"the site runs at {url}"))
    except (URLError, TimeoutError):
        pass
    return Check("web", "fault", Words(f"{url} 没有就绪", f"{url} is not ready"),
                 Words("anlan stop && anlan up", "anlan stop && anlan up"))  # fmt: skip


def _database(connection: Connection) -> Check:
    number = connection.info.server_version
    found = (number // 10000, number % 10000)
    shown = f"PostgreSQL {found[0]}.{found[1]}"
    if found[0] < NEWEST_DATABASE[0]:
        return Check("database", "fault", Words(f"{shown} 版本过低", f"{shown} is too old"),
                     Words("请升级到 PostgreSQL 18", "upgrade to PostgreSQL 18"))  # fmt: skip
    if found < NEWEST_DATABASE:
        old = Words(f"{shown} 不是最新的小版本", f"{shown} is not the newest minor")
        return Check("database", "warning", old, Words("请升级数据库", "upgrade the database"))
    return Check("database", "ok", Words(f"{shown} 应答正常", f"{shown} answers"))


def _checksums(connection: Connection) -> Check:
    if connection.execute("show data_checksums").fetchone() == ("on",):
        return Check("checksums", "ok", Words("数据校验和已开启", "data checksums are on"))
    return Check("checksums", "warning", Words("数据校验和未开启", "data checksums are off"),
                 Words("停库后运行 pg_checksums --enable", "pg_checksums --enable on the stopped server"),
                 )  # fmt: skip


def _steps(connection: Connection) -> Check:
    missing = migrate.pending(connection)
    if missing:
        names = ", ".join(step.name for step in missing)
        return Check("tables", "fault", Words(f"缺少升级步骤：{names}", f"steps are missing: {names}"),
                     Words("anlan migrate", "anlan migrate"))  # fmt: skip
    return Check("tables", "ok", Words("数据表与程序一致", "the tables are those of this program"))
