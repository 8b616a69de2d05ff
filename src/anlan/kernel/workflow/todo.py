"""My to-do list: what waits for my approval, and what was returned to me."""

from __future__ import annotations

import builtins
from typing import Any, Literal, TypedDict

from anlan.kernel.access.shape import instant_text
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import PersonShown, Request, RequestShown, load, shown

__all__ = ["Todo", "count", "list"]

_MOST = 200

# $1 the caller, $2 his roles, $3 the forms that his token is narrowed to (null: all). What was returned stays
# on the list while the record is in the state that it was returned to and was not submitted again.
_OPEN = """
SELECT 'approval' AS kind, r.id FROM approval_person p JOIN approval_request r ON r.id = p.request
JOIN record_index i ON i.id = r.record
WHERE p.user_id = $1 AND p.decision IS NULL AND r.status = 'waiting'
  AND (p.through IS NULL OR p.through && $2::text[]) AND ($3::text[] IS NULL OR r.form = ANY ($3::text[]))
UNION ALL
SELECT 'returned', r.id FROM approval_request r JOIN record_index i ON i.id = r.record
WHERE r.requested_by = $1 AND r.status = 'returned' AND i.state IS NOT DISTINCT FROM r.state
  AND ($3::text[] IS NULL OR r.form = ANY ($3::text[]))
  AND NOT EXISTS (SELECT FROM approval_request l
                  WHERE l.record = r.record AND (l.requested_at, l.id) > (r.requested_at, r.id))
"""


class Todo(TypedDict):
    """One thing to do, and the record that it is about; `comment` says why it was returned."""

    kind: Literal["approval", "returned"]
    form: str
    record: str
    number: str | None
    title: str | None
    state: str | None
    requested_by: PersonShown
    requested_at: str | None
    comment: str | None
    request: RequestShown


def list(ctx: Ctx) -> builtins.list[Todo]:
    """What waits for the caller, the oldest first, at most 200. Three statements."""
    parameters = _parameters(ctx)
    if parameters is None:
        return []
    query = (
        f"SELECT o.id, o.kind, i.code, i.title, i.state FROM ({_OPEN}) o JOIN approval_request r USING (id) "
        f"JOIN record_index i ON i.id = r.record ORDER BY r.requested_at, r.id LIMIT {_MOST}"
    )
    with ctx.site.pool.connection() as connection:
        rows = {row[0]: row[1:] for row in connection.execute(query, parameters)}
        requests = load(connection, rows)
    return [_todo(one, *rows[one.id]) for one in requests]


def count(ctx: Ctx) -> int:
    """How many there are. One statement."""
    parameters = _parameters(ctx)
    if parameters is None:
        return 0
    with ctx.site.pool.connection() as connection:
        row = connection.execute(f"SELECT count(*) FROM ({_OPEN}) o", parameters, prepare=True).fetchone()
    return int(row[0]) if row is not None else 0


def _todo(one: Request, kind: Any, number: str | None, title: str | None, state: str | None) -> Todo:
    returned = next((person.comment for person in one.people if person.decision == "return"), None)
    return {
        "kind": kind,
        "form": one.form,
        "record": one.record,
        "number": number,
        "title": title,
        "state": state,
        "requested_by": one.requested_by,
        "requested_at": instant_text(one.requested_at),
        "comment": returned if kind == "returned" else one.comment,
        "request": shown(one),
    }


def _parameters(ctx: Ctx) -> builtins.list[Any] | None:
    """None: the caller may not see any."""
    caller, scope = ctx.caller, ctx.caller.token_scope
    if caller.must_change or (
        scope is not None and scope.actions is not None and "read" not in scope.actions
    ):
        return None
    forms = None if scope is None or scope.forms is None else sorted(scope.forms)
    return [caller.user, sorted(caller.roles), forms]
