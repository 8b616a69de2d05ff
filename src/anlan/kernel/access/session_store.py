"""Sessions and credentials in the database: the statements of `sessions`, in the caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from anlan.kernel.access import identity
from anlan.kernel.access.caller import Identity
from anlan.kernel.storage.pool import Connection

__all__ = [
    "IDLE",
    "LONGEST",
    "Live",
    "Login",
    "end_sessions",
    "is_unchanged",
    "live",
    "look_up",
    "make",
    "store_password",
]

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
_KNOWN_ADDRESS = timedelta(days=30)
_TOUCH = timedelta(minutes=1)  # last_seen is written at most this often: a request must not cost a write


class Login(NamedTuple):
    """What the database knows about a log-in name that somebody typed."""

    identity: Identity | None
    password_hash: str | None
    totp_secret: bytes | None
    address_known: bool


class Live(NamedTuple):
    """A session as remembered."""

    session: str
    identity: Identity
    must_change: bool
    expires_at: datetime


def look_up(connection: Connection, login: str, place: str | None, now: datetime) -> Login:
    """Everything that a log-in needs to know; takes as long for a name that nobody has."""
    row = connection.execute(
        f"SELECT {identity.COLUMNS}, c.password_hash, c.totp_secret, EXISTS (SELECT FROM session s "
        "WHERE s.user_id = u.id AND s.address = $2::inet AND s.created_at > $3) "
        f"FROM {identity.USERS} u LEFT JOIN credential c ON c.user_id = u.id WHERE u.code = $1 AND u.active",
        [login, place, now - _KNOWN_ADDRESS],
    ).fetchone()
    return Login(None, None, None, False) if row is None else Login(identity.from_row(row), *row[8:])


def live(connection: Connection, digest: bytes, now: datetime) -> Live | None:
    """The session of a secret, while it lives; notes that it was used, once a minute."""
    row = connection.execute(
        f"SELECT {identity.COLUMNS}, s.id, s.created_at, s.last_seen, s.expires_at, "
        "coalesce(c.must_change, false) FROM session s "
        f"JOIN {identity.USERS} u ON u.id = s.user_id AND u.active "
        "LEFT JOIN credential c ON c.user_id = u.id "
        "WHERE s.digest = $1 AND s.revoked_at IS NULL AND s.expires_at > $2",
        [digest, now],
    ).fetchone()
    if row is None:
        return None
    session, created, seen, expires, must_change = row[8:]
    if now - seen > _TOUCH:
        expires = min(now + IDLE, created + LONGEST)
        connection.execute(
            "UPDATE session SET last_seen = $2, expires_at = $3 WHERE id = $1", [session, now, expires]
        )
    return Live(session, identity.from_row(row), must_change, expires)


def is_unchanged(connection: Connection, user: str, password_hash: str | None) -> bool:
    """Is this still the user's password? Locks it: hashing took a while, and somebody may have reset it
    meanwhile."""
    row = connection.execute(
        "SELECT password_hash FROM credential WHERE user_id = $1 FOR UPDATE", [user]
    ).fetchone()
    return row is not None and row[0] == password_hash


def store_password(
    connection: Connection, user: str, stored: str, now: datetime, *, must_change: bool
) -> None:
    """Set a password hash; a second factor stays as it is."""
    connection.execute(
        "INSERT INTO credential (user_id, password_hash, must_change, changed_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, "
        "must_change = excluded.must_change, changed_at = excluded.changed_at",
        [user, stored, must_change, now],
    )


def end_sessions(connection: Connection, user: str, now: datetime, *, but: str | None) -> None:
    """Revoke a user\'s live sessions except `but`."""
    connection.execute(
        "UPDATE session SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL "
        "AND ($3::uuid IS NULL OR id <> $3::uuid)",
        [user, now, but],
    )


def make(
    connection: Connection,
    *,
    key: str,
    digest: bytes,
    user: str,
    now: datetime,
    address: str | None,
    agent: str,
) -> None:
    """Write a new session."""
    connection.execute(
        "INSERT INTO session (id, digest, user_id, created_at, last_seen, expires_at, address, agent) "
        "VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
        [key, digest, user, now, now + IDLE, address, agent or None],
    )
