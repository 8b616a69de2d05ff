"""Why somebody sees something or not, and seeing the site as somebody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import admin, describe
from anlan.kernel.admin import see_as
from anlan.kernel.context import Context
from anlan.web.pages.context import AS_COOKIE
from anlan.web.pages.frame import render, words

__all__ = ["begin_seeing", "end_seeing", "why_page"]

ACTIONS = ("read", "create", "update", "delete", "export", "import", "print")


def why_page(request: Request, ctx: Context) -> Response:
    """`GET /why?form=&action=&key=&login=`: which rule decides; nothing of the record's content."""
    given = {
        name: request.query_params.get(name, "").strip()[:200] for name in ("form", "action", "key", "login")
    }
    form = ctx.catalogue.forms.get(given["form"])
    actions = [*ACTIONS, *(form.transitions if form is not None else ())]
    action = given["action"] if given["action"] in actions else "read"
    answer = (
        admin.why(ctx, given["form"], action, login=given["login"] or None, key=given["key"] or None)
        if form is not None
        else None
    )
    labels = {one: words().text(f"admin.action.{one}", ctx.language) for one in ACTIONS}
    if form is not None:
        labels |= {key: one.label.text(ctx.language) for key, one in form.transitions.items()}
    return render(
        request, ctx, "why.html", title=words().text("why.title", ctx.language), answer=answer, given=given,
        action=action, actions=[(one, labels[one]) for one in actions],
        forms=_choices(ctx, given["form"]),
        people=admin.people(ctx) if ctx.caller.admin else [], not_there=bool(given["form"]) and form is None,
    )  # fmt: skip


def _choices(ctx: Context, asked: str) -> list[tuple[str, str]]:
    """All forms for administrators; for others those that they know, and the one that they ask about."""
    known = {one["form"] for one in describe.forms(ctx)} | {asked}
    return [
        (name, form.definition.label.text(ctx.language))
        for name, form in ctx.catalogue.forms.items()
        if ctx.caller.admin or name in known
    ]


def begin_seeing(request: Request, ctx: Context, form: Any) -> Response:
    """`POST /admin/see-as`: until it is ended, this browser shows what the other would see, and changes nothing."""
    mark = see_as.begin(ctx, str(form.get("login", "")).strip())
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        AS_COOKIE, quote(mark), httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
    )
    return answer


def end_seeing(request: Request, ctx: Context) -> Response:
    """`POST /admin/see-as/end`."""
    del request
    answer = RedirectResponse(f"/admin/people/{quote(ctx.caller.login)}", 303)
    answer.delete_cookie(AS_COOKIE, path="/")
    return answer
