"""The to-do list with its boxes, the card of one approval, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.workflow import delegation, desk, todo
from anlan.kernel.workflow import request as requests
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words
from anlan.web.pages.record_page import lines_of, sections_of

__all__ = ["card_page", "delegate", "delegations_page", "end_delegation", "known_todos", "todo_page"]

_MOST_COLLEAGUES = 500
_KINDS = {"approve": "green", "reject": "red", "return": "orange", "transfer": "blue"}


def known_todos(ctx: Context, box: todo.Box = "open", form: str | None = None) -> list[dict[str, Any]]:
    """A box with the words of each form; forms that the caller may not read are left out."""
    known = {one["form"]: one for one in describe.forms(ctx)}
    return [
        dict(one) | {"form_label": show.label(known[one["form"]]["label"], ctx.language)}
        for one in todo.list(ctx, box, form=form)
        if one["form"] in known
    ]


def todo_page(request: Request, ctx: Context) -> Response:
    """`GET /todo?box=&form=`."""
    asked = request.query_params.get("box", "open")
    box: todo.Box = next((one for one in todo.BOXES if one == asked), "open")
    rows = known_todos(ctx, box)
    forms = sorted({(one["form"], one["form_label"]) for one in rows}, key=lambda pair: pair[1])
    chosen = request.query_params.get("form") or ""
    return render(
        request,
        ctx,
        "todo.html",
        title=words().text("todo.title", ctx.language),
        todos=[one for one in rows if not chosen or one["form"] == chosen],
        box=box,
        counts=todo.counts(ctx),
        forms=forms,
        form=chosen,
    )


def card_page(request: Request, ctx: Context) -> Response:
    """`GET /todo/{record}`: the approval that a record waits for, or its last one."""
    with ctx.transaction() as tx:
        found = requests.latest(tx.connection, _uuid(request.path_params["record"]))
    if found is None:
        raise not_found("approval", request.path_params["record"])
    card = desk.card(ctx, found.id)
    form = describe.form(ctx, card["form"])
    content, label = card["record"], show.label(form["label"], ctx.language)
    heading = content.get("number") or content.get("code") or label
    transition = (form.get("transitions") or {}).get(card["request"]["transition"]) or {}
    return render(
        request,
        ctx,
        "card.html",
        title=f"{heading} · {label}",
        crumbs=[(words().text("todo.title", ctx.language), "/todo")],
        card=card,
        asked=card["request"],
        form=form,
        record=content,
        heading=heading,
        form_label=label,
        step_label=show.label(transition.get("label"), ctx.language) or card["request"]["transition"],
        state=(form.get("states") or {}).get(content.get("state") or "draft"),
        sections=sections_of(form, ctx.language),
        lines=lines_of(form),
        history=[_entry(ctx, one) for one in card["request"]["decisions"]],
        reasons=card["reasons"] or _usual(ctx),
        kinds=_KINDS,
    )


def delegations_page(request: Request, ctx: Context) -> Response:
    """`GET /me/delegations`."""
    return _delegations(request, ctx, {})


def delegate(request: Request, ctx: Context, form: Any) -> Response:
    """`POST /me/delegations`: back to the page, or the same page with the reason and what was typed."""
    given = {name: str(form.get(name, "")).strip() for name in ("person", "deputy", "from", "to", "reason")}
    chosen = [str(one) for one in form.getlist("forms")]
    days = [_day(given[name]) for name in ("from", "to")]
    if not given["deputy"] or None in days:
        sentence = words().text("delegation.missing", ctx.language)
        return _delegations(request, ctx, given, chosen=chosen, error=sentence, status=422)
    known = {one["form"] for one in describe.forms(ctx)}
    try:
        ctx.atomically(
            lambda: delegation.create(
                ctx, ctx.connection, deputy=given["deputy"], start=cast(date, days[0]), end=cast(date, days[1]),
                forms=[one for one in chosen if one in known] or None, person=given["person"] or None,
                reason=given["reason"] or None,
            )
        )  # fmt: skip
    except Refused as refused:
        error = said(request, refused)
        return _delegations(request, ctx, given, chosen=chosen, error=error, status=refused.status)
    return RedirectResponse("/me/delegations", 303)


def end_delegation(request: Request, ctx: Context) -> Response:
    """`POST /me/delegations/{id}/end`."""
    ctx.atomically(lambda: delegation.cancel(ctx, ctx.connection, request.path_params["id"]))
    return RedirectResponse("/me/delegations", 303)


def _delegations(
    request: Request,
    ctx: Context,
    given: Mapping[str, str],
    *,
    chosen: list[str] | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    with ctx.transaction() as tx:
        found = delegation.list(ctx, tx.connection, every=ctx.caller.admin)
    people = desk.colleagues(ctx, limit=_MOST_COLLEAGUES) if ctx.caller.roles else []
    labels = {one["form"]: show.label(one["label"], ctx.language) for one in describe.forms(ctx)}
    waiting = {
        form.name
        for form in ctx.catalogue.forms.values()
        if any(move.approval for move in form.transitions.values())
    }
    return render(
        request,
        ctx,
        "delegations.html",
        title=words().text("delegation.title", ctx.language),
        status=status,
        delegations=found,
        people=people,
        labels=labels,
        forms=[(key, labels[key]) for key in labels if key in waiting],
        given=given,
        chosen=chosen or [],
        error=error,
    )


def _entry(ctx: Context, one: Any) -> dict[str, Any]:
    """A decision with the time that it took, in words."""
    seconds = one["seconds"]
    took = "" if seconds is None or one["automatic"] == "repeated" else _took(ctx, seconds)
    return dict(one) | {"took": took}


def _took(ctx: Context, seconds: int) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return words().text(f"approval.took_{unit}", ctx.language, n=seconds // size)
    return words().text("approval.took_moment", ctx.language)


def _usual(ctx: Context) -> list[str]:
    return [words().text(f"approval.usual_{n}", ctx.language) for n in (1, 2, 3)]


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise not_found("approval", text[:80]) from None


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 3000 else None
