"""Chains committed events by hash, beside the writers: they only INSERT, take no lock and wait for nobody.

    event 7 {record, form, kind, …}  →  event_seal (position 6, seq 7, digest, hash)
                                        hash = SHA-256(hash of position 5, 7, digest)

Order. Numbers (seq) are given before commit, so a lower number may appear after a higher one. Transactions
that are older than every running one (`pg_snapshot_xmin`) are final: their events can be neither joined nor
taken back. Only those are sealed, by (transaction, number); the bound is kept as the horizon of the next run.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

from psycopg.pq import TransactionStatus

from anlan.kernel.audit.heads import append_heads
from anlan.kernel.audit.verifier import GENESIS, digest_of, hash_of
from anlan.kernel.storage.pool import Connection

BATCH = 5_000  # rows held in memory at once; about 40 ms of work

# The values of an event as the texts that are sealed, in the order of verifier.COLUMNS.
EVENT_TEXTS: LiteralString = """
    e.record::text, e.form, e.kind,
    to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    e.actor::text, e.via, e.changes::text, e.comment, e.request_id, e.xid::text"""

# One sealer a site at a time; a site may be a schema among others of its database.
_LOCK = "SELECT pg_try_advisory_xact_lock(1634956133, hashtext(current_schema()))"
_LAST = """SELECT position, hash, horizon::text, horizon_seq, cluster FROM event_seal_head
    ORDER BY position DESC LIMIT 1"""
_NOW = """SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
    (SELECT system_identifier FROM pg_control_system())"""
# The limit stands inside: on tables without statistics the planner would sort all that is left, each time.
_FINAL: LiteralString = f"""SELECT s.seq IS NULL, e.seq, {EVENT_TEXTS}
    FROM (SELECT * FROM event
        WHERE (xid, seq) > ($1::text::xid8, $2::bigint) AND xid < $3::text::xid8
        ORDER BY xid, seq LIMIT $4) e
    LEFT JOIN event_seal s ON s.seq = e.seq
    ORDER BY e.xid, e.seq"""
# After a move to another cluster (dump and restore) old transaction ids say nothing: take all without a seal.
_VISIBLE: LiteralString = f"""SELECT true, e.seq, {EVENT_TEXTS}
    FROM event e LEFT JOIN event_seal s ON s.seq = e.seq
    WHERE s.seq IS NULL ORDER BY e.seq LIMIT $1"""


_BEFORE_ALL = -(2**63)  # before every number of a transaction


class _Horizon(NamedTuple):
    """Every event up to (transaction, number) is sealed; transactions are those of one cluster."""

    xid: str
    seq: int
    cluster: int


def seal(connection: Connection, *, now: datetime, batch: int = BATCH) -> int:
    """Seal at most `batch` final events; returns how many. 0: nothing to do, or another sealer is at work.

    1. Take the sealer's lock, read the chain's end.
    2. Read which transactions are final, then their unsealed events.
    3. Add seals and a head.
    Everything is one transaction (the caller's, if one is open): a failure leaves the chain as it was.
    """
    with connection.transaction():
        if not _one(connection, _LOCK)[0]:
            return 0
        found = connection.execute(_LAST).fetchone()
        xmin, cluster = _one(connection, _NOW)
        position, chained, *known = found or (0, GENESIS, "0", _BEFORE_ALL, cluster)
        horizon = _Horizon(*known)
        rows: list[tuple[Any, ...]] = []
        read = batch
        while read == batch and not rows:  # what came with a move from another cluster may be sealed already
            moved = horizon.cluster != cluster
            final = (
                connection.execute(_VISIBLE, [batch]) if moved
                else connection.execute(_FINAL, [horizon.xid, horizon.seq, xmin, batch])
            ).fetchall()  # fmt: skip
            read = len(final)
            rows = [row[1:] for row in final if row[0]]
            if read < batch:
                horizon = _Horizon(xmin, _BEFORE_ALL, cluster)
            elif not moved:  # there may be more; after a move, even of earlier transactions
                horizon = _Horizon(final[-1][-1], final[-1][1], cluster)
        if rows:
            _add(connection, rows, (position, chained), horizon, now)
        return len(rows)


def seal_all(connection: Connection, *, now: datetime, heads: Path, batch: int = BATCH) -> int:
    """Seal everything that is final, then write the new heads to the file `heads`; returns how many events.

    Commits after each batch. The file comes after the commit, so that it never tells of seals that do not
    exist; what a crash kept from it is written by the next run. The connection must be idle.
    """
    must_be_idle(connection)
    total = 0
    while count := seal(connection, now=now, batch=batch):
        total += count
    with connection.transaction():
        append_heads(connection, heads)
    return total


def must_be_idle(connection: Connection) -> None:
    """RuntimeError when a transaction is open: the caller wants to commit, or a snapshot of his own."""
    if connection.info.transaction_status != TransactionStatus.IDLE:
        raise RuntimeError("this needs a connection without an open transaction")


def _add(
    connection: Connection, rows: list[tuple[Any, ...]], end: tuple[int, bytes], horizon: _Horizon,
    now: datetime,
) -> None:
    position, chained = end
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY event_seal (position, seq, digest, hash) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(["int8", "int8", "bytea", "bytea"])
        for seq, *values in rows:
            position += 1
            digest = digest_of(values)
            chained = hash_of(chained, seq, digest)
            copy.write_row((position, seq, digest, chained))
    connection.execute(
        """INSERT INTO event_seal_head (position, seq, hash, horizon, horizon_seq, cluster, sealed_at)
        VALUES ($1, $2, $3, $4::text::xid8, $5, $6, $7)""",
        [position, rows[-1][0], chained, *horizon, now],
    )


def _one(connection: Connection, text: LiteralString) -> tuple[Any, ...]:
    """The row of a statement that always gives one."""
    return connection.execute(text).fetchall()[0]
