"""Approvals: somebody must agree before a step is taken.

The record layer calls these within its transaction, holding the record's lock:

    definition = needed(transition, catalogue.approvals, holds)          # None: nothing stands in between
    request = open(ctx, connection, definition, Submission(record=…, form=…, transition="confirm", …))
    …
    decision = decide(ctx, connection, request_id, "approve", comment=…)
    if decision.outcome == "approved":  take the step `decision.transition` with `decision.content`

The step is taken in the transaction of the last decision: if it is refused (a check, a limit), the decision
is undone with it, and the approver reads why. Every decision is an event of the record (`submit`, `approve`,
`reject`, `return`, `withdraw`, `transfer`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from psycopg.types.json import Json

from anlan.kernel.access.identity import USERS
from anlan.kernel.definition.model import ApprovalDefinition, Transition
from anlan.kernel.errors import Refused, conflict, forbidden, not_found
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import approvers, tell
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import Person, Request, RequestShown, load, shown, waiting
from anlan.kernel.workflow.votes import Status, needed_of, outcome

__all__ = ["Decision", "Submission", "decide", "needed", "open", "transfer", "waiting"]

Choice = Literal["approve", "reject", "return", "withdraw"]
_WORDS = {
    "approved": {"zh": "已同意", "en": "approved"},
    "rejected": {"zh": "已拒绝", "en": "rejected"},
    "returned": {"zh": "已退回", "en": "returned"},
    "withdrawn": {"zh": "已撤回", "en": "withdrawn"},
}


class Submission(NamedTuple):
    """What is submitted.

    `department`: whose manager is asked (None: the submitter's); `state`: the record's state while it waits;
    `content`: what the step will need when it is taken.
    """

    record: str
    form: str
    transition: str
    company: str | None
    state: str | None = None
    department: str | None = None
    content: Any = None
    comment: str | None = None


class Decision(NamedTuple):
    """What a decision came to; `outcome` "approved" asks the record layer to take the step now."""

    outcome: Status
    record: str
    form: str
    transition: str
    content: Any
    requested_by: str
    request: RequestShown


def needed(
    transition: Transition, approvals: Mapping[str, ApprovalDefinition], holds: Callable[[str], bool]
) -> ApprovalDefinition | None:
    """The approval that stands before a step; `holds` evaluates its `when` over the record."""
    if transition.approval is None:
        return None
    definition = approvals[transition.approval]
    return definition if definition.when is None or holds(definition.when) else None


def open(
    ctx: Ctx, connection: Connection, definition: ApprovalDefinition, submission: Submission
) -> RequestShown:
    """Ask for an approval.

    Its `status` is "approved" when nobody is to be asked and the definition lets that pass: then take the
    step at once.

    Raises Refused 409 `approval.already_waiting`, or `approval.nobody` when not even an administrator can be
    asked.
    """
    people = _people(ctx, connection, definition, submission)
    passes = not people and definition.empty == "approve"
    if not people and not passes:
        raise conflict("approval.nobody", approval=definition.label.model_dump())
    request, mode = uuid7(), definition.mode
    values = {
        "id": request,
        "record": submission.record,
        "form": submission.form,
        "transition": submission.transition,
        "approval": definition.approval,
        "mode": mode,
        "needed": needed_of(mode, definition.count, len(people)),
        "status": "approved" if passes else "waiting",
        "state": submission.state,
        "content": None if submission.content is None else Json(submission.content),
        "comment": submission.comment,
        "requested_by": ctx.caller.user,
        "requested_at": ctx.now,
        "ended_at": ctx.now if passes else None,
    }
    made = connection.execute(
        f"INSERT INTO approval_request ({', '.join(values)}) "
        f"VALUES ({', '.join(f'${place}' for place in range(1, len(values) + 1))}) "
        "ON CONFLICT (record) WHERE status = 'waiting' DO NOTHING",
        list(values.values()),
    )
    if made.rowcount == 0:
        raise conflict("approval.already_waiting")
    _add_people(connection, request, people, first=0)
    about = (submission.record, submission.form)
    fewer = definition.mode == "any" and len(people) < definition.count
    note = "approval.fewer" if fewer else None
    _event(ctx, connection, about, "submit", new="waiting", comment=submission.comment, note=note)
    if passes:
        note = "approval.nobody_to_ask"
        _event(ctx, connection, about, "approve", old="waiting", new="approved", note=note, decided=False)
    else:
        asked = [one.user for one in people]
        tell.asked(ctx, connection, asked, record=submission.record, form=submission.form)
    return shown(load(connection, [request])[0])


def decide(
    ctx: Ctx, connection: Connection, request: str, choice: Choice, *, comment: str | None = None
) -> Decision:
    """Decide as the caller.

    Locks the request: of two who decide at the same moment, the second sees what the first did. Raises
    Refused 404; 409 `approval.ended` when somebody else was first, `approval.already_decided`; 403
    `approval.not_yours` for who is not asked (any more), or withdraws what he did not submit.
    """
    found = _locked(connection, request)
    _may_act(ctx, found, choice)
    me = ctx.caller.user
    if choice == "withdraw":
        if found.requested_by["id"] != me and not ctx.caller.admin:
            raise Refused(403, "approval.not_yours")
        status: Status = "withdrawn"
    else:
        _asked(ctx, found)
        connection.execute(
            "UPDATE approval_person SET decision = $3, decided_at = $4, comment = $5 "
            "WHERE request = $1 AND user_id = $2",
            [request, me, choice, ctx.now, comment],
        )
        status = outcome(
            found.mode, needed=found.needed, people=len(found.deciders), votes=[*found.votes, choice]
        )
    if status != "waiting":
        connection.execute(
            "UPDATE approval_request SET status = $2, ended_at = $3 WHERE id = $1", [request, status, ctx.now]
        )
    note = "approval.own" if choice == "approve" and found.requested_by["id"] == me else None
    about = (found.record, found.form)
    _event(ctx, connection, about, choice, old="waiting", new=status, comment=comment, note=note)
    submitter = found.requested_by["id"]
    tell.ended(ctx, connection, submitter, status, record=found.record, form=found.form, comment=comment)
    after = load(connection, [request])[0]
    return Decision(
        status,
        found.record,
        found.form,
        found.transition,
        found.content,
        found.requested_by["id"],
        shown(after),
    )


def transfer(
    ctx: Ctx,
    connection: Connection,
    request: str,
    *,
    to: str,
    of: str | None = None,
    comment: str | None = None,
) -> RequestShown:
    """Hand a decision over: one's own, or (`of`, for administrators) that of somebody who is away or gone.

    Raises Refused 403, 404, 409 as `decide`; 422 `approval.cannot_take_over` for who is inactive, asked
    already, or submitted it himself.
    """
    found = _locked(connection, request)
    _may_act(ctx, found, "transfer")
    giver = of or ctx.caller.user
    if giver == ctx.caller.user:
        _asked(ctx, found)
    elif not ctx.caller.admin or not any(p.user["id"] == giver and p.decision is None for p in found.people):
        raise Refused(403, "approval.not_yours")
    taken = {one.user["id"] for one in found.people} | {found.requested_by["id"]}
    active = connection.execute(f"SELECT FROM {USERS} u WHERE u.id::text = $1 AND u.active", [to]).fetchone()
    if active is None or to in taken:
        raise Refused(422, "approval.cannot_take_over")
    connection.execute(
        "UPDATE approval_person SET decision = 'transfer', decided_at = $3, comment = $4 "
        "WHERE request = $1 AND user_id = $2",
        [request, giver, ctx.now, comment],
    )
    _add_people(connection, request, [approvers.Approver(to, None)], first=len(found.people))
    _event(ctx, connection, (found.record, found.form), "transfer", old=giver, new=to, comment=comment)
    tell.asked(ctx, connection, [to], record=found.record, form=found.form)
    return shown(load(connection, [request])[0])


def _people(
    ctx: Ctx, connection: Connection, definition: ApprovalDefinition, submission: Submission
) -> list[approvers.Approver]:
    all_rights = ctx.catalogue.policies.all_rights
    found = approvers.find(
        connection,
        definition,
        submitter=ctx.caller.user,
        company=submission.company,
        department=submission.department or ctx.caller.department,
        all_rights=all_rights,
    )
    if found or definition.empty == "approve":
        return found
    return approvers.find_admins(
        connection, submitter=ctx.caller.user, company=submission.company, all_rights=all_rights
    )


def _locked(connection: Connection, request: str) -> Request:
    """The request, locked; raises Refused 404, or 409 when it does not wait any more."""
    row = connection.execute(
        "SELECT id, status FROM approval_request WHERE id::text = $1 FOR UPDATE", [request]
    ).fetchone()
    if row is None:
        raise not_found("approval", request)
    if row[1] != "waiting":
        raise conflict("approval.ended", status=_WORDS[row[1]])
    return load(connection, [request])[0]


def _may_act(ctx: Ctx, found: Request, action: str) -> None:
    """A narrowed token decides if it names form and action; nobody does before he has his own password."""
    scope = ctx.caller.token_scope
    if ctx.caller.must_change or (scope is not None and not scope.allows(found.form, action)):
        raise forbidden(found.form, action)


def _asked(ctx: Ctx, found: Request) -> Person:
    """The caller as one of those asked, not decided yet, and still in the role that he was asked for."""
    for one in found.people:
        if one.user["id"] == ctx.caller.user:
            if one.decision is not None:
                raise conflict("approval.already_decided")
            if one.through is not None and not ctx.caller.roles.intersection(one.through):
                break
            return one
    raise Refused(403, "approval.not_yours")


def _add_people(
    connection: Connection, request: str, people: Sequence[approvers.Approver], *, first: int
) -> None:
    """One statement; `through` travels as text, because arrays of arrays must all be as long."""
    connection.execute(
        "INSERT INTO approval_person (request, user_id, position, through) "
        "SELECT $1, t.user_id, $4 + t.n - 1, string_to_array(t.through, ',') "
        "FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS t(user_id, through, n)",
        [
            request,
            [one.user for one in people],
            [None if one.through is None else ",".join(one.through) for one in people],
            first,
        ],
    )


def _event(
    ctx: Ctx,
    connection: Connection,
    about: tuple[str, str],
    kind: str,
    *,
    new: str,
    old: str | None = None,
    comment: str | None = None,
    note: str | None = None,
    decided: bool = True,
) -> None:
    """`about`: record and form; not `decided`: the definition let it pass, and nobody is the actor."""
    changes: list[dict[str, object]] = [{"path": "approval", "old": old, "new": new}]
    if note is not None:
        changes.append({"path": note, "old": None, "new": True})
    connection.execute(
        "INSERT INTO event "
        "(record, form, kind, occurred_at, recorded_at, actor, via, changes, comment, request_id) "
        "VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
        [
            *about,
            kind,
            ctx.now,
            ctx.caller.user if decided else None,
            ctx.via,
            Json(changes),
            comment,
            ctx.request_id,
        ],
    )
