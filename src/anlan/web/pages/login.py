"""Coming in, going out, the first new password, and the list of one's own sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from anlan.kernel.access import sessions
from anlan.kernel.access.passwords import SHORTEST
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import LANGUAGES
from anlan.kernel.site import Site, example
from anlan.web.pages.context import COOKIE, THEMES, language, open_context, theme
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, template, words

__all__ = [
    "log_in",
    "log_out",
    "login_page",
    "password_page",
    "prefer",
    "revoke_session",
    "sessions_page",
    "set_password",
]

DENSITIES = ("normal", "compact")
YEAR = 365 * 24 * 3600
NOT_KEPT = {"cache-control": "no-store"}
SECOND_FACTOR = "access.second_factor_required"
Form = Mapping[str, Any]


def login_page(request: Request) -> Response:
    """`GET /login`."""
    if open_context(request) is not None:
        return RedirectResponse(_next(request.query_params.get("next", "")), 303)
    return _shown(request, next_=request.query_params.get("next", ""))


def log_in(request: Request, form: Form) -> Response:
    """`POST /login`: a session cookie, or the same page with the reason.

    Who logged in with a password that somebody else gave him is asked for his own at once.
    """
    site = request.app.state.site
    login, password, next_ = (str(form.get(name, "")) for name in ("login", "password", "next"))
    try:
        token = sessions.login(
            site,
            login,
            password,
            address=_address(request),
            totp=str(form.get("totp", "")) or None,
            agent=request.headers.get("user-agent", "")[:300],
        )
    except Refused as refused:
        return _shown(request, next_=next_, login=login, refused=refused, password=password)
    caller = sessions.resolve(site, token)
    if caller is not None and caller.must_change:
        answer: Response = _new_password(request, next_=next_, old=password)
    else:
        answer = RedirectResponse(_next(next_), 303)
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
    )
    return answer


def password_page(request: Request) -> Response:
    """`GET /me/password`."""
    if open_context(request) is None:
        return RedirectResponse("/login?next=/me/password", 303)
    return _new_password(request, next_="/")


def set_password(request: Request, form: Form) -> Response:
    """`POST /me/password`: all other sessions of the person end."""
    ctx = open_context(request)
    if ctx is None:
        return RedirectResponse("/login", 303)
    first = ctx.caller.must_change
    old, new, next_ = (str(form.get(name, "")) for name in ("password", "new_password", "next"))
    try:
        sessions.change_password(ctx.site, ctx.caller, old, new, address=_address(request))
    except Refused as refused:
        return _new_password(request, next_=next_, old=old if first else "", refused=refused)
    return RedirectResponse("/me/welcome" if first and _next(next_) == "/" else _next(next_), 303)


def log_out(request: Request) -> Response:
    """`POST /logout`."""
    if token := request.cookies.get(COOKIE):
        sessions.logout(request.app.state.site, token)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    answer.headers["clear-site-data"] = '"cache"'  # what the browser kept of the person's pages
    return answer


def prefer(request: Request, form: Form) -> Response:
    """`POST /me/prefer`: language, theme and density of this browser; back to where one was."""
    back = urlsplit(request.headers.get("referer", "/"))
    answer = RedirectResponse(_next(back.path + (f"?{back.query}" if back.query else "")), 303)
    for name, allowed in (("language", LANGUAGES), ("theme", THEMES), ("density", DENSITIES)):
        if form.get(name) in allowed:
            answer.set_cookie(f"anlan_{name}", str(form[name]), max_age=YEAR, samesite="lax", path="/")
    return answer


def sessions_page(request: Request, ctx: Context) -> Response:
    """`GET /me/sessions`: where one is logged in."""
    return render(
        request,
        ctx,
        "sessions.html",
        title=words().text("sessions.title", ctx.language),
        sessions=sessions.list_of(ctx.site, ctx.caller.user),
        current=ctx.caller.session,
    )


def revoke_session(request: Request, ctx: Context) -> Response:
    """`POST /me/sessions/{id}/revoke`: only one of one's own."""
    sessions.revoke(ctx.site, ctx.caller.user, request.path_params["id"], by=ctx.caller.user)
    return RedirectResponse("/me/sessions", 303)


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _next(target: str) -> str:
    """Only a path of our own (open redirect)."""
    plain = (
        target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and "\n" not in target
        and "\r" not in target
    )
    return target if plain else "/"


def _shown(
    request: Request,
    *,
    next_: str,
    login: str = "",
    refused: Refused | None = None,
    password: str = "",
) -> Response:
    lang = language(request)
    ask_totp = refused is not None and refused.code == SECOND_FACTOR
    error = said(request, refused) if refused is not None and not ask_totp else ""
    html = template(
        "login.html",
        lang=lang,
        theme=theme(request),
        nonce=request.state.nonce,
        next=next_,
        login=login,
        error=error,
        ask_totp=ask_totp,
        password=password if ask_totp else "",
        cast=[] if ask_totp else _cast(request.app.state.site, lang),
        title=words().text("login.title", lang),
    )
    return HTMLResponse(html, refused.status if refused is not None else 200, headers=NOT_KEPT)


def _cast(site: Site, lang: str) -> list[Mapping[str, str]]:
    """The people of the example with their roles, for one click; nobody on a site of one's own."""
    roles = site.catalogue.roles
    return [
        {**one, "role": roles[one["role"]].label.text(lang) if one["role"] in roles else ""}
        for one in example.cast(site)
    ]


def _new_password(request: Request, *, next_: str, old: str = "", refused: Refused | None = None) -> Response:
    lang = language(request)
    error = said(request, refused) if refused is not None else ""
    html = template(
        "password.html",
        lang=lang,
        theme=theme(request),
        nonce=request.state.nonce,
        next=next_,
        password=old,
        shortest=SHORTEST,
        error=error,
        title=words().text("login.new_password_title", lang),
    )
    return HTMLResponse(html, refused.status if refused is not None else 200, headers=NOT_KEPT)
