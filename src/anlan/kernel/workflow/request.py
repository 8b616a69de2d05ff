"""Requests for approval as they are stored and as they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, NotRequired, TypedDict

from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.definition.model import ApprovalDefinition, ApprovalStep
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.votes import Mode, Status, Vote, with_added

__all__ = ["Person", "PersonShown", "Request", "RequestShown", "latest", "load", "shown", "waiting"]


class PersonShown(TypedDict):
    id: str
    code: str
    label: str


class DecisionShown(TypedDict):
    """`who` decided, `instead_of` whom (null: for himself); `seconds`: how long it waited for him; `automatic`: why
    nobody had to decide (`repeated`, `timeout`); `step`: the round, counted from 0."""

    who: PersonShown
    decision: str
    at: str | None
    comment: str | None
    step: int
    asked_at: str | None
    seconds: int | None
    instead_of: PersonShown | None
    added_by: PersonShown | None
    automatic: str | None


class RoundShown(TypedDict):
    """A round: `state` is `done`, `now` or `later`."""

    label: dict[str, str] | None
    mode: Mode
    state: str


class RequestShown(TypedDict):
    """A request in an answer. `who`: those who may decide now while it waits, else those who did."""

    id: str
    status: Status
    who: list[PersonShown]
    approval: str
    transition: str
    requested_by: PersonShown
    requested_at: str | None
    ended_at: str | None
    due_at: str | None
    step: int
    rounds: list[RoundShown]
    decisions: list[DecisionShown]
    comment: NotRequired[str]


class Person(NamedTuple):
    """One who is asked in a round. `held`: his turn has not come; `after`: whose decision comes before his."""

    user: PersonShown
    through: tuple[str, ...] | None
    decision: str | None
    decided_at: Any
    comment: str | None
    step: int
    held: bool
    asked_at: Any
    after: str | None
    automatic: str | None
    added_by: PersonShown | None
    decided_by: PersonShown | None


class Request(NamedTuple):
    """One request, whole. `definition` is None for what an older program asked."""

    id: str
    record: str
    form: str
    transition: str
    approval: str
    mode: Mode
    needed: int
    status: Status
    content: Any
    comment: str | None
    requested_at: Any
    step: int
    company: str | None
    department: str | None
    due_at: Any
    urged_at: Any
    ended_at: Any
    definition: ApprovalDefinition | None
    requested_by: PersonShown
    people: tuple[Person, ...]

    @property
    def asked(self) -> list[Person]:
        """The people of the present round; who handed his decision over is out of it."""
        return [one for one in self.people if one.step == self.step and one.decision != "transfer"]

    @property
    def active(self) -> list[Person]:
        """Those whose turn it is."""
        waits = self.status == "waiting"
        return [one for one in self.asked if waits and one.decision is None and not one.held]

    @property
    def rounds(self) -> list[ApprovalStep]:
        return self.definition.rounds if self.definition is not None else []

    @property
    def outcome(self) -> Status:
        """What the decisions of the present round come to."""
        own = {one.user["id"]: _vote(one) for one in self.asked if one.added_by is None}
        added = {
            one.user["id"]: (one.added_by["id"], _vote(one)) for one in self.asked if one.added_by is not None
        }
        return with_added(self.mode, needed=self.needed, own=own, added=added)


def _vote(one: Person) -> Vote | None:
    return one.decision  # type: ignore[return-value]  # CHECKed; `transfer` is not among `asked`


def load(connection: Connection, ids: Iterable[str]) -> list[Request]:
    """Requests by id, with their people, oldest first. Two statements."""
    wanted = list(ids)
    if not wanted:
        return []
    people: dict[str, list[Person]] = {}
    for row in connection.execute(
        "SELECT p.request, p.user_id, u.code, u.name, p.through, p.decision, p.decided_at, p.comment, p.step, "
        "p.held, p.asked_at, p.after, p.automatic, p.added_by, a.code, a.name, p.decided_by, d.code, d.name "
        f"FROM approval_person p LEFT JOIN {USERS} u ON u.id = p.user_id LEFT JOIN {USERS} a ON a.id = p.added_by "
        f"LEFT JOIN {USERS} d ON d.id = p.decided_by WHERE p.request = ANY ($1::uuid[]) "
        "ORDER BY p.request, p.step, p.position",
        [wanted],
    ):
        request, user, code, name, through, *rest = row
        through = None if through is None else tuple(through)
        added, decider = _maybe(*rest[8:11]), _maybe(*rest[11:14])
        person = Person(_person(user, code, name), through, *rest[:8], added, decider)  # type: ignore[call-arg]
        people.setdefault(request, []).append(person)
    rows = connection.execute(
        "SELECT r.id, r.record, r.form, r.transition, r.approval, r.mode, r.needed, r.status, r.content, "
        "r.comment, r.requested_at, r.step, r.company, r.department, r.due_at, r.urged_at, r.ended_at, r.definition, "
        "r.requested_by, u.code, u.name "
        f"FROM approval_request r LEFT JOIN {USERS} u ON u.id = r.requested_by "
        "WHERE r.id = ANY ($1::uuid[]) ORDER BY r.requested_at, r.id",
        [wanted],
    ).fetchall()
    return [
        Request._make((*row[:17], _definition(row[17]), _person(*row[18:]), tuple(people.get(row[0], ()))))
        for row in rows
    ]


def _definition(content: Any) -> ApprovalDefinition | None:
    return None if content is None else ApprovalDefinition.model_validate(content)


def shown(request: Request) -> RequestShown:
    """The JSON of a request."""
    waits = request.status == "waiting"
    who = request.active if waits else [one for one in request.people if one.decision not in (None, "transfer")]
    result: RequestShown = {
        "id": request.id,
        "status": request.status,
        "who": [one.user if waits else one.decided_by or one.user for one in who],
        "approval": request.approval,
        "transition": request.transition,
        "requested_by": request.requested_by,
        "requested_at": instant_text(request.requested_at),
        "ended_at": instant_text(request.ended_at),
        "due_at": instant_text(request.due_at) if waits else None,
        "step": request.step,
        "rounds": [
            {
                "label": one.label.model_dump() if one.label is not None else None,
                "mode": one.mode,
                "state": "done" if place < request.step or not waits else "now" if place == request.step else "later",
            }
            for place, one in enumerate(request.rounds)
        ],
        "decisions": [
            _decided(one, request)
            for one in sorted(request.people, key=lambda one: one.decided_at or request.requested_at)
            if one.decision is not None
        ],
    }
    if request.comment:
        result["comment"] = request.comment
    return result


def _decided(one: Person, request: Request) -> DecisionShown:
    asked = one.asked_at or request.requested_at
    decider = one.decided_by or one.user
    return {
        "who": decider,
        "decision": str(one.decision),
        "at": instant_text(one.decided_at),
        "comment": one.comment,
        "step": one.step,
        "asked_at": instant_text(asked),
        "seconds": None if one.decided_at is None else max(0, int((one.decided_at - asked).total_seconds())),
        "instead_of": one.user if decider["id"] != one.user["id"] else None,
        "added_by": one.added_by,
        "automatic": one.automatic,
    }


def waiting(connection: Connection, records: Iterable[str]) -> dict[str, RequestShown]:
    """The waiting request of each record that has one: such a record may not be edited.

    One statement if none waits, else three.
    """
    rows = connection.execute(
        "SELECT id FROM approval_request WHERE record = ANY ($1::uuid[]) AND status = 'waiting'",
        [list(records)],
        prepare=True,
    ).fetchall()
    return {one.record: shown(one) for one in load(connection, [key for (key,) in rows])}


def latest(connection: Connection, record: str) -> Request | None:
    """The request that a record waits for, else its last one; None when there never was one."""
    row = connection.execute(
        "SELECT id FROM approval_request WHERE record = $1 "
        "ORDER BY (status = 'waiting') DESC, requested_at DESC, id DESC LIMIT 1",
        [record],
    ).fetchone()
    return load(connection, [row[0]])[0] if row is not None else None


def _person(user: str, code: str | None, name: str | None) -> PersonShown:
    """A user who is gone keeps his id for a name."""
    return {"id": user, "code": code or user, "label": name or code or user}


def _maybe(user: str | None, code: str | None, name: str | None) -> PersonShown | None:
    return None if user is None else _person(user, code, name)
