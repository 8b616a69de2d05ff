"""Rows of the outbox: written by whoever wants work done, relayed to the queue, kept as the record of the
job.

    waiting → queued → running → done          retrying: failed, will be tried again
                               → failed        refused by a rule: an answer for the person who asked
                               → dead          out of attempts: a dead letter, for the operator
    waiting → cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

from anlan.kernel.ids import uuid7
from anlan.kernel.job.tasks import TASKS, plain
from anlan.kernel.storage.pool import Connection

__all__ = ["State", "cancel", "dead", "discard", "enqueue", "relay", "retry", "state", "stop"]

_COLUMNS = (
    "id, task, state, owner, run_at, created_at, started_at, finished_at, attempts, progress, result, error"
)


class State(TypedDict):
    """What GET /jobs/{id} answers. `error`: {type, message}; of a refusal {status, code, faults, params}."""

    id: str
    task: str
    state: str
    owner: str | None
    run_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    progress: dict[str, int] | None
    result: Any
    error: dict[str, Any] | None


def enqueue(
    connection: Connection,
    task: str,
    payload: Mapping[str, Any],
    *,
    key: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
    owner: str | None = None,
) -> str:
    """Ask for work, in the caller's transaction: nothing runs unless it commits. Return the job's id.

    `key`: a job of this task with this key is the same job, also when it is done (until it is purged, 30
    days): its id is returned and nothing is added. `at`: not before this instant of the site's clock. `now`:
    the caller's
    `ctx.now`; the system's time when absent. One statement, no NOTIFY.
    """
    if task not in TASKS:
        raise LookupError(f"no task is called {task}")
    moment = now or datetime.now(UTC)
    values = [uuid7(), task, plain(payload), key, owner, at or moment, moment]
    if key is None:
        connection.execute(
            "insert into outbox (id, task, payload, key, owner, run_at, created_at)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            values,
        )
        return str(values[0])
    # DO UPDATE (of nothing) and not DO NOTHING: it waits for, and returns, the row of a transaction under
    # way.
    row = connection.execute(
        "insert into outbox (id, task, payload, key, owner, run_at, created_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (task, key) where key is not null do update set key = excluded.key returning id",
        values,
    ).fetchone()
    assert row is not None  # an upsert returns its row
    return str(row[0])


def state(connection: Connection, id: str) -> State | None:
    """One job, None when there is none (any more)."""
    rows = _states(connection, "where id = $1", [id])
    return rows[0] if rows else None


def dead(connection: Connection, *, limit: int = 100) -> list[State]:
    """The dead letters, newest first: jobs that failed at every attempt, and wait for somebody."""
    return _states(connection, "where state = 'dead' order by finished_at desc limit $1", [limit])


def retry(connection: Connection, id: str, *, now: datetime) -> bool:
    """Let a dead or failed job run again, with all its attempts; False when it is neither."""
    row = connection.execute(
        "update outbox set state = 'waiting', run_at = $2, attempts = 0, error = null, finished_at = null"
        " where id = $1 and state in ('dead', 'failed') returning id",
        [id, now],
    ).fetchone()
    return row is not None


def cancel(connection: Connection, id: str, *, now: datetime) -> bool:
    """Take back a job that no worker has been offered yet; False when it is too late."""
    return _end(connection, id, "waiting", now)


def stop(connection: Connection, id: str, *, now: datetime) -> bool:
    """Take a job back, or ask the worker that runs it to stop where it can (at `Run.progress`); False when it has ended."""
    if cancel(connection, id, now=now):
        return True
    asked = connection.execute(
        "update outbox set stop_at = $2 where id = $1 and state in ('queued', 'running', 'retrying') returning id",
        [id, now],
    )
    return asked.fetchone() is not None


def discard(connection: Connection, id: str, *, now: datetime) -> bool:
    """Give a dead letter up; False when the job is not dead."""
    return _end(connection, id, "dead", now)


def relay(connection: Connection, *, now: datetime, rehearsal: bool, batch: int = 500) -> int:
    """Hand committed rows that are due to the queue, in one statement; return how many were.

    Any worker may do it. The row and the queue's entry change together, so a worker that dies here neither
    loses nor doubles a job. Unknown tasks stay, and in a rehearsal all that are not safe.
    """
    known = [one for one in TASKS.values() if one.safe or not rehearsal]
    row = connection.execute(
        """with due as (
               select o.id, o.task from outbox o
               where o.state = 'waiting' and o.run_at <= $1 and o.task = any($2::text[])
               order by o.run_at, o.id limit $4 for update skip locked),
           moved as (
               update outbox o set state = 'queued' from due where o.id = due.id
               returning o.id, o.run_at, o.task),
           deferred as (
               select procrastinate_defer_jobs_v1(array_agg(row(
                          place, 'anlan.run', 0, null, null,
                          jsonb_build_object('id', id, 'task', task), null)::procrastinate_job_to_defer_v1
                      order by run_at, id)) as ids
               from moved join unnest($2::text[], $3::text[]) as known (name, place) on name = task
               having count(*) > 0)
           select coalesce(max(cardinality(ids)), 0) from deferred""",
        [now, [one.name for one in known], [one.place for one in known], batch],
        prepare=True,
    ).fetchone()
    assert row is not None  # an aggregate without GROUP BY
    return int(row[0])


def purge(connection: Connection, *, done_before: datetime, ticks_before: datetime) -> int:
    """Delete records of jobs that ended before a moment (ticks: another one); dead letters stay."""
    return connection.execute(
        "delete from outbox where state in ('done', 'failed', 'cancelled')"
        " and (finished_at < $1 or (finished_at < $2 and key like 'tick:%'))",
        [done_before, ticks_before],
    ).rowcount


def _end(connection: Connection, id: str, source: str, now: datetime) -> bool:
    row = connection.execute(
        "update outbox set state = 'cancelled', finished_at = $3 where id = $1 and state = $2 returning id",
        [id, source, now],
    ).fetchone()
    return row is not None


def _states(connection: Connection, rest: str, values: list[Any]) -> list[State]:
    names = _COLUMNS.split(", ")
    rows = connection.execute(f"select {_COLUMNS} from outbox {rest}", values).fetchall()
    return [State(**dict(zip(names, row, strict=True))) for row in rows]  # type: ignore[typeddict-item]  # keys = _COLUMNS
