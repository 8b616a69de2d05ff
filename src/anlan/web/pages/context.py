"""From a browser's request to a kernel context: session cookie, language, theme."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel.access import sessions
from anlan.kernel.admin import see_as
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import language_of, negotiate

__all__ = ["AS_COOKIE", "COOKIE", "Page", "language", "page", "theme", "zone"]

COOKIE = "anlan_session"
AS_COOKIE = "anlan_as"  # an administrator looks as somebody else (kernel/admin/see_as.py)
_WHILE_LOOKING = ("/bell", "/admin/see-as/end")
THEMES = ("auto", "light", "dark")
Page = Callable[[Request, Context], Response]


def language(request: Request, own: str | None = None) -> str:
    """`zh` or `en`: what was chosen in this browser, else the person's, else the browser's wish."""
    chosen = request.cookies.get("anlan_language")
    if chosen:
        return language_of(chosen)
    return language_of(own) if own else negotiate(request.headers.get("accept-language"))


def theme(request: Request) -> str:
    """`light`, `dark`, or `auto`: as the system says."""
    chosen = request.cookies.get("anlan_theme", "auto")
    return chosen if chosen in THEMES else "auto"


def zone(ctx: Context) -> ZoneInfo:
    """The zone that instants are shown in."""
    return ctx.site.zone


def page(endpoint: Page) -> Callable[[Request], Response]:
    """An endpoint for people who are logged in; others are sent to the log-in page and come back after it."""

    @wraps(endpoint)
    def guarded(request: Request) -> Response:
        ctx = open_context(request)
        if ctx is None:
            return _to_login(request)
        if ctx.caller.must_change:
            return RedirectResponse("/me/password", 303)
        looking = getattr(request.state, "seer", None) is not None
        if looking and request.method not in ("GET", "HEAD") and request.url.path not in _WHILE_LOOKING:
            raise Refused(403, "admin.only_looking")
        return endpoint(request, ctx)

    return guarded


def open_context(request: Request) -> Context | None:
    """The context of the session in the cookie; None when there is none that still holds."""
    token = request.cookies.get(COOKIE)
    site = request.app.state.site
    caller = sessions.resolve(site, token) if token else None
    if caller is None:
        return None
    if mark := request.cookies.get(AS_COOKIE):
        other = see_as.seen(site, caller, unquote(mark))
        if other is not None:
            request.state.seer, caller = caller, other
    tag = "en" if language(request, caller.language) == "en" else "zh-CN"
    ctx = Context(site, caller, language=tag, via="page", request_id=request.state.request_id)
    request.state.ctx = ctx
    return ctx


def _to_login(request: Request) -> Response:
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/login" if where == "/" else f"/login?next={quote(where, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)
