"""Running a report: the table of its groups, with subtotals, totals and running figures.

Subtotals stand beside the rows, as stretches of them: `{"from": 0, "to": 3, "keys": {...}, "values": {...}}` is of the
rows 0, 1 and 2. A row that stems from one document names it under `@document`; one that carries what came together
before the first day has `@opening`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.register import ZERO_VALUES
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.context import Context
from anlan.kernel.definition.model import ReportDefinition
from anlan.kernel.errors import Fault, invalid, not_found
from anlan.kernel.formula import FAILURES, sql_filter
from anlan.kernel.query.records import computable
from anlan.kernel.register.read import register_rights, turnover_rows
from anlan.kernel.report.layout import Column, layout_of, turnover_layout
from anlan.kernel.report.parameters import ParameterNames, literal, read_parameters, shown, with_parameters
from anlan.kernel.report.source import narrowed, relation
from anlan.kernel.report.values import documents_of, load_links, number_text, writer

__all__ = ["MAX_ROWS", "definition_of", "run"]

MAX_ROWS = 20_000
DOCUMENT_ROWS = frozenset({"number", "document", "id"})     # a row of one of these is one document
Row = dict[str, Any]


def run(ctx: Context, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a report: columns, rows, subtotals, totals, parameters. Refused 403, 404, 422."""
    definition_of(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        report = definition_of(ctx, name)
        parameters = read_parameters(ctx, report, given)
        if report.register_name is not None and report.reading == "turnover":
            return _turnover(ctx, report, parameters)
        return _table(ctx, report, parameters)

    with computable():
        return ctx.atomically(work)


def definition_of(ctx: Context, name: str) -> ReportDefinition:
    """A report that the caller may read. Refused 403, 404."""
    report = ctx.catalogue.reports.get(name)
    if report is None:
        raise not_found(name, "")
    ctx.caller.policy.require(name, "read", kind="report")
    return report


def _table(ctx: Context, report: ReportDefinition, parameters: Mapping[str, Any]) -> dict[str, Any]:
    layout = layout_of(ctx, report)
    columns = layout.columns
    source = relation(ctx, report, layout, parameters).text
    by_document = bool(DOCUMENT_ROWS & set(report.rows))
    rows = _grouped(ctx, columns, source, by_document=by_document, in_time=any(column.running for column in columns))
    if report.register_name is not None and report.reading == "balance":
        rows = [row for row in rows if any(isinstance(row[column.key], Decimal) and row[column.key] for column in columns)
                or not any(column.is_number for column in columns)]
    rows = [row for row in rows if not _is_empty(report, columns, row)]
    whole = _whole(ctx, columns, source) if len(rows) > MAX_ROWS else None
    if by_document:
        documents_of(ctx, rows)
    if any(column.running for column in columns):
        earlier = relation(ctx, report, layout, parameters, before=True).text
        rows = _opened(ctx, report, columns, rows, earlier=earlier, parameters=parameters)
    return _answer(ctx, report, columns, rows, parameters=parameters, whole=whole)


def _is_empty(report: ReportDefinition, columns: Sequence[Column], row: Row) -> bool:
    """A row of a report over several sources that says nothing: all its figures are zero."""
    return bool(report.parts) and not any(row[column.key] for column in columns if column.is_number and column.result is None)


def _grouped(ctx: Context, columns: Sequence[Column], source: str, *, by_document: bool, in_time: bool) -> list[Row]:
    """The rows of the relation, grouped; one more than MAX_ROWS when there are more. One statement."""
    stored = [(place, column) for place, column in enumerate(columns) if column.result is None]
    outer = [f"c{place}" if column.group else f"sum(c{place})" if column.is_number
             else f"CASE WHEN count(DISTINCT c{place}) = 1 AND count(c{place}) = count(*) THEN (array_agg(c{place}))[1] END"
             for place, column in stored]
    groups = [f"c{place}" for place, column in stored if column.group]
    keys = [column.key for _, column in stored]
    if by_document:
        outer, groups, keys = [*outer, "d", "f"], [*groups, "d", "f"], [*keys, "@d", "@f"]
    if in_time:
        outer, keys = [*outer, "min(day)", "min(seq)"], [*keys, "@day", "@seq"]
    tail = f" GROUP BY {', '.join(groups)}" if groups else ""
    found = ctx.connection.execute(f"SELECT {', '.join(outer)} FROM {source} x{tail} LIMIT {MAX_ROWS + 1}").fetchall()
    return [dict(zip(keys, row, strict=True)) for row in found]


def _whole(ctx: Context, columns: Sequence[Column], source: str) -> Row:
    """The sums over all rows, for a table that is cut."""
    summed = [(place, column.key) for place, column in enumerate(columns) if column.is_number and column.result is None]
    row = ctx.connection.execute(f"SELECT {', '.join(f'sum(c{place})' for place, _ in summed)} FROM {source} x").fetchone()
    return dict(zip((key for _, key in summed), row or (), strict=False))


def _opened(
    ctx: Context, report: ReportDefinition, columns: Sequence[Column], rows: list[Row], *, earlier: str, parameters: Mapping[str, Any],
) -> list[Row]:
    """The rows in order of time with their running figures, each stretch after what came together before `from`."""
    keys = [column.key for column in columns if column.key in report.subtotals]
    running = [column.key for column in columns if column.running]
    opening: dict[tuple[Any, ...], list[Decimal]] = {}
    if isinstance(parameters.get("from"), date):
        places = {column.key: place for place, column in enumerate(columns)}
        group = ", ".join(f"c{places[key]}" for key in keys)
        sums = ", ".join(f"coalesce(sum(c{places[key]}), 0)" for key in running)
        found = ctx.connection.execute(
            f"SELECT {', '.join(filter(None, (group, sums)))} FROM {earlier} x{f' GROUP BY {group}' if keys else ''} LIMIT {MAX_ROWS}").fetchall()
        opening = {tuple(row[: len(keys)]): list(row[len(keys):]) for row in found}
    stretches: dict[tuple[Any, ...], list[Row]] = {key: [] for key, sums_ in opening.items() if any(sums_)}
    for row in rows:
        stretches.setdefault(tuple(row[key] for key in keys), []).append(row)
    result: list[Row] = []
    for key, stretch in stretches.items():
        now = opening.get(key, [Decimal(0)] * len(running))
        if any(now):
            result.append({column.key: None for column in columns} | dict(zip(keys, key, strict=True)) | dict(zip(running, now, strict=True)) | {"@opening": True})
        for row in sorted(stretch, key=lambda one: (one["@day"] or date.min, one["@seq"] or 0)):
            now = [before + (row[one] or 0) for before, one in zip(now, running, strict=True)]
            result.append(row | dict(zip(running, now, strict=True)))
    return result


def _turnover(ctx: Context, report: ReportDefinition, parameters: Mapping[str, Any]) -> dict[str, Any]:
    register = ctx.catalogue.register(report.register_name or "")
    first, last = parameters.get("from"), parameters.get("to")
    if not isinstance(first, date) or not isinstance(last, date):
        missing = "to" if isinstance(first, date) else "from"
        raise invalid([Fault("required", missing, {"label": report.parameters[missing].label})])
    literals = {key: literal(parameters[key], item) for key, item in report.parameters.items()}

    def narrow(shape: Any, names: Any) -> list[str]:
        own = narrowed(report, shape, parameters, literals)
        if report.where:
            scope = with_parameters(report, form_scope(ctx.catalogue.forms, shape))
            own.append(f"({sql_filter(ctx.catalogue.check(report.where, scope), ParameterNames(names, literals))})")
        return [*register_rights(ctx, register, shape, names), *own]

    rows = turnover_rows(ctx, register, first, last, keys=report.rows, narrow=narrow)
    columns, functions = turnover_layout(ctx, report, register)
    found = []
    for row in rows:
        line: Row = {key: row[key] for key in report.rows}
        for key, places, function in functions:
            try:
                line[key] = function(*[row[resource][part] for resource, part in places])
            except FAILURES:
                line[key] = None
        found.append(line)
    return _answer(ctx, report, columns, found, parameters=parameters)


def _answer(
    ctx: Context, report: ReportDefinition, columns: Sequence[Column], rows: list[Row], *,
    parameters: Mapping[str, Any], whole: Row | None = None,
) -> dict[str, Any]:
    results = [column for column in columns if column.result is not None]
    for row in rows:
        for column in results:
            assert column.result is not None
            row[column.key] = None if row.get("@opening") else column.result.of(row)
    load_links(ctx, columns, rows)
    writers = [(column.key, writer(ctx, column)) for column in columns]
    told = [{key: write(row.get(key)) for key, write in writers} for row in rows]
    for row, cells in zip(rows, told, strict=True):
        cells.update({key: row[key] for key in ("@document", "@opening") if key in row})
    order = _sorted(report, columns, rows, told)[:MAX_ROWS]
    ordered = [rows[place] for place in order]
    return {
        "columns": [_column(column) for column in columns],
        "rows": [told[place] for place in order],
        "subtotals": _subtotals(report, columns, ordered, [told[place] for place in order]),
        "totals": _sums(columns, rows if whole is None else [whole]),
        "cut": len(rows) > MAX_ROWS,
        "parameters": {key: shown(ctx, report.parameters[key], value) for key, value in parameters.items()},
    }


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"key": column.key, "label": column.label, "type": column.kind}
    for key, value in (("group", column.group), ("opens", column.opens), ("options", column.options), ("result", column.result is not None), ("running", column.running)):
        if value:
            found[key] = value
    return found


def _sums(columns: Sequence[Column], rows: Sequence[Row]) -> dict[str, str]:
    """Sums of the columns that have a total; results are reckoned from the sums."""
    real = [row for row in rows if not row.get("@opening")]
    sums: Row = {column.key: sum((row.get(column.key) or Decimal(0) for row in real), Decimal(0))
                 for column in columns if column.is_number and column.result is None and not column.running}
    found = {}
    for column in columns:
        if column.result is not None:
            sums[column.key] = column.result.of(sums)
        value = sums.get(column.key)
        if column.total and value is not None:
            found[column.key] = number_text(column, value)
    return found


def _subtotals(report: ReportDefinition, columns: Sequence[Column], rows: Sequence[Row], told: Sequence[Row]) -> list[dict[str, Any]]:
    """Stretches of rows that agree in the first subtotal key, the first two, and so on; outer ones first."""
    found: list[dict[str, Any]] = []
    keys = [column.key for column in columns if column.key in report.subtotals]
    for depth in range(1, len(keys) + 1):
        start = 0
        for place in range(1, len(rows) + 1):
            if place < len(rows) and all(rows[place][key] == rows[start][key] for key in keys[:depth]):
                continue
            found.append({"from": start, "to": place, "level": depth, "keys": {key: told[start][key] for key in keys[:depth]},
                          "values": _sums(columns, rows[start:place])})
            start = place
    return found


def _sorted(report: ReportDefinition, columns: Sequence[Column], rows: list[Row], told: list[Row]) -> list[int]:
    """Places of the rows in the report's order, stretches with a subtotal together; links sort by code."""
    order = list(range(len(rows)))
    keys = {column.key for column in columns}
    if any(column.running for column in columns):       # in order of time already, stretch by stretch
        asked = [column.key for column in columns if column.key in report.subtotals]
    else:
        asked = report.sort or [column.key for column in columns if column.group][:1]
        leading = [text.lstrip("-").split(".")[0] for text in asked]
        if leading[: len(report.subtotals)] != report.subtotals:
            asked = [*report.subtotals, *(text for text in asked if text.lstrip("-") not in report.subtotals)]
    for text in reversed(asked):
        path = text.lstrip("-")
        key = path if path in keys else path.split(".")[0]

        def value(place: int, key: str = key) -> tuple[bool, Any]:
            raw, cell = rows[place].get(key), told[place].get(key)
            if isinstance(cell, Mapping):
                return (False, str(cell.get("code") or cell.get("label") or ""))
            none = raw is None or raw in ZERO_VALUES.values()
            return (none, "" if none else raw)

        order.sort(key=value, reverse=text.startswith("-"))
    return order
