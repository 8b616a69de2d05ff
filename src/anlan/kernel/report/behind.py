"""The rows of the source that a figure of a report was made of, each with its document.

    behind(ctx, "demo.by_thing", {"from": "2026-11-01"}, {"thing": "0190…"}, "cost")
    →  {"columns": [...], "rows": [{"@document": {"form", "id", "code", "label"}, "@date": "2026-11-03", "cost": "12.00"}], …}

Balances and turnovers are shown as the movements that made them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.access.predicate import sql_text
from anlan.kernel.context import Context
from anlan.kernel.definition.model import ReportColumn, ReportDefinition
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.query.records import computable
from anlan.kernel.report.layout import Column, Layout, layout_of
from anlan.kernel.report.parameters import read_parameters, shown
from anlan.kernel.report.source import relation
from anlan.kernel.report.table import definition_of
from anlan.kernel.report.values import documents_of, load_links, number_text, writer

__all__ = ["MOST", "behind", "key_condition"]

MOST = 500
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
BLANKS = "('', '00000000-0000-0000-0000-000000000000', '0001-01-01')"


def behind(
    ctx: Context, name: str, given: Mapping[str, Any], keys: Mapping[str, str], column: str | None = None, *, limit: int = MOST,
) -> dict[str, Any]:
    """Rows behind a row (`keys`: values of its groups, "" for none), or behind one of its figures: newest first.

    `count` and `totals` are of all rows, however many are shown. Refused 403, 404, 422.
    """
    definition_of(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        report = definition_of(ctx, name)
        parameters = read_parameters(ctx, report, given)
        layout = layout_of(ctx, _as_movements(ctx, report))
        groups = {one.key: place for place, one in enumerate(layout.columns) if one.group}
        unknown = [key for key in keys if key not in groups] + ([column] if column and column not in report.columns else [])
        if unknown:
            raise invalid([Fault("unknown_field", unknown[0][:60], {"field": unknown[0][:60], "form": report.label})])
        return _rows(ctx, report, layout, parameters, keys=keys, column=column, limit=limit)

    with computable():
        return ctx.atomically(work)


def _as_movements(ctx: Context, report: ReportDefinition) -> ReportDefinition:
    """A turnover has no row of one column each: what moved are its resources."""
    if report.reading != "turnover":
        return report
    key = ("behind", report.report)
    found: ReportDefinition | None = ctx.catalogue.compiled.get(key)
    if found is None:
        resources = ctx.catalogue.register(report.register_name or "").resources
        columns = {one: ReportColumn(label=item.label or report.label, value=one, total=True) for one, item in resources.items()}
        found = report.model_copy(update={"report": f"{report.report}:moved", "reading": "movements", "columns": columns})
        ctx.catalogue.compiled[key] = found
    return found


def key_condition(place: int, column: Column, value: str) -> str:
    """The condition that a column of the relation has a value; with a constant of its own type an index can serve."""
    if value == "":
        return f"(c{place} IS NULL OR c{place}::text IN {BLANKS})"
    if column.sql == "uuid":
        return f"c{place} = '{value}'::uuid" if UUID.fullmatch(value) else "false"
    if column.sql == "date":
        return f"c{place} = '{value}'::date" if DAY.fullmatch(value) else "false"
    return f"c{place}::text = {sql_text(value)}"


def _rows(
    ctx: Context, report: ReportDefinition, layout: Layout, parameters: Mapping[str, Any], *,
    keys: Mapping[str, str], column: str | None, limit: int,
) -> dict[str, Any]:
    chosen = _chosen(layout, report, keys, column)
    source = relation(ctx, report, layout, parameters, as_movements=True).text
    conditions = [key_condition(place, one, keys[one.key]) for place, one in enumerate(layout.columns) if one.key in keys]
    figures = [place for place, one in chosen if one.is_number]
    if figures:
        conditions.append(f"({' OR '.join(f'c{place} <> 0' for place in figures)})")
    where = " AND ".join(conditions) or "true"
    outer = ", ".join(["d", "f", "day", *(f"c{place}" for place, _ in chosen)])
    sums = "".join(f", sum(c{place}) OVER ()" for place in figures)
    found = ctx.connection.execute(
        f"SELECT {outer}, count(*) OVER (){sums} FROM {source} x WHERE {where} ORDER BY day DESC NULLS LAST, seq DESC LIMIT {limit}").fetchall()
    rows = [{"@d": row[0], "@f": row[1], "@date": row[2]} | {one.key: row[3 + place] for place, (_, one) in enumerate(chosen)} for row in found]
    documents_of(ctx, rows)
    columns = [one for _, one in chosen]
    load_links(ctx, columns, rows)
    writers = [(one.key, writer(ctx, one)) for one in columns]
    begin = 3 + len(chosen)
    totals = dict(zip(figures, found[0][begin + 1:], strict=True)) if found else {}
    return {
        "columns": [{"key": one.key, "label": one.label, "type": one.kind} | ({"options": one.options} if one.options else {}) for one in columns],
        "rows": [{key: write(row[key]) for key, write in writers}
                 | {"@document": row["@document"], "@date": row["@date"].isoformat() if row["@date"] else None} for row in rows],
        "totals": {layout.columns[place].key: number_text(layout.columns[place], value or Decimal(0)) for place, value in totals.items()},
        "count": int(found[0][begin]) if found else 0,
        "cut": bool(found) and int(found[0][begin]) > limit,
        "parameters": {key: shown(ctx, report.parameters[key], value) for key, value in parameters.items()},
        "keys": _told_keys(ctx, layout, keys),
    }


def _chosen(layout: Layout, report: ReportDefinition, keys: Mapping[str, str], column: str | None) -> list[tuple[int, Column]]:
    """Groups that the keys leave open, what rows agree on, and the figure asked for (a result: those that it is made of)."""
    every = list(enumerate(layout.columns))
    asked = next((one for one in layout.columns if one.key == column), None)
    wanted = _made_of(layout, asked) if asked is not None else None
    return [(place, one) for place, one in every
            if (one.group and one.key not in keys and one.key not in ("date", "document", "number", "id"))
            or (not one.group and one.result is None and (not one.is_number or wanted is None or one.key in wanted))]


def _made_of(layout: Layout, asked: Column) -> set[str]:
    if asked.result is None:
        return {asked.key}
    known = {one.key: one for one in layout.columns}
    return {key for below in asked.result.keys for key in _made_of(layout, known[below])}


def _told_keys(ctx: Context, layout: Layout, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """The keys as labels and values, to be read above the rows."""
    told = []
    for column in layout.columns:
        if column.key in keys:
            value: Any = keys[column.key] or None
            if column.sql == "uuid" and value:
                if not UUID.fullmatch(value):
                    continue
                load_links(ctx, [column], [{column.key: value}])
                value = writer(ctx, column)(value)
            told.append({"key": column.key, "label": column.label, "type": column.kind, "value": value} | ({"options": column.options} if column.options else {}))
    return told
