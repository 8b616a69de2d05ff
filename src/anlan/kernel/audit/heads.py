"""Seal heads outside the database: a file of JSON lines, one a run of the sealer, only ever appended to.

    {"position": 6, "seq": 7, "hash": "9f…", "sealed_at": "2026-11-24T08:00:00+00:00"}

Whoever can change the whole chain in the database cannot change what was copied elsewhere: keep this file on
another machine too. It is what shows a chain that was cut off at its end or made anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from anlan.kernel.storage.pool import Connection

_TAIL = 4096  # bytes; a line has about 180


class Head(NamedTuple):
    """The chain's end after a run of the sealer."""

    position: int
    seq: int
    hash: bytes
    sealed_at: datetime


class UnreadableHeads(Exception):
    """The file of heads was damaged; `line` is near the place."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the file of seal heads cannot be read near line {line}")
        self.line = line


def append_heads(connection: Connection, path: Path) -> int:
    """Append the heads that the file does not have yet, and flush them to the disk; returns how many."""
    end, after = _end_of(path)
    rows = connection.execute(
        "SELECT position, seq, hash, sealed_at FROM event_seal_head WHERE position > $1 ORDER BY position",
        [after],
    ).fetchall()
    if not rows:
        return 0
    lines = "".join(_line(Head(*row)) for row in rows)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        file.seek(end)
        file.truncate()  # a line that a crash cut short; its head is written again
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())
    return len(rows)


def read_heads(path: Path, *, size: int | None = None) -> Iterator[Head]:
    """The heads in the first `size` bytes of the file (all: None), in its order.

    A last line that is not finished is left out: a crash cut it short, or it is being written. Raises
    UnreadableHeads for anything else that is no head, and OSError if there is no such file.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n") or (size is not None and file.tell() > size):
                return
            try:
                head = json.loads(line)
                yield Head(int(head["position"]), int(head["seq"]), bytes.fromhex(head["hash"]),
                           datetime.fromisoformat(head["sealed_at"]))  # fmt: skip
            except (ValueError, KeyError, TypeError) as error:
                raise UnreadableHeads(number) from error


def _line(head: Head) -> str:
    content = {**head._asdict(), "hash": head.hash.hex(), "sealed_at": head.sealed_at.isoformat()}
    return json.dumps(content) + "\n"


def _end_of(path: Path) -> tuple[int, int]:
    """(size of the whole lines, position of the last one); (0, 0) for no file. Reads the file's end only."""
    try:
        with path.open("rb") as file:
            start = max(file.seek(0, os.SEEK_END) - _TAIL, 0)
            file.seek(start)
            tail = file.read()
    except FileNotFoundError:
        return 0, 0
    end = tail.rfind(b"\n") + 1
    if end == 0 and start == 0:
        return 0, 0
    try:
        return start + end, int(json.loads(tail[:end].splitlines()[-1])["position"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableHeads(0) from error
