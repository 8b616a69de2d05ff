"""Rolling measurements up, and dropping what is old. Both can be run again at any time and by several workers.

    raw 10:00:05 up 1, 10:00:35 up 0   →  1m 10:00 n 2, up sum 1, min 0, max 1, last 0   →  5m, 1h, 1d likewise

One run takes at most an hour of measurements a transaction, under the register's lock, and writes the buckets that it
touches anew, so that a run that was broken off or repeated leaves the same rows. Days are those of the site's zone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from anlan.kernel.catalogue.form import quoted
from anlan.kernel.catalogue.register import Register
from anlan.kernel.series.push import series_lock
from anlan.kernel.series.tables import (
    STEPS,
    ensure_partitions,
    keep_of,
    partitions,
    raw_table,
    roll_table,
    steps_of,
    unit_of,
)
from anlan.kernel.storage.pool import Connection, Pool

__all__ = ["bucket", "figures", "roll_up", "tidy"]

CHUNK = timedelta(hours=1)
SETTLED = timedelta(seconds=10)     # what came in during the last seconds is left to the next run


def bucket(step: str, column: str, zone: str) -> str:
    """The SQL of the beginning of an instant's bucket."""
    if step == "1d":
        return f"date_trunc('day', {column}, '{zone}')"
    return f"date_bin('{STEPS[step]}', {column}, TIMESTAMPTZ '2000-01-01T00:00:00Z')"


def figures(register: Register, *, rolled: bool) -> list[str]:
    """SELECT items that make one bucket's figures, from measurements `r` or from finer roll-ups `r`: n, then of each resource n,
    sum, min, max, last."""
    items = ['sum(r.n)::bigint AS n' if rolled else 'count(*) AS n']
    for key, item in register.resources.items():
        value = f"r.{quoted(key)}::int" if item.type == "boolean" else f"r.{quoted(key)}"
        last = f'r."{key}:last"' if rolled else value
        items += [
            f'sum(r."{key}:n")::bigint AS "{key}:n"' if rolled else f'count({value}) AS "{key}:n"',
            f'sum(r."{key}:sum") AS "{key}:sum"' if rolled else f'sum({value}) AS "{key}:sum"',
            f'min(r."{key}:min") AS "{key}:min"' if rolled else f'min({value}) AS "{key}:min"',
            f'max(r."{key}:max") AS "{key}:max"' if rolled else f'max({value}) AS "{key}:max"',
            f'(array_agg({last} ORDER BY r.at DESC) FILTER (WHERE {last} IS NOT NULL))[1] AS "{key}:last"',
        ]
    return items


def roll_up(pool: Pool, register: Register, *, now: datetime, zone: str) -> int:
    """Bring all roll-ups of a register up to the last whole minute; the number of transactions it took."""
    steps = steps_of(register)
    runs = 0
    while steps:
        with pool.connection() as connection:
            connection.execute(*series_lock(register.name, shared=False))
            more = _one(connection, register, steps, now=now, zone=zone)
        runs += 1
        if not more:
            break
    return runs


def _one(connection: Connection, register: Register, steps: list[str], *, now: datetime, zone: str) -> bool:
    """Roll up an hour at most; whether there is more."""
    limit = (now - SETTLED).replace(second=0, microsecond=0)
    row = connection.execute("SELECT rolled_until FROM series_state WHERE register = $1", [register.name]).fetchone()
    start = _next_measured(connection, register, row[0] if row else None)
    if start is None or start >= limit:
        if row is not None and row[0] < limit:
            _done(connection, register, limit)
        return False
    end = min(start + CHUNK, limit)
    source, rolled = raw_table(register), False
    for step in steps:
        _roll(connection, register, step, source, rolled=rolled, between=(start, end), zone=zone)
        source, rolled = roll_table(register, step), True
    _done(connection, register, end)
    return end < limit


def _done(connection: Connection, register: Register, until: datetime) -> None:
    connection.execute("INSERT INTO series_state (register, rolled_until) VALUES ($1, $2) ON CONFLICT (register) DO UPDATE SET rolled_until = $2",
                       [register.name, until])


def _next_measured(connection: Connection, register: Register, since: datetime | None) -> datetime | None:
    """The minute of the first measurement since then: hours without any are not looked at one by one."""
    condition = " WHERE at >= $1" if since else ""
    row = connection.execute(f"SELECT date_trunc('minute', min(at)) FROM {quoted(raw_table(register))}{condition}", [since] if since else []).fetchone()
    return row[0] if row else None


def _roll(connection: Connection, register: Register, step: str, source: str, *, rolled: bool, between: tuple[datetime, datetime], zone: str) -> None:
    """Write the buckets that lie in `between` anew, whole, from the source."""
    row = connection.execute(f"SELECT {bucket(step, '$1::timestamptz', zone)}, {bucket(step, '$2::timestamptz', zone)} + INTERVAL '{STEPS[step]}'",
                             [between[0], between[1] - timedelta(microseconds=1)]).fetchone()
    assert row is not None
    table = roll_table(register, step)
    ensure_partitions(connection, table, unit_of(step), [row[0], row[1] - timedelta(microseconds=1)])
    names = ["key", "at", "n", *(f"{key}:{part}" for key in register.resources for part in ("n", "sum", "min", "max", "last"))]
    updates = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in names[2:])
    connection.execute(
        f"INSERT INTO {quoted(table)} ({', '.join(map(quoted, names))}) "
        f"SELECT r.key, {bucket(step, 'r.at', zone)}, {', '.join(figures(register, rolled=rolled))} FROM {quoted(source)} r "
        f"WHERE r.at >= $1 AND r.at < $2 GROUP BY 1, 2 ON CONFLICT (key, at) DO UPDATE SET {updates}", [row[0], row[1]])


def tidy(pool: Pool, register: Register, *, now: datetime) -> list[str]:
    """Drop partitions that are older than what is kept; raw ones only when they are rolled up. The names of what was dropped."""
    dropped = []
    with pool.connection() as connection:
        row = connection.execute("SELECT rolled_until FROM series_state WHERE register = $1", [register.name]).fetchone()
        rolled: Any = row[0] if row else None
        for table, keep, needs_roll in _kept(register):
            for name, end in partitions(connection, table):
                if end <= now - keep and (not needs_roll or (rolled is not None and end <= rolled)):
                    connection.execute("SET LOCAL lock_timeout = '1s'")
                    connection.execute(f"DROP TABLE {quoted(name)}")
                    connection.commit()
                    dropped.append(name)
    return dropped


def _kept(register: Register) -> list[tuple[str, timedelta, bool]]:
    """(table, how long, whether it must be rolled up first) of the tables that have an end."""
    found = []
    if register.definition.raw is not None and (keep := keep_of(register.definition.raw.keep)) is not None:
        found.append((raw_table(register), keep, bool(steps_of(register))))
    for step in steps_of(register):
        keep = keep_of(register.definition.rollups[step].keep)
        if keep is not None:
            found.append((roll_table(register, step), keep, False))
    return found
