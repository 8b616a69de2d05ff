"""Figures in tables: reports with their parameters, balances of registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, register, report
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render

__all__ = ["register_page", "report_page"]

Json = Mapping[str, Any]
FORMATS = ("xlsx", "csv", "pdf")
MOST_ROWS = 500  # on a page; the files have them all


def report_page(request: Request, ctx: Context) -> Response:
    """`GET /r/{report}?parameter=…`: the table, and the same as a file."""
    name = request.path_params["report"]
    definition = describe.report(ctx, name)
    given = {
        key: text for key, text in request.query_params.items() if key in definition["parameters"] and text
    }
    table: Json | None = None
    error = ""
    try:
        table = report.run(ctx, name, given)
    except Refused as refused:
        if refused.status != 422:
            raise
        error = said(request, refused)
    files = [(kind, f"/api/v1/reports/{name}?" + urlencode(given | {"format": kind})) for kind in FORMATS]
    return render(
        request,
        ctx,
        "report.html",
        title=show.label(definition["label"], ctx.language),
        definition=definition,
        shown=_shown(definition, given, table),
        table=table,
        most=MOST_ROWS,
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
        most=MOST_ROWS,
    )


def _shown(definition: Json, given: Mapping[str, str], table: Json | None) -> dict[str, str]:
    """What stands in the parameters' inputs: what was given, else the defaults that the report used."""
    used = table["parameters"] if table else {}
    return {key: given.get(key) or _typed(used.get(key)) for key in definition["parameters"]}


def _typed(used: Any) -> str:
    if isinstance(used, Mapping):
        return str(used.get("code") or "")
    return "" if used is None else str(used)
