"""Dashboards: the page with its widgets' places, and each widget's content, which is asked for on its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import dashboard, describe
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import language_of
from anlan.web.pages import show
from anlan.web.pages.context import zone
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, script_words, words
from anlan.web.pages.links import list_url, whole_view

__all__ = ["board_page", "board_values", "boards_page", "screen_page", "widget_part"]

Json = Mapping[str, Any]


def boards_page(request: Request, ctx: Context) -> Response:
    """`GET /d`: the dashboards that one may see."""
    packs = {str(one["pack"]): one.get("pack_label") for one in describe.forms(ctx)}
    every = [dict(one) | {"pack_label": packs.get(one["pack"])} for one in dashboard.dashboards(ctx)]
    return render(
        request, ctx, "boards.html", title=words().text("dashboard.every", ctx.language), boards=every, own=dashboard.home(ctx)
    )


def board_page(request: Request, ctx: Context) -> Response:
    """`GET /d/{dashboard}?period=&company=`."""
    values = board_values(request, ctx, request.path_params["dashboard"])
    return render(
        request,
        ctx,
        "board.html",
        title=show.label(values["board"]["label"], ctx.language),
        crumbs=[(words().text("dashboard.every", ctx.language), "/d")],
        **values,
    )


def board_values(request: Request, ctx: Context, name: str) -> dict[str, Any]:
    """What a page needs to lay out a dashboard: its widgets, the period and company asked for."""
    board = dashboard.describe(ctx, name)
    period = request.query_params.get("period", "")
    period = period if period in dashboard.PERIODS else board["period"]
    company = request.query_params.get("company", "")
    filters = {key: text for key, text in (("period", period), ("company", company)) if text}
    return {
        "board": board,
        "every": dashboard.dashboards(ctx),
        "period": period,
        "periods": dashboard.PERIODS,
        "company_asked": company,
        "companies": _companies(ctx),
        "query": urlencode(filters),
    }


def screen_page(request: Request, ctx: Context) -> Response:
    """`GET /screen/{dashboard}?period=&company=`: the same for a screen on the wall; it reads itself anew."""
    values = board_values(request, ctx, request.path_params["dashboard"])
    title = show.label(values["board"]["label"], ctx.language)
    return render(request, ctx, "part/screen.html", title=title, script_words=partial(script_words, ctx.language), **values)


def widget_part(request: Request, ctx: Context) -> Response:
    """`GET /d/{dashboard}/{widget}`: one widget's content; what is refused is said in its place."""
    name, key = request.path_params["dashboard"], request.path_params["widget"]
    asked = request.query_params
    values: dict[str, Any] = {"error": "", "one": None, "label": "", "url": "", "chart": None, "known": {}}
    try:
        place = next((one for one in dashboard.describe(ctx, name)["widgets"] if one["key"] == key), None)
        found = dashboard.widget(
            ctx, name, key, period=asked.get("period") or None, company=asked.get("company") or None
        )
        values |= {
            "one": found,
            "label": show.label(place["label"], ctx.language) if place else "",
            "url": _opened(ctx, found.get("opens")),
            "at": datetime.fromisoformat(found["at"]).astimezone(zone(ctx)).strftime("%H:%M"),
            "chart": chart_data(found, ctx.language, ctx) if found["kind"] == "chart" else None,
            "worse": _is_worse(found),
        }
        if found["kind"] == "todo":
            values["known"] = {one["form"]: show.label(one["label"], ctx.language) for one in describe.forms(ctx)}
    except Refused as refused:
        values["error"] = said(request, refused)
    return render(request, ctx, "part/widget.html", title="", row_url=partial(row_url, ctx), **values)


def _companies(ctx: Context) -> list[tuple[str, str]]:
    """Code and name of the companies to choose from; none when there is only one."""
    mine = ctx.caller.companies
    rows = [row for id_, row in ctx.memory.rows("system.company").items() if mine is None or id_ in mine]
    found = sorted((str(row.get("code")), str(row.get("name") or row.get("code"))) for row in rows)
    return found if len(found) > 1 else []


def _opened(ctx: Context, opens: Json | None) -> str:
    """The address of the report or list that a widget is of."""
    if not opens:
        return ""
    if opens.get("report"):
        return f"/r/{opens['report']}?" + urlencode(opens["given"])
    return list_url(opens["form"], opens["where"], whole_view(ctx, opens["form"]))


def row_url(ctx: Context, one: Json, heading: Any) -> str:
    """The address of one row of a widget: the report narrowed to it, or the list."""
    opens, dimension = one["opens"], one["dimension"]
    if opens.get("report"):
        value = "" if heading is None else heading["id"] if isinstance(heading, Mapping) else heading
        key = {f"is.{dimension['key']}": value} if not dimension["grain"] else {}
        return f"/r/{opens['report']}/behind?" + urlencode(opens["given"] | key)
    return _opened(ctx, opens)


def _is_worse(found: Json) -> bool:
    """Whether a figure moved the way that is no good news."""
    change = found.get("change")
    if not change:
        return False
    up = Decimal(change) > 0
    return up != (found.get("good") == "up") and Decimal(change) != 0


def chart_data(found: Json, language: str, ctx: Context) -> dict[str, Any]:
    """What the chart's script draws, and its table twin shows: names, and figures as text."""
    names = [_heading(one, found["dimension"], language, ctx) for one in found["categories"]]
    series: list[dict[str, Any]] = [
        {
            "name": show.label(one["name"], language) if isinstance(one["name"], Mapping) and {"zh", "en"} <= one["name"].keys()
            else _heading(one["name"], found["split"] or {}, language, ctx),
            "data": list(one["data"]),
        }
        for one in found["series"]
    ]  # fmt: skip
    if found.get("rest") is not None:
        names.append(words().text("dashboard.others", language))
        series[0]["data"].append(found["rest"])
    return {"chart": found["chart"], "type": found["type"], "names": names, "series": series}


def _heading(value: Any, field: Json, language: str, ctx: Context) -> str:
    if value is None:
        return words().text("pivot.none", language)
    if field.get("grain") and isinstance(value, str):
        return value
    return show.plain(value, field, language_of(language), zone(ctx))
