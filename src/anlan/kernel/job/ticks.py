"""Work that recurs: one run per tick, however many workers there are.

    job.schedule("demo.tidy", every=30)
    job.schedule("demo.report", cron="0 3 * * *", zone="Asia/Shanghai")

A tick is an instant of the site's clock that follows from the schedule alone, so all workers name the same
one. Steps of a tick: 1. compute the latest tick that has come; 2. `UPDATE … SET tick WHERE tick < it`: one
worker changes the row; 3. in the same transaction put the job into the outbox. Ticks missed while nobody ran
are run once, not as often as they were missed. A schedule seen for the first time runs at once if `every`, at
its next tick if `cron`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]  # it brings no types

from anlan.kernel.job.outbox import enqueue
from anlan.kernel.job.tasks import TASKS
from anlan.kernel.storage.pool import Connection

__all__ = ["SCHEDULES", "Schedule", "fire", "latest", "schedule"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(NamedTuple):
    """A task's schedule: `every` so many seconds since 1970, or a `cron` line in a zone."""

    task: str
    every: int | None
    cron: str | None
    zone: str


SCHEDULES: dict[str, Schedule] = {}


def schedule(
    task: str, *, every: int | None = None, cron: str | None = None, zone: str = "Asia/Shanghai"
) -> None:
    """Let a task run on its own, with an empty payload; one of `every` (seconds) and `cron` is given."""
    if (every is None) == (cron is None) or (every is not None and every < 1):
        raise TypeError("a schedule has either a number of seconds or a cron line")
    if cron is not None and not croniter.is_valid(cron):
        raise TypeError(f"{cron} is no cron line")
    SCHEDULES[task] = Schedule(task, every, cron, zone)


def latest(one: Schedule, now: datetime) -> datetime:
    """The latest tick at or before `now` (aware).

    >>> latest(Schedule("t", 30, None, "UTC"), datetime(2026, 11, 24, 1, 2, 45, tzinfo=UTC)).isoformat()
    '2026-11-24T01:02:30+00:00'
    >>> nightly = Schedule("t", None, "0 3 * * *", "Asia/Shanghai")
    >>> latest(nightly, datetime(2026, 11, 24, 1, tzinfo=UTC)).isoformat()
    '2026-11-23T19:00:00+00:00'
    """
    if one.every is not None:
        step = timedelta(seconds=one.every)
        return _EPOCH + (now - _EPOCH) // step * step
    # croniter looks strictly before its start: a microsecond later makes a tick that is now count.
    local = now.astimezone(ZoneInfo(one.zone)) + timedelta(microseconds=1)
    found: datetime = croniter(one.cron, local).get_prev(datetime)
    return found.astimezone(UTC)


def fire(connection: Connection, *, now: datetime, rehearsal: bool) -> int:
    """Take the ticks that have come, in the caller's transaction; return how many jobs that asked for."""
    wanted = [
        one for one in SCHEDULES.values() if one.task in TASKS and (TASKS[one.task].safe or not rehearsal)
    ]
    if not wanted:
        return 0
    ticks = {one.task: latest(one, now) for one in wanted}
    names, instants = list(ticks), list(ticks.values())
    # First sight of a schedule: `every` takes this tick, `cron` counts it as taken.
    firsts = [tick - timedelta(seconds=1) if SCHEDULES[name].every else tick for name, tick in ticks.items()]
    connection.execute(
        "insert into schedule (name, tick) select * from unnest($1::text[], $2::timestamptz[])"
        " on conflict do nothing",
        [names, firsts],
        prepare=True,
    )
    taken = connection.execute(
        "update schedule s set tick = t.tick from unnest($1::text[], $2::timestamptz[]) as t (name, tick)"
        " where s.name = t.name and s.tick < t.tick returning s.name, s.tick",
        [names, instants],
        prepare=True,
    ).fetchall()
    for name, tick in taken:
        enqueue(connection, name, {}, key=f"tick:{tick.isoformat()}", at=now, now=now)
    return len(taken)
