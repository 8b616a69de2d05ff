"""Events about access: they stand in the event table like all that happens, on the user's record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from psycopg.types.json import Json

from anlan.kernel.storage.pool import Connection

__all__ = ["SecurityEvent", "Via", "write"]

Via = Literal["page", "api", "cli", "job"]
SecurityEvent = Literal[
    "login", "login_failed", "locked", "logout", "session_revoked", "password_changed", "password_set",
    "token_created", "token_revoked", "second_factor_added", "second_factor_removed",
]  # fmt: skip


def write(
    connection: Connection,
    kind: SecurityEvent,
    *,
    now: datetime,
    user: str | None,
    actor: str | None,
    via: Via,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add an event to a user's trail; `user` None: there is none of the name, which is not kept then."""
    given = {path: value for path, value in (details or {}).items() if value is not None}
    changes = [{"path": path, "old": None, "new": value} for path, value in given.items()]
    connection.execute(
        "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes) "
        "VALUES ($1, 'system.user', $2, $3, $3, $4, $5, $6)",
        [user, kind, now, actor, via, Json(changes) if changes else None],
    )
