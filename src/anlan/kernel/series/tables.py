"""Where a series register keeps things, and the partitions of its tables.

    demo_result_reg__key    one row a tuple of dimensions, under a small whole number
    demo_result_reg__raw    (at, key, resources…), a partition a day
    demo_result_reg__1m     (key, at, n, and of each resource n, sum, min, max, last), a partition a day; __5m a month,
                            __1h and __1d a year
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from anlan.kernel.catalogue.form import physical, quoted
from anlan.kernel.catalogue.register import Register
from anlan.kernel.storage.pool import Connection

__all__ = [
    "PARTS", "STEPS", "ensure_partitions", "keep_of", "key_table", "partitions", "raw_table", "roll_table", "steps_of", "unit_of",
]

STEPS = {"1m": "1 minute", "5m": "5 minutes", "1h": "1 hour", "1d": "1 day"}       # from fine to coarse
PARTS = ("n", "sum", "min", "max", "last")
UNITS = {"raw": "day", "1m": "day", "5m": "month", "1h": "year", "1d": "year"}
KEEP = re.compile(r"([1-9][0-9]{0,3})([hdy])")
HOURS = {"h": 1, "d": 24, "y": 24 * 366}
FORMATS = {"day": "%Y%m%d", "month": "%Y%m", "year": "%Y"}


def key_table(register: Register) -> str:
    """The table of dimension tuples."""
    return physical(f"{register.table}__key")


def raw_table(register: Register) -> str:
    """The table of measurements as they came."""
    return physical(f"{register.table}__raw")


def roll_table(register: Register, step: str) -> str:
    """The table of one roll-up."""
    return physical(f"{register.table}__{step}")


def steps_of(register: Register) -> list[str]:
    """The register's roll-ups, from fine to coarse."""
    return [step for step in STEPS if step in register.definition.rollups]


def keep_of(text: str) -> timedelta | None:
    """How long `14d`, `48h` or `2y` is; None for what is none of these."""
    found = KEEP.fullmatch(text)
    return timedelta(hours=int(found[1]) * HOURS[found[2]]) if found else None


def unit_of(step: str) -> str:
    """What one partition of a table holds: a day, a month or a year (in UTC)."""
    return UNITS[step]


def _floor(at: datetime, unit: str) -> datetime:
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if unit == "day" else day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _next(start: datetime, unit: str) -> datetime:
    return _floor(start + timedelta(days={"day": 1, "month": 32, "year": 367}[unit]), unit)


def ensure_partitions(connection: Connection, table: str, unit: str, instants: Iterable[datetime]) -> None:
    """Make the partitions that hold these instants, where they are missing. One statement to look, one a new partition."""
    wanted = {f"{table}_{start.strftime(FORMATS[unit])}": start for start in {_floor(at, unit) for at in instants}}
    there = {name for name, _ in partitions(connection, table)}
    for name, start in sorted(wanted.items()):
        if name not in there:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(name)} PARTITION OF {quoted(table)} "
                               f"FOR VALUES FROM ('{start.isoformat()}') TO ('{_next(start, unit).isoformat()}')")


def partitions(connection: Connection, table: str) -> Iterator[tuple[str, datetime]]:
    """(name, end) of a table's partitions, oldest first."""
    rows = connection.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass($1) ORDER BY c.relname", [quoted(table)]).fetchall()
    for name, bound in rows:
        end = re.search(r"TO \('([^']+)'\)", bound)
        assert end is not None, bound
        yield name, datetime.fromisoformat(end[1]).astimezone(UTC)
