"""One's own page: name, language, company, looks; and what one was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import message
from anlan.kernel.access import profile, totp
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import LANGUAGES, language_of
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words

__all__ = ["me_page", "messages_page", "read_messages", "save_me", "welcome_page"]

YEAR = 365 * 24 * 3600
PAGE = 50
Form = Mapping[str, Any]


def me_page(request: Request, ctx: Context) -> Response:
    """`GET /me`."""
    return _me(request, ctx, saved="saved" in request.query_params)


def save_me(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /me`: what was typed stays when it is refused. The language holds from the next page on."""
    typed = {name: str(form.get(name, "")).strip() for name in ("name", "language", "company")}
    target = str(form.get("next", ""))
    try:
        profile.save(ctx, name=typed["name"], language=typed["language"], company=typed["company"] or None)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _me(request, ctx, refused=refused, typed=typed)
    answer = RedirectResponse("/" if target == "/" else "/me?saved", 303)
    if (chosen := language_of(typed["language"])) in LANGUAGES:
        answer.set_cookie("anlan_language", chosen, max_age=YEAR, samesite="lax", path="/")
    return answer


def _me(
    request: Request,
    ctx: Context,
    *,
    saved: bool = False,
    refused: Refused | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    looking = getattr(request.state, "seer", None) is not None or ctx.caller.token_scope is not None
    own = None if looking else profile.read(ctx)
    return render(
        request, ctx, "me.html", title=words().text("me.title", ctx.language),
        status=refused.status if refused is not None else 200,
        error=said(request, refused) if refused is not None else "", own=own, typed=typed or {}, saved=saved,
        companies=_companies(ctx), factor=totp.is_enrolled(ctx.site, ctx.caller.user),
        density="compact" if request.cookies.get("anlan_density") == "compact" else "normal",
        roles=[
            role.label.text(ctx.language) for key, role in ctx.catalogue.roles.items() if key in ctx.caller.roles
        ],
    )  # fmt: skip


def welcome_page(request: Request, ctx: Context) -> Response:
    """`GET /me/welcome`: after the first password of one's own."""
    return render(
        request, ctx, "welcome.html", title=words().text("welcome.title", ctx.language), own=profile.read(ctx),
        factor=totp.is_enrolled(ctx.site, ctx.caller.user),
    )  # fmt: skip


def _companies(ctx: Context) -> list[tuple[str, str]]:
    """Those that the caller works for; of an administrator all that are in use."""
    if ctx.caller.companies is None:
        with ctx.transaction():
            rows = ctx.memory.rows("system.company")
        return [
            (key, str(row.get("name") or row.get("code"))) for key, row in rows.items() if row.get("active")
        ]
    found = []
    for key in ctx.caller.companies:
        row = ctx.memory.row("system.company", key)
        found.append((key, str(row.get("name") or row.get("code") or "")))
    return found


def messages_page(request: Request, ctx: Context) -> Response:
    """`GET /messages?only=unread&kind=&after=`."""
    asked = request.query_params
    unread, kind, after = asked.get("only") == "unread", asked.get("kind", ""), asked.get("after", "")
    if after and not _is_id(after):
        after = ""
    told = message.inbox(ctx, unread=unread, kind=kind or None, after=after or None, limit=PAGE)
    more = (
        {"only": "unread" if unread else "", "kind": kind, "after": told[-1]["id"]}
        if len(told) == PAGE
        else None
    )
    return render(
        request, ctx, "messages.html", title=words().text("bell.title", ctx.language), told=told, only_unread=unread,
        kind=kind, kinds=[(code, _kind(ctx.language, code), count) for code, count in message.kinds(ctx).items()],
        older=urlencode({name: text for name, text in more.items() if text}) if more else "", at_end=bool(after),
    )  # fmt: skip


def read_messages(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /messages/read`: one, or all; `to`: on to the record that it is about."""
    id = str(form.get("id", ""))
    message.mark_read(ctx, [id] if _is_id(id) else None if not id else [])
    back = str(form.get("only", ""))
    return RedirectResponse("/messages?only=unread" if back == "unread" else "/messages", 303)


def _kind(language: str, code: str) -> str:
    known = f"message.{code}"
    return (
        words().text(known, language)
        if known in words().sentences["zh"]
        else words().text("message.other", language)
    )


def _is_id(text: str) -> bool:
    return len(text) == 36 and all(one in "0123456789abcdef-" for one in text)
