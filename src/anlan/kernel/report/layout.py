"""What a report's columns are, told once a catalogue: labels, kinds, the formulas of each source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.register import Register
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.context import Context
from anlan.kernel.definition.model import Label, ReportDefinition, ReportSource
from anlan.kernel.formula import FAILURES, NUMBER, DictScope, Formula, Link, Type, python_function
from anlan.kernel.report.shape import parts_of, scope_of, shape_of

__all__ = ["Column", "Layout", "Part", "Result", "layout_of", "result_scope", "turnover_layout", "turnover_scope"]

SQL_TYPES = {"number": "numeric", "date": "date", "datetime": "timestamptz", "boolean": "boolean"}
Labels = dict[str, str]
# What movements have beside dimensions and resources.
MOVED: dict[str, Labels] = {"date": {"zh": "日期", "en": "Date"}, "document": {"zh": "单据", "en": "Document"}}


class Result(NamedTuple):
    """A figure reckoned from other columns: the keys that it reads, and its function."""

    keys: list[str]
    function: Callable[..., Any]

    def of(self, row: dict[str, Any]) -> Any:
        """Its value over a row (or subtotal, or total); None where it cannot be reckoned."""
        try:
            return self.function(*[row.get(key) or Decimal(0) for key in self.keys])
        except FAILURES:
            return None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `group` for what rows stand for, `result` for what is reckoned after adding up."""

    key: str
    label: Labels
    kind: str
    type: Type
    group: bool = False
    total: bool = False
    running: bool = False
    result: Result | None = None
    opens: str | None = None
    options: dict[str, Any] | None = None
    reckoned: bool = False      # by a formula, not a field as it is stored

    @property
    def is_number(self) -> bool:
        return self.type == NUMBER

    @property
    def sql(self) -> str:
        """The type of its values in SQL."""
        return "uuid" if isinstance(self.type, Link) else SQL_TYPES.get(getattr(self.type, "name", "text"), "text")


class Part(NamedTuple):
    """One source: what it reads, its formulas by column, its filter."""

    source: ReportSource
    formulas: dict[str, Formula]
    where: Formula | None


class Layout(NamedTuple):
    columns: list[Column]
    parts: list[Part]


def layout_of(ctx: Context, report: ReportDefinition) -> Layout:
    """The columns and sources of a report that is no turnover; made once per catalogue."""
    found: Layout | None = ctx.catalogue.compiled.get(("report", report.report))
    if found is None:
        found = ctx.catalogue.compiled["report", report.report] = _layout(ctx.catalogue, report)
    return found


def _layout(catalogue: Catalogue, report: ReportDefinition) -> Layout:
    parts, shapes = [], []
    for _, part in parts_of(report):
        shape = shape_of(catalogue, part)
        scope = scope_of(catalogue, report, part, shape)
        formulas = {key: catalogue.check(text, scope) for key, text in (part.rows | part.columns).items()}
        parts.append(Part(part, formulas, catalogue.check(part.where, scope) if part.where else None))
        shapes.append((shape, part.rows | part.columns, formulas))
    first = {key: (shape, texts[key], formulas[key]) for shape, texts, formulas in reversed(shapes) for key in formulas}
    columns = [_group(key, *first[key]) for key in report.rows]
    numbers = [key for key in report.columns if key in first and first[key][2].type == NUMBER]
    numbers += [key for key, one in report.columns.items() if one.result]
    for key, column in report.columns.items():
        labels = _labels(column.label)
        if column.result is not None:
            result = _result(catalogue, column.result, numbers)
            columns.append(Column(key, labels, column.type or "decimal", NUMBER, total=column.total, result=result, opens=column.opens, reckoned=True))
            continue
        shape, text, formula = first[key]
        item = shape.field_at(text)
        kind = column.type or (item.type.key if item else _kind(formula.type))
        if kind == "decimal" and formula.type == NUMBER:
            kind = _money_like(formula, shape)
        columns.append(Column(key, labels, kind, formula.type, total=column.total, running=column.running, opens=column.opens, options=_options(item, shape),
                              reckoned=item is None))
    return Layout(columns, parts)


def _result(catalogue: Catalogue, text: str, numbers: Sequence[str]) -> Result:
    formula = catalogue.check(text, result_scope(numbers))
    refs = sorted(formula.refs)
    return Result([ref.path[0] for ref in refs], python_function(formula, refs, functions=catalogue.functions))


def result_scope(numbers: Sequence[str]) -> DictScope:
    """What a `result` sees: the other columns' figures."""
    return DictScope(dict.fromkeys(numbers, NUMBER))


def _group(key: str, shape: Form, text: str, formula: Formula) -> Column:
    item = shape.field_at(text)
    label = item.definition.label if item and item.definition.label else None
    return Column(key, _labels(label) if label else MOVED.get(text, {"zh": key, "en": key}), item.type.key if item else _kind(formula.type),
                  formula.type, group=True, options=_options(item, shape))


def _options(item: Field | None, shape: Form) -> dict[str, Any] | None:
    """The words of a choice's keys."""
    if item is None:
        return None
    if item.key == "state" and item.reserved:
        return {key: {"label": _labels(one.label), "colour": one.colour} for key, one in shape.states.items()}
    options = item.definition.options
    return {key: {"label": _labels(one.label), "colour": one.colour} for key, one in options.items()} if options else None


def _labels(label: Label) -> Labels:
    return {"zh": label.zh, "en": label.en}


def _kind(of: Type) -> str:
    if isinstance(of, Link):
        return "link"
    return {"number": "decimal", "date": "date", "datetime": "instant", "boolean": "boolean"}.get(getattr(of, "name", "text"), "text")


def _money_like(formula: Formula, shape: Form) -> str:
    """The kind of a computed number: money when it is made of money."""
    kinds = {item.type.key for ref in formula.refs
             if (item := shape.field_at(".".join(ref.path[:2])) or shape.field_at(ref.path[0]))}
    return "money" if "money" in kinds else "quantity" if "quantity" in kinds else "decimal"


# A turnover: its columns compare opening, in, out and closing of grouped rows.
Computed = tuple[str, list[tuple[str, str]], Callable[..., Any]]       # a column's key, what it reads, its function


def turnover_layout(ctx: Context, report: ReportDefinition, register: Register) -> tuple[list[Column], list[Computed]]:
    """The columns of a turnover, and how those that are computed come about; made once per catalogue."""
    made = ctx.catalogue.compiled.get(("turnover", report.report))
    if made is None:
        shape = register.as_form(register.balance_table)
        scope = form_scope(ctx.catalogue.forms, shape)
        columns = [_group(key, shape, key, ctx.catalogue.check(key, scope)) for key in report.rows]
        functions: list[Computed] = []
        for key, column in report.columns.items():
            formula = ctx.catalogue.check(column.value or "", turnover_scope(register))
            refs = sorted(formula.refs)
            places = [(f"{ref.path[0]}:", ref.path[1]) for ref in refs]
            functions.append((key, places, python_function(formula, refs, functions=ctx.catalogue.functions)))
            kind = next((register.resources[ref.path[0]].type for ref in refs if ref.path[0] in register.resources), "decimal")
            columns.append(Column(key, _labels(column.label), kind, NUMBER, total=column.total, opens=column.opens))
        made = ctx.catalogue.compiled["turnover", report.report] = (columns, functions)
    found: tuple[list[Column], list[Computed]] = made
    return found


def turnover_scope(register: Register) -> DictScope:
    """What columns of a turnover see: `quantity.opening`, `.in`, `.out`, `.closing`."""
    parts: dict[str, Any] = dict.fromkeys(("opening", "in", "out", "closing"), NUMBER)
    return DictScope({key: (Link(key), DictScope(parts, key)) for key in register.resources})
