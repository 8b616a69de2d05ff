"""Events with their seals in a ZIP file that a stranger can check: `unzip`, then `python verifier.py`.

    events.jsonl   one event a line, each value as the text that was sealed, in the order of sealing
    seals.jsonl    one seal a line, from the first exported event to the next recorded head
    heads.jsonl    the recorded heads among them, to be compared with the copy kept outside the database
    manifest.json  what was asked for, and how many events there are
    verifier.py    the check, Python's standard library only
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, LiteralString, NamedTuple

from anlan.kernel.audit import verifier
from anlan.kernel.audit.seal import EVENT_TEXTS, must_be_idle
from anlan.kernel.storage.pool import Connection

_CHUNK = 5_000
WIDEST = 200_000  # seals; about 40 MB of them

# The limits stand inside, or the planner might sort all that is left for each chunk.
_SEALED: LiteralString = f"""SELECT s.position, e.seq, {EVENT_TEXTS}
    FROM (SELECT position, seq FROM event_seal WHERE position > $3 ORDER BY position LIMIT $4) s
    LEFT JOIN event e ON e.seq = s.seq AND s.seq BETWEEN $1 AND $2
    ORDER BY s.position"""
_SEALED_OF_RECORD: LiteralString = f"""SELECT s.position, e.seq, {EVENT_TEXTS}
    FROM event e JOIN event_seal s ON s.seq = e.seq
    WHERE e.record = $1::uuid AND e.seq BETWEEN $2 AND $3
    ORDER BY s.position"""
_UNSEALED: LiteralString = f"""SELECT NULL, e.seq, {EVENT_TEXTS}
    FROM event e LEFT JOIN event_seal s ON s.seq = e.seq
    WHERE ($1::uuid IS NULL OR e.record = $1::uuid) AND e.seq BETWEEN $2 AND $3 AND s.seq IS NULL
    ORDER BY e.seq"""
_SPAN = """SELECT min(s.position), max(s.position) FROM event_seal s LEFT JOIN event e ON e.seq = s.seq
    WHERE ($1::uuid IS NULL OR e.record = $1::uuid) AND s.seq BETWEEN $2 AND $3"""
_SEALS = """SELECT s.position, s.seq, s.digest, s.hash, s.seq BETWEEN $1 AND $2
    FROM event_seal s WHERE s.position > $3 AND s.position <= $4 ORDER BY s.position LIMIT $5"""
_SEALS_OF_RECORD = """SELECT s.position, s.seq, s.digest, s.hash,
        e.record IS NOT DISTINCT FROM $6::uuid AND s.seq BETWEEN $1 AND $2
    FROM event_seal s LEFT JOIN event e ON e.seq = s.seq
    WHERE s.position > $3 AND s.position <= $4 AND ($7 OR e.record = $6::uuid)
    ORDER BY s.position LIMIT $5"""


class Exported(NamedTuple):
    """How many events an export holds, and how many of them the sealer has not reached yet."""

    events: int
    unsealed: int


class _Asked(NamedTuple):
    record: str | None
    first: int
    last: int


def export(
    connection: Connection, target: IO[bytes], *, record: str | None = None, first: int = 1,
    last: int = 2**62, widest: int = WIDEST,
) -> Exported:
    """Write the events of `record` (all records: None) with `first` ≤ seq ≤ `last` to `target` as a ZIP file.

    An export of all records is complete for its range: the verifier notices a missing event. One record's
    events prove that none of them was changed: the seals between them come along, so that the chain can be
    followed from the first to the last; if there are more than `widest`, each event's own seal comes with the
    hash before it instead. The connection must be idle.
    """
    must_be_idle(connection)
    asked = _Asked(record, first, last)
    with connection.transaction(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        low, high, whole = _span(connection, asked, widest)
        with archive.open(_entry("events.jsonl"), "w") as file:
            sealed = _write(file, _sealed(connection, asked, low, high))
            unsealed = _write(file, map(_event, connection.execute(_UNSEALED, asked).fetchall()))
        with archive.open(_entry("seals.jsonl"), "w") as file:
            _write(file, _seals(connection, asked, low, high, whole))
        with archive.open(_entry("heads.jsonl"), "w") as file:
            _write(file, _heads(connection, low, high))
        manifest = {**asked._asdict(), "events": sealed + unsealed, "unsealed": unsealed, "whole": whole}
        archive.writestr(_entry("manifest.json"), json.dumps(manifest, indent=1) + "\n")
        archive.writestr(_entry("verifier.py"), Path(verifier.__file__).read_text("utf-8"))
    return Exported(sealed + unsealed, unsealed)


def _sealed(connection: Connection, asked: _Asked, low: int, high: int) -> Iterator[dict[str, Any]]:
    if asked.record is not None:
        yield from map(_event, connection.execute(_SEALED_OF_RECORD, asked).fetchall())
        return
    after = low - 1
    while after < high:
        rows = connection.execute(_SEALED, [asked.first, asked.last, after, _CHUNK], prepare=True).fetchall()
        yield from (_event(row) for row in rows if row[1] is not None)
        after = rows[-1][0] if rows else high


def _event(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"seq": row[1], **dict(zip(verifier.COLUMNS, row[2:], strict=True))}


def _span(connection: Connection, asked: _Asked, widest: int) -> tuple[int, int, bool]:
    """The positions of the first and last seal to export, and whether all between them come along."""
    low, high = connection.execute(_SPAN, [*asked]).fetchall()[0]
    if low is None:
        return 1, 0, True
    if high - low >= widest and asked.record is not None:
        return low, high, False
    following = connection.execute(
        "SELECT min(position) FROM event_seal_head WHERE position >= $1", [high]
    ).fetchall()[0][0]
    return low, following or high, True


def _seals(
    connection: Connection, asked: _Asked, low: int, high: int, whole: bool
) -> Iterator[dict[str, Any]]:
    after = low - 1
    expected = 0  # the first line, and any after a gap, says what it is chained to
    text, more = (_SEALS, []) if asked.record is None else (_SEALS_OF_RECORD, [asked.record, whole])
    while rows := connection.execute(text, [asked.first, asked.last, after, high, _CHUNK, *more]).fetchall():
        for position, seq, digest, hash_, exported in rows:
            line = {"position": position, "seq": seq, "digest": digest.hex(), "hash": hash_.hex(),
                    "exported": exported}  # fmt: skip
            if position != expected:
                line["previous"] = _hash_at(connection, position - 1).hex()
            expected = position + 1
            yield line
        after = rows[-1][0]


def _hash_at(connection: Connection, position: int) -> bytes:
    row = connection.execute("SELECT hash FROM event_seal WHERE position = $1", [position]).fetchone()
    return verifier.GENESIS if row is None else bytes(row[0])


def _heads(connection: Connection, low: int, high: int) -> Iterator[dict[str, Any]]:
    text = """SELECT position, seq, hash, sealed_at FROM event_seal_head
        WHERE position BETWEEN $1 AND $2 ORDER BY position"""
    for position, seq, hash_, sealed_at in connection.execute(text, [low, high]).fetchall():
        yield {"position": position, "seq": seq, "hash": hash_.hex(), "sealed_at": sealed_at.isoformat()}


def _entry(name: str) -> zipfile.ZipInfo:
    """A fixed date, so that the same events give the same file."""
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _write(file: IO[bytes], lines: Iterable[dict[str, Any]]) -> int:
    count = 0
    for line in lines:
        file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        count += 1
    return count
