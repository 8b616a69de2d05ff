"""Reports: what there is, and running one; as JSON or as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from anlan.kernel import describe, exchange, report
from anlan.kernel.context import Context
from anlan.kernel.i18n import language_of
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call
from anlan.web.api.sheets import MEDIA_TYPES, named
from anlan.web.api.words import in_language

__all__ = ["behind", "every", "keys_of", "run"]

_FORMATS = ("json", "xlsx", "csv", "pdf")


def every(call: Call) -> Answer:
    """GET /reports"""
    return Answer({"data": in_language(describe.reports(call.ctx), language_of(call.ctx.language))})


def run(call: Call) -> Answer:
    """GET /reports/{report}: its parameters are those of the query string, beside `format`."""
    ctx, name = call.ctx, call.path["report"]
    kind = params.choice(call.query, "format", _FORMATS, "json")
    given = {key: value for key, value in call.query.items() if key != "format"}
    found = in_language(report.run(ctx, name, given), language_of(ctx.language))
    if kind == "json":
        return Answer(found)
    shown = in_language(describe.report(ctx, name), language_of(ctx.language))
    content = exchange.report_file(
        ctx, _table(ctx, shown, found), format=cast(Literal["xlsx", "csv", "pdf"], kind)
    )
    return Answer(content=content, media_type=MEDIA_TYPES[kind], headers=named(f"{shown['label']}.{kind}"))


def behind(call: Call) -> Answer:
    """GET /reports/{report}/behind: the rows that a figure was made of; `is.customer=…` names a row's groups."""
    keys, given = keys_of(call.query)
    column = given.pop("column", None) or None
    limit = params.whole(call.query, "limit", 100, 1, 500)
    given.pop("limit", None)
    found = report.behind(call.ctx, call.path["report"], given, keys, column, limit=limit)
    return Answer(in_language(found, language_of(call.ctx.language)))


def keys_of(query: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What a query string says of a row's groups (`is.<row>`), and all else in it.

    >>> keys_of({"is.customer": "C1", "from": "2026-11-01"})
    ({'customer': 'C1'}, {'from': '2026-11-01'})
    """
    keys = {key[3:]: value for key, value in query.items() if key.startswith("is.")}
    return keys, {key: value for key, value in query.items() if not key.startswith("is.")}


def _table(ctx: Context, shown: Mapping[str, Any], found: Mapping[str, Any]) -> exchange.ReportTable:
    """The report as a table for paper and sheets; the parameters that were given stand above it."""
    notes = [
        (str(shown["parameters"][key]["label"]), str(value))
        for key, value in found["parameters"].items()
        if value is not None
    ]
    columns = [
        exchange.ReportColumn(one["key"], one["label"], one["type"], one.get("options"))
        for one in found["columns"]
    ]
    documents = {one["key"] for one in found["columns"] if one["type"] == "reference"}
    rows = [
        {key: _number(value) if key in documents else value for key, value in row.items()}
        for row in found["rows"]
    ]
    return exchange.ReportTable(shown["label"], columns, rows, found["totals"], notes)


def _number(document: Any) -> Any:
    """A document by its number: its title alone would not tell which it is."""
    return (document.get("code") or document.get("label")) if isinstance(document, Mapping) else document
