"""Telling people about approvals, inside the system: who is asked, who is urged, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable

from anlan.kernel import message
from anlan.kernel.access.identity import USERS
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import delegation
from anlan.kernel.workflow.ports import Ctx

__all__ = ["asked", "copied", "ended", "late", "urged"]

_ENDED = {"approved": "approval.told_approved", "rejected": "approval.told_rejected",
          "returned": "approval.told_returned"}  # fmt: skip


def asked(
    ctx: Ctx, connection: Connection, people: Iterable[str], *, record: str, form: str, by: str | None = None
) -> None:
    """Tell approvers, and who decides in their place, that something waits for them. `by`: who submitted it."""
    _tell_approvers(ctx, connection, people, "approval.wanted", record=record, form=form, by=by)


def urged(
    ctx: Ctx, connection: Connection, people: Iterable[str], *, record: str, form: str, comment: str | None
) -> None:
    """Tell approvers that the submitter waits."""
    _tell_approvers(ctx, connection, people, "approval.urged", record=record, form=form, comment=comment)


def late(
    ctx: Ctx, connection: Connection, people: Iterable[str], *, record: str, form: str, by: str | None = None
) -> None:
    """Tell approvers that the time for this decision is over."""
    _tell_approvers(ctx, connection, people, "approval.late", record=record, form=form, by=by)


def copied(ctx: Ctx, connection: Connection, people: Iterable[str], *, record: str, form: str) -> None:
    """Tell users that they got a copy."""
    params = {"who": ctx.caller.name, "record": _name(connection, record, form)}
    told = [one for one in people if one != ctx.caller.user]
    if told:
        message.notify(connection, told, "approval.copied", params, now=ctx.now, record=(form, record))


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


def _tell_approvers(
    ctx: Ctx,
    connection: Connection,
    people: Iterable[str],
    code: str,
    *,
    record: str,
    form: str,
    by: str | None = None,
    comment: str | None = None,
) -> None:
    told = list(people)
    if not told:
        return
    who = ctx.caller.name
    if by is not None and by != ctx.caller.user:  # a later round, or the clock: it is still the submitter who asks
        row = connection.execute(f"SELECT coalesce(name, code) FROM {USERS} WHERE id = $1", [by]).fetchone()
        who = str(row[0]) if row is not None else who
    told += delegation.deputies(connection, told, form=form, now=ctx.now)
    params = {"who": who, "record": _name(connection, record, form), "comment": comment or "-"}
    message.notify(connection, told, code, params, now=ctx.now, record=(form, record))


def _name(connection: Connection, record: str, form: str) -> str:
    """What people call the record; a draft without number and title goes by its form."""
    row = connection.execute(
        "SELECT coalesce(code, title) FROM record_index WHERE id = $1", [record], prepare=True
    ).fetchone()
    return str(row[0]) if row is not None and row[0] is not None else form
