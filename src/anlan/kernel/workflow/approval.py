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

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from psycopg.types.json import Json

from anlan.kernel.access.caller import SYSTEM_USER
from anlan.kernel.definition.model import ApprovalDefinition, Transition
from anlan.kernel.errors import Refused, conflict
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import course, tell, timing, trail
from anlan.kernel.workflow.hands import transfer
from anlan.kernel.workflow.locked import asked as asked_person
from anlan.kernel.workflow.locked import locked, may_act
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import RequestShown, load, shown, waiting
from anlan.kernel.workflow.votes import Status, needed_of

__all__ = ["Decision", "Submission", "decide", "needed", "open", "transfer", "waiting"]

Choice = Literal["approve", "reject", "return", "withdraw", "expire"]

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
    """The approval that stands before a step; `holds` evaluates a condition over the record.

    Rounds whose condition does not hold are left out; an approval of which none is left is not needed.
    """
    if transition.approval is None:
        return None
    definition = approvals[transition.approval]
    if definition.when is not None and not holds(definition.when):
        return None
    if not definition.steps:
        return definition
    kept = {key: one for key, one in definition.steps.items() if one.when is None or holds(one.when)}
    return definition.model_copy(update={"steps": kept}) if kept else None


def open(
    ctx: Ctx, connection: Connection, definition: ApprovalDefinition, submission: Submission
) -> RequestShown:
    """Ask for an approval, with the definition as it is now.

    Its `status` is "approved" when nobody is to be asked and the definition lets that pass: then take the
    step at once.

    Raises Refused 409 `approval.already_waiting`, or `approval.nobody` when not even an administrator can be
    asked.
    """
    request, first = uuid7(), definition.rounds[0]
    department = submission.department or ctx.caller.department
    people = course.find_people(
        ctx, connection, first, submitter=ctx.caller.user, company=submission.company, department=department
    )
    values = {
        "id": request,
        "record": submission.record,
        "form": submission.form,
        "transition": submission.transition,
        "approval": definition.approval,
        "mode": first.mode,
        "needed": needed_of(first.mode, first.count, len(people)),
        "status": "waiting",
        "state": submission.state,
        "content": None if submission.content is None else Json(submission.content),
        "comment": submission.comment,
        "requested_by": ctx.caller.user,
        "requested_at": ctx.now,
        "definition": Json(definition.model_dump(mode="json")),
        "company": submission.company,
        "department": department,
    }
    made = connection.execute(
        f"INSERT INTO approval_request ({', '.join(values)}) "
        f"VALUES ({', '.join(f'${place}' for place in range(1, len(values) + 1))}) "
        "ON CONFLICT (record) WHERE status = 'waiting' DO NOTHING",
        list(values.values()),
    )
    if made.rowcount == 0:
        raise conflict("approval.already_waiting")
    fewer = first.mode == "any" and len(people) < first.count
    note = "approval.fewer" if fewer and people else None
    about = (submission.record, submission.form)
    trail.write(ctx, connection, about, "submit", new="waiting", comment=submission.comment, note=note)
    asked = course.Asked(
        request, *about, submission.company, department, ctx.caller.user, definition
    )
    course.begin(ctx, connection, asked, 0)
    return shown(load(connection, [request])[0])


def decide(
    ctx: Ctx, connection: Connection, request: str, choice: Choice, *, comment: str | None = None
) -> Decision:
    """Decide as the caller, for himself or in the place of somebody whose deputy he is now.

    Locks the request: of two who decide at the same moment, the second sees what the first did. Raises
    Refused 404; 409 `approval.ended` when somebody else was first, `approval.already_decided`,
    `approval.not_your_turn`; 403 `approval.not_yours` for who is not asked (any more), or withdraws what he
    did not submit. "expire" is the worker's: what the definition wants when nobody decided in time.
    """
    found = locked(connection, request)
    may_act(ctx, found, choice)
    me = ctx.caller.user
    about = (found.record, found.form)
    if choice == "withdraw":
        if found.requested_by["id"] != me and not ctx.caller.admin:
            raise Refused(403, "approval.not_yours")
        status = course.end(ctx, connection, course.asked_of(found), "withdrawn")
        trail.write(ctx, connection, about, choice, old="waiting", new=status, comment=comment)
    elif choice == "expire":
        if me != SYSTEM_USER:
            raise Refused(403, "approval.not_yours")
        status = timing.expire(ctx, connection, found)
    else:
        one = asked_person(ctx, connection, found)
        connection.execute(
            "UPDATE approval_person SET decision = $4, decided_at = $5, comment = $6, decided_by = $7 "
            "WHERE request = $1 AND step = $2 AND user_id = $3",
            [request, one.step, one.user["id"], choice, ctx.now, comment, me],
        )
        note = "approval.own" if choice == "approve" and found.requested_by["id"] == me else None
        after = load(connection, [request])[0]
        instead = one.user["id"] if one.user["id"] != me else None
        last = after.outcome != "approved" or found.step + 1 >= len(found.rounds)
        new = after.outcome if last else "waiting"
        trail.write(ctx, connection, about, choice, old="waiting", new=new, comment=comment, note=note, instead_of=instead)
        status = course.go_on(ctx, connection, after)
    submitter = found.requested_by["id"]
    tell.ended(ctx, connection, submitter, status, record=found.record, form=found.form, comment=comment)
    return Decision(
        status,
        found.record,
        found.form,
        found.transition,
        found.content,
        found.requested_by["id"],
        shown(load(connection, [request])[0]),
    )
