"""The same POST under an Idempotency-Key is done once, also when two come at the same moment."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from anlan.kernel.errors import Refused
from anlan.kernel.ids import uuid7
from anlan.kernel.storage import migrate
from anlan.kernel.storage.pool import Connection, connect
from anlan.web.api.idempotency import KEPT, fingerprint, once
from anlan.web.api.routing import Answer

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OWNER = uuid7()
BODY = fingerprint("POST", "/api/v1/records/demo.note", b'{"a": 1}')


class Work:
    """Counts how often it ran."""

    def __init__(self, status: int = 201) -> None:
        self.runs = 0
        self.status = status

    def __call__(self) -> Answer:
        self.runs += 1
        return Answer({"run": self.runs}, self.status, {"Location": "/x"})


@pytest.fixture
def table(database: str) -> str:
    with connect(database) as connection:
        migrate.apply(connection)
    return database


def ask(connection: Connection, work: Any, key: str = "k", body: bytes = BODY, now: datetime = NOW) -> Answer:
    with connection.transaction():
        return once(connection, OWNER, key, body=body, now=now, work=work)


def test_the_second_call_gets_the_first_answer_and_nothing_is_done(table: str) -> None:
    work = Work()
    with connect(table) as connection:
        first, second = ask(connection, work), ask(connection, work)
    assert work.runs == 1
    assert (second.data, second.status) == (first.data, 201)
    assert second.headers == {"Location": "/x", "Idempotency-Replayed": "true"}


def test_another_body_under_the_key_is_422(table: str) -> None:
    with connect(table) as connection:
        ask(connection, Work())
        with pytest.raises(Refused) as caught:
            ask(connection, Work(), body=fingerprint("POST", "/api/v1/records/demo.note", b'{"a": 2}'))
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")


def test_another_user_may_use_the_same_key(table: str) -> None:
    work = Work()
    with connect(table) as connection:
        ask(connection, work)
        with connection.transaction():
            once(connection, uuid7(), "k", body=BODY, now=NOW, work=work)
    assert work.runs == 2


def test_a_refused_call_is_not_kept(table: str) -> None:
    def refuses() -> Answer:
        raise Refused(409, "busy")

    work = Work()
    with connect(table) as connection:
        with pytest.raises(Refused):
            ask(connection, refuses)
        ask(connection, work)
    assert work.runs == 1


def test_an_answer_that_is_no_success_is_not_kept(table: str) -> None:
    work = Work(status=409)
    with connect(table) as connection:
        ask(connection, work)
        ask(connection, work)
    assert work.runs == 2


def test_after_a_day_the_key_is_free_again_and_old_answers_go(table: str) -> None:
    work = Work()
    with connect(table) as connection:
        for key in ("a", "b", "c"):
            ask(connection, work, key)
        later = NOW + KEPT + timedelta(seconds=1)
        ask(connection, work, "a", now=later)
        ask(connection, work, "d", now=later)
        kept = connection.execute("select key from idempotency order by key").fetchall()
    assert work.runs == 5
    assert [key for (key,) in kept] == ["a", "d"]


def test_a_secret_in_the_answer_is_not_kept(table: str) -> None:
    with connect(table) as connection:
        ask(connection, lambda: Answer({"token": "secret"}, 201, kept={"token": None}))
        assert ask(connection, Work()).data == {"token": None}


def test_a_call_while_the_first_still_runs_is_409(table: str) -> None:
    started, finish = threading.Event(), threading.Event()
    answers = []

    def slow() -> Answer:
        started.set()
        assert finish.wait(10)
        return Answer({"run": 1}, 201)

    def first() -> None:
        with connect(table) as connection:
            answers.append(ask(connection, slow))

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert started.wait(10)
        with connect(table) as connection, pytest.raises(Refused) as caught:
            ask(connection, Work())
    finally:
        finish.set()
        thread.join()
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (409, "idempotency_busy", 1)
    with connect(table) as connection:
        assert ask(connection, Work()).data == {"run": 1}
