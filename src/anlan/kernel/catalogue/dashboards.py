"""What is wrong with a dashboard: names that nothing has, widgets that could not show anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from anlan.kernel.definition.model import DashboardDefinition, Widget
from anlan.kernel.definition.reader import BadDefinition

if TYPE_CHECKING:
    from anlan.kernel.catalogue.catalogue import Catalogue

__all__ = ["MOST_WIDGETS", "dashboard_faults"]

MOST_WIDGETS = 12       # seven of them before one scrolls
GRAINS = ("", "day", "month", "quarter", "year")
MEASURED = frozenset({"integer", "decimal", "quantity", "money", "duration"})
Faults = Iterator[BadDefinition]


def dashboard_faults(catalogue: Catalogue, board: DashboardDefinition, file: str) -> Faults:
    """Each with file, path and a sentence."""
    if len(board.widgets) > MOST_WIDGETS:
        yield BadDefinition(file, "widgets", f"a dashboard has at most {MOST_WIDGETS} widgets; make a second one")
    yield from _unknown(file, "order", board.order, board.widgets, "widget")
    yield from _unknown(file, "home", board.home, catalogue.roles, "role")
    yield from _unknown(file, "grants", board.grants, catalogue.roles, "role")
    for role in board.home:
        if role in catalogue.roles and not catalogue.roles[role].all_rights and role not in board.grants:
            yield BadDefinition(file, "home", f"{role} begins the day here, so grants must let it read")
    for key, one in board.widgets.items():
        yield from _widget_faults(catalogue, one, file, f"widgets.{key}")


def _widget_faults(catalogue: Catalogue, one: Widget, file: str, place: str) -> Faults:
    if one.kind in ("number", "chart", "table"):
        if (one.report is None) == (one.form is None):
            yield BadDefinition(file, place, "a widget of figures reads a report or a form, one of them")
            return
        if one.kind != "number" and not one.by:
            yield BadDefinition(file, f"{place}.by", "say what each bar or row stands for, such as date@month")
        yield from _report_faults(catalogue, one, file, place) if one.report else _form_faults(catalogue, one, file, place)
    elif one.kind == "shortcuts":
        yield from _unknown(file, f"{place}.forms", one.forms, catalogue.forms, "form")
        yield from _unknown(file, f"{place}.reports", one.reports, catalogue.reports, "report")
        if not one.forms and not one.reports:
            yield BadDefinition(file, place, "name forms or reports to lead to")
    elif one.kind == "text" and one.text is None:
        yield BadDefinition(file, f"{place}.text", "write the text")


def _report_faults(catalogue: Catalogue, one: Widget, file: str, place: str) -> Faults:
    report = catalogue.reports.get(one.report or "")
    if report is None:
        yield BadDefinition(file, f"{place}.report", f"there is no report {one.report}")
        return
    if report.reading == "turnover":
        yield BadDefinition(file, f"{place}.report", "a turnover is compared row by row; take a report over balance, movements or a form")
    needed = [key for key, item in report.parameters.items() if item.required and item.default is None and key not in ("from", "to", "at")]
    yield from (BadDefinition(file, f"{place}.report", f"{one.report} asks for {key}, which a dashboard cannot give") for key in needed)
    columns = [*([one.column] if one.column else []), *one.columns]
    yield from _unknown(file, f"{place}.column", columns, report.columns, "column")
    if not columns and one.kind != "number":
        yield BadDefinition(file, f"{place}.column", "name the column whose figures are shown")
    for key in (one.by, one.split):
        name, _, grain = (key or "").partition("@")
        if key and (grain not in GRAINS or (name not in report.rows and name not in report.columns and name != "date")):
            yield BadDefinition(file, f"{place}.by", f"{key} is no row of {one.report}; write one of {', '.join([*report.rows, 'date@month'])}")


def _form_faults(catalogue: Catalogue, one: Widget, file: str, place: str) -> Faults:
    form = catalogue.forms.get(one.form or "")
    if form is None:
        yield BadDefinition(file, f"{place}.form", f"there is no form {one.form}")
        return
    item = form.fields.get(one.value or "")
    if one.value and (item is None or item.type.key not in MEASURED):
        yield BadDefinition(file, f"{place}.value", f"{one.value} is no figure of {one.form}; leave value out to count records")
    for key in (one.by, one.split):
        name, _, grain = (key or "").partition("@")
        if key and (name not in form.fields or grain not in GRAINS):
            yield BadDefinition(file, f"{place}.by", f"there is no field {key} in {one.form}")
    if one.columns or one.column:
        yield BadDefinition(file, f"{place}.column", "columns are of reports; over a form write value")


def _unknown(file: str, place: str, names: Iterable[str], known: Iterable[str], what: str) -> Faults:
    there = set(known)
    yield from (BadDefinition(file, place, f"there is no {what} {name}") for name in names if name not in there)
