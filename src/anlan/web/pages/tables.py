"""Figures in tables: reports with their parameters, balances of registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, register
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.report_file import ReportTable
from anlan.web.pages import show
from anlan.web.pages.frame import render

__all__ = ["RunReport", "register_page", "report_page"]

Json = Mapping[str, Any]
FORMATS = ("xlsx", "csv", "pdf")
# Runs a report by its name and the parameters that were given; Refused 422 where one is wrong.
RunReport = Callable[[Context, str, Mapping[str, str]], ReportTable]


def report_page(request: Request, ctx: Context, run: RunReport) -> Response:
    """`GET /r/{report}?parameter=…`: the table, and the same as a file."""
    name = request.path_params["report"]
    definition = describe.report(ctx, name)
    given = {
        key: text for key, text in request.query_params.items() if key in definition["parameters"] and text
    }
    table: ReportTable | None = None
    error = ""
    try:
        table = run(ctx, name, given)
    except Refused as refused:
        if refused.status != 422:
            raise
        fault = refused.faults[0] if refused.faults else None
        error = ctx.site.messages.text(
            fault.code if fault else refused.code, ctx.language, **(fault or refused).params
        )
    files = [(kind, f"/api/v1/reports/{name}?" + urlencode(given | {"format": kind})) for kind in FORMATS]
    return render(
        request,
        ctx,
        "report.html",
        title=show.label(definition["label"], ctx.language),
        definition=definition,
        given=given,
        table=table,
        files=files,
        error=error,
    )


def register_page(request: Request, ctx: Context) -> Response:
    """`GET /registers/{register}?by=&at=`: balances by the dimensions asked for."""
    definition = describe.register(ctx, request.path_params["register"])
    every = list(definition["dimensions"])
    by = [name for name in request.query_params.getlist("by") if name in every] or every
    at = request.query_params.get("at") or None
    found = register.balance(ctx, definition["register"], at=at, by=tuple(by))
    return render(
        request,
        ctx,
        "register.html",
        title=show.label(definition["label"], ctx.language),
        definition=definition,
        by=by,
        every=every,
        at=at or "",
        rows=found["data"],
    )
