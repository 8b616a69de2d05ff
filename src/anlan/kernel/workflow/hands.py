"""What people do with a request beside deciding: hand it over, add signers, urge, send copies.

    transfer(ctx, connection, request, to=user)                      to somebody else, who decides instead
    add_signers(ctx, connection, request, who=[user], when="before") they must agree as well, before or after oneself
    urge(ctx, connection, request)                                   at most once an hour
    copy(ctx, connection, request, to=[user])

Each locks the request, writes an event of the record, and tells those whom it concerns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from anlan.kernel.access.identity import USERS
from anlan.kernel.errors import Fault, Refused, conflict, invalid
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import approvers, course, tell, trail
from anlan.kernel.workflow.locked import asked, locked, may_act
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import Request, RequestShown, load, shown

__all__ = ["add_signers", "copy", "transfer", "urge"]

URGE_EVERY = timedelta(hours=1)
_MOST = 10  # signers added at once; copies sent at once


def transfer(
    ctx: Ctx,
    connection: Connection,
    request: str,
    *,
    to: str,
    of: str | None = None,
    comment: str | None = None,
) -> RequestShown:
    """Hand a decision over: one's own (or that of whom one stands in for), or (`of`, for administrators) that of
    somebody who is away or gone.

    Raises Refused 403, 404, 409 as `decide`; 422 `approval.cannot_take_over` for who is inactive, asked
    already, or submitted it himself.
    """
    found = locked(connection, request)
    may_act(ctx, found, "transfer")
    if of is None or of == ctx.caller.user:
        giver = asked(ctx, connection, found)
    else:
        others = [one for one in found.asked if one.user["id"] == of and one.decision is None]
        if not ctx.caller.admin or not others:
            raise Refused(403, "approval.not_yours")
        giver = others[0]
    _can_take_over(connection, found, [to])
    course.hand_over(ctx, connection, found, giver, to, comment=comment)
    trail.write(ctx, connection, (found.record, found.form), "transfer", old=giver.user["id"], new=to, comment=comment)
    tell.asked(ctx, connection, [to], record=found.record, form=found.form, by=found.requested_by["id"])
    return shown(load(connection, [request])[0])


def add_signers(
    ctx: Ctx,
    connection: Connection,
    request: str,
    *,
    who: Sequence[str],
    when: Literal["before", "after"],
    comment: str | None = None,
) -> RequestShown:
    """Ask others as well, one after the other, before or after the caller's own decision.

    Raises Refused as `transfer`, 422 when nobody or too many are named.
    """
    found = locked(connection, request)
    may_act(ctx, found, "add_signer")
    me = asked(ctx, connection, found)
    names = list(dict.fromkeys(who))
    if not 0 < len(names) <= _MOST:
        raise invalid([Fault("approval.how_many", "who", {"most": _MOST})])
    _can_take_over(connection, found, names)
    my, at = me.user["id"], (request, found.step)
    people = [approvers.Approver(user, None) for user in names]
    course.add_people(
        connection, request, people, step=found.step, first=len(found.people), now=ctx.now, ordered=True
    )
    first, last = names[0], names[-1]
    connection.execute(
        "UPDATE approval_person SET added_by = $4 WHERE request = $1 AND step = $2 AND user_id = ANY ($3::uuid[])",
        [*at, names, my],
    )
    if when == "before":
        connection.execute(
            "UPDATE approval_person SET after = $4, held = true, asked_at = NULL "
            "WHERE request = $1 AND step = $2 AND user_id = $3",
            [*at, my, last],
        )
    else:
        connection.execute(
            "UPDATE approval_person SET after = $4 WHERE request = $1 AND step = $2 AND after = $3 AND added_by IS NULL",
            [*at, my, last],
        )
        connection.execute(
            "UPDATE approval_person SET after = $4, held = true, asked_at = NULL "
            "WHERE request = $1 AND step = $2 AND user_id = $3",
            [*at, first, my],
        )
    about = (found.record, found.form)
    for user in names:
        trail.write(ctx, connection, about, "add_signer", old=when, new=user, comment=comment)
    if when == "before":
        tell.asked(ctx, connection, [first], record=found.record, form=found.form, by=found.requested_by["id"])
    return shown(load(connection, [request])[0])


def urge(ctx: Ctx, connection: Connection, request: str, *, comment: str | None = None) -> RequestShown:
    """Remind those whose turn it is, as who submitted it (or an administrator).

    Raises Refused 403 `approval.not_yours`; 409 `approval.urged_lately` within an hour of the last time.
    """
    found = locked(connection, request)
    may_act(ctx, found, "urge")
    if found.requested_by["id"] != ctx.caller.user and not ctx.caller.admin:
        raise Refused(403, "approval.not_yours")
    if found.urged_at is not None and ctx.now - found.urged_at < URGE_EVERY:
        left = int((found.urged_at + URGE_EVERY - ctx.now).total_seconds() // 60) + 1
        raise conflict("approval.urged_lately", minutes=left)
    connection.execute("UPDATE approval_request SET urged_at = $2 WHERE id = $1", [request, ctx.now])
    trail.write(ctx, connection, (found.record, found.form), "urge", old="waiting", new="waiting", comment=comment)
    people = [one.user["id"] for one in found.active]
    tell.urged(ctx, connection, people, record=found.record, form=found.form, comment=comment)
    return shown(load(connection, [request])[0])


def copy(ctx: Ctx, connection: Connection, request: str, *, to: Sequence[str]) -> RequestShown:
    """Send copies, as one who has to do with the request. What a copy shows is what its reader may read.

    Raises Refused 404, 403; 422 for unknown or inactive users.
    """
    rows = load(connection, [request]) if _is_known(connection, request) else []
    if not rows:
        raise Refused(404, "not_found", params={"form": "approval", "key": request})
    found, me = rows[0], ctx.caller.user
    may_act(ctx, found, "copy")
    involved = {found.requested_by["id"], *(one.user["id"] for one in found.people)}
    involved |= {one.decided_by["id"] for one in found.people if one.decided_by is not None}
    if me not in involved and not ctx.caller.admin:
        asked(ctx, connection, found)  # a deputy before his decision; refuses all others
    names = list(dict.fromkeys(to))
    if not 0 < len(names) <= _MOST:
        raise invalid([Fault("approval.how_many", "to", {"most": _MOST})])
    if len(_active(connection, names)) < len(names):
        raise Refused(422, "approval.unknown_person")
    fresh = course.copy_to(ctx, connection, course.asked_of(found), names, by=me)
    for user in fresh:
        trail.write(ctx, connection, (found.record, found.form), "copy", old=None, new=user)
    return shown(found)


def _can_take_over(connection: Connection, found: Request, users: Sequence[str]) -> None:
    taken = {one.user["id"] for one in found.people if one.step == found.step} | {found.requested_by["id"]}
    if taken.intersection(users) or len(_active(connection, users)) < len(users):
        raise Refused(422, "approval.cannot_take_over")


def _active(connection: Connection, users: Sequence[str]) -> list[str]:
    rows = connection.execute(
        f"SELECT u.id FROM {USERS} u WHERE u.id::text = ANY ($1::text[]) AND u.active", [list(users)]
    )
    return [user for (user,) in rows]


def _is_known(connection: Connection, request: str) -> bool:
    row = connection.execute("SELECT FROM approval_request WHERE id::text = $1", [request]).fetchone()
    return row is not None
