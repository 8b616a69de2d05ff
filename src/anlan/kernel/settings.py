"""What the operator can set, read once from the environment into one frozen value.

`SETTINGS` is the only list: the command `anlan settings`, the reference page and `Settings` itself follow it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, cast

from anlan.kernel.clock import instant_from


class Words(NamedTuple):
    """One sentence in both languages."""

    zh: str
    en: str


class OperatorError(Exception):
    """Something that the person who runs Anlan has to mend: what is wrong, and what to do."""

    def __init__(self, problem: Words, remedy: Words) -> None:
        super().__init__(f"{problem.en} — {remedy.en}")
        self.problem = problem
        self.remedy = remedy


class SettingError(OperatorError):
    """A setting has a value that cannot be used."""


class Secret(str):
    """Text that must not appear in logs: its repr hides it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"


class Setting(NamedTuple):
    """One row of the reference: variable, attribute of `Settings`, default as text, meaning."""

    name: str
    attribute: str
    default: str
    meaning: Words


# fmt: off
SETTINGS: tuple[Setting, ...] = (
    Setting("ANLAN_HOME", "home", "~/.anlan", Words(
        "站点目录：数据库、附件、配置都在其中",
        "The site's folder: database, files and configuration live in it")),
    Setting("ANLAN_DATABASE_URL", "database_url", "", Words(
        "自备 PostgreSQL 18 的连接串；留空则使用内置数据库",
        "Connection string of your own PostgreSQL 18; empty means the embedded server")),
    Setting("ANLAN_REPLICA_URL", "replica_url", "", Words(
        "只读副本的连接串，列表与报表从它读取；留空则不用",
        "Connection string of a read replica for lists and reports; empty means none")),
    Setting("ANLAN_MODE", "mode", "live", Words(
        "站点模式：live 正式，rehearsal 演练（不发送消息、不运行作业）",
        "Mode of the site: live, or rehearsal (nothing is sent, no job runs)")),
    Setting("ANLAN_CLOCK", "clock", "", Words(
        "仅供检查与演练：把时钟拨到此时刻（带时区偏移的 RFC 3339），之后照常走",
        "Only for checks: the clock shows this instant (RFC 3339 with offset) at the start and runs on")),
    Setting("ANLAN_HOST", "host", "127.0.0.1", Words(
        "网页服务监听的地址", "Address that the web processes listen on")),
    Setting("ANLAN_PORT", "port", "8000", Words(
        "网页服务的端口；0 表示自动选取空闲端口", "Port of the web processes; 0 picks a free one")),
    Setting("ANLAN_WORKERS", "workers", "1", Words(
        "网页进程数", "Number of web processes")),
    Setting("ANLAN_POOL_SIZE", "pool_size", "16", Words(
        "每个进程最多使用的数据库连接数", "Most database connections that one process uses")),
    Setting("ANLAN_LOG_LEVEL", "log_level", "info", Words(
        "日志级别：debug、info、warning、error", "Level of the log: debug, info, warning, error")),
)
# fmt: on


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of this process. `clock` is what the clock showed at the start, None: the true time."""

    home: Path
    database_url: Secret | None
    replica_url: Secret | None
    mode: Literal["live", "rehearsal"]
    clock: datetime | None
    host: str
    port: int
    workers: int
    pool_size: int
    log_level: str

    @property
    def is_rehearsal(self) -> bool:
        return self.mode == "rehearsal"


def load(environ: Mapping[str, str] | None = None, *, home: Path | None = None) -> Settings:
    """Read the settings from `environ` (the process's own by default); `home` wins over ANLAN_HOME.

    Raises SettingError for the first value that cannot be used.
    """
    given = os.environ if environ is None else environ
    text = {row.attribute: given.get(row.name, "").strip() or row.default for row in SETTINGS}
    return Settings(
        home=_absolute(home or Path(text["home"])),
        database_url=Secret(text["database_url"]) if text["database_url"] else None,
        replica_url=Secret(text["replica_url"]) if text["replica_url"] else None,
        mode=cast(Literal["live", "rehearsal"], _one_of("ANLAN_MODE", text["mode"], ("live", "rehearsal"))),
        clock=_instant("ANLAN_CLOCK", text["clock"]) if text["clock"] else None,
        host=text["host"],
        port=_whole("ANLAN_PORT", text["port"], range(65536)),
        workers=_whole("ANLAN_WORKERS", text["workers"], range(1, 257)),
        pool_size=_whole("ANLAN_POOL_SIZE", text["pool_size"], range(1, 1001)),
        log_level=_one_of("ANLAN_LOG_LEVEL", text["log_level"], ("debug", "info", "warning", "error")),
    )


def shown(settings: Settings) -> list[tuple[Setting, str]]:
    """Return every setting with its present value as text that may be printed: secrets show as `…`."""
    return [(row, _printable(getattr(settings, row.attribute))) for row in SETTINGS]


def _printable(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Secret):
        return "…"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _absolute(path: Path) -> Path:
    """Also resolves links, so that one folder has one name, and with it one lock and one data place."""
    return path.expanduser().resolve()


def _whole(name: str, text: str, allowed: range) -> int:
    low, high = allowed.start, allowed.stop - 1
    if not (text.isascii() and text.isdigit() and int(text) in allowed):
        raise SettingError(
            Words(f"{name} 的值“{text}”不能用", f"{name} cannot be {text!r}"),
            Words(f"请填 {low} 到 {high} 的整数", f"give a whole number from {low} to {high}"),
        )
    return int(text)


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise SettingError(
            Words(f"{name} 的值“{text}”不能用", f"{name} cannot be {text!r}"),
            Words(f"请填其中之一：{'、'.join(allowed)}", f"give one of: {', '.join(allowed)}"),
        )
    return text


def _instant(name: str, text: str) -> datetime:
    try:
        return instant_from(text)
    except ValueError:
        raise SettingError(
            Words(
                f"{name} 的值“{text}”不是带时区偏移的时刻", f"{name} has no offset or is no instant: {text!r}"
            ),
            Words("请写成 2026-11-23T09:00:00+08:00", "write it like 2026-11-23T09:00:00+08:00"),
        ) from None
