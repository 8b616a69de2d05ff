"""Pivots and dashboards: figures by what somebody chooses, and those that a pack put together."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.kernel import dashboard, pivot
from anlan.kernel.i18n import language_of
from anlan.kernel.pivot import Pivot
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call
from anlan.web.api.words import in_language

__all__ = [
    "FORM_PARAMETERS",
    "chosen",
    "dashboards",
    "fields_of_form",
    "one_dashboard",
    "pivot_of_form",
    "pivot_of_report",
    "widget",
]

FORM_PARAMETERS = ("rows", "columns", "values", "each", "where", "sort")
_CHOICE = ("rows", "columns", "values", "sort")  # what a pivot is, beside a report's own parameters


def chosen(query: Mapping[str, str]) -> Pivot:
    """What a query string says of rows, columns, values and order."""
    return Pivot(
        rows=tuple(params.names(query, "rows")),
        columns=tuple(params.names(query, "columns")),
        values=tuple(params.names(query, "values")) or ("count",),
        sort=params.choice(query, "sort", ("", "-value"), ""),
    )


def pivot_of_form(call: Call) -> Answer:
    """GET /pivot/{form}"""
    asked = chosen(call.query)._replace(
        form=call.path["form"], each=call.query.get("each") or None, where=call.query.get("where")
    )
    return _said(call, pivot.run(call.ctx, asked))


def pivot_of_report(call: Call) -> Answer:
    """GET /reports/{report}/pivot: the report's parameters stand in the query string too."""
    given = {key: value for key, value in call.query.items() if key not in _CHOICE}
    return _said(
        call, pivot.run(call.ctx, chosen(call.query)._replace(report=call.path["report"], given=given))
    )


def fields_of_form(call: Call) -> Answer:
    """GET /pivot/{form}/fields"""
    return _said(
        call, pivot.fields(call.ctx, form=call.path["form"], each=call.query.get("each") or None)
    )


def dashboards(call: Call) -> Answer:
    """GET /dashboards"""
    return _said(call, {"data": dashboard.dashboards(call.ctx), "home": dashboard.home(call.ctx)})


def one_dashboard(call: Call) -> Answer:
    """GET /dashboards/{dashboard}"""
    return _said(call, dashboard.describe(call.ctx, call.path["dashboard"]))


def widget(call: Call) -> Answer:
    """GET /dashboards/{dashboard}/{widget}"""
    return _said(
        call,
        dashboard.widget(
            call.ctx,
            call.path["dashboard"],
            call.path["widget"],
            period=call.query.get("period") or None,
            company=call.query.get("company") or None,
        ),
    )


def _said(call: Call, found: object) -> Answer:
    return Answer(in_language(found, language_of(call.ctx.language)))
