"""What a pivot may be made of: the dimensions and measures of a form or report, as the caller may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import row_scope
from anlan.kernel.context import Context
from anlan.kernel.errors import not_found
from anlan.kernel.formula import NUMBER, DesignError, Formula, Link, sql
from anlan.kernel.query.scope import VisibleScope
from anlan.kernel.report.layout import Column, layout_of
from anlan.kernel.report.parameters import CONTEXT_PLACES
from anlan.kernel.report.shape import shape_of
from anlan.kernel.report.table import definition_of

__all__ = ["GRAINS", "Dimension", "Measure", "dimensions_and_measures", "fields", "visible_of"]

GRAINS = ("day", "month", "quarter", "year")
MEASURED = frozenset({"integer", "decimal", "quantity", "money", "duration"})
GROUPED = frozenset({"link", "user", "company", "department", "choice", "state", "date", "instant", "boolean", "text", "number"})
AFTER = {"created_at": 1, "created_by": 1, "updated_at": 2, "updated_by": 2}      # last in a list to choose from
NEVER = frozenset({"id", "version", "workflow_version"})


class Dimension(NamedTuple):
    """Something to group by. `kind` is its field type, `to` the form that it links to."""

    key: str
    label: dict[str, str]
    kind: str
    to: str
    options: Mapping[str, Any] | None


class Measure(NamedTuple):
    """Something to add up."""

    key: str
    label: dict[str, str]
    kind: str


def fields(ctx: Context, *, form: str | None = None, report: str | None = None, each: str | None = None) -> dict[str, Any]:
    """The dimensions and measures to choose from, and the lines that a form can be counted by. Refused 403, 404."""
    dimensions, measures = dimensions_and_measures(ctx, form=form, report=report, each=each)
    lines = {}
    if form is not None:
        access = ctx.caller.policy.fields(form)
        lines = {key: _label(ctx.catalogue.forms[form].fields[key]) for key in ctx.catalogue.forms[form].lines if access.get(key) != "none"}
    return {
        "dimensions": [{"key": one.key, "label": one.label, "type": one.kind, "to": one.to or None,
                        "options": one.options, "grains": list(GRAINS) if one.kind in ("date", "instant") else []} for one in dimensions.values()],
        "measures": [{"key": one.key, "label": one.label, "type": one.kind} for one in measures.values()],
        "lines": [{"key": key, "label": label} for key, label in lines.items()],
    }


def dimensions_and_measures(
    ctx: Context, *, form: str | None, report: str | None, each: str | None,
) -> tuple[dict[str, Dimension], dict[str, Measure]]:
    """By key. Refused 403, 404."""
    if report is not None:
        return _of_report(ctx, report)
    name = form or ""
    shape = ctx.form(name)
    ctx.caller.policy.require(name, "read")
    if each is not None and each not in shape.lines:
        raise not_found(name, each)
    scope = visible_of(ctx, shape, each)
    dimensions: dict[str, Dimension] = {}
    measures: dict[str, Measure] = {}
    for path, item, in_lines in _reachable(shape, each):
        formula = _usable(ctx, shape, each, scope, path)
        if formula is None:
            continue
        if item.type.key in MEASURED and formula.type == NUMBER:
            if in_lines == (each is not None):      # an amount of the head would come once a line
                measures[path] = Measure(path, _label(item), item.type.key)
        elif item.type.key in GROUPED:
            kind = "state" if item.reserved and item.key == "state" else item.type.key
            to = formula.type.form if isinstance(formula.type, Link) else ""
            dimensions[path] = Dimension(path, _label(item), kind, to, _options(shape, item))
    return dimensions, measures


def visible_of(ctx: Context, shape: Form, each: str | None) -> VisibleScope:
    """What the caller may speak of: his fields of the head, and of the line at hand."""
    return VisibleScope(ctx.caller.policy, row_scope(ctx.catalogue.forms, shape, each), ctx.caller.policy.fields(shape.name))


def _reachable(shape: Form, each: str | None) -> Iterator[tuple[str, Field, bool]]:
    if each is not None:
        for key, item in shape.lines[each].fields.items():
            if not item.definition.hidden and key not in NEVER:
                yield f"{each}.{key}", item, True
    for key, item in sorted(shape.fields.items(), key=lambda pair: (pair[1].reserved, AFTER.get(pair[0], 0))):
        if not item.definition.hidden and key not in NEVER and not item.type.is_lines:
            yield key, item, False


def _usable(ctx: Context, shape: Form, each: str | None, scope: VisibleScope, path: str) -> Formula | None:
    """The formula of a path, when the caller sees it and it can be read in SQL."""
    if ctx.caller.policy.fields(shape.name).get(path) == "none":
        return None
    names = FormNames(ctx.catalogue.forms, ctx.catalogue.registers, shape, lines=each, functions=ctx.catalogue.functions,
                      context=dict.fromkeys(CONTEXT_PLACES, "NULL"))
    try:
        formula = ctx.catalogue.check(path, scope)
        sql(formula, names)
    except DesignError:
        return None
    return formula


def _of_report(ctx: Context, name: str) -> tuple[dict[str, Dimension], dict[str, Measure]]:
    report = definition_of(ctx, name)
    if report.reading == "turnover":
        return {}, {}
    layout = layout_of(ctx, report)
    dimensions = {one.key: _column_dimension(one) for one in layout.columns if one.group or not one.is_number}
    dated = any((part.source.register_name and part.source.reading == "movements") or (part.source.form and "date" in shape_of(ctx.catalogue, part.source).fields)
                for part in layout.parts)
    if dated and "date" not in dimensions:
        dimensions["date"] = Dimension("date", {"zh": "日期", "en": "Date"}, "date", "", None)
    measures = {one.key: Measure(one.key, one.label, one.kind) for one in layout.columns if one.is_number and not one.group}
    return dimensions, measures


def _column_dimension(column: Column) -> Dimension:
    to = column.type.form if isinstance(column.type, Link) and column.kind != "line" else ""
    return Dimension(column.key, column.label, column.kind, to, column.options)


def _label(item: Field) -> dict[str, str]:
    label = item.definition.label
    return {"zh": label.zh, "en": label.en} if label else {"zh": item.key, "en": item.key}


def _options(shape: Form, item: Field) -> dict[str, Any] | None:
    if item.reserved and item.key == "state":
        return {key: {"label": {"zh": one.label.zh, "en": one.label.en}, "colour": one.colour} for key, one in shape.states.items()}
    options = item.definition.options
    return {key: {"label": {"zh": one.label.zh, "en": one.label.en}, "colour": one.colour} for key, one in options.items()} if options else None
