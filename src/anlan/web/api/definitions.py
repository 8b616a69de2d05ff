"""Definitions as they hold, for administrators; the merge of an upgrade as a pure function."""

from __future__ import annotations

from typing import Any

from anlan.kernel.catalogue import store
from anlan.kernel.context import Context
from anlan.kernel.definition.merge import merge
from anlan.kernel.errors import Fault, Refused, forbidden, invalid, not_found
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = ["KINDS", "every", "later", "merge_definitions", "one"]

KINDS = ("form", "register", "role", "approval", "report", "print")
_PLACES = ("base", "overlay", "new")


def every(call: Call) -> Answer:
    """GET /definitions: kind, name and pack of each."""
    found = _published(call.ctx)
    overlaid = found.get("overlay", {})
    return Answer({"data": [
        {"kind": kind, "name": name, "pack": entry["pack"], "overlay": f"{kind}:{name}" in overlaid}
        for kind in KINDS
        for name, entry in found.get(kind, {}).items()
    ]})  # fmt: skip


def one(call: Call) -> Answer:
    """GET /definitions/{kind}/{name}: what results, and what the company's overlay says (null: nothing)."""
    kind, name = call.path["kind"], call.path["name"]
    found = _published(call.ctx)
    entry = found.get(kind, {}).get(name) if kind in KINDS else None
    if entry is None:
        raise not_found(kind, name)
    overlay = found.get("overlay", {}).get(f"{kind}:{name}")
    return Answer({
        "kind": kind, "name": name, "pack": entry["pack"], "definition": entry["definition"], "overlay": overlay,
    })  # fmt: skip


def merge_definitions(call: Call) -> Answer:
    """POST /definitions/merge"""
    body = params.object_body(call.body, known=_PLACES)
    missing = [Fault("required", name, {"field": name}) for name in _PLACES if name not in body]
    if missing:
        raise invalid(missing)
    found = merge(body["base"], body["overlay"], body["new"])
    return Answer({"merged": found.definition, "conflicts": [list(pair) for pair in found.conflicts]})


def later(call: Call) -> Answer:
    """Changing definitions through the API comes with the designer."""
    _administrators_only(call.ctx)
    raise Refused(
        422, "not_yet", params={"what": {"zh": "通过接口修改定义", "en": "Changing definitions by API"}}
    )


def _published(ctx: Context) -> dict[str, Any]:
    """The definitions of the published version. One statement."""
    _administrators_only(ctx)
    return ctx.atomically(lambda: store.definitions_of(ctx.connection, ctx.catalogue.version))


def _administrators_only(ctx: Context) -> None:
    if not ctx.caller.admin:
        raise forbidden("definitions", "read")
