"""The list of a form: views as tabs, chips, search, sort, keyset pages; all of its state is in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe, query
from anlan.kernel.context import Context
from anlan.kernel.query import Query
from anlan.web.pages import filters, show
from anlan.web.pages.columns import cell, column, first_columns
from anlan.web.pages.context import zone
from anlan.web.pages.filters import Chip
from anlan.web.pages.frame import render, words

__all__ = ["Listing", "count_of_list", "filter_fields", "list_page"]

PAGE = 50
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """What a list shows, as its URL says."""

    form: str
    view: str
    where: str
    search: str
    sort: str

    def url(self, **changes: str) -> str:
        """The address of this list with some of its state changed; what is empty is left out."""
        state = {"view": self.view, "where": self.where, "search": self.search, "sort": self.sort} | changes
        query_ = urlencode({key: text for key, text in state.items() if text})
        return f"/f/{self.form}" + (f"?{query_}" if query_ else "")

    def chips(self) -> list[Chip]:
        return filters.chips(self.where)


def list_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}`; `part=rows` answers the next rows only, `part=list` the list without its frame."""
    form = describe.form(ctx, request.path_params["form"])
    listing, view = _listing(request, form)
    part = request.query_params.get("part")
    if request.query_params.get("add_field"):
        listing = _with_added_chip(request, form, listing)
        if part is None:
            return RedirectResponse(listing.url(), 303)
    columns = [column(form, path, ctx.language) for path in view["columns"]]
    shown = [one["path"] for one in columns]
    found = query.records(
        ctx,
        form["form"],
        Query(
            where=_where(view, listing),
            search=listing.search or None,
            sort=_sort(view, listing),
            fields=shown,
            limit=PAGE,
            after=request.query_params.get("after"),
            count="none",
        ),
    )
    values: dict[str, Any] = {
        "form": form,
        "listing": listing,
        "columns": columns,
        "records": found["data"],
        "next": found["next"],
        "totals": [path for path in view.get("totals", []) if path in shown],
        "view": view,
        "sorted": _sort(view, listing),
        "chips": [(chip, _chip_words(chip, form, ctx)) for chip in listing.chips()],
        "cell": cell,
        "export": _export_url(form, view, listing, shown),
        "without": _without_each(listing, form),
        "kinds": _filterable(form, ctx.language),
        "first_page": "after" not in request.query_params,
    }
    name = {"rows": "part/rows.html", "list": "part/list.html"}.get(part or "", "list.html")
    answer = render(request, ctx, name, title=show.label(form["label"], ctx.language), **values)
    if part == "list":
        answer.headers["HX-Push-Url"] = listing.url()
    return answer


def count_of_list(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/count`: how many, and totals of the whole filter; asked for after the rows."""
    form = describe.form(ctx, request.path_params["form"])
    listing, view = _listing(request, form)
    asked = Query(where=_where(view, listing), search=listing.search or None)
    found = query.records(ctx, form["form"], asked._replace(fields=["id"], limit=1, count="exact"))
    columns = [column(form, path, ctx.language) for path in view["columns"]]
    summed = [one["path"] for one in columns if one["path"] in view.get("totals", [])]
    totals = query.totals(ctx, form["form"], asked, summed) if summed else {}
    return render(
        request, ctx, "part/count.html", title="", count=found["count"], columns=columns, totals=totals
    )


def filter_fields(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/filter?add_field=`: the operators and the input of one field in the filter's menu."""
    form = describe.form(ctx, request.path_params["form"])
    listing, _ = _listing(request, form)
    field = column(form, request.query_params.get("add_field", ""), ctx.language)
    kind = filters.kind_of(field["type"]) or "text"
    return render(
        request,
        ctx,
        "part/filter.html",
        title="",
        form=form,
        listing=listing,
        field=field,
        kind=kind,
        operators=filters.OPERATORS[kind],
        without_value=filters.WITHOUT_VALUE,
    )


def _listing(request: Request, form: Json) -> tuple[Listing, Json]:
    asked = request.query_params
    views = form.get("views") or {}
    name = asked.get("view", "")
    if name not in views:
        name = ""
    view = views.get(name) or next(iter(views.values()), None) or {"columns": first_columns(form)}
    return Listing(
        form["form"], name, asked.get("where", ""), asked.get("search", "").strip(), asked.get("sort", "")
    ), view


def _where(view: Json, listing: Listing) -> str | None:
    parts = [part for part in (view.get("where"), listing.where) if part]
    return f"AND({', '.join(parts)})" if len(parts) > 1 else parts[0] if parts else None


def _sort(view: Json, listing: Listing) -> list[str]:
    return listing.sort.split(",") if listing.sort else list(view.get("sort") or [])


def _export_url(form: Json, view: Json, listing: Listing, shown: list[str]) -> str:
    """The page that makes a file of the same rows and columns."""
    asked = {
        "where": _where(view, listing),
        "search": listing.search,
        "sort": ",".join(_sort(view, listing)),
        "fields": ",".join(shown),
    }
    return f"/f/{form['form']}/export?{urlencode({key: text for key, text in asked.items() if text})}"


def _kinds(form: Json, found: list[Chip], language: str) -> dict[str, str]:
    return {
        chip.field: filters.kind_of(column(form, chip.field, language)["type"]) or "text" for chip in found
    }


def _with_added_chip(request: Request, form: Json, listing: Listing) -> Listing:
    """The list with the chip of the filter's menu (`add_field`, `add_operator`, `add_value`) if it fits."""
    asked = request.query_params
    name, operator = asked.get("add_field", ""), asked.get("add_operator", "")
    kind = filters.kind_of(column(form, name, "zh")["type"]) or "text"
    value = asked.get("add_value", "").strip()
    if operator not in filters.OPERATORS[kind] or not filters.value_fits(kind, operator, value):
        return listing
    every = [*listing.chips(), Chip(name, operator, "" if operator in filters.WITHOUT_VALUE else value)]
    return replace(listing, where=filters.formula(every, _kinds(form, every, "zh")))


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
    value = (
        show.plain(chip.value, field, ctx.language, zone(ctx))
        if field["type"] in {"choice", "state"}
        else chip.value
    )
    return field["label"], words().text(f"filter.{chip.operator}", ctx.language), value


def _filterable(form: Json, language: str) -> list[tuple[str, str]]:
    """Fields that a chip can be about, the state first."""
    reserved = ["state", "number"] if form["kind"] == "document" else []
    paths = [*reserved, *(form.get("order") or form["fields"])]
    fields = [column(form, path, language) for path in dict.fromkeys(paths)]
    return [(one["path"], one["label"]) for one in fields if filters.kind_of(one["type"])]
