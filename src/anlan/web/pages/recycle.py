"""The recycle bin: what was deleted, and how it comes back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import record
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words

__all__ = ["recycle_page", "restore_record"]


def recycle_page(request: Request, ctx: Context) -> Response:
    """`GET /recycle`: one's own, for administrators everybody's."""
    return _page(request, ctx)


def restore_record(request: Request, ctx: Context) -> Response:
    """`POST /recycle/{id}/restore`: on to the record; where it cannot come back, the bin with the reason."""
    try:
        found = record.restore(ctx, request.path_params["id"])
    except Refused as refused:
        if refused.status == 404:
            raise
        return _page(request, ctx, refused=refused)
    return RedirectResponse(f"/f/{found['form']}/{found['id']}", 303)


def _page(request: Request, ctx: Context, *, refused: Refused | None = None) -> Response:
    return render(
        request,
        ctx,
        "recycle.html",
        title=words().text("recycle.title", ctx.language),
        status=refused.status if refused is not None else 200,
        error=said(request, refused) if refused is not None else "",
        deleted=record.deleted(ctx),
    )
