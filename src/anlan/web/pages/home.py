"""What one sees first, and how one finds things: home, to-do, search, the command palette, help."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import dashboard, describe, message, query
from anlan.kernel.context import Context
from anlan.kernel.i18n import language_of
from anlan.kernel.index.tokens import initials
from anlan.kernel.site import example
from anlan.web.pages import guide, show
from anlan.web.pages.approvals import known_todos
from anlan.web.pages.boards import board_values
from anlan.web.pages.frame import menu, render, words

__all__ = ["bell_part", "help_part", "home_page", "palette_part", "search_page"]


STARTS = 8
TOLD = 20


def home_page(request: Request, ctx: Context) -> Response:
    """`GET /`: what waits for me, my role's dashboard, and what I had open last (this browser remembers it)."""
    own = dashboard.home(ctx)
    values = board_values(request, ctx, own) if own else {"board": None}
    return render(
        request,
        ctx,
        "home.html",
        title=words().text("home.title", ctx.language),
        **values,
        todos=known_todos(ctx),
        example=ctx.caller.admin and example.loaded(ctx.site),
        starts=[
            one for one in describe.forms(ctx) if one["kind"] == "document" and "create" in one["actions"]
        ][:STARTS],
    )


def search_page(request: Request, ctx: Context) -> Response:
    """`GET /search?q=`: records of all forms that the caller may read."""
    text = request.query_params.get("q", "").strip()
    found = _found(ctx, query.search(ctx, text, limit=50)) if text else []
    return render(
        request, ctx, "search.html", title=words().text("search.title", ctx.language), text=text, found=found
    )


def palette_part(request: Request, ctx: Context) -> Response:
    """`GET /palette?q=&here=`: what the page itself offers (`here`: its buttons' words, parted by |), pages, new
    records, records whose number, title or content matches, help. Chinese words, their pinyin initials, English.
    """
    text = request.query_params.get("q", "").strip().lower()
    pages = [item for group in menu(ctx) for item in group.items if _matches(text, item.label, item.name)]
    lang = language_of(ctx.language)
    here = [
        (place, label)
        for place, label in enumerate(request.query_params.get("here", "")[:2000].split("|"))
        if label and _matches(text, label)
    ]
    new = words().text("record.new", ctx.language)
    actions = [
        (f"{new} {show.label(form['label'], ctx.language)}", f"/f/{form['form']}/new")
        for form in describe.forms(ctx)
        if "create" in form["actions"] and form.get("menu") is not None
    ]
    found = _found(ctx, query.search(ctx, text, limit=8)) if text else []
    chosen = [one for one in actions if text and _matches(text, *one)][:6]
    return render(
        request, ctx, "part/palette.html", title="", text=text, found=found, pages=pages[:8], actions=chosen,
        here=here[:6], helps=guide.find(text, lang) if text else [],
    )  # fmt: skip


def bell_part(request: Request, ctx: Context) -> Response:
    """`POST /bell`: what one was told lately; with this it counts as read."""
    told = message.inbox(ctx, limit=TOLD)
    if getattr(request.state, "seer", None) is None:  # who looks as somebody else reads nothing for him
        message.mark_read(ctx, [one["id"] for one in told])
    return render(request, ctx, "part/bell.html", title="", told=told)


def help_part(request: Request, ctx: Context) -> Response:
    """`GET /help/keys?path=`: the keys of that page; of all pages without it."""
    path = request.query_params.get("path", "")
    parts = path.strip("/").split("/")
    groups = ["everywhere"]
    if not path or (parts[0] in ("f", "r", "registers", "search", "todo", "") and len(parts) <= 2):
        groups.append("list")
    if not path or (parts[0] == "f" and len(parts) == 3):
        groups += ["record", "lines"]
    return render(request, ctx, "part/keys.html", title="", groups=groups)


def _matches(text: str, *names: str) -> bool:
    """Every word stands in one of the names, or begins its pinyin initials."""
    return all(
        any(word in name.lower() or (word.isascii() and initials(name).startswith(word)) for name in names)
        for word in text.split()
    )


def _found(ctx: Context, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hits with the words of their form and state; forms that the caller may not read are left out."""
    known = {one["form"]: one for one in describe.forms(ctx)}
    states: dict[str, Any] = {}
    result = []
    for row in rows:
        name = row["form"]
        if name not in known:
            continue
        if name not in states:
            states[name] = describe.form(ctx, name).get("states") or {}
        state = states[name].get(row.get("state") or "")
        result.append(
            dict(row)
            | {
                "url": f"/f/{name}/{row['id']}",
                "form_label": show.label(known[name]["label"], ctx.language),
                "state_label": show.label(state["label"], ctx.language) if state else "",
                "state_colour": (state.get("colour") if state else None) or "grey",
            }
        )
    return result
