"""A report's parameters: what was given or stands by default, as Python values and as SQL constants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from anlan.kernel.access.predicate import sql_text
from anlan.kernel.catalogue.form import Field
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import FieldsScope
from anlan.kernel.context import Context
from anlan.kernel.definition.model import FieldDefinition, Parameter, ReportDefinition
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.fieldtype import FIELD_TYPES, LinkValue, Unreadable
from anlan.kernel.formula import (
    BOOLEAN,
    DATE,
    DATETIME,
    FAILURES,
    NUMBER,
    TEXT,
    DictScope,
    Formula,
    Link,
    Ref,
    Symbol,
    Type,
    python_function,
)
from anlan.kernel.record.links import Want, resolve

__all__ = ["CONTEXT_PLACES", "PARAM", "ParameterNames", "literal", "read_parameters", "shown", "with_parameters"]

PARAM = "parameter"
CONTEXT_PLACES: tuple[tuple[str, ...], ...] = (("today",), ("now",), ("zone",), ("user",), ("user", "code"), ("dept",))
TYPES: dict[str, Type] = {
    "date": DATE, "instant": DATETIME, "boolean": BOOLEAN, "integer": NUMBER, "decimal": NUMBER, "money": NUMBER,
    "quantity": NUMBER, "percent": NUMBER, "price": NUMBER,
}  # fmt: skip


class ParameterNames:
    """A form's places, and the parameters as constants."""

    def __init__(self, names: FormNames, values: Mapping[str, str]) -> None:
        self.names, self.values = names, values

    @property
    def zone(self) -> str:
        return self.names.zone

    def scalar(self, ref: Ref) -> str:
        return self.values[ref.path[0]] if ref.owner == PARAM else self.names.scalar(ref)

    def column(self, ref: Ref) -> tuple[str, str]:
        return self.names.column(ref)


def with_parameters(report: ReportDefinition, scope: FieldsScope) -> FieldsScope:
    """A scope that knows the parameters too, where no field has their name."""
    for key, item in report.parameters.items():
        of: Type = Link(item.to) if item.to else TYPES.get(item.type, TEXT)
        if key not in scope.fields:
            scope.extra[key] = Symbol(key, of, PARAM)
    return scope


def read_parameters(ctx: Context, report: ReportDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
    """Python values of the parameters: as given, or by default. Refused 422 for what cannot be read or is missing."""
    values: dict[str, Any] = {}
    faults: list[Fault] = [Fault("unknown_field", str(key)[:60], {"field": str(key)[:60], "form": report.label})
                           for key in given if key not in report.parameters and key not in ("format", "limit")]
    for key, item in report.parameters.items():
        sent = given.get(key)
        if sent in (None, ""):
            values[key] = _default(ctx, item)
        else:
            values[key] = _read(ctx, key, item, sent, faults)
        if item.required and values[key] is None and not faults:
            faults.append(Fault("required", key, {"label": item.label}))
    if faults:
        raise invalid(faults)
    return values


def _default(ctx: Context, item: Parameter) -> Any:
    if not isinstance(item.default, str):
        return item.default
    formula = ctx.catalogue.check(item.default, DictScope({}))
    function = python_function(formula, sorted(formula.refs), functions=ctx.catalogue.functions)
    try:
        return function(*_context_values(ctx, formula))
    except FAILURES:
        return None


def _context_values(ctx: Context, formula: Formula) -> list[Any]:
    values = (ctx.today, ctx.now, ctx.site.zone_name, ctx.person, ctx.caller.login, ctx.caller.department)
    known = dict(zip(CONTEXT_PLACES, values, strict=True))
    return [known.get(ref.path) for ref in sorted(formula.refs)]


def _read(ctx: Context, key: str, item: Parameter, sent: Any, faults: list[Fault]) -> Any:
    definition = FieldDefinition(type=item.type, to=item.to, label=item.label)
    kind = FIELD_TYPES[item.type]
    if item.type == "boolean" and isinstance(sent, str):
        sent = {"true": True, "1": True, "false": False, "0": False}.get(sent.lower(), sent)
    try:
        value = kind.parse(sent, definition)
    except Unreadable as error:
        faults.append(Fault(error.code, key, {**error.params, "label": item.label}))
        return None
    if isinstance(value, LinkValue):
        place = {key: value}
        wants = [Want(place, key, Field(key, key, definition, kind, key, item.to), key)]
        faults += [fault for _, fault in resolve(ctx, wants)]
        return place[key]
    return value


def literal(value: Any, item: Parameter) -> str:
    """A parameter's value as an SQL constant of its type."""
    if value is None:
        return f"NULL::{FIELD_TYPES[item.type].sql or 'text'}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::{FIELD_TYPES[item.type].sql}"
    if isinstance(value, Decimal):
        return f"{value}"
    return sql_text(str(value)) + ("::uuid" if item.to else "")


def shown(ctx: Context, item: Parameter, value: Any) -> Any:
    """A parameter's value as JSON; a link by its code."""
    if value is None or isinstance(value, (bool, str)):
        return ctx.linked(item.to, value).get("code") if item.to and isinstance(value, str) else value
    return value.isoformat() if isinstance(value, date) else str(value)
