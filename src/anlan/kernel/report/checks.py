"""The formulas of a report, to be tried when the catalogue is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.definition.model import ReportDefinition, ReportPart
from anlan.kernel.formula import NUMBER, DictScope, sql
from anlan.kernel.report.layout import result_scope, turnover_scope
from anlan.kernel.report.parameters import CONTEXT_PLACES, ParameterNames
from anlan.kernel.report.shape import parts_of, scope_of, shape_of

__all__ = ["report_formulas"]

Checks = Iterator[tuple[str, Callable[[], object]]]


def report_formulas(catalogue: Catalogue, report: ReportDefinition) -> Checks:
    """(path, check) of every formula of a report whose names are there; a check raises DesignError."""
    for key, item in report.parameters.items():
        if isinstance(item.default, str):
            yield f"parameters.{key}.default", partial(catalogue.check, item.default, DictScope({}))
    numbers: set[str] = set()
    for place, part in parts_of(report):
        yield from _part_formulas(catalogue, report, part, place, numbers)
    known = [key for key, column in report.columns.items() if column.result is not None or key in numbers]
    yield from ((f"columns.{key}.result", partial(catalogue.check, column.result, result_scope(known)))
                for key, column in report.columns.items() if column.result is not None)


def _part_formulas(catalogue: Catalogue, report: ReportDefinition, part: ReportPart, place: str, numbers: set[str]) -> Checks:
    shape = shape_of(catalogue, part)
    names = FormNames(catalogue.forms, catalogue.registers, shape, lines=part.each, functions=catalogue.functions,
                      context=dict.fromkeys(CONTEXT_PLACES, "NULL"))
    places = ParameterNames(names, dict.fromkeys(report.parameters, "NULL"))
    scope = scope_of(catalogue, report, part, shape)

    def in_sql(text: str, key: str = "") -> object:
        formula = catalogue.check(text, scope)
        if formula.type == NUMBER:
            numbers.add(key)
        return sql(formula, places)

    if part.where:
        yield f"{place}where", partial(in_sql, part.where)
    if part.reading == "turnover":
        register = catalogue.registers[part.register_name or ""]
        yield from ((f"columns.{key}.value", partial(catalogue.check, text, turnover_scope(register))) for key, text in part.columns.items())
        return
    yield from ((f"{place}rows" if not place else f"{place}rows.{key}", partial(in_sql, text, key)) for key, text in part.rows.items())
    yield from ((f"{place}columns.{key}" if place else f"columns.{key}.value", partial(in_sql, text, key)) for key, text in part.columns.items())
