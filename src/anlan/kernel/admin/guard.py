"""Who may administer, and the event that says what an administrator did."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg.types.json import Json

from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.storage.pool import Connection

__all__ = ["note", "require_admin"]


def require_admin(ctx: Context) -> None:
    """Refused 403 unless the caller has all rights and came without a narrowed token."""
    if not ctx.caller.admin or ctx.caller.must_change:
        raise Refused(403, "admin.only")


def note(
    connection: Connection,
    ctx: Context,
    kind: str,
    details: Mapping[str, object],
    *,
    form: str,
    record: str | None = None,
) -> None:
    """Add an event in the caller's transaction: what an administrator did, with `details` as its changes."""
    changes = [
        {"path": path, "old": None, "new": value} for path, value in details.items() if value is not None
    ]
    connection.execute(
        "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id) "
        "VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)",
        [
            record,
            form,
            kind,
            ctx.now,
            ctx.caller.user,
            ctx.via,
            Json(changes) if changes else None,
            ctx.request_id,
        ],
    )
