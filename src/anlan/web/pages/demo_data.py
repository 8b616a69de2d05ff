"""Taking the demo out: what hangs on it, a button, and what happened. For administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, forbidden
from anlan.kernel.site import example
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words

__all__ = ["example_page", "remove_example"]


def example_page(request: Request, ctx: Context) -> Response:
    """`GET /example`: whether there is demo data, and own records that hang on it. Refused 403."""
    _require(ctx)
    return _page(request, ctx)


def remove_example(request: Request, ctx: Context, form: Mapping[str, Any]) -> Response:
    """`POST /example/remove`: takes it out; where it cannot go, the page with the reason. Refused 403."""
    _require(ctx)
    if form.get("sure") != "yes":
        return _page(request, ctx)
    try:
        gone = example.remove(ctx.site, by=ctx.caller)
    except Refused as refused:
        return _page(request, ctx, refused=refused)
    return _page(request, ctx, gone=gone)


def _require(ctx: Context) -> None:
    if not ctx.caller.admin:
        raise forbidden("system.user", "delete")


def _page(
    request: Request, ctx: Context, *, refused: Refused | None = None, gone: int | None = None
) -> Response:
    found = example.hanging(ctx.site)
    own = [
        {**one, "label": show.label(describe.form(ctx, one["form"])["label"], ctx.language)} for one in found
    ]
    return render(
        request,
        ctx,
        "example.html",
        title=words().text("example.title", ctx.language),
        status=refused.status if refused is not None else 200,
        error=said(request, refused) if refused is not None else "",
        loaded=example.loaded(ctx.site),
        own=own,
        gone=gone,
    )
