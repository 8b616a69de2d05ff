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

__all__ = ["every", "run"]

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


def _table(ctx: Context, shown: Mapping[str, Any], found: Mapping[str, Any]) -> exchange.ReportTable:
    """The report as a table for paper and sheets; the parameters that were given stand above it."""
    notes = [
        (str(shown["parameters"][key]["label"]), str(value))
        for key, value in found["parameters"].items()
        if value is not None
    ]
    columns = [exchange.ReportColumn(one["key"], one["label"], one["type"]) for one in found["columns"]]
    return exchange.ReportTable(shown["label"], columns, found["rows"], found["totals"], notes)
