"""Ids are UUIDv7, in the order of their making."""

import os
import threading
import time
from uuid import UUID

from anlan.kernel.ids import uuid7


def test_an_id_is_a_uuid_of_version_7_in_canonical_text() -> None:
    text = uuid7()
    assert str(UUID(text)) == text
    assert (UUID(text).version, UUID(text).variant) == (7, "specified in RFC 4122")


def test_an_id_begins_with_the_milliseconds_of_its_making() -> None:
    before = time.time_ns() // 1_000_000
    stamp = UUID(uuid7()).int >> 80
    assert before - 1 <= stamp <= time.time_ns() // 1_000_000 + 1


def test_ids_ascend_within_a_process() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_differ_and_ascend_in_each_of_many_threads() -> None:
    made: list[list[str]] = [[] for _ in range(8)]

    def fill(into: list[str]) -> None:
        into.extend(uuid7() for _ in range(2_000))

    threads = [threading.Thread(target=fill, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(part == sorted(part) for part in made)
    assert len({text for part in made for text in part}) == 16_000


def test_a_forked_child_does_not_share_the_random_bits_of_its_parent() -> None:
    uuid7()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, uuid7()[19:].encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100).decode() != uuid7()[19:]
    os.close(read)
    os.close(write)
