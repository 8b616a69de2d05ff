"""What happens to an approval, as events of its record."""

from __future__ import annotations

from psycopg.types.json import Json

from anlan.kernel.access.caller import SYSTEM_USER
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.ports import Ctx

__all__ = ["write"]


def write(
    ctx: Ctx,
    connection: Connection,
    about: tuple[str, str],
    kind: str,
    *,
    new: str,
    old: str | None = None,
    comment: str | None = None,
    note: str | None = None,
    instead_of: str | None = None,
    decided: bool = True,
) -> None:
    """Add an event. `about`: record and form; not `decided`: the definition or the clock did it, and nobody is the actor;
    `instead_of`: the user in whose place the caller decided."""
    changes: list[dict[str, object]] = [{"path": "approval", "old": old, "new": new}]
    if note is not None:
        changes.append({"path": note, "old": None, "new": True})
    if instead_of is not None:
        changes.append({"path": "approval.in_place", "old": None, "new": instead_of})
    somebody = decided and ctx.caller.user != SYSTEM_USER
    connection.execute(
        "INSERT INTO event "
        "(record, form, kind, occurred_at, recorded_at, actor, via, changes, comment, request_id) "
        "VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
        [
            *about,
            kind,
            ctx.now,
            ctx.caller.user if somebody else None,
            ctx.via,
            Json(changes),
            comment,
            ctx.request_id,
        ],
    )
