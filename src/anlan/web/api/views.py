"""Saved views of a form's list, and how the caller wants the list."""

from __future__ import annotations

from anlan.kernel import view
from anlan.kernel.errors import invalid
from anlan.kernel.i18n.kinds import SWITCH, wrong_type
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = ["change", "create", "delete", "every", "remember", "restore"]

PARTS = ("label", "shared", "kind", "where", "search", "sort", "columns", "totals", "by")


def every(call: Call) -> Answer:
    """GET /views/{form}"""
    return Answer(view.listing(call.ctx, call.path["form"]))


def create(call: Call) -> Answer:
    """POST /views/{form}"""
    return Answer(view.create(call.ctx, call.path["form"], _values(call)), 201)


def change(call: Call) -> Answer:
    """PATCH /views/{form}/{id}"""
    key = params.identifier(call.path, "saved_view")
    return Answer(view.change(call.ctx, call.path["form"], key, _values(call)))


def delete(call: Call) -> Answer:
    """DELETE /views/{form}/{id}"""
    view.delete(call.ctx, call.path["form"], params.identifier(call.path, "saved_view"))
    return Answer(status=204)


def restore(call: Call) -> Answer:
    """POST /views/{form}/{id}/restore"""
    return Answer(view.restore(call.ctx, call.path["form"], params.identifier(call.path, "saved_view")))


def remember(call: Call) -> Answer:
    """PUT /views/{form}/layout: `first` and `layout`; what is not named stays."""
    return Answer(view.remember(call.ctx, call.path["form"], params.object_body(call.body, known=("first", "layout"))))


def _values(call: Call) -> dict[str, object]:
    values = params.object_body(call.body, known=PARTS)
    if not isinstance(values.get("shared", False), bool):
        raise invalid([wrong_type("shared", SWITCH)])
    return values
