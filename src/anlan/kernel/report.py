"""Reports: a table over a form, or over a register's balance, turnover or movements.

    run(ctx, "demo.by_thing", {"from": "2026-11-01"})
    →  {"columns": [{"key", "label", "type"}], "rows": [{key: value}], "totals": {key: text}, "parameters": {...}}

Each source row gives the values of `rows` (the group) and of `columns`; numbers of a group are added up, other values
are kept where they agree. A turnover is grouped first, because its columns compare totals. Parameters called like a
field of the source narrow it; `from` and `to` bound its date, `at` is the day of a balance. Rows that the caller may
not see are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.catalogue.scope import FieldsScope, form_scope
from anlan.kernel.context import Context
from anlan.kernel.definition.model import FieldDefinition, Parameter, ReportDefinition
from anlan.kernel.errors import Fault, invalid, not_found
from anlan.kernel.fieldtype import FIELD_TYPES, LinkValue, Unreadable
from anlan.kernel.fieldtype.types import plain
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
    sql,
    sql_filter,
)
from anlan.kernel.query.records import computable
from anlan.kernel.record.links import Want, fetch_linked, resolve
from anlan.kernel.record.output import amount
from anlan.kernel.register.read import (
    balance_source,
    movement_shape,
    register_rights,
    turnover_rows,
)

__all__ = ["MAX_ROWS", "report_formulas", "run"]

MAX_ROWS = 20_000
PARAM = "parameter"
CONTEXT_PLACES: tuple[tuple[str, ...], ...] = (("today",), ("now",), ("zone",), ("user",), ("user", "code"), ("dept",))
NONE = frozenset(value for value in ZERO_VALUES.values() if value != "")      # a dimension of none
TYPES: dict[str, Type] = {"date": DATE, "instant": DATETIME, "boolean": BOOLEAN, "integer": NUMBER, "decimal": NUMBER, "money": NUMBER,
                          "quantity": NUMBER, "percent": NUMBER, "price": NUMBER}


@dataclass(frozen=True, slots=True)
class _Column:
    key: str
    label: dict[str, str]
    kind: str
    formula: Formula
    total: bool = False
    group: bool = False


_Computed = tuple[str, list[tuple[str, str]], Callable[..., Any]]       # a column's key, what it reads, its function


class _ParameterNames:
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


def run(ctx: Context, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a report. Refused 403, 404, 422."""
    _definition(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        report = _definition(ctx, name)
        parameters = _parameters(ctx, report, given)
        if report.register_name is not None and report.reading == "turnover":
            return _turnover(ctx, report, parameters)
        return _table(ctx, report, parameters)

    with computable():
        return ctx.atomically(work)


def _definition(ctx: Context, name: str) -> ReportDefinition:
    report = ctx.catalogue.reports.get(name)
    if report is None:
        raise not_found(name, "")
    ctx.caller.policy.require(name, "read", kind="report")
    return report


def _parameters(ctx: Context, report: ReportDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
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
    try:
        return python_function(formula, _context_refs(formula), functions=ctx.catalogue.functions)(*_context_values(ctx, formula))
    except FAILURES:
        return None


def _context_refs(formula: Formula) -> list[Ref]:
    return sorted(formula.refs)


def _context_values(ctx: Context, formula: Formula) -> list[Any]:
    known = dict(zip(CONTEXT_PLACES, (ctx.today, ctx.now, ctx.site.zone_name, ctx.person, ctx.caller.login, ctx.caller.department), strict=True))
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
        faults += [fault for _, fault in resolve(ctx, [Want(place, key, Field(key, key, definition, kind, key, item.to), key)])]
        return place[key]
    return value


def _literal(value: Any, item: Parameter) -> str:
    if value is None:
        return f"NULL::{FIELD_TYPES[item.type].sql or 'text'}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"'{value.isoformat()}'::{FIELD_TYPES[item.type].sql}"
    if isinstance(value, Decimal):
        return f"{value}"
    return sql_text(str(value)) + ("::uuid" if item.to else "")


def _scope(report: ReportDefinition, scope: FieldsScope) -> FieldsScope:
    for key, item in report.parameters.items():
        of: Type = Link(item.to) if item.to else TYPES.get(item.type, TEXT)
        if key not in scope.fields:
            scope.extra[key] = Symbol(key, of, PARAM)
    return scope


def _kind(of: Type) -> str:
    if isinstance(of, Link):
        return "link"
    return {"number": "decimal", "date": "date", "datetime": "instant", "boolean": "boolean"}.get(getattr(of, "name", "text"), "text")


def _columns(ctx: Context, report: ReportDefinition, shape: Form, scope: FieldsScope) -> list[_Column]:
    found = []
    for path in report.rows:
        formula = ctx.catalogue.check(path, scope)
        item = shape.field_at(path)
        label = item.definition.label if item and item.definition.label else None
        found.append(_Column(path, {"zh": label.zh, "en": label.en} if label else {"zh": path, "en": path},
                             item.type.key if item else _kind(formula.type), formula, group=True))
    for key, column in report.columns.items():
        formula = ctx.catalogue.check(column.value, scope)
        item = shape.field_at(column.value)
        kind = item.type.key if item else _kind(formula.type)
        if kind == "decimal" and formula.type == NUMBER:
            kind = _money_like(formula, shape)
        found.append(_Column(key, {"zh": column.label.zh, "en": column.label.en}, kind, formula, total=column.total))
    return found


def _money_like(formula: Formula, shape: Form) -> str:
    """The kind of a computed number: money when it is made of money."""
    kinds = {item.type.key for ref in formula.refs if (item := shape.field_at(".".join(ref.path[:2])) or shape.field_at(ref.path[0]))}
    return "money" if "money" in kinds else "quantity" if "quantity" in kinds else "decimal"


def _source(ctx: Context, report: ReportDefinition, parameters: Mapping[str, Any]) -> tuple[Form, FormNames, list[str], str | None]:
    """The relation that a report reads: its shape, names, conditions, and the field that `from` and `to` bound.

    A grant on the report is enough to see its figures; company and row rules of the form or register hold nevertheless.
    """
    if report.form is not None:
        form = ctx.form(report.form)
        names = names_for(ctx, form)
        return form, names, _form_rights(ctx, form, names), "date" if "date" in form.fields else None
    register = ctx.catalogue.register(report.register_name or "")
    if report.reading == "movements":
        shape = movement_shape(register)
    else:
        day = parameters.get("at")
        shape = register.as_form(balance_source(ctx, register, day if isinstance(day, date) and day != ctx.today else None))
    names = names_for(ctx, shape)
    return shape, names, register_rights(ctx, register, shape, names), "date" if report.reading == "movements" else None


def _form_rights(ctx: Context, form: Form, names: FormNames) -> list[str]:
    if ctx.caller.policy.can(form.name, "read"):
        rule = predicate(ctx, form, "read", names)
        return [rule] if rule else []
    if form.has_company and ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        return [f'h."company" IN ({ids})' if ids else "false"]
    return []


def _narrowed(report: ReportDefinition, shape: Form, parameters: Mapping[str, Any], literals: Mapping[str, str]) -> list[str]:
    """Parameters that are called like a field of the source narrow it."""
    return [f'h.{quoted(item.column)} = {literals[key]}' for key, value in parameters.items()
            if value is not None and key not in ("from", "to", "at") and (item := shape.fields.get(key)) is not None and item.column is not None]


def _table(ctx: Context, report: ReportDefinition, parameters: Mapping[str, Any]) -> dict[str, Any]:
    shape, names, conditions, dated = _source(ctx, report, parameters)
    literals = {key: _literal(parameters[key], item) for key, item in report.parameters.items()}
    places = _ParameterNames(names, literals)
    scope = _scope(report, form_scope(ctx.catalogue.forms, shape))
    columns = _columns(ctx, report, shape, scope)
    values = [sql(column.formula, places) for column in columns]
    if report.where:
        conditions.append(f"({sql_filter(ctx.catalogue.check(report.where, scope), places)})")
    conditions += _narrowed(report, shape, parameters, literals)
    for key, sign in (("from", ">="), ("to", "<=")):
        if dated and parameters.get(key) is not None:
            conditions.append(f'h."{dated}" {sign} {literals[key]}')
    inner = ", ".join(f"{value} AS c{place}" for place, value in enumerate(values))
    groups = [f"c{place}" for place, column in enumerate(columns) if column.group]
    outer = ", ".join(
        f"c{place}" if column.group else f"sum(c{place})" if column.formula.type == NUMBER
        else f"CASE WHEN count(DISTINCT c{place}) = 1 AND count(c{place}) = count(*) THEN (array_agg(c{place}))[1] END"
        for place, column in enumerate(columns))
    tail = f" GROUP BY {', '.join(groups)}" if groups else ""
    rows = ctx.connection.execute(
        f"SELECT {outer} FROM (SELECT {inner} FROM {shape.table} h {names.joins} WHERE {' AND '.join(conditions) or 'true'}) x{tail} "
        f"LIMIT {MAX_ROWS + 1}").fetchall()
    found = [dict(zip((column.key for column in columns), row, strict=True)) for row in rows]
    if report.register_name is not None and report.reading == "balance":
        found = [row for row in found if any(isinstance(row[column.key], Decimal) and row[column.key] for column in columns)
                 or all(column.formula.type != NUMBER for column in columns)]
    return _answer(ctx, report, columns, found, parameters)


def _turnover(ctx: Context, report: ReportDefinition, parameters: Mapping[str, Any]) -> dict[str, Any]:
    register = ctx.catalogue.register(report.register_name or "")
    first, last = parameters.get("from"), parameters.get("to")
    if not isinstance(first, date) or not isinstance(last, date):
        missing = "to" if isinstance(first, date) else "from"
        raise invalid([Fault("required", missing, {"field": missing, "label": report.parameters[missing].label})])
    literals = {key: _literal(parameters[key], item) for key, item in report.parameters.items()}

    def narrow(shape: Form, names: FormNames) -> list[str]:
        own = _narrowed(report, shape, parameters, literals)
        if report.where:
            scope = _scope(report, form_scope(ctx.catalogue.forms, shape))
            own.append(f"({sql_filter(ctx.catalogue.check(report.where, scope), _ParameterNames(names, literals))})")
        return [*register_rights(ctx, register, shape, names), *own]

    rows = turnover_rows(ctx, register, first, last, keys=report.rows, narrow=narrow)
    columns, functions = _turnover_columns(ctx, report, register)
    found = []
    for row in rows:
        line: dict[str, Any] = {key: row[key] for key in report.rows}
        for key, places, function in functions:
            try:
                line[key] = function(*[row[resource][part] for resource, part in places])
            except FAILURES:
                line[key] = None
        found.append(line)
    return _answer(ctx, report, columns, found, parameters)


def _turnover_columns(ctx: Context, report: ReportDefinition, register: Register) -> tuple[list[_Column], list[_Computed]]:
    """The columns of a turnover, and how those that are computed come about; made once per catalogue."""
    made = ctx.catalogue.compiled.get(("turnover", report.report))
    if made is None:
        columns = [_dimension_column(ctx, register, key) for key in report.rows]
        functions: list[_Computed] = []
        for key, column in report.columns.items():
            formula = ctx.catalogue.check(column.value, _turnover_scope(register))
            refs = sorted(formula.refs)
            places = [(f"{ref.path[0]}:", ref.path[1]) for ref in refs]
            functions.append((key, places, python_function(formula, refs, functions=ctx.catalogue.functions)))
            kind = next((register.resources[ref.path[0]].type for ref in refs if ref.path[0] in register.resources), "decimal")
            columns.append(_Column(key, {"zh": column.label.zh, "en": column.label.en}, kind, formula, total=column.total))
        made = ctx.catalogue.compiled["turnover", report.report] = (columns, functions)
    found: tuple[list[_Column], list[_Computed]] = made
    return found


def _turnover_scope(register: Register) -> DictScope:
    """What columns of a turnover see: `quantity.opening`, `.in`, `.out`, `.closing`."""
    parts: dict[str, Any] = dict.fromkeys(("opening", "in", "out", "closing"), NUMBER)
    return DictScope({key: (Link(key), DictScope(parts, key)) for key in register.resources})


def _dimension_column(ctx: Context, register: Register, key: str) -> _Column:
    item = register.as_form(register.balance_table).fields[key]
    label = item.definition.label
    return _Column(key, {"zh": label.zh, "en": label.en} if label else {"zh": key, "en": key}, item.type.key,
                   ctx.catalogue.check(key, form_scope(ctx.catalogue.forms, register.as_form(register.balance_table))), group=True)


def report_formulas(catalogue: Catalogue, report: ReportDefinition) -> Iterator[tuple[str, Callable[[], object]]]:
    """(path, check) of every formula of a report whose names are there; a check raises DesignError."""
    for key, item in report.parameters.items():
        if isinstance(item.default, str):
            yield f"parameters.{key}.default", partial(catalogue.check, item.default, DictScope({}))
    register = catalogue.registers.get(report.register_name or "")
    if report.form is not None:
        shape = catalogue.forms[report.form]
    else:
        assert register is not None
        shape = movement_shape(register) if report.reading == "movements" else register.as_form(register.movement_table)
    places = _ParameterNames(
        FormNames(catalogue.forms, catalogue.registers, shape, functions=catalogue.functions, context=dict.fromkeys(CONTEXT_PLACES, "NULL")),
        dict.fromkeys(report.parameters, "NULL"))
    scope = _scope(report, form_scope(catalogue.forms, shape))

    def in_sql(text: str) -> object:
        return sql(catalogue.check(text, scope), places)

    if report.where:
        yield "where", partial(in_sql, report.where)
    if report.reading == "turnover" and register is not None:
        yield from ((f"columns.{key}.value", partial(catalogue.check, column.value, _turnover_scope(register)))
                    for key, column in report.columns.items())
        return
    yield from (("rows", partial(in_sql, path)) for path in report.rows)
    yield from ((f"columns.{key}.value", partial(in_sql, column.value)) for key, column in report.columns.items())


def _answer(ctx: Context, report: ReportDefinition, columns: Sequence[_Column], rows: list[dict[str, Any]],
            parameters: Mapping[str, Any]) -> dict[str, Any]:
    _load(ctx, columns, rows)
    writers = [(column.key, _writer(ctx, column)) for column in columns]
    shown = [{key: write(row.get(key)) for key, write in writers} for row in rows]
    order = _sorted(report, columns, rows, shown)
    totals = {column.key: _number(column, sum((row[column.key] or Decimal(0) for row in rows), Decimal(0)))
              for column in columns if column.total}
    return {
        "columns": [{"key": column.key, "label": column.label, "type": column.kind} for column in columns],
        "rows": [shown[place] for place in order[:MAX_ROWS]], "totals": totals, "cut": len(rows) > MAX_ROWS,
        "parameters": {key: _parameter(ctx, report.parameters[key], value) for key, value in parameters.items()},
    }


def _parameter(ctx: Context, item: Parameter, value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return ctx.linked(item.to, value).get("code") if item.to and isinstance(value, str) else value
    return value.isoformat() if isinstance(value, date) else str(value)


def _link_form(column: _Column) -> str | None:
    return column.formula.type.form if isinstance(column.formula.type, Link) else None


def _load(ctx: Context, columns: Sequence[_Column], rows: list[dict[str, Any]]) -> None:
    """Labels of linked records in the table; one statement per linked form that is no setting."""
    for column in columns:
        target = ctx.catalogue.forms.get(_link_form(column) or "")
        if target is None or target.is_setting:
            continue
        ids = {row[column.key] for row in rows if row.get(column.key)} - ctx.rows(target.name).keys() - NONE
        if ids:
            fetch_linked(ctx, target, ids)


def _number(column: _Column, value: Any) -> str:
    return amount(Decimal(value)) if column.kind == "money" else plain(Decimal(value))


def _writer(ctx: Context, column: _Column) -> Callable[[Any], Any]:
    """How a column's values become JSON: one function a column, because a table has thousands of cells."""
    target = ctx.catalogue.forms.get(_link_form(column) or "")
    if target is not None:
        name, code, label = target.name, target.code_column, target.label_column

        def link(value: Any) -> Any:
            row = ctx.linked(name, value) if value is not None and value not in NONE else None
            return {"id": value, "code": row.get(code), "label": row.get(label)} if row else None

        return link
    number = amount if column.kind == "money" else plain

    def other(value: Any) -> Any:
        if isinstance(value, Decimal):
            return number(value)
        if isinstance(value, date):
            return None if value in NONE else value.isoformat()
        return value

    return other


def _sorted(report: ReportDefinition, columns: Sequence[_Column], rows: list[dict[str, Any]], shown: list[dict[str, Any]]) -> list[int]:
    """Places of the rows in the report's order; links sort by code."""
    order = list(range(len(rows)))
    keys = {column.key for column in columns}
    for text in reversed(report.sort or [column.key for column in columns if column.group][:1]):
        path = text.lstrip("-")
        key = path if path in keys else path.split(".")[0]

        def value(place: int, key: str = key) -> tuple[bool, Any]:
            raw, told = rows[place].get(key), shown[place].get(key)
            if isinstance(told, Mapping):
                return (False, str(told.get("code") or told.get("label") or ""))
            return (raw is None, "" if raw is None else raw)

        order.sort(key=value, reverse=text.startswith("-"))
    return order
