"""What happened to a record, what hangs on it, and what people said about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.access.predicate import visible_ids
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.record.load import find

__all__ = ["comment", "links", "trail"]

MAX_COMMENT = 10_000


def trail(
    ctx: Context, form_name: str, key: str, *, limit: int = 200, before: int | None = None
) -> list[dict[str, Any]]:
    """The events of a record, newest first: `[{seq, kind, occurred_at, …, changes, comment}]`."""
    ctx.caller.policy.require(form_name, "read")

    def work() -> list[dict[str, Any]]:
        form = ctx.form(form_name)
        found = find(ctx, form, key)
        rows = ctx.connection.execute(
            'SELECT e.seq, e.kind, e.occurred_at, e.recorded_at, e.actor, e.via, e.changes, e.comment, u."code", u."name" '
            'FROM event e LEFT JOIN "system_user" u ON u.id = e.actor WHERE e.record = $1 AND e.seq < $3 '
            "ORDER BY e.seq DESC LIMIT $2",
            [found, limit, before or 2**62],
            prepare=True,
        ).fetchall()
        hidden = ctx.caller.policy.fields(form.name)
        return [_event(ctx, form, row, hidden) for row in rows]

    return ctx.atomically(work)


def _event(ctx: Context, form: Form, row: tuple[Any, ...], hidden: Mapping[str, str]) -> dict[str, Any]:
    changed = row[6]
    if isinstance(changed, Mapping):
        changed = _whole(form, changed, deleted=row[1] == "delete")
    label = form.transitions[row[1]].label.text(ctx.language) if row[1] in form.transitions else None
    return {
        "seq": row[0],
        "kind": row[1],
        "label": label,
        "occurred_at": _instant(row[2]),
        "recorded_at": _instant(row[3]),
        "actor": {"id": row[4], "code": row[8], "label": row[9] or ("Anlan" if row[8] is None else row[8])}
        if row[4]
        else None,
        "via": row[5],
        "comment": row[7],
        "changes": [
            _masked(item, hidden) for item in changed or () if hidden.get(_field_path(item["path"])) != "none"
        ],
    }


def _masked(item: dict[str, Any], hidden: Mapping[str, str]) -> dict[str, Any]:
    """A change without what the caller may not see: a line that came or went is told whole."""
    if not hidden or not (isinstance(item.get("old"), Mapping) or isinstance(item.get("new"), Mapping)):
        return item
    lines = item["path"].partition("[")[0]
    return item | {
        side: {key: value for key, value in item[side].items() if hidden.get(f"{lines}.{key}") != "none"}
        for side in ("old", "new")
        if isinstance(item.get(side), Mapping)
    }


def _instant(value: Any) -> str:
    text: str = value.isoformat()
    return text.replace("+00:00", "Z")


def _field_path(path: str) -> str:
    """`lines[id].price` → `lines.price`."""
    head, bracket, rest = path.partition("[")
    return head + rest.partition("]")[2] if bracket else path


def _whole(form: Form, content: Mapping[str, Any], *, deleted: bool) -> list[dict[str, Any]]:
    """A creation (or deletion) as changes from (to) nothing."""
    old, new = ("new", "old") if deleted else ("old", "new")
    found = [
        {"path": item.key, old: None, new: content[item.key]}
        for item in form.stored
        if not item.reserved and content.get(item.key) is not None
    ]
    for key, table in form.lines.items():
        for line in content.get(key) or ():
            values = {item.key: line[item.key] for item in table.stored if line.get(item.key) is not None}
            found.append({"path": f"{key}[{line.get('id')}]", old: None, new: values})
    return found


def comment(ctx: Context, form_name: str, key: str, text: str) -> dict[str, Any]:
    """Say something about a record; it raises no version. The event."""
    ctx.caller.policy.require(form_name, "read")
    if not text.strip() or "\x00" in text:
        raise invalid([Fault("required", "text", {"label": "text"})])
    if len(text) > MAX_COMMENT:
        raise invalid([Fault("too_long", "text", {"limit": MAX_COMMENT, "length": len(text)})])

    def work() -> dict[str, Any]:
        form = ctx.form(form_name)
        found = find(ctx, form, key)
        row = ctx.connection.execute(
            "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, comment, request_id) "
            "VALUES ($1, $2, 'comment', $3, $3, $4, $5, $6, $7) RETURNING seq, kind, occurred_at, recorded_at, actor, via, "
            "changes, comment",
            [found, form.name, ctx.now, ctx.caller.user, ctx.via, text.strip(), ctx.request_id],
        ).fetchone()
        assert row is not None
        return _event(ctx, form, (*row, ctx.caller.login, ctx.caller.name), {})

    return ctx.atomically(work)


def links(ctx: Context, form_name: str, key: str) -> list[dict[str, Any]]:
    """The records before (`source`) and after (`target`) this one, two steps each way, that the caller may see."""
    ctx.caller.policy.require(form_name, "read")

    def work() -> list[dict[str, Any]]:
        found = find(ctx, ctx.form(form_name), key)
        rows = ctx.connection.execute(
            "WITH RECURSIVE up AS (SELECT source AS id, 1 AS step FROM record_link WHERE target = $1 UNION "
            "SELECT l.source, up.step + 1 FROM up JOIN record_link l ON l.target = up.id WHERE up.step < 4), "
            "down AS (SELECT target AS id, 1 AS step FROM record_link WHERE source = $1 UNION "
            "SELECT l.target, down.step + 1 FROM down JOIN record_link l ON l.source = down.id WHERE down.step < 4) "
            "SELECT r.relation, r.step, i.id, i.form, i.code, i.title, i.state, i.company FROM ("
            "SELECT 'source' AS relation, id, min(step) AS step FROM up GROUP BY id UNION ALL "
            "SELECT 'target', id, min(step) FROM down GROUP BY id) r JOIN record_index i ON i.id = r.id "
            "ORDER BY r.relation, r.step DESC, i.id",
            [found],
        ).fetchall()
        by_form: dict[str, list[str]] = {}
        for row in rows:
            by_form.setdefault(row[3], []).append(row[2])
        seen = set().union(
            *(
                visible_ids(ctx, ctx.catalogue.forms[name], ids)
                for name, ids in by_form.items()
                if name in ctx.catalogue.forms
            )
        )
        data = []
        for relation, distance, record, form, code, title, state, _ in rows:
            if record not in seen:
                continue
            definition = ctx.catalogue.forms.get(form)
            label = (
                definition.states[state].label.text(ctx.language)
                if definition and state in definition.states
                else state
            )
            data.append(
                {
                    "relation": relation,
                    "distance": distance,
                    "record": {
                        "form": form,
                        "form_label": definition.label(ctx.language) if definition else form,
                        "id": record,
                        "code": code,
                        "number": code,
                        "label": title,
                        "state": state,
                        "state_label": label,
                    },
                }
            )
        return data

    return ctx.atomically(work)
