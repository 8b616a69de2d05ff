"""What one widget shows: read by the caller's rights, one statement where no comparison is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.dashboard.catalogue import allowed, definition_of
from anlan.kernel.dashboard.period import PERIODS, Period, period_of
from anlan.kernel.definition.model import ReportDefinition, Widget
from anlan.kernel.errors import Fault, Refused, invalid, not_found
from anlan.kernel.pivot import Pivot, run
from anlan.kernel.workflow import todo

__all__ = ["widget"]

Json = dict[str, Any]
MOST_PARTS = 6      # of a pie; more cannot be told apart


def widget(ctx: Context, name: str, key: str, *, period: str | None = None, company: str | None = None) -> Json:
    """A widget's content: by kind, with `at` (when it was read) and `opens` (the list or report that it is of).

    `period` is one of PERIODS, by default the dashboard's; `company` an id or code. Refused 403, 404, 422.
    """
    board = definition_of(ctx, name)
    one = board.widgets.get(key)
    if one is None or not allowed(ctx, one):
        raise Refused(404, "dashboard.no_widget", params={"key": key})
    if period is not None and period not in PERIODS:
        raise invalid([Fault("dashboard.no_period", "period", {"value": period[:60]})])
    within = period_of(period or board.period, ctx.today)
    narrow = _company(ctx, company)
    content = KINDS[one.kind](ctx, one, within, narrow)
    return {"kind": one.kind, "at": ctx.now.isoformat().replace("+00:00", "Z"), "from": within.first.isoformat(), "to": within.last.isoformat()} | content


def _company(ctx: Context, asked: str | None) -> dict[str, str]:
    """The ids to narrow sources to. Refused 404 for a company that is none of the caller's."""
    if not asked:
        return {}
    for id_, row in ctx.memory.rows("system.company").items():
        if asked in (id_, row.get("code")) and (ctx.caller.companies is None or id_ in ctx.caller.companies):
            return {"company": id_}
    raise not_found("system.company", asked)


def _asked(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str], *, before: bool = False) -> Pivot:
    """The pivot of a widget without rows and columns, bounded by the period (or the one before)."""
    first, last = within.previous if before else (within.first, within.last)
    if one.report is not None:
        report: ReportDefinition = ctx.catalogue.reports[one.report]
        given = {key: day.isoformat() for key, day in (("from", first), ("to", last), ("at", last)) if key in report.parameters}
        return Pivot(report=one.report, values=(one.column or "count",), given=given, narrow=narrow)
    parts = [one.where] if one.where else []
    if not one.anytime and "date" in ctx.form(one.form or "").fields:
        parts += [f"date >= DATE({first.year}, {first.month}, {first.day})", f"date < DATE({last.year}, {last.month}, {last.day}) + 1"]
    where = f"AND({', '.join(parts)})" if len(parts) > 1 else parts[0] if parts else None
    return Pivot(form=one.form, values=(f"sum:{one.value}" if one.value else "count",), where=where, narrow=narrow)


def _opens(one: Widget, asked: Pivot) -> Json:
    """Where a widget leads: the report with its parameters, or the list with its filter."""
    if one.report is not None:
        return {"report": one.report, "given": dict(asked.given)}
    return {"form": one.form, "where": asked.where or ""}


def _number(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    asked = _asked(ctx, one, within, narrow)
    found = run(ctx, asked)
    value = _total(found)
    shown: Json = {"value": value, "type": found["values"][0]["type"], "good": one.good, "opens": _opens(one, asked)}
    if one.compare:
        before = _total(run(ctx, _asked(ctx, one, within, narrow, before=True)))
        shown |= {"previous": before, "change": _change(value, before), "previous_from": within.previous[0].isoformat(), "previous_to": within.previous[1].isoformat()}
    return shown


def _total(found: Json) -> str:
    figures = found["totals"]["total"]
    return str(figures[0] if figures and figures[0] is not None else "0")


def _change(value: str, before: str) -> str | None:
    """By how many per cent a figure changed; None where there was nothing before."""
    was = Decimal(before)
    return None if was == 0 else f"{(Decimal(value) - was) / abs(was) * 100:.1f}"


def _chart(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    asked = _asked(ctx, one, within, narrow)
    by = one.by or ""
    in_time = "@" in by
    found = run(ctx, asked._replace(rows=(by,), columns=(one.split,) if one.split else (), sort="" if in_time else "-value"))
    most = min(one.top, MOST_PARTS) if one.chart == "pie" else one.top
    rows = found["rows"] if in_time else found["rows"][:most]
    heads = found["columns"] or [None]
    series = [{"name": head[0] if head else found["values"][0]["label"],
               "data": [(row["cells"][place] if head else row["total"]) for row in rows]} for place, head in enumerate(heads)]
    for line in series:
        line["data"] = [cell[0] if cell else None for cell in line["data"]]
    rest = None
    if len(found["rows"]) > len(rows) and one.chart == "pie":
        rest = str(sum((Decimal(row["total"][0] or 0) for row in found["rows"][most:]), Decimal(0)))
    return {"chart": one.chart, "type": found["values"][0]["type"], "dimension": found["dimensions"]["rows"][0], "categories": [row["keys"][0] for row in rows],
            "split": found["dimensions"]["columns"][0] if one.split else None, "series": series, "rest": rest,
            "more": len(found["rows"]) - len(rows), "opens": _opens(one, asked)}


def _table(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    asked = _asked(ctx, one, within, narrow)
    values = tuple(one.columns) or asked.values
    found = run(ctx, asked._replace(rows=(one.by or "",), values=values, sort="-value"))
    rows = found["rows"][: one.top]
    return {"dimension": found["dimensions"]["rows"][0], "values": found["values"], "rows": [{"key": row["keys"][0], "figures": row["total"]} for row in rows],
            "total": found["totals"]["total"], "more": len(found["rows"]) - len(rows), "opens": _opens(one, asked)}


def _todo(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    del within, narrow
    every = todo.list(ctx)
    return {"count": len(every), "rows": every[: one.top]}


def _shortcuts(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    del within, narrow
    policy, catalogue = ctx.caller.policy, ctx.catalogue
    forms = [(key, catalogue.forms[key].definition.label) for key in one.forms if policy.can(key, "create")]
    reports = [(key, catalogue.reports[key].label) for key in one.reports if policy.can(key, "read", kind="report")]
    return {"forms": [{"form": key, "label": {"zh": label.zh, "en": label.en}} for key, label in forms],
            "reports": [{"report": key, "label": {"zh": label.zh, "en": label.en}} for key, label in reports]}


def _text(ctx: Context, one: Widget, within: Period, narrow: Mapping[str, str]) -> Json:
    del ctx, within, narrow
    return {"text": {"zh": one.text.zh, "en": one.text.en} if one.text else None}


KINDS = {"number": _number, "chart": _chart, "table": _table, "todo": _todo, "shortcuts": _shortcuts, "text": _text}
