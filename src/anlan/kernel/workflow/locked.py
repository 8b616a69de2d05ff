"""A request for who acts on it: locked, and whether he may."""

from __future__ import annotations

from anlan.kernel.access.identity import USERS
from anlan.kernel.errors import Refused, conflict, forbidden, not_found
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.delegation import PLACES
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import Person, Request, load

__all__ = ["asked", "locked", "may_act"]

_WORDS = {
    "approved": {"zh": "已同意", "en": "approved"},
    "rejected": {"zh": "已拒绝", "en": "rejected"},
    "returned": {"zh": "已退回", "en": "returned"},
    "withdrawn": {"zh": "已撤回", "en": "withdrawn"},
}


def locked(connection: Connection, request: str) -> Request:
    """The request, locked; raises Refused 404, or 409 when it does not wait any more."""
    row = connection.execute(
        "SELECT id, status FROM approval_request WHERE id::text = $1 FOR UPDATE", [request]
    ).fetchone()
    if row is None:
        raise not_found("approval", request)
    if row[1] != "waiting":
        raise conflict("approval.ended", status=_WORDS[row[1]])
    return load(connection, [request])[0]


def may_act(ctx: Ctx, found: Request, action: str) -> None:
    """A narrowed token decides if it names form and action; nobody does before he has his own password."""
    scope = ctx.caller.token_scope
    if ctx.caller.must_change or (scope is not None and not scope.allows(found.form, action)):
        raise forbidden(found.form, action)


def asked(ctx: Ctx, connection: Connection, found: Request) -> Person:
    """The one of those asked as whom the caller decides: himself, else the first whose deputy he is now.

    Not decided yet, his turn, and still in the role that he was asked for. Raises Refused 403, 409.
    """
    me = ctx.caller.user
    own = next((one for one in found.asked if one.user["id"] == me), None)
    if own is not None and own.decision is None and not own.held and _in_role(own, ctx.caller.roles):
        return own
    instead = _in_place(ctx, connection, found)
    if instead is not None:
        return instead
    mine = [one for one in found.people if one.user["id"] == me and (one.step == found.step or one.decision)]
    if own is not None and own.decision is None and own.held:
        raise conflict("approval.not_your_turn")
    if any(one.decision is not None for one in mine):
        raise conflict("approval.already_decided")
    raise Refused(403, "approval.not_yours")


def _in_role(one: Person, roles: frozenset[str]) -> bool:
    return one.through is None or bool(roles.intersection(one.through))


def _in_place(ctx: Ctx, connection: Connection, found: Request) -> Person | None:
    """Nobody decides in another's place what he submitted himself."""
    if found.requested_by["id"] == ctx.caller.user:
        return None
    rows = connection.execute(
        f"WITH RECURSIVE {PLACES} SELECT u.id, u.roles FROM places p JOIN {USERS} u ON u.id = p.user_id AND u.active "
        "WHERE u.id <> $1 AND (p.forms IS NULL OR $3 = ANY (p.forms))",
        [ctx.caller.user, ctx.now, found.form],
    ).fetchall()
    places = {user: frozenset(roles or ()) for user, roles in rows}
    return next(
        (one for one in found.active if one.user["id"] in places and _in_role(one, places[one.user["id"]])), None
    )
