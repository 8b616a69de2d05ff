"""The worker process: relays the outbox, takes the schedules' ticks, runs jobs, picks up what dead workers
left.

    run(site)                 until SIGTERM or SIGINT; jobs under way are finished first
    drain(site)               run what is due now, and return: for tests, demos and commands

Any number of workers share the work. One attempt at a job goes so:
1. Mark the outbox row `running` and count the attempt; a row that is already done is skipped.
2. Run the task in a thread.
3. Mark the row `done` with the result; or `failed` (refused), `retrying`, or `dead` when the attempts are
used up. A worker killed before 1 or between 1 and 3 leaves the queue's entry taken. Its heartbeat stops;
after
`STALLED_SECONDS` another worker offers the entry again, and the attempts that were counted end a job that
kills.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import procrastinate
import psycopg
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from anlan.kernel.errors import Refused
from anlan.kernel.job import outbox, schema, ticks
from anlan.kernel.job.tasks import DUTY, TASKS, Run, Site, Task, backoff, plain
from anlan.kernel.storage.pool import Connection

__all__ = ["Pace", "drain", "run"]

_log = logging.getLogger("anlan.job")

_KERNEL_TASKS = ("anlan.kernel.job.duties", "anlan.kernel.exchange.jobs", "anlan.kernel.bulk.jobs")
_UNKNOWN_TASK_SECONDS = 30  # a worker of the older version waits for the newer ones to take it


class Pace(NamedTuple):
    """How often the worker looks; seconds. Tests use shorter ones."""

    poll: float = 0.5  # the outbox: half of it is what a job waits on average
    sweep: float = 10.0
    heartbeat: float = 10.0
    stalled: float = 30.0  # three missed heartbeats


class _Again(Exception):
    """Tells the queue to offer the entry again after some seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class _Retry(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """What a task raised is settled in the outbox row; what else is raised comes from the way there."""
        del job
        seconds = exception.seconds if isinstance(exception, _Again) else backoff(1)
        return RetryDecision(retry_in={"seconds": seconds})


def run(
    site: Site,
    *,
    concurrency: int = 2,
    stop: threading.Event | None = None,
    pace: Pace = Pace(),  # noqa: B008
) -> None:
    """Work until told to stop, by a signal or by `stop`; raises what makes going on senseless."""
    _prepare(site)
    asyncio.run(_work(site, concurrency, stop or threading.Event(), pace))


def drain(site: Site, *, rounds: int = 100) -> int:
    """Run every job that is due, one after the other, also those that they ask for; return how many.

    Schedules do not tick here, and a failed attempt is not repeated before its time has come.
    """
    _prepare(site)
    handed = 0
    for _ in range(rounds):
        with site.pool.connection() as connection:
            moved = outbox.relay(connection, now=site.clock.now(), rehearsal=_rehearsal(site, connection))
        handed += moved
        if moved == 0:
            break
        with ThreadPoolExecutor(max_workers=1) as own:  # the caller's thread may have a loop that runs
            own.submit(asyncio.run, _work_off(site)).result()
    return handed


def _prepare(site: Site) -> None:
    """Have the queue's tables and the kernel's tasks; those of packs came with their rules."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)  # one line a job is enough, and that is ours
    with site.pool.connection() as connection:
        schema.ensure(connection)
    for name in _KERNEL_TASKS:
        importlib.import_module(name)


async def _work_off(site: Site) -> None:
    app = _app(site, 1)
    async with app.open_async():
        await app.run_worker_async(
            queues=_queues(site),
            concurrency=1,
            wait=False,
            listen_notify=False,
            delete_jobs="always",
            install_signal_handlers=False,
        )


async def _work(site: Site, concurrency: int, stop: threading.Event, pace: Pace) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = _app(site, concurrency + 2)
    queues = _queues(site)
    duties = [name for name in queues if name.startswith(DUTY)]
    async with app.open_async():
        loops = [
            asyncio.create_task(
                _run_jobs(app, [name for name in queues if name not in duties], concurrency, pace)
            ),
            asyncio.create_task(_run_jobs(app, duties, 1, pace)),
            asyncio.create_task(_repeat(lambda: _relay(site), pace.poll)),
            asyncio.create_task(_repeat(lambda: _sweep(site, pace.stalled), pace.sweep)),
            asyncio.create_task(_until(stop, pace.poll)),
        ]
        done, others = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()  # for a loop of jobs this means: finish what runs, take nothing new
        await asyncio.gather(*others, return_exceptions=True)
        for one in done:
            one.result()


async def _run_jobs(app: procrastinate.App, queues: list[str], concurrency: int, pace: Pace) -> None:
    await app.run_worker_async(
        queues=queues,
        concurrency=concurrency,
        delete_jobs="always",
        update_heartbeat_interval=pace.heartbeat,
        stalled_worker_timeout=pace.stalled,
        fetch_job_polling_interval=min(5.0, pace.sweep),
        install_signal_handlers=False,
    )


async def _repeat(work: Callable[[], bool], seconds: float) -> None:
    """Call `work` in a thread, at once again while there is more; wait for a database that is away."""
    while True:
        try:
            more = await asyncio.to_thread(work)
        except psycopg.OperationalError as error:
            _log.warning("the database does not answer: %s", str(error).strip())
            more = False
        if not more:
            await asyncio.sleep(seconds)


async def _until(stop: threading.Event, seconds: float) -> None:
    while not stop.is_set():
        await asyncio.sleep(seconds)


def _relay(site: Site) -> bool:
    with site.pool.connection() as connection:
        now, rehearsal = site.clock.now(), _rehearsal(site, connection)
        ticks.fire(connection, now=now, rehearsal=rehearsal)
        return outbox.relay(connection, now=now, rehearsal=rehearsal) > 0


def _sweep(site: Site, stalled: float) -> bool:
    """Offer again what workers without a heartbeat had taken. Two sweeping workers part by SKIP LOCKED."""
    with site.pool.connection() as connection:
        found = connection.execute(
            """select procrastinate_retry_job_v2(id, now(), null, null, null) from (
                   select j.id from procrastinate_jobs j
                   left join procrastinate_workers w on w.id = j.worker_id
                   where j.status = 'doing' and (w.id is null or w.last_heartbeat < now() - $1)
                   for update of j skip locked) as stalled""",
            [timedelta(seconds=stalled)],
        ).rowcount
    if found:
        _log.warning("%d jobs of workers that died are offered again", found)
    return False


def _rehearsal(site: Site, connection: Connection) -> bool:
    """The environment and the database may both say it; either is enough."""
    if site.settings.is_rehearsal:
        return True
    return connection.execute("select 1 from site_version where mode = 'rehearsal'").fetchone() is not None


def _queues(site: Site) -> list[str]:
    """Where this worker takes from; in a rehearsal only safe queues: entries copied from live stay put."""
    with site.pool.connection() as connection:
        rehearsal = _rehearsal(site, connection)
    return sorted({one.place for one in TASKS.values() if one.safe or not rehearsal})


def _app(site: Site, concurrency: int) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        conninfo=site.pool.conninfo,
        min_size=1,
        max_size=concurrency + 3,  # beside the jobs: fetch, heartbeat, LISTEN
        kwargs={"options": "-c timezone=UTC"},
    )
    app = procrastinate.App(connector=connector)

    @app.task(name="anlan.run", retry=_Retry())
    def anlan_run(id: str, task: str) -> None:
        _attempt(site, id, task)

    return app


def _attempt(site: Site, id: str, name: str) -> None:
    known = TASKS.get(name)
    if known is None:
        raise _Again(_UNKNOWN_TASK_SECONDS)
    with site.pool.connection() as connection:
        if _rehearsal(site, connection) and not known.safe:
            raise _Again(_UNKNOWN_TASK_SECONDS)
        row = connection.execute(
            "update outbox set state = 'running', attempts = attempts + 1, started_at = $2 where id = $1"
            " and state in ('queued', 'running', 'retrying') returning payload, owner, attempts",
            [id, site.clock.now()],
        ).fetchone()
        if row is None:
            return
        if row[2] > known.attempts:
            _end(
                connection, site, id, "dead", {"type": "killed", "message": "the worker died at each attempt"}
            )
            _log.error("%s %s dead: the worker died at each attempt", name, id)
            return
    payload, owner, attempt = row
    one = Run(site, id, payload, owner, attempt)
    started = time.monotonic()
    try:
        result = known.function(one)
    except Exception as error:  # noqa: BLE001  # any defect of a task is recorded in its row and in the log
        _failed(one, known, error, time.monotonic() - started)
    else:
        _done(one, known, result, time.monotonic() - started)


def _done(one: Run, task: Task, result: object, seconds: float) -> None:
    with one.site.pool.connection() as connection:
        connection.execute(
            "update outbox set state = 'done', result = $2, finished_at = $3, error = null"
            " where id = $1 and state = 'running'",
            [one.id, plain(result), one.site.clock.now()],
        )
    _log.info("%s %s OK %.2f s", task.name, one.id, seconds)


def _failed(one: Run, task: Task, failure: Exception, seconds: float) -> None:
    """Write down why; raises _Again when another attempt is due."""
    last = one.attempt >= task.attempts
    state = "failed" if isinstance(failure, Refused) else "dead" if last else "retrying"
    with one.site.pool.connection() as connection:
        counted = _end(connection, one.site, one.id, state, _error(failure))
    if not counted:  # it had finished in its own transaction: what came after that changes nothing
        _log.error("%s %s raised after its end", task.name, one.id, exc_info=failure)
        return
    if state == "failed":
        _log.info("%s %s refused: %s %.2f s", task.name, one.id, failure, seconds)
        return
    _log.error("%s %s %s %.2f s", task.name, one.id, state, seconds, exc_info=failure)
    if state == "retrying":
        raise _Again(backoff(one.attempt))


def _end(connection: Connection, site: Site, id: str, state: str, error: dict[str, Any]) -> bool:
    ended = None if state == "retrying" else site.clock.now()
    return (
        connection.execute(
            "update outbox set state = $2, error = $3, finished_at = $4 where id = $1 and state = 'running'",
            [id, state, plain(error), ended],
        ).rowcount
        == 1
    )


def _error(failure: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"type": type(failure).__name__, "message": str(failure)[:2000]}
    if isinstance(failure, Refused):
        faults = [{"code": one.code, "path": one.path, "params": dict(one.params)} for one in failure.faults]
        told |= {
            "status": failure.status,
            "code": failure.code,
            "params": dict(failure.params),
            "faults": faults,
        }
    return told
