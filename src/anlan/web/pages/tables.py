"""Figures in tables: reports with their parameters, the rows behind a figure, balances of registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, register, report
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.web.api.reports import keys_of
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render

__all__ = ["behind_page", "register_page", "report_page"]

Json = Mapping[str, Any]
FORMATS = ("xlsx", "csv", "pdf")
MOST_ROWS = 500  # on a page; the files have them all
DOCUMENTS = frozenset({"number", "document", "id"})


class Line(NamedTuple):
    """A line of a report's table: a row, or the subtotal of a stretch (`level` above zero)."""

    row: Json
    level: int = 0
    keys: Json | None = None


def report_page(request: Request, ctx: Context) -> Response:
    """`GET /r/{report}?parameter=…`: the table, and the same as a file."""
    name = request.path_params["report"]
    definition = describe.report(ctx, name)
    given = {
        key: text for key, text in request.query_params.items() if key in definition["parameters"] and text
    }
    table: Json | None = None
    error = ""
    choose: list[str] = []
    try:
        table = report.run(ctx, name, given)
    except Refused as refused:
        if refused.status != 422:
            raise
        if not request.query_params and all(one.code == "required" for one in refused.faults):
            # Just opened: nothing is wrong yet, something is to be chosen.
            labels = [definition["parameters"][one.path]["label"] for one in refused.faults]
            choose = [show.label(one, ctx.language) for one in labels]
        else:
            error = said(request, refused)
    shown = _shown(definition, given, table)
    used = {key: text for key, text in shown.items() if text}
    kinds = FORMATS if definition["exports"] and table is not None else ()
    files = [(kind, f"/api/v1/reports/{name}?" + urlencode(given | {"format": kind})) for kind in kinds]
    return render(
        request,
        ctx,
        "report.html",
        title=show.label(definition["label"], ctx.language),
        definition=definition,
        shown=shown,
        table=table,
        lines=list(_lines(table)) if table else [],
        most=MOST_ROWS,
        files=files,
        error=error,
        choose=choose,
        opens=_Opens(ctx, name, used, table),
        pivot=f"/r/{name}/pivot?" + urlencode(given) if table and definition["reading"] != "turnover" else "",
    )


def behind_page(request: Request, ctx: Context) -> Response:
    """`GET /r/{report}/behind?is.customer=…&column=…`: what a figure was made of, each row with its document."""
    name = request.path_params["report"]
    definition = describe.report(ctx, name)
    keys, rest = keys_of(request.query_params)
    column = rest.pop("column", "") or None
    given = {key: text for key, text in rest.items() if key in definition["parameters"] and text}
    found = report.behind(ctx, name, given, keys, column)
    back = f"/r/{name}?" + urlencode(given)
    return render(
        request,
        ctx,
        "behind.html",
        title=show.label(definition["label"], ctx.language),
        crumbs=[(show.label(definition["label"], ctx.language), back)],
        definition=definition,
        found=found,
        forms={one["form"]: show.label(one["label"], ctx.language) for one in describe.forms(ctx)},
    )


def _lines(table: Json) -> Iterator[Line]:
    """Rows with the subtotal of each stretch below it; a stretch of one row needs none."""
    ends: dict[int, list[Json]] = {}
    for one in table["subtotals"]:
        if one["to"] - one["from"] > 1:
            ends.setdefault(one["to"], []).append(one)
    for place, row in enumerate(table["rows"][:MOST_ROWS], 1):
        yield Line(row)
        for one in sorted(ends.get(place, ()), key=lambda one: -one["level"]):
            yield Line(one["values"], one["level"], one["keys"])


class _Opens:
    """Where the cells of a report lead: a document, a record, another report, or the rows behind a figure."""

    def __init__(self, ctx: Context, name: str, used: Mapping[str, str], table: Json | None) -> None:
        self.ctx, self.name, self.used = ctx, name, used
        self.columns = table["columns"] if table else []
        self.groups = [one["key"] for one in self.columns if one.get("group")]
        self.readable = ctx.caller.policy.forms("read")
        self.targets = {
            one["opens"]: set(describe.report(ctx, one["opens"])["parameters"])
            for one in self.columns
            if one.get("opens") and ctx.caller.policy.can(one["opens"], "read", kind="report")
        }

    def cell(self, line: Line, column: Json) -> str:
        """The address that a cell opens; "" for none."""
        value = line.row.get(column["key"])
        if column["key"] in DOCUMENTS and not line.level:
            return self._record(line.row.get("@document"))
        if column.get("group"):
            return self._record(value) if isinstance(value, Mapping) and value.get("form") else ""
        if value in (None, "") or column["type"] not in show.NUMERIC or column.get("running"):
            return ""
        keys = line.keys or {} if line.level else {key: line.row.get(key) for key in self.groups}
        if column.get("opens") in self.targets:
            return self._report(column["opens"], keys)
        if not line.level and line.row.get("@document"):
            return ""
        asked = {f"is.{key}": _key(value) for key, value in keys.items()}
        return f"/r/{self.name}/behind?" + urlencode({**self.used, **asked} | {"column": column["key"]})

    def total(self, column: Json) -> str:
        """The address that a total opens."""
        if column["type"] not in show.NUMERIC or column.get("running"):
            return ""
        return f"/r/{self.name}/behind?" + urlencode({**self.used} | {"column": column["key"]})

    def _record(self, value: Any) -> str:
        if not isinstance(value, Mapping) or value.get("form") not in self.readable:
            return ""
        return f"/f/{value['form']}/{value['id']}"

    def _report(self, target: str, keys: Json) -> str:
        wanted = self.targets[target]
        given = {key: text for key, text in self.used.items() if key in wanted}
        if "at" in self.used and "at" not in wanted and "to" in wanted:
            given["to"] = self.used["at"]
        for key, value in keys.items():
            if key in wanted and value:
                given[key] = str(value.get("code") or value["id"]) if isinstance(value, Mapping) else str(value)
        return f"/r/{target}?" + urlencode(given)


def _key(value: Any) -> str:
    """A group's value as the drill-down's address has it; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value["id"]) if isinstance(value, Mapping) else str(value)


def register_page(request: Request, ctx: Context) -> Response:
    """`GET /registers/{register}?by=&at=`: balances by the dimensions asked for."""
    definition = describe.register(ctx, request.path_params["register"])
    every = list(definition["dimensions"])
    by = [name for name in request.query_params.getlist("by") if name in every] or every
    at = request.query_params.get("at") or None
    found = register.balance(ctx, definition["register"], at=at, by=tuple(by))
    return render(
        request,
        ctx,
        "register.html",
        title=show.label(definition["label"], ctx.language),
        definition=definition,
        by=by,
        every=every,
        at=at or "",
        rows=found["data"],
        most=MOST_ROWS,
    )


def _shown(definition: Json, given: Mapping[str, str], table: Json | None) -> dict[str, str]:
    """What stands in the parameters' inputs: what was given, else the defaults that the report used."""
    used = table["parameters"] if table else {}
    return {key: given.get(key) or _typed(used.get(key)) for key in definition["parameters"]}


def _typed(used: Any) -> str:
    if isinstance(used, Mapping):
        return str(used.get("code") or "")
    return "" if used is None else str(used)
