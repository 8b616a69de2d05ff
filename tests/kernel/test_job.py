"""The outbox, the relay, the worker, schedules: what a committed transaction asks for is done, once."""

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anlan.kernel import job
from anlan.kernel.clock import Clock, TestClock
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.job import outbox, schema, ticks, worker
from anlan.kernel.job.tasks import DUTY, TASKS
from anlan.kernel.settings import load
from anlan.kernel.storage.pool import Connection, Pool, connect

_SQL = Path(outbox.__file__).parents[1] / "storage" / "migrations"
_QUICK = worker.Pace(poll=0.05, sweep=0.3, heartbeat=0.3, stalled=1.0)
_NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture
def site(database: str) -> Iterator[SimpleNamespace]:
    with connect(database) as connection:
        for name in ("001_kernel.sql", "010_job.sql", "013_exchange.sql", "023_import_ways.sql"):
            connection.execute((_SQL / name).read_bytes())
        schema.ensure(connection)
    with Pool(database, min_size=1, max_size=8) as pool:
        yield SimpleNamespace(pool=pool, clock=Clock(), settings=load({}))


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Tasks and schedules of one test do not reach the next, nor the kernel's own these tests."""
    for name in worker._KERNEL_TASKS:
        importlib.import_module(name)
    tasks, schedules = dict(TASKS), dict(ticks.SCHEDULES)
    TASKS.clear()
    ticks.SCHEDULES.clear()
    yield
    for kept, register in ((tasks, TASKS), (schedules, ticks.SCHEDULES)):
        register.clear()
        register.update(kept)  # type: ignore[arg-type]  # each with its own


def ask(site: Any, task: str, payload: dict[str, Any] | None = None, **more: Any) -> str:
    with site.pool.connection() as connection:
        return job.enqueue(connection, task, payload or {}, now=site.clock.now(), **more)


def seen(site: Any, id: str) -> job.State:
    with site.pool.connection() as connection:
        found = job.state(connection, id)
    assert found is not None
    return found


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_job_runs_with_its_payload_and_keeps_its_result(site: Any) -> None:
    job.task("t.double")(lambda run: run.payload["n"] * 2)
    id = ask(site, "t.double", {"n": 21})
    assert seen(site, id)["state"] == "waiting"
    assert worker.drain(site) == 1
    ended = seen(site, id)
    assert (ended["state"], ended["result"], ended["attempts"]) == ("done", 42, 1)
    assert ended["finished_at"] is not None


def test_nothing_runs_when_the_asking_transaction_is_rolled_back(site: Any) -> None:
    ran: list[str] = []
    job.task("t.note")(lambda run: ran.append(run.id))
    with pytest.raises(KeyError), site.pool.connection() as connection:
        job.enqueue(connection, "t.note", {})
        raise KeyError
    assert worker.drain(site) == 0
    assert ran == []


def test_a_job_that_asks_for_another_is_followed_by_it(site: Any) -> None:
    ran: list[str] = []
    job.task("t.second")(lambda run: ran.append("second"))
    job.task("t.first")(lambda run: ran.append("first") or ask(run.site, "t.second"))
    ask(site, "t.first")
    assert worker.drain(site) == 2
    assert ran == ["first", "second"]


def test_an_unknown_task_is_refused_where_it_is_asked_for(site: Any) -> None:
    with pytest.raises(LookupError):
        ask(site, "t.nobody")


def test_the_same_key_is_the_same_job_while_it_waits_and_when_it_is_done(site: Any) -> None:
    ran: list[str] = []
    job.task("t.note")(lambda run: ran.append(run.id))
    first = ask(site, "t.note", {"n": 1}, key="k")
    assert ask(site, "t.note", {"n": 2}, key="k") == first
    worker.drain(site)
    assert ask(site, "t.note", {"n": 3}, key="k") == first
    worker.drain(site)
    assert ran == [first]


def test_two_transactions_that_use_one_key_at_once_get_one_job(site: Any) -> None:
    job.task("t.note")(lambda run: None)
    with site.pool.connection() as first:
        one = job.enqueue(first, "t.note", {}, key="k")
        other: list[str] = []
        thread = threading.Thread(target=lambda: other.append(ask(site, "t.note", key="k")))
        thread.start()
        time.sleep(0.2)
        assert other == []  # it waits for the first transaction
    thread.join(10)
    assert other == [one]


def test_a_job_for_later_waits_for_the_sites_clock(site: Any) -> None:
    site.clock = TestClock(_NOON)
    job.task("t.note")(lambda run: "ran")
    id = ask(site, "t.note", at=_NOON + timedelta(hours=1))
    assert worker.drain(site) == 0
    site.clock.advance(timedelta(hours=1))
    assert worker.drain(site) == 1
    assert seen(site, id)["result"] == "ran"


def test_a_failed_attempt_is_repeated_later_and_a_last_one_is_a_dead_letter(site: Any) -> None:
    def fail(run: job.Run) -> None:
        raise RuntimeError(f"attempt {run.attempt}")

    job.task("t.fail", attempts=2)(fail)
    id = ask(site, "t.fail")
    worker.drain(site)
    assert seen(site, id)["state"] == "retrying"
    make_due(site)
    worker_once(site)
    ended = seen(site, id)
    assert ended["state"] == "dead"
    assert ended["error"] == {"type": "RuntimeError", "message": "attempt 2"}
    with site.pool.connection() as connection:
        assert [one["id"] for one in job.dead(connection)] == [id]


def test_a_dead_letter_runs_again_when_somebody_says_so(site: Any) -> None:
    broken = [True]

    def fail(run: job.Run) -> str:
        if broken:
            raise RuntimeError("broken")
        return "mended"

    job.task("t.fail", attempts=1)(fail)
    id = ask(site, "t.fail")
    worker.drain(site)
    broken.clear()
    with site.pool.connection() as connection:
        assert job.retry(connection, id, now=site.clock.now())
    worker.drain(site)
    assert seen(site, id)["result"] == "mended"


def test_a_refusal_is_an_answer_and_not_repeated(site: Any) -> None:
    def refuse(run: job.Run) -> None:
        raise Refused(422, "required", [Fault("required", "name", {"field": "name"})])

    job.task("t.refuse")(refuse)
    id = ask(site, "t.refuse")
    worker.drain(site)
    ended = seen(site, id)
    assert ended["state"] == "failed"
    assert ended["error"] is not None
    assert ended["error"]["faults"] == [{"code": "required", "path": "name", "params": {"field": "name"}}]
    with site.pool.connection() as connection:
        assert job.dead(connection) == []


def test_a_waiting_job_can_be_taken_back_and_a_finished_one_cannot(site: Any) -> None:
    job.task("t.note")(lambda run: None)
    with site.pool.connection() as connection:
        waiting = job.enqueue(connection, "t.note", {})
        assert job.cancel(connection, waiting, now=_NOON)
    assert worker.drain(site) == 0
    done = ask(site, "t.note")
    worker.drain(site)
    with site.pool.connection() as connection:
        assert not job.cancel(connection, done, now=_NOON)


def test_work_and_its_end_are_one_when_the_task_finishes_in_its_own_transaction(site: Any) -> None:
    def work(run: job.Run) -> None:
        with run.site.pool.connection() as connection:
            run.progress(1, 2)
            run.finish(connection, {"made": 3})
        raise RuntimeError("the worker dies after the commit")

    job.task("t.work")(work)
    id = ask(site, "t.work")
    worker.drain(site)
    assert seen(site, id)["progress"] == {"done": 1, "total": 2}
    assert seen(site, id)["state"] == "done"
    assert seen(site, id)["result"] == {"made": 3}


def test_in_a_rehearsal_only_safe_tasks_run(site: Any) -> None:
    ran: list[str] = []
    job.task("t.send")(lambda run: ran.append("send"))
    job.task("t.tidy", safe=True)(lambda run: ran.append("tidy"))
    sent_before = ask(site, "t.send")
    with site.pool.connection() as connection:  # handed to the queue while live, then the copy is rehearsed
        outbox.relay(connection, now=site.clock.now(), rehearsal=False)
    site.settings = load({"ANLAN_MODE": "rehearsal"})
    sent_now, tidied = ask(site, "t.send"), ask(site, "t.tidy")
    worker.drain(site)
    assert ran == ["tidy"]
    assert [seen(site, id)["state"] for id in (sent_before, sent_now, tidied)] == [
        "queued",
        "waiting",
        "done",
    ]


def test_the_database_alone_can_say_that_it_is_rehearsed(site: Any) -> None:
    job.task("t.send")(lambda run: None)
    with site.pool.connection() as connection:
        connection.execute("insert into site_version (epoch, mode) values (uuidv7(), 'rehearsal')")
    ask(site, "t.send")
    assert worker.drain(site) == 0


def test_long_jobs_do_not_hold_up_a_duty(site: Any) -> None:
    free, ran = threading.Event(), threading.Event()
    job.task("t.long")(lambda run: free.wait(30))
    job.task("t.duty", queue=DUTY, safe=True)(lambda run: ran.set())
    stop = threading.Event()
    for _ in range(4):
        ask(site, "t.long")
    thread = threading.Thread(target=worker.run, args=(site,), kwargs={"stop": stop, "pace": _QUICK})
    thread.start()
    try:
        time.sleep(0.5)
        ask(site, "t.duty")
        assert ran.wait(10)
    finally:
        free.set()
        stop.set()
        thread.join(30)


def test_a_tick_is_taken_once_by_two_workers_and_runs_once(site: Any) -> None:
    ran: list[str] = []
    job.task("t.tick")(lambda run: ran.append(run.id))
    job.schedule("t.tick", every=1)
    stop = threading.Event()
    workers = [
        threading.Thread(target=worker.run, args=(site,), kwargs={"stop": stop, "pace": _QUICK})
        for _ in range(2)
    ]
    for one in workers:
        one.start()
    until(lambda: len(ran) >= 4)
    stop.set()
    for one in workers:
        one.join(30)
    with site.pool.connection() as connection:
        rows = connection.execute("select key, attempts from outbox where task = 't.tick' and state = 'done'")
        taken = rows.fetchall()
    assert len({key for key, _ in taken}) == len(taken) == len(ran)
    assert {attempts for _, attempts in taken} == {1}


def test_ticks_missed_while_nobody_ran_are_run_once(site: Any) -> None:
    job.task("t.tick")(lambda run: None)
    job.schedule("t.tick", cron="0 3 * * *", zone="Asia/Shanghai")
    fired = []
    for moment in (_NOON, _NOON, _NOON + timedelta(days=5), _NOON + timedelta(days=5, minutes=1)):
        with site.pool.connection() as connection:
            fired.append(ticks.fire(connection, now=moment, rehearsal=False))
    assert fired == [0, 0, 1, 0]


def test_the_purge_keeps_dead_letters_and_what_ended_lately(site: Any) -> None:
    site.clock = TestClock(_NOON)
    job.task("t.note")(lambda run: None)
    job.task("t.fail", attempts=1)(lambda run: 1 // 0)
    old, dead, tick = ask(site, "t.note"), ask(site, "t.fail"), ask(site, "t.note", key="tick:x")
    worker.drain(site)
    site.clock.advance(timedelta(days=2))
    late = ask(site, "t.note")
    worker.drain(site)
    with site.pool.connection() as connection:
        outbox.purge(connection, done_before=_NOON, ticks_before=_NOON + timedelta(days=1))
        assert [job.state(connection, id) is not None for id in (old, dead, tick, late)] == [
            True,
            True,
            False,
            True,
        ]
        outbox.purge(connection, done_before=_NOON + timedelta(days=1), ticks_before=_NOON)
        assert [job.state(connection, id) is not None for id in (old, dead, late)] == [False, True, True]


def test_the_queues_schema_is_applied_once_and_its_later_steps_in_order(connection: Connection) -> None:
    connection.execute((_SQL / "010_job.sql").read_bytes())
    assert schema.ensure(connection) == ["schema"]
    assert schema.ensure(connection) == []
    connection.execute("update queue_schema set step = '03.04.00_01_pre_add_retry_failed_job_procedure'")
    assert schema.ensure(connection) == ["03.04.00_50_post_add_retry_failed_job_procedure"]


_PROGRAM = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from anlan.kernel import job
from anlan.kernel.clock import Clock
from anlan.kernel.job import worker
from anlan.kernel.settings import load
from anlan.kernel.storage.pool import Pool

folder = Path(sys.argv[2])

@job.task("t.slow", attempts=3)
def slow(run):
    with (folder / "starts").open("a") as file:
        file.write(run.id + "\\n")
    if not (folder / "free").exists():
        time.sleep(60)
    return "done"

with Pool(sys.argv[1], min_size=1, max_size=8) as pool:
    site = SimpleNamespace(pool=pool, clock=Clock(), settings=load({}))
    worker.run(site, pace=worker.Pace(poll=0.05, sweep=0.3, heartbeat=0.3, stalled=1.0))
"""


def starts(folder: Path) -> list[str]:
    file = folder / "starts"
    return file.read_text().split() if file.exists() else []


def test_a_worker_killed_in_the_middle_of_a_job_loses_nothing(
    site: Any, database: str, tmp_path: Path
) -> None:
    job.task("t.slow", attempts=3)(lambda run: None)  # the child process has the real one
    ids = sorted(ask(site, "t.slow") for _ in range(6))
    command = [sys.executable, "-c", _PROGRAM, database, str(tmp_path)]
    with subprocess.Popen(command) as first:
        try:
            until(lambda: len(starts(tmp_path)) >= 2)
        finally:
            os.kill(first.pid, signal.SIGKILL)
    (tmp_path / "free").touch()
    with subprocess.Popen(command) as second:
        try:
            until(lambda: all(seen(site, id)["state"] == "done" for id in ids))
        finally:
            second.terminate()
    assert second.returncode == 0
    again = starts(tmp_path)
    assert sorted(set(again)) == ids
    assert len(again) == 8  # the two that were under way ran a second time


def test_a_job_that_kills_its_worker_each_time_ends_as_a_dead_letter(site: Any) -> None:
    job.task("t.bomb", attempts=1)(lambda run: None)
    id = ask(site, "t.bomb")
    with site.pool.connection() as connection:
        outbox.relay(connection, now=site.clock.now(), rehearsal=False)
        connection.execute("update outbox set state = 'running', attempts = 1")  # the first attempt died
    worker_once(site)
    assert seen(site, id)["state"] == "dead"


def make_due(site: Any) -> None:
    with site.pool.connection() as connection:
        connection.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")


def worker_once(site: Any) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(site,), kwargs={"stop": stop, "pace": _QUICK})
    thread.start()
    try:
        until(lambda: queue_is_empty(site))
    finally:
        stop.set()
        thread.join(30)


def queue_is_empty(site: Any) -> bool:
    with site.pool.connection() as connection:
        return connection.execute("select 1 from procrastinate_jobs").fetchone() is None
