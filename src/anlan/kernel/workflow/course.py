"""The course of a request: round by round, who is asked when, and when it ends.

    begin(ctx, connection, request, place)     ask the people of a round; rounds that nobody must decide pass
    go_on(ctx, connection, request)            after something happened: whose turn it is, the next round, the end

Both are called with the request locked (or just made), and return what it came to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from anlan.kernel.definition.model import ApprovalDefinition, ApprovalStep
from anlan.kernel.errors import conflict
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import approvers, hours, tell, trail
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import Person, Request, load
from anlan.kernel.workflow.votes import Status, needed_of

__all__ = [
    "Asked",
    "add_people",
    "asked_of",
    "begin",
    "copy_to",
    "end",
    "find_people",
    "go_on",
    "hand_over",
    "timeout",
]


class Asked(NamedTuple):
    """What a round needs to know of its request."""

    id: str
    record: str
    form: str
    company: str | None
    department: str | None
    submitter: str
    definition: ApprovalDefinition

    @property
    def about(self) -> tuple[str, str]:
        return self.record, self.form


def find_people(
    ctx: Ctx,
    connection: Connection,
    round_: ApprovalStep,
    *,
    submitter: str,
    company: str | None,
    department: str | None,
) -> list[approvers.Approver]:
    """Whom a round asks; empty only where it lets nobody pass, or when there is not even an administrator."""
    all_rights = ctx.catalogue.policies.all_rights
    found = approvers.find(
        connection, round_, submitter=submitter, company=company, department=department, all_rights=all_rights
    )
    if found or round_.empty == "approve":
        return found
    if round_.empty == "superior":
        above = approvers.superior(connection, submitter, department=department)
        if above is not None:
            return [above]
    return approvers.find_admins(connection, submitter=submitter, company=company, all_rights=all_rights)


def begin(ctx: Ctx, connection: Connection, asked: Asked, place: int) -> Status:
    """Ask the people of the round at `place`; go on to the next where nobody has to decide. Raises Refused 409
    `approval.nobody`."""
    rounds = asked.definition.rounds
    while place < len(rounds):
        round_ = rounds[place]
        people = find_people(
            ctx, connection, round_, submitter=asked.submitter, company=asked.company, department=asked.department
        )
        if not people and round_.empty != "approve":
            raise conflict("approval.nobody", approval=asked.definition.label.model_dump())
        connection.execute(
            "UPDATE approval_request SET step = $2, mode = $3, needed = $4, due_at = $5 WHERE id = $1",
            [
                asked.id,
                place,
                round_.mode,
                needed_of(round_.mode, round_.count, len(people)),
                timeout(ctx, connection, asked.company, round_) if people else None,
            ],
        )
        if not people:
            note = "approval.nobody_to_ask"
            trail.write(ctx, connection, asked.about, "approve", old="waiting", new="approved", note=note, decided=False)
        else:
            add_people(connection, asked.id, people, step=place, first=0, now=ctx.now, ordered=round_.mode == "sequence")
            status = _repeated(ctx, connection, asked, place)
            if status == "waiting":
                active = [one.user["id"] for one in load(connection, [asked.id])[0].active]
                tell.asked(ctx, connection, active, record=asked.record, form=asked.form, by=asked.submitter)
                return status
            if status != "approved":
                return end(ctx, connection, asked, status)
        place += 1
    return end(ctx, connection, asked, "approved")


def go_on(ctx: Ctx, connection: Connection, request: Request) -> Status:
    """What a request came to after a decision, an added signer or the clock; tells those whose turn it is now."""
    status = request.outcome
    asked = asked_of(request)
    if status == "waiting":
        turn = _take_turns(connection, request.id, request.step, ctx)
        tell.asked(ctx, connection, turn, record=request.record, form=request.form, by=asked.submitter)
        return status
    if status == "approved" and request.step + 1 < len(request.rounds):
        return begin(ctx, connection, asked, request.step + 1)
    return end(ctx, connection, asked, status)


def asked_of(request: Request) -> Asked:
    """What the rounds need to know of a stored request."""
    definition = request.definition or ApprovalDefinition.model_validate(
        {"approval": request.approval, "label": request.approval}
    )
    return Asked(
        request.id,
        request.record,
        request.form,
        request.company,
        request.department,
        request.requested_by["id"],
        definition,
    )


def end(ctx: Ctx, connection: Connection, asked: Asked, status: Status) -> Status:
    """Write how it ended; copies go out when it was approved."""
    connection.execute(
        "UPDATE approval_request SET status = $2, ended_at = $3, due_at = NULL WHERE id = $1",
        [asked.id, status, ctx.now],
    )
    wanted = asked.definition
    if status == "approved" and (wanted.copy_roles or wanted.copy_users):
        people = approvers.active_users(
            connection,
            roles=wanted.copy_roles,
            codes=wanted.copy_users,
            company=asked.company,
            all_rights=ctx.catalogue.policies.all_rights,
        )
        copy_to(ctx, connection, asked, people, by=None)
    return status


def copy_to(
    ctx: Ctx, connection: Connection, asked: Asked, people: Iterable[str], *, by: str | None
) -> list[str]:
    """Give users a copy, once each; returns who had none before."""
    fresh = [
        user
        for (user,) in connection.execute(
            "INSERT INTO approval_copy (request, user_id, copied_by, copied_at) "
            "SELECT $1, u, $3, $4 FROM unnest($2::uuid[]) AS u ON CONFLICT DO NOTHING RETURNING user_id",
            [asked.id, sorted(set(people)), by, ctx.now],
        )
    ]
    tell.copied(ctx, connection, fresh, record=asked.record, form=asked.form)
    return fresh


def hand_over(
    ctx: Ctx,
    connection: Connection,
    request: Request,
    giver: Person,
    to: str,
    *,
    comment: str | None,
    automatic: str | None = None,
) -> None:
    """Put somebody in the place of a person of the present round, with what stands after and before him."""
    at, old = (request.id, request.step), giver.user["id"]
    add_people(
        connection, request.id, [approvers.Approver(to, None)], step=request.step, first=len(request.people), now=ctx.now
    )
    connection.execute(
        "UPDATE approval_person n SET after = g.after, held = g.held, added_by = g.added_by, "
        "asked_at = CASE WHEN g.held THEN NULL ELSE n.asked_at END FROM approval_person g "
        "WHERE n.request = $1 AND n.step = $2 AND n.user_id = $4 AND g.request = $1 AND g.step = $2 AND g.user_id = $3",
        [*at, old, to],
    )
    connection.execute(
        "UPDATE approval_person SET after = CASE WHEN after = $3 THEN $4 ELSE after END, "
        "added_by = CASE WHEN added_by = $3 THEN $4 ELSE added_by END "
        "WHERE request = $1 AND step = $2 AND (after = $3 OR added_by = $3)",
        [*at, old, to],
    )
    connection.execute(
        "UPDATE approval_person SET decision = 'transfer', decided_at = $4, comment = $5, decided_by = $6, automatic = $7 "
        "WHERE request = $1 AND step = $2 AND user_id = $3",
        [*at, old, ctx.now, comment, None if automatic else ctx.caller.user, automatic],
    )


def timeout(ctx: Ctx, connection: Connection, company: str | None, round_: ApprovalStep) -> object:
    """When a round's time is up; None: never."""
    if round_.timeout_hours is None:
        return None
    return hours.due(connection, company, ctx.site.zone, ctx.now, round_.timeout_hours)


def add_people(
    connection: Connection,
    request: str,
    people: Sequence[approvers.Approver],
    *,
    step: int,
    first: int,
    now: object,
    ordered: bool = False,
) -> None:
    """One statement; `through` travels as text, because arrays of arrays must all be as long.

    `ordered`: one after the other, each waits for who stands before him.
    """
    users = [one.user for one in people]
    connection.execute(
        "INSERT INTO approval_person (request, user_id, position, through, step, held, asked_at, after) "
        "SELECT $1, t.user_id, $4 + t.n - 1, string_to_array(t.through, ','), $5, t.after IS NOT NULL, "
        "CASE WHEN t.after IS NULL THEN $6::timestamptz END, t.after "
        "FROM unnest($2::uuid[], $3::text[], $7::uuid[]) WITH ORDINALITY AS t(user_id, through, after, n)",
        [
            request,
            users,
            [None if one.through is None else ",".join(one.through) for one in people],
            first,
            step,
            now,
            [None, *users[:-1]] if ordered else [None] * len(users),
        ],
    )


def _take_turns(connection: Connection, request: str, step: int, ctx: Ctx) -> list[str]:
    """Let those go whose turn has come: who stands before them has decided."""
    return [
        user
        for (user,) in connection.execute(
            "UPDATE approval_person p SET held = false, asked_at = $3 FROM approval_person b "
            "WHERE p.request = $1 AND p.step = $2 AND p.held AND p.decision IS NULL AND b.request = $1 "
            "AND b.step = $2 AND b.user_id = p.after AND b.decision IS NOT NULL RETURNING p.user_id",
            [request, step, ctx.now],
        )
    ]


def _repeated(ctx: Ctx, connection: Connection, asked: Asked, place: int) -> Status:
    """Where the definition says so, who agreed in the round before has agreed in this one as well."""
    if asked.definition.repeated == "pass" and place > 0:
        while True:
            passed = connection.execute(
                "UPDATE approval_person p SET decision = 'approve', decided_at = $3, decided_by = p.user_id, "
                "automatic = 'repeated' WHERE p.request = $1 AND p.step = $2 AND p.decision IS NULL AND NOT p.held "
                "AND EXISTS (SELECT FROM approval_person b WHERE b.request = $1 AND b.step = $2 - 1 "
                "AND b.decision = 'approve' AND b.decided_by = p.user_id) RETURNING p.user_id",
                [asked.id, place, ctx.now],
            ).fetchall()
            if not passed:
                break
            for _ in passed:
                trail.write(ctx, connection, asked.about, "approve", old="waiting", new="waiting",
                            note="approval.repeated", decided=False)  # fmt: skip
            _take_turns(connection, asked.id, place, ctx)
    return load(connection, [asked.id])[0].outcome
