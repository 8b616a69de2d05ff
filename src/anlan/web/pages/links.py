"""Addresses that figures lead to: lists that show all that a figure counted."""

from __future__ import annotations

from urllib.parse import urlencode

from anlan.kernel import describe
from anlan.kernel.context import Context

__all__ = ["list_url", "whole_view"]


def whole_view(ctx: Context, form: str) -> str:
    """The view of a form that leaves nothing out; "" when each has a filter of its own, or there is none."""
    views = describe.form(ctx, form).get("views") or {}
    return next((key for key, one in views.items() if not one.get("where")), "")


def list_url(form: str, where: str, view: str) -> str:
    """The list of a form under a filter, in a view."""
    query = urlencode({key: text for key, text in (("view", view), ("where", where)) if text})
    return f"/f/{form}" + (f"?{query}" if query else "")
