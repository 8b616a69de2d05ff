"""Records that link to one record, form by form: what a page shows beside it.

    related(ctx, "demo.party", key)
    →  [{"form": "demo.order", "form_label": "订单", "field": "party", "field_label": "客户", "where": 'party = "C001"',
         "more": True, "data": [{"id", "code", "title", "state", "state_label"}]}]

Only links of the head count that the caller may see, of records that he may read. Two statements, whatever the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.context import Context
from anlan.kernel.record.load import find

__all__ = ["related"]

MOST = 50


class _Arm(NamedTuple):
    form: Form
    field: Field


def related(ctx: Context, form_name: str, key: str, *, limit: int = 5) -> list[dict[str, Any]]:
    """The newest `limit` records of each form and link field; `where` filters that form's list to all of them, None
    for a record that has no code yet.

    Refused like reading the record.
    """
    ctx.caller.policy.require(form_name, "read")
    limit = max(1, min(limit, MOST))

    def work() -> list[dict[str, Any]]:
        ctx.check_versions()
        form = ctx.form(form_name)
        id = find(ctx, form, key)
        arms = list(_arms(ctx, form))
        if not arms:
            return []
        parts = [_select(ctx, place, arm, limit + 1) for place, arm in enumerate(arms)]
        rows = ctx.connection.execute(
            "SELECT u.place, i.id, i.code, i.title, i.state FROM ("
            + " UNION ALL ".join(f"({part})" for part in parts)
            + ") u JOIN record_index i ON i.id = u.id ORDER BY u.place, u.id DESC",
            [id],
        ).fetchall()
        own = ctx.connection.execute("SELECT code FROM record_index WHERE id = $1", [id]).fetchone()
        found: dict[int, list[dict[str, Any]]] = {}
        for place, record, code, title, state in rows:
            known = arms[place].form.states.get(state)
            found.setdefault(place, []).append(
                {"id": record, "code": code, "title": title, "state": state,
                 "state_label": known.label.text(ctx.language) if known else None}
            )  # fmt: skip
        return [_shown(ctx, arms[place], own[0] if own else None, data, limit) for place, data in found.items()]

    return ctx.atomically(work)


def _arms(ctx: Context, target: Form) -> Iterator[_Arm]:
    """The links to the form that the caller may see; settings are linked by everything and say nothing."""
    readable = ctx.caller.policy.forms("read")
    for form in ctx.catalogue.forms.values():
        if form.name not in readable or form.is_setting or form.definition.source is not None:
            continue
        hidden = ctx.caller.policy.fields(form.name)
        for item in form.stored:
            linked = item.to == target.name and item.type.key != "line" and item.column is not None
            if linked and not item.reserved and not item.definition.hidden and hidden.get(item.path) != "none":
                yield _Arm(form, item)


def _select(ctx: Context, place: int, arm: _Arm, limit: int) -> str:
    names = names_for(ctx, arm.form)
    rule = predicate(ctx, arm.form, "read", names)
    condition = f'h.{quoted(arm.field.column or "")} = $1{f" AND {rule}" if rule else ""}'
    return (
        f'SELECT {place} AS place, h."id" FROM {arm.form.table} h {names.joins} WHERE {condition}'
        f' ORDER BY h."id" DESC LIMIT {limit}'
    )


def _shown(ctx: Context, arm: _Arm, code: str | None, data: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    label = arm.field.definition.label
    quoted_code = (code or "").replace('"', '""')
    return {
        "form": arm.form.name,
        "form_label": arm.form.label(ctx.language),
        "field": arm.field.key,
        "field_label": label.text(ctx.language) if label else arm.field.key,
        "where": f'{arm.field.key} = "{quoted_code}"' if code else None,
        "more": len(data) > limit,
        "data": data[:limit],
    }
