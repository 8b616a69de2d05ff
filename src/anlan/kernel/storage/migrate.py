"""Upgrade steps of the kernel's own tables: numbered SQL files, each applied once.

    001_kernel.sql              applied before the new code runs
    002_post_drop_column.sql    "post": applied when no process of the old code is left

A step is one file, run as a whole in one transaction together with its row in `kernel_migration`. The tables
of forms are not made here but from the catalogue.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import psycopg

from anlan.kernel.settings import OperatorError, Words
from anlan.kernel.storage.pool import Connection

FOLDER = Path(__file__).parent / "migrations"

_NAME = re.compile(r"(\d{3})_(?:(pre|post)_)?[a-z0-9_]+\.sql")
_LOCK = 7_208_110_001  # an advisory lock of our own; any number that nothing else in the kernel uses
_QUEUE_TIMEOUT = "120s"  # for another process that applies the same steps
_LOCK_TIMEOUT = "4s"  # a step that waits for a table makes all who come after it wait too

_TABLE = """\
create table if not exists kernel_migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
)"""


class MigrationError(OperatorError):
    """The kernel's tables cannot be brought to this version."""


class Step(NamedTuple):
    """One file; `phase` says on which side of the restart it belongs, `checksum` is SHA-256 of its text."""

    name: str
    phase: Literal["pre", "post"]
    sql: str
    checksum: str


def steps(folder: Path = FOLDER) -> list[Step]:
    """Read the steps in the order of their numbers; MigrationError when a name or number is wrong."""
    found: list[Step] = []
    for path in sorted(folder.glob("*.sql")):
        parts = _NAME.fullmatch(path.name)
        if parts is None or (found and found[-1].name[:3] == parts[1]):
            raise MigrationError(
                Words(
                    f"升级文件名 {path.name} 不合规则或编号重复",
                    f"{path.name} is no name of a step, or its number is taken",
                ),
                Words("请按 NNN_名称.sql 命名", "call it NNN_name.sql with a number of its own"),
            )
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found.append(Step(path.stem, "post" if parts[2] == "post" else "pre", text, digest))
    return found


def pending(connection: Connection, given: Sequence[Step] | None = None) -> list[Step]:
    """Return the steps that this database lacks. Checks that the others are those that were applied.

    Raises MigrationError when an applied step was edited since, or the database is newer than this program.
    """
    known = steps() if given is None else given
    applied = _applied(connection)
    strange = sorted(applied.keys() - {step.name for step in known})
    if strange:
        raise MigrationError(
            Words(
                f"数据库比程序新（{strange[-1]}）", f"the database is newer than this program ({strange[-1]})"
            ),
            Words("请安装更新的 Anlan", "install the newer Anlan"),
        )
    for step in known:
        if applied.get(step.name, step.checksum) != step.checksum:
            raise MigrationError(
                Words(
                    f"升级步骤 {step.name} 在应用之后被改动",
                    f"the step {step.name} was edited after it was applied",
                ),
                Words(
                    "请恢复原文件，改动写成新的步骤", "restore the file and write the change as a new step"
                ),
            )
    return [step for step in known if step.name not in applied]


def apply(
    connection: Connection,
    *,
    phase: Literal["pre", "post", "all"] = "all",
    given: Sequence[Step] | None = None,
) -> list[str]:
    """Apply what is missing, a transaction a step, and return the names. The connection must be in none.

    1. Take the advisory lock of this transaction, so that processes which race apply each step once.
    2. Look for the first missing step of the phase; end when there is none.
    3. Run it, with a lock time-out, and its row; commit. When it raises, its transaction is undone,
       the steps before it stay.
    """
    done: list[str] = []
    while True:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = '{_QUEUE_TIMEOUT}'")
            connection.execute("select pg_advisory_xact_lock($1)", [_LOCK])
            connection.execute(_TABLE)
            missing = [step for step in pending(connection, given) if phase in ("all", step.phase)]
            if not missing:
                return done
            _run(connection, missing[0])
        done.append(missing[0].name)


def _applied(connection: Connection) -> dict[str, str]:
    """Return the checksums of the applied steps by name; empty for a new database."""
    if connection.execute("select to_regclass('kernel_migration')").fetchone() == (None,):
        return {}
    return dict(connection.execute("select name, checksum from kernel_migration").fetchall())


def _run(connection: Connection, step: Step) -> None:
    connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
    try:
        connection.execute(step.sql)
    except psycopg.errors.LockNotAvailable:
        raise MigrationError(
            Words(f"升级步骤 {step.name} 等不到表锁", f"the step {step.name} waited too long for a table"),
            Words("请稍后再运行 anlan migrate", "run anlan migrate again when less is going on"),
        ) from None
    query = "insert into kernel_migration (name, checksum) values ($1, $2)"
    connection.execute(query, [step.name, step.checksum])
