"""The list of a form: views as tabs, chips, search, sort, keyset pages; all of its state is in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe, query
from anlan.kernel.context import Context
from anlan.web.pages import board, bulk_page, calendar, filters, liststate, show
from anlan.web.pages.columns import choosable, column
from anlan.web.pages.context import zone
from anlan.web.pages.filters import Chip
from anlan.web.pages.frame import render, words
from anlan.web.pages.liststate import Listing
from anlan.web.pages.rows import drawn_rows

__all__ = ["count_of_list", "filter_fields", "list_page"]

PAGE = 50
Json = Mapping[str, Any]


def list_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}`; `part=rows` answers the next rows only, `part=list` the list without its frame."""
    form = describe.form(ctx, request.path_params["form"])
    part = request.query_params.get("part")

    def work() -> tuple[Listing, dict[str, Any]]:
        listing = liststate.read(request, ctx, form)
        if request.query_params.get("add_field"):
            listing = _with_added_chip(request, form, listing)
            if part is None:
                return listing, {}
        return listing, _content(request, ctx, form, listing)

    listing, content = ctx.atomically(work)
    if not content:
        return RedirectResponse(listing.url(), 303)
    values: dict[str, Any] = {
        "form": form,
        "listing": listing,
        "kind": listing.kind or "list",
        "chips": [(chip, _chip_words(chip, form, ctx)) for chip in listing.chips()],
        "without": _without_each(listing, form),
        "kinds": _filterable(form, ctx.language),
        "export": _export_url(form, listing),
        "choosable": choosable(form, ctx.language),
        "as_board": board.fields(form, ctx.language),
        "as_calendar": calendar.fields(form, ctx.language),
        "island": _island(form, listing, ctx.language),
        **content,
    }
    name = {"rows": "part/rows.html", "list": "part/list.html"}.get(part or "", "list.html")
    answer = render(request, ctx, name, title=show.label(form["label"], ctx.language), **values)
    if part == "list":
        answer.headers["HX-Push-Url"] = listing.url()
    return answer


def _content(request: Request, ctx: Context, form: Json, listing: Listing) -> dict[str, Any]:
    """The rows of a list, the lanes of a board or the days of a calendar."""
    if listing.kind == "board":
        return board.content(ctx, form, listing)
    if listing.kind == "calendar":
        return calendar.content(ctx, form, listing)
    columns = [column(form, path, ctx.language) for path in listing.columns_shown]
    shown = [one["path"] for one in columns]
    asked = listing.query()._replace(
        fields=[*shown, *(["state"] if form["states"] else [])],
        limit=PAGE,
        after=request.query_params.get("after"),
        count="none",
    )
    found = query.records(ctx, form["form"], asked)
    return {
        "columns": columns,
        "records": found["data"],
        "next": found["next"],
        "totals": listing.totals_shown,
        "sorted": listing.sorted_by,
        "writable": bulk_page.writable(form, ctx.language),
        "rows": drawn_rows(
            form, found["data"], columns=columns, steps=_primary_steps(form), language=ctx.language, zone=zone(ctx)
        ),
        "first_page": "after" not in request.query_params,
    }


def count_of_list(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/count`: how many, and totals of the whole filter; asked for after the rows."""
    form = describe.form(ctx, request.path_params["form"])

    def work() -> tuple[int, list[dict[str, Any]], dict[str, str]]:
        listing = liststate.read(request, ctx, form)
        asked = listing.query()
        found = query.records(ctx, form["form"], asked._replace(fields=["id"], limit=1, count="exact"))
        columns = [column(form, path, ctx.language) for path in listing.columns_shown]
        summed = listing.totals_shown
        return found["count"], columns, query.totals(ctx, form["form"], asked, summed) if summed else {}

    count, columns, totals = ctx.atomically(work)
    return render(request, ctx, "part/count.html", title="", count=count, columns=columns, totals=totals)


def filter_fields(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/filter?add_field=`: the operators and the input of one field in the filter's menu; with `edit`
    (the place of a chip) the whole menu of that chip."""
    form = describe.form(ctx, request.path_params["form"])
    listing = liststate.read(request, ctx, form)
    asked = request.query_params
    chips, place = listing.chips(), _place(asked.get("edit", ""))
    chip = chips[place] if place is not None and place < len(chips) else None
    name = asked.get("add_field") or (chip.field if chip else "")
    field = column(form, name, ctx.language)
    kind = filters.kind_of(field["type"]) or "text"
    same = chip is not None and chip.field == name
    operator = asked.get("add_operator") or (chip.operator if chip is not None and same else "")
    if operator not in filters.OPERATORS[kind]:
        operator = filters.OPERATORS[kind][0]
    value = chip.value if chip is not None and same and chip.operator == operator else ""
    return render(
        request,
        ctx,
        "part/chip_menu.html" if chip is not None and "add_field" not in asked else "part/filter.html",
        title="",
        form=form,
        listing=listing,
        field=field,
        kind=kind,
        kinds=_filterable(form, ctx.language),
        operator=operator,
        operators=filters.OPERATORS[kind],
        value=value,
        several=filters.SEVERAL,
        without_value=filters.WITHOUT_VALUE,
        days=filters.DAYS,
        chip=chip,
        place=place,
    )


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _primary_steps(form: Json) -> dict[str, tuple[str, Any]]:
    """The step that a row offers by its state: the primary one that the caller may do, if it needs no words."""
    found: dict[str, tuple[str, Any]] = {}
    for key, one in (form.get("transitions") or {}).items():
        if one.get("primary") and not one.get("comment") and key in form["actions"]:
            for state in one["from"]:
                found.setdefault(state, (key, one["label"]))
    return found


def _export_url(form: Json, listing: Listing) -> str:
    """The page that makes a file of the same rows and columns."""
    asked = {
        "where": listing.whole_where,
        "search": listing.search,
        "sort": ",".join(listing.sorted_by),
        "fields": ",".join(listing.columns_shown),
    }
    return f"/f/{form['form']}/export?{urlencode({key: text for key, text in asked.items() if text})}"


def _island(form: Json, listing: Listing, language: str) -> dict[str, Any]:
    """What the scripts of a list work on."""
    steps = [
        {
            "key": key,
            "label": show.label(one["label"], language),
            "from": one["from"],
            "to": one["to"],
            "ask": bool(one.get("comment") or one.get("danger")),
            "danger": bool(one.get("danger")),
        }
        for key, one in (form.get("transitions") or {}).items()
        if key in form["actions"]
    ]
    makes = [
        {"key": key, "to": one["to"], "label": show.label(one["label"], language), "from": one["states"], "open": one["open_heads"]}
        for key, one in form["conversions"].items()
        if one["several"]
    ]
    tab = listing.tab
    return {
        "form": form["form"],
        "label": show.label(form["label"], language),
        "view": listing.view,
        "saved": None if tab is None or tab.saved is None else {"label": tab.label, "shared": tab.saved["shared"], "editable": tab.saved["editable"]},
        "now": {name: listing.now.get(name, "") for name in liststate.STATE},
        "where": listing.whole_where or "",
        "layout": listing.layout,
        "first": listing.first,
        "mayShare": listing.may_share,
        "steps": steps,
        "makes": makes,
        "actions": [one for one in form["actions"] if one in {"update", "delete", "print", "export"}],
        "prints": [[key, show.label(one["label"], language)] for key, one in (form.get("prints") or {}).items()],
        "here": listing.url(),
        "days": {words().text(f"days.{one}", language): one for one in filters.DAYS},
    }


def _kinds(form: Json, found: list[Chip], language: str) -> dict[str, str]:
    return {
        chip.field: filters.kind_of(column(form, chip.field, language)["type"]) or "text" for chip in found
    }


def _with_added_chip(request: Request, form: Json, listing: Listing) -> Listing:
    """The list with the chip of the filter's menu (`add_field`, `add_operator`, `add_value` once or more) if it fits;
    with `edit` it stands where another was."""
    asked = request.query_params
    name, operator = asked.get("add_field", ""), asked.get("add_operator", "")
    kind = filters.kind_of(column(form, name, "zh")["type"]) or "text"
    value = "\n".join(
        line.strip() for text in asked.getlist("add_value") for line in text.splitlines() if line.strip()
    )
    if operator not in filters.SEVERAL:
        value = value.partition("\n")[0]
    if operator not in filters.OPERATORS[kind] or not filters.value_fits(kind, operator, value):
        return listing
    new = Chip(name, operator, "" if operator in filters.WITHOUT_VALUE else value)
    chips, place = listing.chips(), _place(asked.get("edit", ""))
    if place is not None and place < len(chips):
        chips[place] = new
    else:
        chips.append(new)
    return listing.with_where(filters.formula(chips, _kinds(form, chips, "zh")))


def _without_each(listing: Listing, form: Json) -> list[str]:
    """For each chip, the address of the list without it."""
    found = listing.chips()
    kinds = _kinds(form, found, "zh")
    return [
        listing.url(where=filters.formula(found[:place] + found[place + 1 :], kinds))
        for place in range(len(found))
    ]


def _chip_words(chip: Chip, form: Json, ctx: Context) -> tuple[str, str, str]:
    """A chip in words: field, operator, value."""
    if chip.operator == "formula":
        return "", "", chip.value
    field = column(form, chip.field, ctx.language)
    if chip.operator == "during":
        value = words().text(f"days.{chip.value}", ctx.language)
        return field["label"], "", value
    values = chip.value.split("\n") if chip.operator in filters.SEVERAL else [chip.value]
    if field["type"] in {"choice", "state"}:
        values = [show.plain(one, field, ctx.language, zone(ctx)) for one in values]
    told = words().text("filter.and_more", ctx.language, some="、".join(values[:3]), n=len(values) - 3)
    return field["label"], words().text(f"filter.{chip.operator}", ctx.language), told if len(values) > 4 else "、".join(values)


def _filterable(form: Json, language: str) -> list[tuple[str, str]]:
    """Fields that a chip can be about, the state first."""
    reserved = ["state", "number"] if form["kind"] == "document" else []
    paths = [*reserved, *(form.get("order") or form["fields"])]
    fields = [column(form, path, language) for path in dict.fromkeys([*paths, "created_at"])]
    return [(one["path"], one["label"]) for one in fields if filters.kind_of(one["type"])]
