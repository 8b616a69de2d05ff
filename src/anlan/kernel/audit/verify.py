"""Walks the sealed chain and names everything that is not as it was written.

    removed           an event whose seal stands, or a seal from inside the chain (with or without its event)
    edited            an event whose values have another digest than was sealed
    reordered         an event, or its seal, that stands in another's place
    seal_broken       a seal that does not follow from the one before it: the seals themselves were changed
    cut_off           the chain ends before a head that was recorded
    head_differs      a recorded head has another hash: the chain up to it was made anew
    added             an event that was slipped in among those that are sealed
    heads_unreadable  the record outside the database was damaged
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

from anlan.kernel.audit.heads import UnreadableHeads, read_heads
from anlan.kernel.audit.seal import EVENT_TEXTS, must_be_idle
from anlan.kernel.audit.verifier import GENESIS, digest_of, hash_of
from anlan.kernel.storage.pool import Connection

_CHUNK = 10_000  # rows in memory at once
# Finding out which seal was moved where compares each broken place with each other one.
_MOST_BREAKS = 1_000

_WALK: LiteralString = f"""SELECT s.position, s.seq, s.digest, s.hash, e.seq IS NOT NULL, {EVENT_TEXTS}
    FROM (SELECT * FROM event_seal WHERE position > $1 ORDER BY position LIMIT $2) s
    LEFT JOIN event e ON e.seq = s.seq
    ORDER BY s.position"""
# Events without a seal: of transactions that the sealer is done with (added since), and waiting ones.
_UNSEALED = """SELECT count(*) FILTER (WHERE NOT added), array_agg(seq ORDER BY seq) FILTER (WHERE added)
    FROM (SELECT e.seq, coalesce(e.xid < h.horizon AND h.cluster = c.system_identifier, false) AS added
        FROM event e LEFT JOIN event_seal s ON s.seq = e.seq
        CROSS JOIN pg_control_system() c
        LEFT JOIN (SELECT horizon, cluster FROM event_seal_head ORDER BY position DESC LIMIT 1) h ON true
        WHERE s.seq IS NULL) unsealed"""


class Finding(NamedTuple):
    """`kind` as in the module's list. `position` in the chain; `seq` of the event, None where nobody knows.

    `last`: of `cut_off`, the position that the chain should reach.
    """

    kind: str
    position: int | None
    seq: int | None
    last: int | None = None


class Report(NamedTuple):
    """What a walk found. `sealed`: events in the chain; `waiting`: events not sealed yet.

    `findings` by position, at most `limit` of them; `more`: how many were left out.
    """

    sealed: int
    waiting: int
    findings: tuple[Finding, ...]
    more: int

    @property
    def intact(self) -> bool:
        return not self.findings


class _Seal(NamedTuple):
    position: int
    seq: int
    digest: bytes
    hash: bytes


def verify(connection: Connection, *, heads: Path | None = None, limit: int = 1_000) -> Report:
    """Walk the whole chain; `heads`: the record of seals kept outside the database.

    Reads all events once, about 100,000 a second, in one snapshot that blocks nobody. The connection must be
    idle.
    """
    must_be_idle(connection)
    # Before the snapshot: a head is written after its seals are committed, so the snapshot has them all.
    size = heads.stat().st_size if heads is not None and heads.exists() else 0
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        walk = _Walk()
        for row in _rows(connection):
            walk.step(_Seal(*row[:4]), row[4], row[5:])
        findings = [*walk.findings, *_edited(walk), *_moved(walk)]
        findings += _against(connection, _heads_inside(connection), walk.last.position)
        if heads is not None and (walk.count or size):
            findings += _outside(connection, heads, size, walk.last.position)
        waiting, added = connection.execute(_UNSEALED).fetchall()[0]
        findings += [Finding("added", None, seq) for seq in added or ()]
    unique = sorted(set(findings), key=lambda one: (one.position is None, one.position or 0, one.seq or 0))
    return Report(walk.count, waiting, tuple(unique[:limit]), max(len(unique) - limit, 0))


class _Walk:
    """What is known after each seal: where the chain stands, and what has to be explained at the end."""

    def __init__(self) -> None:
        self.count = 0
        self.last = _Seal(0, 0, b"", GENESIS)
        self.findings: list[Finding] = []
        self.lost: dict[bytes, _Seal] = {}  # digests that were sealed, of events that are gone or differ
        self.edited: list[tuple[_Seal, bytes]] = []  # with the digest that the event has now
        self.broken: list[tuple[_Seal, _Seal]] = []  # a seal that does not follow, and the one before it

    def step(self, seal: _Seal, present: bool, values: tuple[str | None, ...]) -> None:
        for position in islice(range(self.last.position + 1, seal.position), _MOST_BREAKS):
            self.findings.append(Finding("removed", position, None))
        if not present:
            self.findings.append(Finding("removed", seal.position, seal.seq))
            self.lost[seal.digest] = seal
        else:
            digest = digest_of(values)
            if digest != seal.digest:
                self.edited.append((seal, digest))
                self.lost[seal.digest] = seal
        if hash_of(self.last.hash, seal.seq, seal.digest) != seal.hash:
            self.broken.append((seal, self.last))
        self.count += 1
        self.last = seal


def _rows(connection: Connection) -> Iterator[tuple[Any, ...]]:
    after = 0
    while rows := connection.execute(_WALK, [after, _CHUNK], prepare=True).fetchall():
        yield from rows
        after = rows[-1][0]


def _edited(walk: _Walk) -> Iterator[Finding]:
    """Edited events; one that has the values of another event which is missing was moved, not edited."""
    for seal, digest in walk.edited:
        yield Finding("reordered" if digest in walk.lost else "edited", seal.position, seal.seq)


def _moved(walk: _Walk) -> Iterator[Finding]:
    """Explain the places where the chain breaks.

    Between two breaks stands a run of seals that follow from each other. The true place of a run is after the
    run whose end it follows from; if that is where it stands, only its neighbour was moved. What follows from
    nothing was changed, or follows from a seal that is gone (then its removal is already a finding).
    """
    if not walk.broken:
        return
    runs = [seal for seal, _ in walk.broken[:_MOST_BREAKS]]
    ends = [before for _, before in [*walk.broken, (walk.last, walk.last)][: _MOST_BREAKS + 1]]
    known = {GENESIS: 0}
    if walk.broken[0][1].position > 0:
        known[ends[0].hash] = ends[0].position  # the run before the first break stands where it was
    length = {run.position: ends[index + 1].position - run.position for index, run in enumerate(runs)}
    end_of = {run.position: ends[index + 1].hash for index, run in enumerate(runs)}
    hashes = [GENESIS, *(one.hash for one in ends)]
    before = {
        run: next((end for end in hashes if hash_of(end, run.seq, run.digest) == run.hash), None)
        for run in runs
    }
    places: dict[_Seal, int] = {}
    for _ in runs:  # each round places at least one more run, or none will ever be
        placed = [run for run in runs if run not in places and before[run] in known]
        if not placed:
            break
        for run in placed:
            previous = before[run]
            assert previous is not None
            places[run] = known[previous] + 1
            known[end_of[run.position]] = places[run] + length[run.position]
    for run, (_, stands_after) in zip(runs, walk.broken, strict=False):
        if run not in places:
            if stands_after.position == run.position - 1:
                yield Finding("seal_broken", run.position, run.seq)
        elif places[run] != run.position:
            yield Finding("reordered", run.position, run.seq)


def _outside(connection: Connection, heads: Path, size: int, last: int) -> list[Finding]:
    """Compare the chain with the heads in the file; a file that is gone or damaged is a finding, too."""
    try:
        recorded = ((head.position, head.seq, head.hash) for head in read_heads(heads, size=size))
        return _against(connection, recorded, last)
    except UnreadableHeads as error:
        return [Finding("heads_unreadable", error.line, None)]
    except FileNotFoundError:
        return [Finding("heads_unreadable", None, None)]


def _heads_inside(connection: Connection) -> Iterator[tuple[int, int, bytes]]:
    """(position, seq, hash) of the heads in the database."""
    after = 0
    text = "SELECT position, seq, hash FROM event_seal_head WHERE position > $1 ORDER BY position LIMIT $2"
    while rows := connection.execute(text, [after, _CHUNK]).fetchall():
        yield from rows
        after = rows[-1][0]


def _against(connection: Connection, heads: Iterable[tuple[int, int, bytes]], last: int) -> list[Finding]:
    """Compare recorded heads with the chain."""
    found: list[Finding] = []
    missing: list[int] = []
    source = iter(heads)
    while chunk := list(islice(source, _CHUNK)):
        rows = connection.execute(
            "SELECT position, hash FROM event_seal WHERE position = ANY($1)", [[head[0] for head in chunk]]
        ).fetchall()
        hashes: dict[int, bytes] = dict(rows)
        for position, seq, hash_ in chunk:
            if position > last:
                missing.append(position)
            elif position in hashes and hashes[position] != hash_:
                found.append(Finding("head_differs", position, seq))
    if missing:
        found.append(Finding("cut_off", last + 1, None, max(missing)))
    return found

