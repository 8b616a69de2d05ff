"""Pivots: figures by rows and columns that one chooses; all of it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, pivot
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.pivot import Pivot
from anlan.web.api.figures import chosen
from anlan.web.pages import show
from anlan.web.pages.boards import chart_data
from anlan.web.pages.context import zone
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words
from anlan.web.pages.links import list_url, whole_view

__all__ = ["form_pivot", "report_pivot"]

Json = Mapping[str, Any]
ZONES = ("rows", "columns", "values")
CHARTS = ("bar", "line", "stacked", "pie")
MOST_BARS = 20
MOST_PARTS = 6
GRAINS_SHOWN = {"date": ("month", "quarter", "year", "day"), "instant": ("month", "day")}


def form_pivot(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/pivot?rows=&columns=&values=&each=&where=`."""
    name = request.path_params["form"]
    form = describe.form(ctx, name)
    asked = chosen(_query(request))._replace(
        form=name,
        each=request.query_params.get("each") or None,
        where=request.query_params.get("where") or None,
    )
    crumbs = [(show.label(form["label"], ctx.language), f"/f/{name}")]
    hidden = {key: text for key in ("each", "where") if (text := request.query_params.get(key))}
    return _page(request, ctx, asked, base=f"/f/{name}", label=form["label"], crumbs=crumbs, hidden=hidden)


def report_pivot(request: Request, ctx: Context) -> Response:
    """`GET /r/{report}/pivot?rows=&columns=&values=` and the report's parameters."""
    name = request.path_params["report"]
    definition = describe.report(ctx, name)
    given = {key: text for key, text in request.query_params.items() if key in definition["parameters"] and text}
    asked = chosen(_query(request))._replace(report=name, given=given)
    crumbs = [(show.label(definition["label"], ctx.language), f"/r/{name}?" + urlencode(given))]
    return _page(request, ctx, asked, base=f"/r/{name}", label=definition["label"], crumbs=crumbs, hidden=given,
                 parameters=definition["parameters"])  # fmt: skip


def _query(request: Request) -> dict[str, str]:
    return {key: request.query_params.get(key, "") for key in (*ZONES, "sort")}


def _page(
    request: Request, ctx: Context, asked: Pivot, *, base: str, label: Any, crumbs: list[tuple[str, str]],
    hidden: Mapping[str, str], parameters: Json | None = None,
) -> Response:  # fmt: skip
    choice = pivot.fields(ctx, form=asked.form, report=asked.report, each=asked.each)
    asked = _first_look(asked, choice) if not any(key in request.query_params for key in ZONES) else asked
    found: Json | None = None
    error = ""
    try:
        found = pivot.run(ctx, asked)
    except Refused as refused:
        if refused.status != 422:
            raise
        error = said(request, refused)
    chart = request.query_params.get("chart", "")
    title = f"{show.label(label, ctx.language)} · {words().text('pivot.title', ctx.language)}"
    links = _Links(ctx, asked, found)
    return render(
        request,
        ctx,
        "pivot.html",
        title=title,
        crumbs=crumbs,
        asked=asked,
        choice=choice,
        found=found,
        error=error,
        base=base,
        hidden=hidden,
        parameters=parameters or {},
        used=found["parameters"] if found else {},
        palette=_palette(choice, asked, ctx),
        zones={zone_: [_named(text, choice, ctx) for text in getattr(asked, zone_)] for zone_ in ZONES},
        chart=chart if chart in CHARTS else "bar",
        charts=CHARTS,
        drawn=_drawn(ctx, found, chart) if found and found["rows"] and asked.rows else None,
        heading=lambda value, field: _heading(ctx, value, field),
        links=links,
        at=lambda zones: _address(base, hidden, zones, asked.sort, chart),
        put=partial(_put, asked),
        sorted_by=lambda sort: _address(base, hidden, _zones(asked), sort, chart),
        drawn_as=lambda kind: _address(base, hidden, _zones(asked), asked.sort, kind),
        by=lambda each: _address(base, {**hidden, "each": each}, {}, "", chart),
    )


def _first_look(asked: Pivot, choice: Json) -> Pivot:
    """What stands there before anybody chose: the first link down, months across, the last amount."""
    links = [one["key"] for one in choice["dimensions"] if one["type"] == "link"]
    dates = [f"{one['key']}@month" for one in choice["dimensions"] if one["type"] == "date"]
    money = [one["key"] for one in choice["measures"] if one["type"] == "money"] or [one["key"] for one in choice["measures"]]
    based = [key for key in money if "base" in key] or money
    value = (based[0] if asked.report else f"sum:{based[0]}") if based else "count"
    return asked._replace(rows=tuple(links[:1]), columns=tuple(dates[:1]), values=(value,))


def _palette(choice: Json, asked: Pivot, ctx: Context) -> dict[str, list[dict[str, str]]]:
    """The fields that are not in any zone yet; dates by month, quarter, year and day."""
    taken = {*asked.rows, *asked.columns, *asked.values}
    groups = [f"{one['key']}@{grain}" if grain else one["key"] for one in choice["dimensions"]
              for grain in (GRAINS_SHOWN.get(one["type"], ("",)))]
    plain = [one["key"] if asked.report else f"sum:{one['key']}" for one in choice["measures"]]
    more = [] if asked.report else [f"avg:{one['key']}" for one in choice["measures"]]
    return {
        "dimensions": [_named(key, choice, ctx) for key in groups if key not in taken],
        "measures": [_named(key, choice, ctx) for key in ("count", *plain, *more) if key not in taken],
    }


def _named(text: str, choice: Json, ctx: Context) -> dict[str, str]:
    """A chosen field with its words: `date@month` is "日期（月）", `avg:price` "价格（平均）"."""
    lang = ctx.language
    if text == "count":
        return {"key": text, "label": words().text("pivot.count", lang)}
    way, _, rest = text.partition(":")
    key, _, grain = (rest or way).partition("@")
    known = next((one for one in (*choice["dimensions"], *choice["measures"]) if one["key"] == key), None)
    label = show.label(known["label"], lang) if known else text
    more = words().text(f"pivot.{grain}", lang) if grain else words().text(f"pivot.{way}", lang) if rest and way != "sum" else ""
    return {"key": text, "label": f"{label} · {more}" if more else label}


Zones = dict[str, tuple[str, ...]]


def _zones(asked: Pivot) -> Zones:
    return {"rows": asked.rows, "columns": asked.columns, "values": asked.values}


def _put(asked: Pivot, key: str, zone_: str = "", *, earlier: bool = False) -> Zones:
    """The zones with a field put into one (at its end, or one place earlier than it is), or taken away."""
    zones = {name: tuple(text for text in chosen_ if text != key) for name, chosen_ in _zones(asked).items()}
    if zone_:
        before = _zones(asked)[zone_]
        place = max(0, before.index(key) - 1) if earlier and key in before else len(zones[zone_])
        zones[zone_] = (*zones[zone_][:place], key, *zones[zone_][place:])
    return zones


def _address(base: str, hidden: Mapping[str, str], zones: Zones, sort: str, chart: str) -> str:
    told = {name: ",".join(keys) for name, keys in zones.items()} | {"sort": sort, "chart": chart, **hidden}
    return f"{base}/pivot?" + urlencode({key: text for key, text in told.items() if text or key in zones})


def _heading(ctx: Context, value: Any, field: Json) -> str:
    if value is None:
        return words().text("pivot.none", ctx.language)
    return str(value) if field.get("grain") else show.plain(value, field, ctx.language, zone(ctx))


def _drawn(ctx: Context, found: Json, chart: str) -> dict[str, Any]:
    """The pivot's outermost rows as a chart of its first figure; a pie only of few parts."""
    top = [row for row in found["rows"] if row["level"] == 1]
    shown = top[: MOST_PARTS if chart == "pie" else MOST_BARS]
    across = found["columns"] if chart != "pie" and len(found["columns"]) <= 12 else []
    dimension = found["dimensions"]["rows"][0]
    series = [{"name": " · ".join(_heading(ctx, part, field) for part, field in zip(head, found["dimensions"]["columns"], strict=True)),
               "data": [(row["cells"][place] or [None])[0] for row in shown]} for place, head in enumerate(across)]
    if not across:
        series = [{"name": found["values"][0]["label"], "data": [(row["total"] or [None])[0] for row in shown]}]
    data = chart_data({"dimension": dimension, "categories": [row["keys"][0] for row in shown], "series": series, "split": None,
                       "chart": chart if chart in CHARTS else "bar", "type": found["values"][0]["type"]}, ctx.language, ctx)
    return data | {"more": len(top) - len(shown)}


class _Links:
    """Where the cells of a pivot lead: the list with its filter, or the rows behind the figure."""

    def __init__(self, ctx: Context, asked: Pivot, found: Json | None) -> None:
        self.ctx, self.asked, self.found = ctx, asked, found
        self.view = whole_view(ctx, asked.form) if asked.form else ""

    def cell(self, keys: list[Any], head: list[Any] | None, value: Json) -> str:
        """The address of a cell, a subtotal (fewer keys) or a total (no head); "" where no list can say it."""
        assert self.found is not None
        sides = self.found["dimensions"]
        parts = [*zip(sides["rows"], keys, strict=False), *(zip(sides["columns"], head, strict=True) if head is not None else ())]
        if self.asked.form is not None:
            return self._list(parts)
        if any(group["grain"] for group, _ in parts):
            return self._behind_days(parts, value)
        return self._behind(parts, value, dict(self.asked.given))

    def _list(self, parts: list[tuple[Json, Any]]) -> str:
        each = self.asked.each
        own = [(group, one) for group, one in parts if not each or not group["key"].startswith(f"{each}.")]
        texts = [self.asked.where] if self.asked.where else []
        texts += [pivot.where_of(group, one) for group, one in own]
        if each and len(own) < len(parts):
            for group, one in parts:
                if (group, one) not in own:
                    within = _within(group, one)
                    if not within:
                        return ""
                    texts.append(within)
        where = f"AND({', '.join(texts)})" if len(texts) > 1 or (texts and ", " in texts[0]) else texts[0] if texts else ""
        return list_url(str(self.asked.form), where, self.view)

    def _behind(self, parts: list[tuple[Json, Any]], value: Json, given: dict[str, str]) -> str:
        keys = {f"is.{group['key']}": "" if one is None else str(one["id"]) if isinstance(one, Mapping) else str(one) for group, one in parts}
        return f"/r/{self.asked.report}/behind?" + urlencode({**given, **keys, "column": value["key"]})

    def _behind_days(self, parts: list[tuple[Json, Any]], value: Json) -> str:
        """A period becomes the report's own bounds, cut to what was asked for."""
        assert self.found is not None
        used = self.found["parameters"]
        given = dict(self.asked.given)
        for group, one in parts:
            if not group["grain"] or one is None or group["key"] != "date" or "from" not in used or "to" not in used:
                continue
            first, last = pivot.bounds_of(group, one)
            given["from"] = max(first, used["from"] or first)
            given["to"] = min(last, used["to"] or last)
        rest = [(group, one) for group, one in parts if not group["grain"]]
        return self._behind(rest, value, given)


def _within(group: Json, one: Any) -> str:
    """The filter that some line has a value, for links and texts; "" where a list cannot say it."""
    if one is None or group["grain"] or group["type"] not in ("link", "text", "choice"):
        return ""
    if isinstance(one, Mapping) and not one.get("code"):
        return ""
    path, text = (f"{group['key']}.code", one["code"]) if isinstance(one, Mapping) else (group["key"], one)
    return f'COUNTIF({path}, "{str(text).replace(chr(34), chr(34) * 2)}") > 0'
