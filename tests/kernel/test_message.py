"""The bell: told once, in the reader's language, only to him, and never of what was rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anlan.kernel import message
from anlan.kernel.i18n import Messages
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection

_SQL = Path(message.__file__).parents[1] / "storage" / "migrations"
_ALICE, _BOB = uuid7(), uuid7()
_NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
_WORDS = Messages({"zh": {"hello": "您好，{who}"}, "en": {"hello": "Hello {who}"}})


@pytest.fixture
def bell(connection: Connection) -> Connection:
    connection.execute((_SQL / "012_message.sql").read_bytes())
    return connection


def reader(connection: Connection, user: str, language: str = "zh-CN") -> Any:
    @contextmanager
    def transaction() -> Iterator[Any]:
        with connection.transaction(), connection.pipeline():
            yield SimpleNamespace(connection=connection)

    return SimpleNamespace(
        site=SimpleNamespace(messages=_WORDS),
        caller=SimpleNamespace(user=user),
        now=_NOW,
        language=language,
        transaction=transaction,
    )


def tell(bell: Connection, *users: str, who: str = "A", **more: Any) -> int:
    return message.notify(bell, users, "hello", {"who": who}, now=_NOW, **more)


def test_each_reader_sees_the_sentence_in_his_language(bell: Connection) -> None:
    record = uuid7()
    assert tell(bell, _ALICE, _BOB, _ALICE, record=("demo.note", record)) == 2
    (zh,), (en,) = (
        message.inbox(reader(bell, user, language)) for user, language in ((_ALICE, "zh-CN"), (_BOB, "en"))
    )
    assert (zh["text"], en["text"]) == ("您好，A", "Hello A")
    assert (zh["form"], zh["record"], zh["read"]) == ("demo.note", record, False)
    assert zh["created_at"] == "2026-11-24T01:00:00Z"


def test_nobody_is_told_of_what_was_rolled_back(bell: Connection) -> None:
    with pytest.raises(KeyError), bell.transaction():
        tell(bell, _ALICE)
        raise KeyError
    assert message.inbox(reader(bell, _ALICE)) == []


def test_the_bell_counts_what_is_unread(bell: Connection) -> None:
    alice = reader(bell, _ALICE)
    for who in "ABC":
        tell(bell, _ALICE, who=who)
    newest = message.inbox(alice)[0]
    assert newest["text"] == "您好，C"
    assert message.mark_read(alice, [newest["id"]]) == 1
    assert message.unread(alice) == 2
    assert [one["text"] for one in message.inbox(alice, unread=True)] == ["您好，B", "您好，A"]
    assert message.mark_read(alice) == 2
    assert message.unread(alice) == 0


def test_a_stranger_neither_sees_nor_marks_what_others_were_told(bell: Connection) -> None:
    tell(bell, _ALICE)
    (told,) = message.inbox(reader(bell, _ALICE))
    bob = reader(bell, _BOB)
    assert message.inbox(bob) == []
    assert message.mark_read(bob, [told["id"]]) == 0
    assert message.unread(reader(bell, _ALICE)) == 1


def test_the_inbox_is_read_page_by_page(bell: Connection) -> None:
    for who in "ABCDE":
        tell(bell, _ALICE, who=who)
    alice = reader(bell, _ALICE)
    first = message.inbox(alice, limit=2)
    rest = message.inbox(alice, limit=9, after=first[-1]["id"])
    assert [one["text"][-1] for one in first + rest] == list("EDCBA")
