"""My to-do list: what waits for my approval, what was returned to me, what I started, got a copy of, decided."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal, NotRequired, TypedDict

from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.delegation import PLACES
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import PersonShown, Request, RequestShown, load, shown

__all__ = ["BOXES", "Box", "Todo", "count", "counts", "list"]

_MOST = 200

Box = Literal["open", "started", "copied", "done"]
BOXES: tuple[Box, ...] = ("open", "started", "copied", "done")

# $1 the caller, $2 now, $3 his roles, $4 the forms that his token is narrowed to (null: all). What was returned stays
# on the list while the record is in the state that it was returned to and was not submitted again. What waits for
# somebody in whose place he decides is his as well, unless he submitted it himself.
_OPEN = f"""
SELECT CASE WHEN p.user_id = $1 THEN 'approval' ELSE 'deputy' END AS kind, r.id, p.user_id AS instead_of,
    coalesce(p.asked_at, r.requested_at) AS since
FROM places l JOIN approval_person p ON p.user_id = l.user_id JOIN approval_request r ON r.id = p.request
JOIN record_index i ON i.id = r.record LEFT JOIN {USERS} u ON u.id = p.user_id
WHERE p.decision IS NULL AND NOT p.held AND p.step = r.step AND r.status = 'waiting'
  AND (p.through IS NULL OR p.through && CASE WHEN p.user_id = $1 THEN $3::text[] ELSE u.roles END)
  AND (p.user_id = $1 OR (u.active AND r.requested_by <> $1))
  AND (l.forms IS NULL OR r.form = ANY (l.forms))
  AND ($4::text[] IS NULL OR r.form = ANY ($4::text[]))
UNION ALL
SELECT 'returned', r.id, NULL, r.ended_at FROM approval_request r JOIN record_index i ON i.id = r.record
WHERE r.requested_by = $1 AND r.status = 'returned' AND i.state IS NOT DISTINCT FROM r.state
  AND ($4::text[] IS NULL OR r.form = ANY ($4::text[]))
  AND NOT EXISTS (SELECT FROM approval_request l
                  WHERE l.record = r.record AND (l.requested_at, l.id) > (r.requested_at, r.id))
"""
_STARTED = """
SELECT 'started' AS kind, r.id, NULL::uuid AS instead_of, r.requested_at AS since FROM approval_request r
JOIN record_index i ON i.id = r.record
WHERE r.requested_by = $1 AND ($4::text[] IS NULL OR r.form = ANY ($4::text[]))
"""
_COPIED = """
SELECT 'copied' AS kind, r.id, NULL::uuid AS instead_of, c.copied_at AS since FROM approval_copy c
JOIN approval_request r ON r.id = c.request JOIN record_index i ON i.id = r.record
WHERE c.user_id = $1 AND ($4::text[] IS NULL OR r.form = ANY ($4::text[]))
"""
_DONE = """
SELECT 'done' AS kind, r.id, NULL::uuid AS instead_of, max(p.decided_at) AS since FROM approval_person p
JOIN approval_request r ON r.id = p.request JOIN record_index i ON i.id = r.record
WHERE p.decided_by = $1 AND ($4::text[] IS NULL OR r.form = ANY ($4::text[])) GROUP BY r.id
"""
_OF_BOX: dict[Box, str] = {"open": _OPEN, "started": _STARTED, "copied": _COPIED, "done": _DONE}


class Todo(TypedDict):
    """One thing to do, and the record that it is about; `comment` says why it was returned.

    `kind`: `approval`, `deputy` (in the place of `instead_of`), `returned`; in the other boxes `started`,
    `copied`, `done`. `since`: when it came into the box.
    """

    kind: Literal["approval", "deputy", "returned", "started", "copied", "done"]
    form: str
    record: str
    number: str | None
    title: str | None
    state: str | None
    requested_by: PersonShown
    requested_at: str | None
    since: str | None
    comment: str | None
    instead_of: NotRequired[PersonShown]
    request: RequestShown


def list(ctx: Ctx, box: Box = "open", *, form: str | None = None) -> builtins.list[Todo]:
    """A box of the caller, at most 200: `open`, the oldest first; the others the latest first. Three statements."""
    parameters = _parameters(ctx)
    if parameters is None:
        return []
    order = "o.since, r.requested_at, r.id, o.instead_of" if box == "open" else "o.since DESC, r.id DESC"
    query = (
        f"WITH RECURSIVE {PLACES} SELECT o.id, o.kind, i.code, i.title, i.state, o.since, o.instead_of, u.code, u.name "
        f"FROM ({_OF_BOX[box]}) o JOIN approval_request r USING (id) JOIN record_index i ON i.id = r.record "
        f"LEFT JOIN {USERS} u ON u.id = o.instead_of "
        "WHERE $3::text[] IS NOT NULL AND $2::timestamptz IS NOT NULL AND ($5::text IS NULL OR r.form = $5) "
        f"ORDER BY {order} LIMIT {_MOST}"
    )
    with ctx.site.pool.connection() as connection:
        rows = connection.execute(query, [*parameters, form]).fetchall()
        requests = {one.id: one for one in load(connection, {row[0] for row in rows})}
    return [_todo(requests[row[0]], row) for row in rows]


def count(ctx: Ctx, *, connection: Connection | None = None) -> int:
    """How many wait. One statement; on `connection` where the caller has one open."""
    parameters = _parameters(ctx)
    if parameters is None:
        return 0
    with ctx.site.pool.connection() if connection is None else nullcontext(connection) as used:
        row = used.execute(
            f"WITH RECURSIVE {PLACES} SELECT count(*) FROM ({_OPEN}) o", parameters, prepare=True
        ).fetchone()
    return int(row[0]) if row is not None else 0


def counts(ctx: Ctx) -> dict[Box, int]:
    """How many there are in each box, counted up to 1,000. One statement."""
    parameters = _parameters(ctx)
    if parameters is None:
        return dict.fromkeys(BOXES, 0)
    each = ", ".join(f"(SELECT count(*) FROM (SELECT FROM ({_OF_BOX[box]}) o LIMIT 1000) n)" for box in BOXES)
    with ctx.site.pool.connection() as connection:
        row = connection.execute(f"WITH RECURSIVE {PLACES} SELECT {each}", parameters, prepare=True).fetchone()
    assert row is not None  # a SELECT without FROM has one row
    return dict(zip(BOXES, row, strict=True))


def _todo(one: Request, row: Sequence[Any]) -> Todo:
    _, kind, number, title, state, since, instead_of, code, name = row
    returned = next((person.comment for person in reversed(one.people) if person.decision == "return"), None)
    found: Todo = {
        "kind": kind,
        "form": one.form,
        "record": one.record,
        "number": number,
        "title": title,
        "state": state,
        "requested_by": one.requested_by,
        "requested_at": instant_text(one.requested_at),
        "since": instant_text(since),
        "comment": returned if kind == "returned" else one.comment,
        "request": shown(one),
    }
    if kind == "deputy" and instead_of is not None:
        found["instead_of"] = {"id": instead_of, "code": code or instead_of, "label": name or code or instead_of}
    return found


def _parameters(ctx: Ctx) -> builtins.list[Any] | None:
    """None: the caller may not see any."""
    caller, scope = ctx.caller, ctx.caller.token_scope
    if caller.must_change or (
        scope is not None and scope.actions is not None and "read" not in scope.actions
    ):
        return None
    forms = None if scope is None or scope.forms is None else sorted(scope.forms)
    return [caller.user, ctx.now, sorted(caller.roles), forms]
