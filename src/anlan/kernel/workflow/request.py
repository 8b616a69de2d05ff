"""Requests for approval as they are stored and as they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, NotRequired, TypedDict

from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.votes import Mode, Status, Vote

__all__ = ["Person", "PersonShown", "Request", "RequestShown", "load", "shown", "waiting"]


class PersonShown(TypedDict):
    id: str
    code: str
    label: str


class DecisionShown(TypedDict):
    who: PersonShown
    decision: str
    at: str | None
    comment: str | None


class RequestShown(TypedDict):
    """A request in an answer. `who`: those who may still decide while it waits, else those who did."""

    id: str
    status: Status
    who: list[PersonShown]
    approval: str
    transition: str
    requested_by: PersonShown
    requested_at: str | None
    decisions: list[DecisionShown]
    comment: NotRequired[str]


class Person(NamedTuple):
    user: PersonShown
    through: tuple[str, ...] | None
    decision: str | None
    decided_at: Any
    comment: str | None


class Request(NamedTuple):
    """One request, whole."""

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
    requested_by: PersonShown
    people: tuple[Person, ...]

    @property
    def deciders(self) -> list[Person]:
        """Those who decide; who handed his decision over is out of it."""
        return [one for one in self.people if one.decision != "transfer"]

    @property
    def votes(self) -> list[Vote]:
        """In no certain order: `votes.outcome` needs none."""
        return [one.decision for one in self.deciders if one.decision is not None]  # type: ignore[misc]  # CHECKed


def load(connection: Connection, ids: Iterable[str]) -> list[Request]:
    """Requests by id, with their people, oldest first. Two statements."""
    wanted = list(ids)
    if not wanted:
        return []
    people: dict[str, list[Person]] = {}
    for request, user, code, name, through, *decided in connection.execute(
        "SELECT p.request, p.user_id, u.code, u.name, p.through, p.decision, p.decided_at, p.comment "
        f"FROM approval_person p LEFT JOIN {USERS} u ON u.id = p.user_id WHERE p.request = ANY ($1::uuid[]) "
        "ORDER BY p.request, p.position",
        [wanted],
    ):
        person = Person(_person(user, code, name), None if through is None else tuple(through), *decided)
        people.setdefault(request, []).append(person)
    rows = connection.execute(
        "SELECT r.id, r.record, r.form, r.transition, r.approval, r.mode, r.needed, r.status, r.content, "
        "r.comment, r.requested_at, r.requested_by, u.code, u.name "
        f"FROM approval_request r LEFT JOIN {USERS} u ON u.id = r.requested_by "
        "WHERE r.id = ANY ($1::uuid[]) ORDER BY r.requested_at, r.id",
        [wanted],
    ).fetchall()
    return [
        Request._make((*row[:11], _person(row[11], row[12], row[13]), tuple(people.get(row[0], ()))))
        for row in rows
    ]


def shown(request: Request) -> RequestShown:
    """The JSON of a request."""
    waits = request.status == "waiting"
    result: RequestShown = {
        "id": request.id,
        "status": request.status,
        "who": [one.user for one in request.deciders if (one.decision is None) == waits],
        "approval": request.approval,
        "transition": request.transition,
        "requested_by": request.requested_by,
        "requested_at": instant_text(request.requested_at),
        "decisions": [
            {
                "who": one.user,
                "decision": one.decision,
                "at": instant_text(one.decided_at),
                "comment": one.comment,
            }
            for one in request.people
            if one.decision is not None
        ],
    }
    if request.comment:
        result["comment"] = request.comment
    return result


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


def _person(user: str, code: str | None, name: str | None) -> PersonShown:
    """A user who is gone keeps his id for a name."""
    return {"id": user, "code": code or user, "label": name or code or user}
