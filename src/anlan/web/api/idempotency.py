"""`Idempotency-Key`: the same POST twice is done once.

1. In the caller's transaction, take an advisory lock on (user, key); a first call that runs holds it: 409.
2. Look for a kept answer. The same request gets it again; another request under the key is 422.
3. Run the handler: its kernel calls join this transaction.
4. Keep a 2xx answer with the work itself, so that either both are there or neither.
If 3 refuses or fails, or the process dies before the commit, the transaction is undone and the key stays
unused; after the commit the answer is kept. Lock and look-up are two statements: the second must see what the
holder of the lock has committed (READ COMMITTED takes its snapshot when a statement starts).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg

from anlan.kernel.errors import Refused
from anlan.web.api.routing import Answer

__all__ = ["KEPT", "MAX_KEY", "fingerprint", "once"]

KEPT = timedelta(hours=24)
MAX_KEY = 255

_LOCK = "select pg_try_advisory_xact_lock($1)"
_FIND = """
select body, status, answer, headers from idempotency where owner = $1 and key = $2 and created_at > $3
"""
_KEEP = """
insert into idempotency (owner, key, body, status, answer, headers, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (owner, key) do update set body = excluded.body, status = excluded.status,
    answer = excluded.answer, headers = excluded.headers, created_at = excluded.created_at
"""
# Each kept answer sweeps a few old ones (by idempotency_age); nobody waits for a sweep.
_SWEEP = """
delete from idempotency where (owner, key) in (
    select owner, key from idempotency where created_at <= $1
    order by created_at limit 4 for update skip locked)
"""


def fingerprint(method: str, target: str, body: bytes) -> bytes:
    """What makes two requests the same: method, address with query, and body (32 bytes)."""
    digest = hashlib.sha256(f"{method} {target}\n".encode())
    digest.update(body)
    return digest.digest()


def once(
    connection: psycopg.Connection[Any],
    owner: str,
    key: str,
    *,
    body: bytes,
    now: datetime,
    work: Callable[[], Answer],
) -> Answer:
    """Run `work` unless its answer is kept already; `connection` is in the transaction that `work` joins.

    `body` is a fingerprint. Raises Refused 409 `idempotency_busy`, 422 `idempotency_key_reused`, or what
    work raises.
    """
    lock = int.from_bytes(hashlib.sha256(f"{owner} {key}".encode()).digest()[:8], "big", signed=True)
    with connection.pipeline():
        locked = connection.execute(_LOCK, [lock], prepare=True)
        found = connection.execute(_FIND, [owner, key, now - KEPT], prepare=True)
        is_ours = locked.fetchone()
        kept = found.fetchone()
    if is_ours is None or not is_ours[0]:
        raise Refused(409, "idempotency_busy", params={"key": key}, retry_after=1)
    if kept is not None:
        if bytes(kept[0]) != body:
            raise Refused(422, "idempotency_key_reused", params={"key": key})
        return Answer(kept[2], kept[1], {**kept[3], "Idempotency-Replayed": "true"})
    answer = work()
    if 200 <= answer.status < 300:
        data = answer.data if answer.kept is None else answer.kept
        values = [
            owner,
            key,
            body,
            answer.status,
            orjson.dumps(data).decode(),
            orjson.dumps(dict(answer.headers)).decode(),
            now,
        ]
        with connection.pipeline():
            connection.execute(_KEEP, values, prepare=True)
            connection.execute(_SWEEP, [now - KEPT], prepare=True)
    return answer
