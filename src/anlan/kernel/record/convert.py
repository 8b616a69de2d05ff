"""How one document makes the next: what is still open becomes a draft of the target form.

The draft is made through the ordinary record path, so the target's defaults and formulas fill what is not copied,
and `record_link` remembers where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context, Later
from anlan.kernel.definition.model import Conversion
from anlan.kernel.errors import Fault, Refused, conflict, invalid, not_found
from anlan.kernel.fieldtype import Unreadable
from anlan.kernel.fieldtype.types import FIELD_TYPES
from anlan.kernel.ids import uuid7
from anlan.kernel.record.compile_steps import CompiledConversion, compile_conversion
from anlan.kernel.record.load import find, load
from anlan.kernel.record.write import creating

__all__ = ["conversion_of", "link_records", "make", "makeable", "refuse_state", "values_of"]

QUANTITY = FIELD_TYPES["quantity"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A source line with the quantity to take, None for all that is open."""

    line: dict[str, Any]
    take: Decimal | None


def make(
    ctx: Context, form_name: str, key: str, target_name: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make the target document from this one, as a draft. Refused 403, 404, 409 `conversion.nothing_open`, 422.

    `body` may name `lines` (`[{"source_line": id, "quantity": "3"}]`; the quantity may be left out) and fields of
    the new document's head.
    """
    body = body or {}
    ctx.caller.policy.require(form_name, "read")
    ctx.caller.policy.require(target_name, "create")

    def work() -> Later[dict[str, Any]]:
        ctx.ask_versions()
        form = ctx.form(form_name)
        name, conversion = conversion_of(form, target_name)
        record = load(ctx, form, [find(ctx, form, key)], lock=True)[0]
        refuse_state(form, conversion, record)
        values = values_of(ctx, form, name, record, body)
        made = uuid7()
        answer = creating(ctx, conversion.to, [values], ids=[made], alone=True)
        link_records(ctx, (form_name, record["id"]), (conversion.to, made), name)
        return Later(lambda: answer.make()[0])

    return ctx.atomically(work)


def refuse_state(form: Form, conversion: Conversion, record: Mapping[str, Any]) -> None:
    """409 `conversion.wrong_state` when nothing is made of a record in its state."""
    if form.start is not None and record["state"] not in conversion.states:
        raise conflict(
            "conversion.wrong_state",
            step=conversion.label,
            state=form.states[record["state"]].label,
            number=record.get("number") or "",
        )


def makeable(ctx: Context, form_name: str, key: str) -> frozenset[str]:
    """The conversions that would make something of the record as it is: its state allows them and something is open.

    Refused 403, 404.
    """
    ctx.caller.policy.require(form_name, "read")

    def work() -> frozenset[str]:
        ctx.check_versions()
        form = ctx.form(form_name)
        record = load(ctx, form, [find(ctx, form, key)])[0]
        return frozenset(
            name for name in form.definition.conversions if _makes_something(ctx, form, name, record)
        )

    return ctx.atomically(work)


def _makes_something(ctx: Context, form: Form, name: str, record: dict[str, Any]) -> bool:
    if form.start is not None and record["state"] not in form.definition.conversions[name].states:
        return False
    try:
        values_of(ctx, form, name, record, {})
    except Refused as refused:
        return refused.status != 409  # nothing is left; any other reason is told to the one who asks for it
    return True


def conversion_of(form: Form, target: str) -> tuple[str, Conversion]:
    """The conversion that makes a form (or that has this key), with its key. Refused 404."""
    for name, conversion in form.definition.conversions.items():
        if target in (conversion.to, name):
            return name, conversion
    raise not_found(form.name, target)


def link_records(ctx: Context, source: tuple[str, str], target: tuple[str, str], relation: str) -> None:
    """Remember that one record was made from another, both given by form and id."""
    ctx.connection.execute(
        "INSERT INTO record_link (source, target, relation, source_form, target_form) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        [source[1], target[1], relation, source[0], target[0]],
        prepare=True,
    )


def values_of(
    ctx: Context, form: Form, name: str, record: dict[str, Any], body: Mapping[str, Any]
) -> dict[str, Any]:
    """What the target is made of: the head and what is open of the rows, then what the caller says."""
    conversion = form.definition.conversions[name]
    part: CompiledConversion = form.part(
        f"conversion {name}", lambda: compile_conversion(ctx.catalogue, form, name, conversion)
    )
    if conversion.when is not None and not part.when(record, ctx):
        raise conflict("conversion.not_allowed", step=conversion.label, number=record.get("number") or "")
    values: dict[str, Any] = {
        path: value for path, value in part.head(record, ctx).items() if value is not None
    }
    if conversion.each is not None and part.lines is not None:
        rows = _chosen(form, conversion, record, body)
        lines = []
        for row in rows:
            left = part.open(record, row.line, ctx)
            if row.take is None and (left is None or left <= 0):
                continue
            line = part.lines(record, row.line, max(left or Decimal(0), Decimal(0)), ctx)
            if row.take is not None:
                line[conversion.quantity] = row.take
            lines.append({key: value for key, value in line.items() if value is not None})
        if not lines:
            raise conflict(
                "conversion.nothing_open", step=conversion.label, number=record.get("number") or ""
            )
        values[conversion.target or conversion.each] = lines
    elif part.open_head is not None:
        left = part.open_head(record, ctx)
        if left is None or left <= 0:
            raise conflict(
                "conversion.nothing_open", step=conversion.label, number=record.get("number") or ""
            )
    for key, value in body.items():
        if key != "lines" or conversion.each is None:
            values[key] = value
    return values


def _chosen(
    form: Form, conversion: Conversion, record: dict[str, Any], body: Mapping[str, Any]
) -> list[_Row]:
    """The source lines that the caller named, or all."""
    lines = record[conversion.each or ""]
    named = body.get("lines")
    if named is None:
        return [_Row(line, None) for line in lines]
    if not isinstance(named, list):
        raise invalid([Fault("wrong_type", "lines", {"wanted": "lines"})])
    by_id = {line["id"]: line for line in lines}
    rows = []
    for place, item in enumerate(named):
        key = (
            item.get("source_line") or item.get("id") or item.get("line")
            if isinstance(item, Mapping)
            else item
        )
        line = (
            by_id.get(key)
            if isinstance(key, str)
            else lines[key]
            if isinstance(key, int) and 0 <= key < len(lines)
            else None
        )
        if line is None:
            raise invalid([Fault("unknown_line", f"lines[{place}]", {"value": str(key)})])
        take = None
        sent = item.get(conversion.quantity) if isinstance(item, Mapping) else None
        if sent is not None:
            try:
                take = QUANTITY.parse(sent, form.lines[conversion.each or ""].definition)
            except Unreadable as error:
                raise invalid(
                    [Fault(error.code, f"lines[{place}].{conversion.quantity}", error.params)]
                ) from None
        rows.append(_Row(line, take))
    return rows
