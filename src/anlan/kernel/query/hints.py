"""Figures beside the choices of a link while it is typed: what a register has of each, what was last used.

    hints(ctx, "demo.order", "lines.item", [id, …], {"party": party_id})
    →  {id: {"on_hand": "12", "last_price": "4.5"}, …}

A balance is shown like a field with `balance`: whoever may write the form sees it, of his companies. A last value is only
taken from records and fields that the caller may read. One statement a hint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.catalogue.form import Field, quoted
from anlan.kernel.context import Context
from anlan.kernel.definition.fields import Hint
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.fieldtype.types import UUID, plain
from anlan.kernel.ids import id_array

__all__ = ["MOST_CHOICES", "hint_type", "hints"]

MOST_CHOICES = 50


def hints(
    ctx: Context, form_name: str, path: str, ids: Sequence[str], values: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """The hints of some choices of the link at `path`; `values` are head fields of the record that is typed into.

    Refused 403 for who may not write the form, 422 for a path without such a link or too many choices.
    """
    if not ctx.caller.policy.can(form_name, "create"):
        ctx.caller.policy.require(form_name, "update")
    if len(ids) > MOST_CHOICES:
        raise invalid([Fault("too_many", "ids", {"limit": MOST_CHOICES, "what": "ids"})])
    wanted = [one for one in dict.fromkeys(ids) if UUID.fullmatch(one)]

    def work() -> dict[str, dict[str, str]]:
        ctx.check_versions()
        form = ctx.form(form_name)
        item = form.field_at(path)
        if item is None or item.to is None or ctx.caller.policy.fields(form.name).get(item.path) == "none":
            raise invalid([Fault("unknown_field", "path", {"field": path[:80], "form": form.definition.label})])
        found: dict[str, dict[str, str]] = {one: {} for one in wanted}
        for key, hint in item.definition.hints.items() if wanted else ():
            for choice, value in _rows(ctx, hint, wanted, values):
                if value is not None and choice in found:
                    found[choice][key] = plain(value)
        return found

    return ctx.atomically(work)


def hint_type(ctx: Context, hint: Hint) -> str:
    """The type of the figure, as fields have it."""
    if hint.register_name is not None:
        return ctx.catalogue.register(hint.register_name).resources[hint.resource or ""].type
    item = ctx.form(hint.form or "").field_at(hint.value or "")
    return item.type.key if item is not None else "decimal"


def _rows(ctx: Context, hint: Hint, ids: list[str], values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    narrowed = {key: value for key, field in hint.key.items() if (value := _id(values.get(field))) is not None}
    if hint.register_name is not None:
        return _balances(ctx, hint, ids, narrowed)
    return _last(ctx, hint, ids, narrowed)


def _id(value: Any) -> str | None:
    """The id of a link as it was sent."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and UUID.fullmatch(found) else None


def _balances(ctx: Context, hint: Hint, ids: list[str], narrowed: Mapping[str, str]) -> list[tuple[str, Any]]:
    register = ctx.catalogue.register(hint.register_name or "")
    choice = quoted(hint.dimension or "")
    conditions = [f"{choice} = ANY ($1::uuid[])"]
    conditions += [f"{quoted(key)} = {sql_text(value)}::uuid" for key, value in narrowed.items()]
    if "company" in register.dimensions and ctx.caller.companies is not None:
        companies = ", ".join(sql_text(one) for one in ctx.caller.companies)
        conditions.append(f'"company" IN ({companies})' if companies else "false")
    rows = ctx.connection.execute(
        f"SELECT {choice}, sum({quoted(hint.resource or '')}) FROM {register.balance_table}"
        f" WHERE {' AND '.join(conditions)} GROUP BY 1",
        [id_array(ids)],
    ).fetchall()
    known = {row[0]: row[1] for row in rows}
    return [(one, known.get(one, 0)) for one in ids]  # what a register does not know there is none of


def _last(ctx: Context, hint: Hint, ids: list[str], narrowed: Mapping[str, str]) -> list[tuple[str, Any]]:
    form = ctx.form(hint.form or "")
    value, link = form.field_at(hint.value or ""), form.field_at(hint.link or "")
    access = ctx.caller.policy.fields(form.name)
    hidden = any(access.get(path or "") == "none" for path in (hint.value, hint.link, *hint.key))
    if value is None or link is None or hidden or not ctx.caller.policy.can(form.name, "read"):
        return []
    names = names_for(ctx, form)
    rule = predicate(ctx, form, "read", names)
    lines = next((form.lines[one.path.split(".")[0]].table for one in (value, link) if "." in one.path), None)
    conditions = [f"{_column(link)} = c.id", f"{_column(value)} IS NOT NULL"]
    conditions += [f"h.{quoted(form.fields[key].column or key)} = {sql_text(one)}::uuid" for key, one in narrowed.items()]
    if form.start is not None:
        conditions.append(f'h."state" <> {sql_text(form.start)}')
    if rule:
        conditions.append(rule)
    source = f'{lines} l JOIN {form.table} h ON h."id" = l."record"' if lines else f"{form.table} h"
    return ctx.connection.execute(
        f"SELECT c.id, p.value FROM unnest ($1::uuid[]) AS c (id) CROSS JOIN LATERAL (SELECT {_column(value)} AS value"
        f" FROM {source} {names.joins} WHERE {' AND '.join(conditions)} ORDER BY h.\"id\" DESC LIMIT 1) p",
        [id_array(ids)],
    ).fetchall()


def _column(item: Field) -> str:
    return f"{'l' if '.' in item.path else 'h'}.{quoted(item.column or item.key)}"
