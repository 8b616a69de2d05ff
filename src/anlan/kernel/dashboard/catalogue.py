"""Which dashboards there are for a caller, and what stands on one."""

from __future__ import annotations

from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.definition.model import DashboardDefinition, Label, Widget
from anlan.kernel.errors import not_found

__all__ = ["allowed", "dashboards", "definition_of", "describe", "home"]

Json = dict[str, Any]


def dashboards(ctx: Context) -> list[Json]:
    """The dashboards that the caller may read, in the order of their menu places."""
    readable = ctx.caller.policy.forms("read", kind="dashboard")
    found = [(key, one) for key, one in ctx.catalogue.dashboards.items() if key in readable]
    found.sort(key=lambda pair: (pair[1].menu or 999, pair[0]))
    return [{"dashboard": key, "label": _label(one.label), "pack": key.partition(".")[0], "menu": one.menu} for key, one in found]


def home(ctx: Context) -> str | None:
    """The dashboard that the caller's day begins with: the first that names one of his roles; None when there is none."""
    for one in dashboards(ctx):
        named = set(ctx.catalogue.dashboards[one["dashboard"]].home)
        if named & ctx.caller.policy.roles:
            return str(one["dashboard"])
    every = dashboards(ctx) if ctx.caller.policy.all_rights else []
    return str(every[0]["dashboard"]) if every else None


def definition_of(ctx: Context, name: str) -> DashboardDefinition:
    """A dashboard that the caller may read. Refused 403, 404."""
    found = ctx.catalogue.dashboards.get(name)
    if found is None:
        raise not_found(name, "")
    ctx.caller.policy.require(name, "read", kind="dashboard")
    return found


def describe(ctx: Context, name: str) -> Json:
    """A dashboard with its widgets in order, without those whose source the caller may not read. Refused 403, 404."""
    found = definition_of(ctx, name)
    order = found.order or list(found.widgets)
    return {
        "dashboard": name, "label": _label(found.label), "pack": name.partition(".")[0], "period": found.period,
        "widgets": [_widget(key, found.widgets[key], ctx) for key in order if allowed(ctx, found.widgets[key])],
    }


def allowed(ctx: Context, one: Widget) -> bool:
    """Whether the caller may read what a widget shows."""
    policy = ctx.caller.policy
    if one.report is not None:
        return policy.can(one.report, "read", kind="report")
    if one.form is not None:
        return policy.can(one.form, "read")
    if one.kind == "shortcuts":
        return any(policy.can(form, "create") for form in one.forms) or any(policy.can(key, "read", kind="report") for key in one.reports)
    return True


def _widget(key: str, one: Widget, ctx: Context) -> Json:
    label = one.label or (ctx.catalogue.reports[one.report].label if one.report else None)
    return {"key": key, "kind": one.kind, "label": _label(label) if label else None, "width": one.width, "chart": one.chart if one.kind == "chart" else None}


def _label(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}
