"""Running a pivot: one statement, its rows put in order and under their headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.register import ZERO_VALUES
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.fieldtype.types import plain
from anlan.kernel.formula import sql
from anlan.kernel.pivot.fields import GRAINS, Dimension, Measure, dimensions_and_measures, visible_of
from anlan.kernel.query.records import computable
from anlan.kernel.query.scope import VisibleScope, filter_sql
from anlan.kernel.record.links import fetch_linked
from anlan.kernel.report.layout import Layout, layout_of
from anlan.kernel.report.parameters import read_parameters, shown
from anlan.kernel.report.source import relation
from anlan.kernel.report.table import definition_of
from anlan.kernel.report.values import cents, load_documents

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "Pivot", "bounds_of", "run", "where_of"]

MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 1_000, 200, 50_000
MOST_CHOSEN = 4         # in one zone
CURRENCIES = "@currencies"
WAYS = {"sum": "sum({0})", "avg": "avg({0})", "min": "min({0})", "max": "max({0})"}
LINKS = frozenset({"link", "user", "company", "department", "reference", "line"})
TEXTS = frozenset({"text", "choice", "state", "number"})


class Pivot(NamedTuple):
    """What to show. `rows`, `columns`: dimensions, dates as `date@month`; `values`: `sum:gross`, `avg:price`, `count`.

    `where` is a filter over the form. `given` are a report's parameters. `narrow`: ids by field, where sources have it.
    `sort`: "" by heading, "-value" by the first figure, largest first.
    """

    form: str | None = None
    report: str | None = None
    each: str | None = None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ("count",)
    where: str | None = None
    given: Mapping[str, Any] = {}
    narrow: Mapping[str, str] = {}
    sort: str = ""


class _Group(NamedTuple):
    dimension: Dimension
    grain: str


class _Value(NamedTuple):
    key: str
    label: dict[str, str]
    kind: str
    sql: str            # over the relation x
    result: Any = None  # a report's Result, reckoned from other values
    place: int = 0      # among the report's columns: a result looks at those before it


def run(ctx: Context, asked: Pivot) -> dict[str, Any]:
    """Cells, subtotals and totals. Refused 403, 404, 422 (what is not there, or more than may be chosen)."""
    dimensions_and_measures(ctx, form=asked.form, report=asked.report, each=asked.each)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        dimensions, measures = dimensions_and_measures(ctx, form=asked.form, report=asked.report, each=asked.each)
        _bounded(asked)
        rows = [_group(dimensions, text, "rows") for text in asked.rows]
        columns = [_group(dimensions, text, "columns") for text in asked.columns]
        if asked.report is not None:
            source, values, used = _over_report(ctx, asked, [*rows, *columns])
        else:
            source, values, used = _over_form(ctx, asked, [*rows, *columns], measures)
        found = _cells(ctx, source, rows, columns, values)
        return _laid_out(ctx, asked, rows, columns, values=values, cells=found) | {"parameters": used}

    with computable():
        return ctx.atomically(work)


def _bounded(asked: Pivot) -> None:
    for zone, chosen in (("rows", asked.rows), ("columns", asked.columns), ("values", asked.values)):
        if len(chosen) > MOST_CHOSEN:
            raise invalid([Fault("pivot.too_many", zone, {"limit": MOST_CHOSEN})])
    if len({*asked.rows, *asked.columns}) < len(asked.rows) + len(asked.columns):
        raise invalid([Fault("pivot.twice", "rows")])


def _group(dimensions: Mapping[str, Dimension], text: str, zone: str) -> _Group:
    key, _, grain = text.partition("@")
    if key not in dimensions or (grain and grain not in GRAINS):
        raise invalid([Fault("pivot.unknown", zone, {"field": text[:60]})])
    found = dimensions[key]
    return _Group(found, (grain or "day") if found.kind in ("date", "instant") else "")


def _over_form(ctx: Context, asked: Pivot, groups: Sequence[_Group], measures: Mapping[str, Measure]) -> tuple[str, list[_Value], dict[str, Any]]:
    form = ctx.form(asked.form or "")
    names = names_for(ctx, form)
    names.lines_key = asked.each
    scope = visible_of(ctx, form, asked.each)

    def text_of(path: str) -> str:
        return sql(ctx.catalogue.check(path, scope), names)

    inner = [f"{_grained(ctx, text_of(one.dimension.key), one)} AS g{place}" for place, one in enumerate(groups)]
    values = []
    for text in asked.values:
        way, _, key = text.partition(":")
        if text == "count":
            values.append(_Value("count", {"zh": "条数", "en": "Count"}, "integer", "count(*)"))
            continue
        if way not in WAYS or key not in measures:
            raise invalid([Fault("pivot.unknown", "values", {"field": text[:60]})])
        inner.append(f"{text_of(key)} AS v{len(values)}")
        values.append(_Value(text, measures[key].label, measures[key].kind, WAYS[way].format(f"v{len(values)}")))
    if _many_currencies(form, asked, groups, scope):
        inner.append('h."currency" AS money_of')
        values.append(_Value(CURRENCIES, {}, "integer", "count(DISTINCT money_of)"))
    conditions = [rule] if (rule := predicate(ctx, form, "read", names)) else []
    if asked.where and asked.where.strip():
        conditions.append(filter_sql(ctx, form, names, asked.where))
    for key, id_ in asked.narrow.items():
        if key in form.fields:
            conditions.append(f"h.\"{key}\" = '{id_}'::uuid")
    lines = f'JOIN {form.lines[asked.each].table} l ON l."record" = h."id"' if asked.each else ""
    picked = ", ".join(inner) or "1 AS one"
    return f"(SELECT {picked} FROM {form.table} h {lines} {names.joins} WHERE {' AND '.join(conditions) or 'true'})", values, {}


def _many_currencies(form: Form, asked: Pivot, groups: Sequence[_Group], scope: VisibleScope) -> bool:
    """Whether amounts in the documents' own currencies are added up, which may be several."""
    if "currency" not in form.fields or scope.lookup("currency") is None or "currency" in {one.dimension.key for one in groups}:
        return False
    items = [form.field_at(text.partition(":")[2]) for text in asked.values]
    return any(item is not None and item.definition.currency == "currency" for item in items)


def _grained(ctx: Context, text: str, group: _Group) -> str:
    """What to group by: a date cut to its month, quarter or year, an instant to its day of the site first; blank is none."""
    if group.dimension.kind == "instant":
        text = f"({text} AT TIME ZONE '{ctx.site.zone_name}')::date"
    if group.grain:
        return f"date_trunc('{group.grain}', {text})::date" if group.grain != "day" else text
    if group.dimension.to or group.dimension.kind in LINKS:
        return f"NULLIF({text}, '{ZERO_VALUES['link']}'::uuid)"
    return f"NULLIF({text}, '')" if group.dimension.kind in TEXTS else text


def _over_report(ctx: Context, asked: Pivot, groups: Sequence[_Group]) -> tuple[str, list[_Value], dict[str, Any]]:
    report = definition_of(ctx, asked.report or "")
    if report.reading == "turnover":
        raise invalid([Fault("pivot.turnover", "report", {"form": report.label})])
    layout = layout_of(ctx, report)
    parameters = read_parameters(ctx, report, asked.given)
    places = {column.key: place for place, column in enumerate(layout.columns)}
    source = relation(ctx, report, layout, parameters, narrow=asked.narrow).text
    inner = []
    for place, one in enumerate(groups):
        text = f"c{places[one.dimension.key]}" if one.dimension.key in places else "day"
        inner.append(f"{_grained(ctx, text, one)} AS g{place}")
    values: list[_Value] = []
    for text in asked.values:
        key = text.removeprefix("sum:")
        if key == "count":
            values.append(_Value("count", {"zh": "条数", "en": "Count"}, "integer", "count(DISTINCT d)"))
            inner.append("d")
        elif key not in places or not layout.columns[places[key]].is_number:
            raise invalid([Fault("pivot.unknown", "values", {"field": text[:60]})])
        else:
            values.append(_report_value(layout, places, key))
    needed = {below for value in values if value.result for below in value.result.keys}
    values += [_report_value(layout, places, key, hidden=True) for key in _all_needed(layout, places, needed) if key not in {value.key for value in values}]
    inner += [f"c{places[value.key]}" for value in values if value.key in places and value.result is None]
    used = {key: shown(ctx, report.parameters[key], value) for key, value in parameters.items()}
    return f"(SELECT {', '.join(dict.fromkeys(inner))} FROM {source} s)", values, used


def _all_needed(layout: Layout, places: Mapping[str, int], keys: set[str]) -> list[str]:
    """The columns that results are made of, down to those that are stored; in the report's order."""
    found = set(keys)
    for column in reversed(layout.columns):
        if column.key in found and column.result is not None:
            found |= set(column.result.keys)
    return [column.key for column in layout.columns if column.key in found]


def _report_value(layout: Layout, places: Mapping[str, int], key: str, *, hidden: bool = False) -> _Value:
    column = layout.columns[places[key]]
    label = {} if hidden else column.label
    text = "NULL::numeric" if column.result is not None else f"sum(c{places[key]})"
    return _Value(key, label, column.kind, text, column.result, places[key])


Cells = dict[tuple[tuple[Any, ...], tuple[Any, ...] | None], list[Any]]


def _cells(ctx: Context, source: str, rows: Sequence[_Group], columns: Sequence[_Group], values: Sequence[_Value]) -> Cells:
    """Values by (row keys, column keys); shorter row keys are subtotals, no column keys the row's total."""
    row_names = [f"g{place}" for place in range(len(rows))]
    column_names = [f"g{len(rows) + place}" for place in range(len(columns))]
    sets = [[*row_names[:depth], *more] for depth in range(len(rows), -1, -1) for more in ([column_names, []] if columns else [[]])]
    every = [*row_names, *column_names]
    marks = f", GROUPING({', '.join(every)})" if every else ", 0"
    grouping = f" GROUP BY GROUPING SETS ({', '.join('(' + ', '.join(one) + ')' for one in sets)})" if every else ""
    picked = ", ".join([*every, *(value.sql for value in values)])
    found = ctx.connection.execute(f"SELECT {picked}{marks} FROM {source} x{grouping} LIMIT {MOST_CELLS + 1}").fetchall()
    if len(found) > MOST_CELLS:
        raise invalid([Fault("pivot.too_large", "rows", {"limit": MOST_CELLS})])
    cells: Cells = {}
    results = sorted((value for value in values if value.result is not None), key=lambda value: value.place)
    for row in found:
        mask = row[-1]
        kept = [not mask >> (len(every) - 1 - place) & 1 for place in range(len(every))]
        of_row = tuple(row[place] for place in range(len(rows)) if kept[place])
        of_column = tuple(row[len(rows) + place] for place in range(len(columns))) if columns and kept[len(rows)] else None
        figures = dict(zip((value.key for value in values), row[len(every) : -1], strict=True))
        for value in results:
            figures[value.key] = value.result.of(figures)
        cells[of_row, of_column] = [figures[value.key] for value in values]
    return cells


def _laid_out(
    ctx: Context, asked: Pivot, rows: Sequence[_Group], columns: Sequence[_Group], *, values: Sequence[_Value], cells: Cells,
) -> dict[str, Any]:
    heads = _Headings(ctx, [*rows, *columns], cells)
    shown_values = [value for value in values if value.label]
    across = sorted({key for _, key in cells if key is not None}, key=lambda key: heads.order(len(rows), key))
    down = _down(asked, cells, heads)
    kept_columns, kept_rows = across[:MOST_COLUMNS], down[:MOST_ROWS]

    def told(figures: list[Any] | None) -> list[Any] | None:
        if figures is None:
            return None
        return [_figure(value, figure) for value, figure in zip(values, figures, strict=True) if value.label]

    return {
        "dimensions": {"rows": [_told_group(one) for one in rows], "columns": [_told_group(one) for one in columns]},
        "values": [{"key": value.key, "label": value.label, "type": value.kind} for value in shown_values],
        "columns": [[heads.show(len(rows) + place, part) for place, part in enumerate(key)] for key in kept_columns],
        "rows": [{"level": len(key), "keys": [heads.show(place, part) for place, part in enumerate(key)],
                  "cells": [told(cells.get((key, column))) for column in kept_columns], "total": told(cells.get((key, None)))} for key in kept_rows],
        "totals": {"cells": [told(cells.get(((), column))) for column in kept_columns], "total": told(cells.get(((), None)))},
        "mixed": _mixed(values, cells.get(((), None))),
        "cut": {"rows": len(down) if len(down) > MOST_ROWS else None, "columns": len(across) if len(across) > MOST_COLUMNS else None},
    }


def _mixed(values: Sequence[_Value], totals: Sequence[Any] | None) -> bool:
    """Whether the figures add up several currencies."""
    place = next((place for place, value in enumerate(values) if value.key == CURRENCIES), None)
    return place is not None and totals is not None and (totals[place] or 0) > 1


def _down(asked: Pivot, cells: Cells, heads: _Headings) -> list[tuple[Any, ...]]:
    """Row keys in order: each heading before what stands under it."""
    known = {key for key, _ in cells if key}

    def weight(key: tuple[Any, ...]) -> Any:
        figures = cells.get((key, None))
        return -(figures[0] or Decimal(0)) if figures and isinstance(figures[0], (Decimal, int)) else Decimal(0)

    def place(key: tuple[Any, ...]) -> list[Any]:
        parts: list[Any] = []
        for depth in range(len(key)):
            own = heads.order(depth, key[depth : depth + 1])
            parts.append((weight(key[: depth + 1]), own) if asked.sort == "-value" else own)
        return parts

    return sorted(known, key=place)


class _Headings:
    """What headings are called, and in which order they stand."""

    def __init__(self, ctx: Context, groups: Sequence[_Group], cells: Cells) -> None:
        self.ctx, self.groups = ctx, groups
        depth = {len(key) for key, _ in cells}
        rows = max(depth) if depth else 0
        for place, group in enumerate(groups):
            ids: set[Any] = {key[place] for key, _ in cells if place < rows and len(key) > place} if place < rows else {
                key[place - rows] for _, key in cells if key is not None and len(key) > place - rows}
            self._load(group, {one for one in ids if one is not None})

    def _load(self, group: _Group, ids: set[str]) -> None:
        target = self.ctx.catalogue.forms.get(group.dimension.to)
        if target is not None and not target.is_setting:
            missing = ids - self.ctx.rows(target.name).keys()
            if missing:
                fetch_linked(self.ctx, target, missing)
        elif target is None and group.dimension.kind == "reference":
            load_documents(self.ctx, ids)

    def show(self, place: int, value: Any) -> Any:
        """A heading as JSON: a link, a text, a date at its grain (`2026-11`, `2026-Q4`, `2026`); None for none."""
        group = self.groups[place]
        if value is None:
            return None
        target = self.ctx.catalogue.forms.get(group.dimension.to)
        if target is not None:
            row = self.ctx.linked(target.name, value)
            return {"id": value, "code": row.get(target.code_column), "label": row.get(target.label_column)}
        if group.dimension.kind == "reference":
            return dict(self.ctx.rows("@documents").get(value, {"id": value}))
        if isinstance(value, date):
            return _period_text(value, group.grain)
        return plain(value) if isinstance(value, Decimal) else value

    def order(self, place: int, key: tuple[Any, ...]) -> list[Any]:
        """Where a heading stands: links by code, choices as they are defined, nothing last."""
        found: list[Any] = []
        for offset, value in enumerate(key):
            group = self.groups[place + offset]
            told = self.show(place + offset, value)
            options = list(group.dimension.options or ())
            if isinstance(told, Mapping):
                told = str(told.get("code") or told.get("label") or "")
            elif options and value in options:
                told = f"{options.index(value):04d}"
            found.append((value is None, "" if told is None else str(told)))
        return found


def _period_text(day: date, grain: str) -> str:
    if grain == "year":
        return f"{day.year}"
    if grain == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m}" if grain == "month" else day.isoformat()


def _told_group(group: _Group) -> dict[str, Any]:
    one = group.dimension
    return {"key": one.key, "label": one.label, "type": one.kind, "to": one.to or None, "grain": group.grain or None, "options": one.options}


def _figure(value: _Value, figure: Any) -> Any:
    if figure is None:
        return None
    if value.kind == "money":
        return cents(Decimal(figure))
    exact = Decimal(figure)
    places = int(exact.normalize().as_tuple().exponent)
    return plain(exact if places >= -8 else round(exact, 6))


def where_of(group: Mapping[str, Any], heading: Any) -> str:
    """The filter of one heading, as a formula: what a cell opens. `group` as in `dimensions`, `heading` as shown."""
    key = group["key"]
    if heading is None:
        return f"ISBLANK({key})"
    if group["grain"]:
        first, after = _period_of(str(heading), group["grain"])
        return f"{key} >= {_day(first)}, {key} < {_day(after)}"
    if group["type"] == "boolean":
        return f"{key} = {'TRUE' if heading else 'FALSE'}"
    text = str((heading.get("code") or heading["id"]) if isinstance(heading, Mapping) else heading)
    return f'{key} = "{text.replace(chr(34), chr(34) * 2)}"'


def bounds_of(group: Mapping[str, Any], heading: str) -> tuple[str, str]:
    """First and last day of a period's heading, as ISO text."""
    first, after = _period_of(heading, group["grain"])
    return first.isoformat(), (after - timedelta(days=1)).isoformat()


def _day(day: date) -> str:
    return f"DATE({day.year}, {day.month}, {day.day})"


def _period_of(text: str, grain: str) -> tuple[date, date]:
    """First day of a period, and the first day after it."""
    if grain == "day":
        day = date.fromisoformat(text)
        return day, day + timedelta(days=1)
    year = int(text[:4])
    month = 1 if grain == "year" else int(text[-1]) * 3 - 2 if grain == "quarter" else int(text[5:7])
    after = month + {"year": 12, "quarter": 3, "month": 1}[grain]
    return date(year, month, 1), date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1)
