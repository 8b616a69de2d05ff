"""Connections as the kernel wants them, a pool of them, and the one way to run a transaction.

    pool = Pool(conninfo, min_size=1, max_size=16)
    number = transaction(pool, lambda connection: connection.execute("select $1::int", [1]).fetchone())

SQL is written with $1, $2. PostgreSQL to Python: uuid is str, numeric is Decimal, timestamptz an aware UTC
datetime, json and jsonb what orjson reads (a number with a fraction in JSON becomes a float: amounts are
strings there). A statement whose text is made once and run often is executed with `prepare=True`, which
prepares it at its first run; others are prepared at their fifth.

No session state beyond the time zone is used, which PgBouncer's transaction mode tracks by itself.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
import psycopg
from psycopg import RawCursor
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

_log = logging.getLogger(__name__)

# serialization_failure, deadlock_detected: PostgreSQL asks the client to run the whole transaction again.
_AGAIN = frozenset({"40001", "40P01"})
_PREPARED_MAX = 2000  # statements kept per connection: about ten texts a form, some hundred forms
_FIRST_PAUSE_SECONDS = 0.01


class Pool(ConnectionPool[Connection]):
    """A pool of configured connections, opened at once. `close()` it; it also works as a context manager."""

    def __init__(
        self, conninfo: str, *, min_size: int = 1, max_size: int = 16, timeout: float = 30.0
    ) -> None:
        """`timeout`: seconds that a caller waits for a free connection before psycopg_pool.PoolTimeout."""
        super().__init__(
            conninfo, min_size=min_size, max_size=max_size, timeout=timeout, open=True,
            kwargs={"cursor_factory": RawCursor}, configure=configure,
        )  # fmt: skip


def connect(conninfo: str, *, autocommit: bool = False) -> Connection:
    """Return one configured connection outside any pool: for upgrade steps, listeners and tests."""
    connection: Connection = psycopg.connect(conninfo, cursor_factory=RawCursor)
    configure(connection)
    connection.autocommit = autocommit
    return connection


def configure(connection: Connection) -> None:
    """Set how a new connection reads values. Asks the server only if its time zone is not UTC already."""
    connection.prepare_threshold = 5
    connection.prepared_max = _PREPARED_MAX
    connection.adapters.register_loader("uuid", TextLoader)
    set_json_loads(orjson.loads, connection)
    set_json_dumps(orjson.dumps, connection)
    # Our statements are few and run for ever with the same shape: planning each run anew took a fifth of the server's
    # time on the hot path. Lists, whose constants stand in their text, are planned at each run all the same.
    connection.execute("set plan_cache_mode = force_generic_plan")
    connection.commit()
    if connection.info.parameter_status("TimeZone") != "UTC":
        connection.execute("set time zone 'UTC'")
        connection.commit()


def transaction(pool: Pool, work: Callable[[Connection], T], *, retry: int = 3) -> T:
    """Run `work(connection)` in one transaction, return its result; run it again, at most `retry` times, if

    1. PostgreSQL asks for it (serialization failure, deadlock), also at COMMIT, or
    2. the connection breaks before COMMIT was sent: then nothing was kept.

    `work` must therefore change nothing outside the database. A connection that breaks during COMMIT is not
    retried, because nobody knows whether it took place: the caller gets the OperationalError.
    """
    attempt = 0
    while True:
        connection = pool.getconn()
        committing = False
        try:
            with connection:  # commits, or rolls back when work raises
                result = work(connection)
                committing = True
            return result
        except psycopg.Error as error:
            lost = connection.broken and not committing
            if attempt >= retry or not (error.sqlstate in _AGAIN or lost):
                raise
            _log.info("transaction runs again: %s", error.sqlstate or "connection lost")
        finally:
            pool.putconn(connection)  # replaces a broken one
        if lost:
            pool.check()  # after a restart of the server all idle connections are dead, not just this one
        attempt += 1
        # Random pauses part two transactions that would otherwise meet again at the same rows.
        time.sleep(random.uniform(0.5, 1.5) * _FIRST_PAUSE_SECONDS * 2**attempt)
