"""A list as a board: cards in lanes by the state or by a choice; a card that is moved takes a step or changes the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel import query
from anlan.kernel.context import Context
from anlan.web.pages import show
from anlan.web.pages.columns import cell, column
from anlan.web.pages.frame import words
from anlan.web.pages.liststate import Listing

__all__ = ["content", "fields"]

Json = Mapping[str, Any]
CARDS = 30  # of a lane; more are in the list of its filter
FIGURES = 4  # what a card tells below its title
NONE = ""


def fields(form: Json, language: str) -> list[tuple[str, str]]:
    """Fields that a board can stand by, the state first."""
    paths = [*(["state"] if form.get("states") else []), *(form.get("order") or form["fields"])]
    found = [column(form, path, language) for path in dict.fromkeys(paths)]
    return [(one["path"], one["label"]) for one in found if one["type"] in {"state", "choice"} and one.get("options") and not one.get("hidden")]


def content(ctx: Context, form: Json, listing: Listing) -> dict[str, Any]:
    """The lanes with their cards. Three statements at most."""
    known = [path for path, _ in fields(form, ctx.language)]
    by = listing.by if listing.by in known else next(iter(known), "")
    if not by:
        return {"by": None, "lanes": []}
    field = column(form, by, ctx.language)
    title, *rest = [column(form, path, ctx.language) for path in listing.columns_shown if path != by]
    shown = rest[:FIGURES]
    options = {key: one for key, one in field["options"].items() if not _retired(one)}
    parts = {f"={key}": f'{by} = "{key}"' for key in options}
    if by != "state":
        parts["="] = f"ISBLANK({by})"
    asked = listing.query()._replace(limit=CARDS, fields=[title["path"], *(one["path"] for one in shown), by])
    found = query.groups(ctx, form["form"], asked, parts, sums=listing.totals_asked)
    lanes = [
        {
            "key": key[1:],
            "label": _label(field, key[1:], ctx.language),
            "colour": _colour(field, key[1:]),
            "where": parts[key],
            "cards": lane["data"],
            "count": lane["count"],
            "sums": [(column(form, path, ctx.language), figure) for path, figure in lane["sums"].items()],
        }
        for key, lane in found.items()
        if key != "=" or lane["count"]
    ]
    changes = by == "state" or ("update" in form["actions"] and field.get("access") == "write" and not field.get("formula"))
    return {
        "by": field,
        "lanes": lanes,
        "card_title": title,
        "shown": shown,
        "cell": cell,
        "movable": changes,
        "count": sum(lane["count"] for lane in lanes),
        "most": CARDS,
    }


def _retired(option: Any) -> bool:
    return isinstance(option, Mapping) and bool(option.get("retired"))


def _label(field: Json, key: str, language: str) -> str:
    if key == NONE:
        return words().text("board.none", language, field=field["label"])
    option = field["options"][key]
    return show.label(option.get("label", option) if isinstance(option, Mapping) else option, language)


def _colour(field: Json, key: str) -> str:
    option = field["options"].get(key)
    return str((option.get("colour") if isinstance(option, Mapping) else None) or "grey")
