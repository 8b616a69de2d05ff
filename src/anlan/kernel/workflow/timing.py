"""What happens when nobody decided in time; carried out by the worker, once for each round and time-out."""

from __future__ import annotations

from datetime import datetime

from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow import approvers, course, tell, trail
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import Request, load
from anlan.kernel.workflow.votes import Status

__all__ = ["due", "expire"]

_MOST = 200


def due(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """(form, record) of the requests whose time is up, the longest over first."""
    return [
        (form, record)
        for form, record in connection.execute(
            "SELECT form, record FROM approval_request WHERE status = 'waiting' AND due_at <= $1 "
            f"ORDER BY due_at, id LIMIT {_MOST}",
            [now],
        )
    ]


def expire(ctx: Ctx, connection: Connection, request: Request) -> Status:
    """Do what the definition wants of a request whose time is up; the request is locked.

    A second worker that comes as well finds the time taken away, or a request that ended, and changes nothing.
    """
    if request.due_at is None or request.due_at > ctx.now or not request.rounds:
        return request.status
    round_, about = request.rounds[request.step], (request.record, request.form)
    waiting = [one.user["id"] for one in request.active]
    connection.execute("UPDATE approval_request SET due_at = NULL WHERE id = $1", [request.id])
    if round_.on_timeout in ("approve", "return"):
        connection.execute(
            "UPDATE approval_person SET decision = $3, decided_at = $4, automatic = 'timeout', held = false "
            "WHERE request = $1 AND step = $2 AND decision IS NULL",
            [request.id, request.step, round_.on_timeout, ctx.now],
        )
        after = load(connection, [request.id])[0]
        trail.write(ctx, connection, about, round_.on_timeout, old="waiting", new=after.outcome,
                    note="approval.timed_out", decided=False)  # fmt: skip
        return course.go_on(ctx, connection, after)
    submitter = request.requested_by["id"]
    if round_.on_timeout == "superior":
        moved = _to_superiors(ctx, connection, request)
        if moved:
            waiting = moved
            again = course.timeout(ctx, connection, request.company, round_)
            connection.execute("UPDATE approval_request SET due_at = $2 WHERE id = $1", [request.id, again])
    trail.write(ctx, connection, about, "timeout", old="waiting", new="waiting", decided=False)
    tell.late(ctx, connection, waiting, record=request.record, form=request.form, by=submitter)
    return "waiting"


def _to_superiors(ctx: Ctx, connection: Connection, request: Request) -> list[str]:
    """Hand each open decision to the superior of who did not take it; where there is none it stays."""
    taken = {one.user["id"] for one in request.asked} | {request.requested_by["id"]}
    moved = []
    for one in request.active:
        above = approvers.superior(connection, one.user["id"])
        if above is None or above.user in taken:
            continue
        taken.add(above.user)
        course.hand_over(ctx, connection, request, one, above.user, comment=None, automatic="timeout")
        moved.append(above.user)
    return moved
