"""The relations that a report reads: their shapes, rights and conditions, as one SQL relation of columns c0, c1, …

Beside the columns, each row of the relation tells its document (`d`, `f`), its day (`day`) and its place in time (`seq`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.context import Context
from anlan.kernel.definition.model import ReportDefinition, ReportSource
from anlan.kernel.formula import sql, sql_filter
from anlan.kernel.register.read import balance_source, register_rights
from anlan.kernel.report.layout import Column, Layout, Part
from anlan.kernel.report.parameters import ParameterNames, literal
from anlan.kernel.report.shape import shape_of

__all__ = ["Relation", "form_rights", "narrowed", "relation"]


class Relation(NamedTuple):
    """SQL of a relation in parentheses, and whether its rows have days and documents."""

    text: str
    dated: bool


def relation(
    ctx: Context, report: ReportDefinition, layout: Layout, parameters: Mapping[str, Any], *,
    narrow: Mapping[str, str] | None = None, as_movements: bool = False, before: bool = False,
) -> Relation:
    """All sources of a report under each other.

    `narrow`: ids by field, for sources that have the field. `as_movements`: balances and turnovers as the movements that
    made them. `before`: what lies before `from` instead of what lies within the bounds.
    """
    texts, dated = [], False
    for part in layout.parts:
        text, has_day = _select(
            ctx, report, part, parameters, columns=layout.columns, narrow=narrow or {}, as_movements=as_movements, before=before)
        texts.append(text)
        dated = dated or has_day
    return Relation(f"({' UNION ALL '.join(texts)})", dated)


def _select(
    ctx: Context, report: ReportDefinition, part: Part, parameters: Mapping[str, Any], *,
    columns: list[Column], narrow: Mapping[str, str], as_movements: bool, before: bool,
) -> tuple[str, bool]:
    source = part.source.model_copy(update={"reading": "movements"}) if as_movements and part.source.register_name else part.source
    shape, names, conditions = _rights(ctx, source, parameters)
    literals = {key: literal(parameters[key], item) for key, item in report.parameters.items()}
    places = ParameterNames(names, literals)
    values = [sql(part.formulas[column.key], places) if column.key in part.formulas else f"NULL::{column.sql}" for column in columns]
    if part.where is not None:
        conditions.append(f"({sql_filter(part.where, places)})")
    conditions += narrowed(report, shape, parameters, literals)
    conditions += _rows_asked(report, part, parameters, literals, places)
    conditions += [f'h."{key}" = {sql_text(id_)}::uuid' for key, id_ in narrow.items() if key in shape.fields]
    moved = source.register_name is not None and source.reading == "movements"
    dated = moved or (source.form is not None and "date" in shape.fields)
    if dated:
        conditions += _bounds(parameters, before=before)
        if as_movements and isinstance(parameters.get("at"), date):
            conditions.append(f"h.\"date\" <= '{parameters['at'].isoformat()}'::date")
    if source.of is not None:
        conditions.append(f'h."document_form" = {sql_text(source.of)}')
    told = _told(source, moved=moved, dated=dated)
    lines = f'JOIN {shape.lines[source.each].table} l ON l."record" = h."id"' if source.each else ""
    inner = ", ".join([*(f"{value} AS c{place}" for place, value in enumerate(values)), *told])
    return f"SELECT {inner} FROM {shape.table} h {lines} {names.joins} WHERE {' AND '.join(conditions) or 'true'}", dated


def _told(source: ReportSource, *, moved: bool, dated: bool) -> tuple[str, str, str, str]:
    """Document, day and place in time of a row."""
    if moved:
        return 'h."document" AS d', 'h."document_form" AS f', 'h."date" AS day', 'h."seq" AS seq'
    if source.form is not None:
        place = 'l."position"::bigint' if source.each else "0::bigint"
        day = 'h."date"' if dated else "NULL::date"
        return 'h."id" AS d', f"{sql_text(source.form)}::text AS f", f"{day} AS day", f"{place} AS seq"
    return "NULL::uuid AS d", "NULL::text AS f", "NULL::date AS day", "0::bigint AS seq"


def _bounds(parameters: Mapping[str, Any], *, before: bool) -> list[str]:
    first, last = parameters.get("from"), parameters.get("to")
    if before:
        return [f"h.\"date\" < '{first.isoformat()}'::date" if isinstance(first, date) else "false"]
    return [f"h.\"date\" {sign} '{day.isoformat()}'::date" for day, sign in ((first, ">="), (last, "<=")) if isinstance(day, date)]


def _rights(ctx: Context, source: ReportSource, parameters: Mapping[str, Any]) -> tuple[Form, FormNames, list[str]]:
    """The shape of a source, its names, and the conditions of the caller's rights.

    A grant on the report is enough to see its figures; company and row rules of the form or register hold nevertheless.
    """
    shape = shape_of(ctx.catalogue, source)
    if source.form is not None:
        names = names_for(ctx, shape)
        names.lines_key = source.each
        return shape, names, form_rights(ctx, shape, names)
    register = ctx.catalogue.register(source.register_name or "")
    if source.reading == "balance":
        day = parameters.get("at")
        shape = register.as_form(balance_source(ctx, register, day if isinstance(day, date) and day != ctx.today else None))
    names = names_for(ctx, shape)
    return shape, names, register_rights(ctx, register, shape, names)


def _rows_asked(
    report: ReportDefinition, part: Part, parameters: Mapping[str, Any], literals: Mapping[str, str], places: ParameterNames,
) -> list[str]:
    """Parameters that are called like a row narrow each part by what that row is there; a part without it has none."""
    asked = [key for key in report.rows if report.parts and key in report.parameters and parameters[key] is not None]
    return [f"{sql(part.formulas[key], places)} = {literals[key]}" if key in part.formulas else "false" for key in asked]


def form_rights(ctx: Context, form: Form, names: FormNames) -> list[str]:
    """Conditions on a form's rows: row rules of who may read it, the companies of who may not."""
    if ctx.caller.policy.can(form.name, "read"):
        rule = predicate(ctx, form, "read", names)
        return [rule] if rule else []
    if form.has_company and ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        return [f'h."company" IN ({ids})' if ids else "false"]
    return []


def narrowed(report: ReportDefinition, shape: Form, parameters: Mapping[str, Any], literals: Mapping[str, str]) -> list[str]:
    """Parameters that are called like a field of the source narrow it."""
    return [f"h.{quoted(item.column)} = {literals[key]}" for key, value in parameters.items()
            if value is not None and key in report.parameters and key not in ("from", "to", "at")
            and (item := shape.fields.get(key)) is not None and item.column is not None]
