"""One's own second factor: switch it on with a phone, switch it off with the password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel.access import sessions, totp
from anlan.kernel.access.totp import Enrolment
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words
from anlan.web.pages.qr import svg

__all__ = ["begin_factor", "confirm_factor", "factor_page", "remove_factor"]

Form = Mapping[str, Any]


def factor_page(request: Request, ctx: Context) -> Response:
    """`GET /me/second-factor`."""
    return _page(request, ctx)


def begin_factor(request: Request, ctx: Context) -> Response:
    """`POST /me/second-factor`: a secret for the phone, shown this once; log-in stays as it is until it is confirmed."""
    return _page(request, ctx, enrolment=totp.begin(ctx.site, ctx.caller))


def confirm_factor(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /me/second-factor/confirm`: the first code of the phone. A wrong one may be typed again."""
    try:
        totp.confirm(ctx.site, ctx.caller, str(form.get("code", "")))
    except Refused as refused:
        return _page(request, ctx, refused=refused, confirming=refused.status == 422)
    return RedirectResponse("/me/second-factor", 303)


def remove_factor(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /me/second-factor/remove`: who sits at a screen that was left open does not know the password."""
    address = request.client.host if request.client else None
    try:
        sessions.check_password(ctx.site, ctx.caller, str(form.get("password", "")), address=address)
    except Refused as refused:
        return _page(request, ctx, refused=refused)
    totp.remove(ctx.site, ctx.caller.user, by=ctx.caller.user, via="page")
    return RedirectResponse("/me/second-factor", 303)


def _page(
    request: Request,
    ctx: Context,
    *,
    enrolment: Enrolment | None = None,
    confirming: bool = False,
    refused: Refused | None = None,
) -> Response:
    answer = render(
        request,
        ctx,
        "second_factor.html",
        title=words().text("factor.title", ctx.language),
        status=refused.status if refused is not None else 200,
        error=said(request, refused) if refused is not None else "",
        enrolled=totp.is_enrolled(ctx.site, ctx.caller.user),
        enrolment=enrolment,
        code=svg(enrolment.uri, label=words().text("factor.qr", ctx.language)) if enrolment is not None else "",
        confirming=confirming or enrolment is not None,
    )
    answer.headers["cache-control"] = "no-store"
    return answer
