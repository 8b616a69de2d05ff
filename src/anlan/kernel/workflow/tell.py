"""Telling people about approvals, inside the system: who is asked, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable

from anlan.kernel import message
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.ports import Ctx

__all__ = ["asked", "ended"]

_ENDED = {"approved": "approval.told_approved", "rejected": "approval.told_rejected",
          "returned": "approval.told_returned"}  # fmt: skip


def asked(ctx: Ctx, connection: Connection, people: Iterable[str], *, record: str, form: str) -> None:
    """Tell approvers that something waits for them."""
    params = {"who": ctx.caller.name, "record": _name(connection, record, form)}
    message.notify(connection, people, "approval.wanted", params, now=ctx.now, record=(form, record))


def ended(
    ctx: Ctx,
    connection: Connection,
    submitter: str,
    status: str,
    *,
    record: str,
    form: str,
    comment: str | None,
) -> None:
    """Tell the submitter how it ended, unless he ended it himself."""
    code = _ENDED.get(status)
    if code is not None and submitter != ctx.caller.user:
        name = _name(connection, record, form)
        params = {"who": ctx.caller.name, "record": name, "comment": comment or "-"}
        message.notify(connection, [submitter], code, params, now=ctx.now, record=(form, record))


def _name(connection: Connection, record: str, form: str) -> str:
    """What people call the record; a draft without number and title goes by its form."""
    row = connection.execute(
        "SELECT coalesce(code, title) FROM record_index WHERE id = $1", [record], prepare=True
    ).fetchone()
    return str(row[0]) if row is not None and row[0] is not None else form
