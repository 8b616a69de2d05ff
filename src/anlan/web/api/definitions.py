"""Definitions, for administrators: a draft each, its plan, publishing, going back; and the merge of an upgrade."""

from __future__ import annotations

from anlan.kernel.catalogue import change
from anlan.kernel.definition.merge import merge
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n.kinds import WHOLE_NUMBER, wrong_type
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = [
    "every", "merge_definitions", "one", "plan", "publish", "put", "remove", "rollback", "versions",
]  # fmt: skip

_PLACES = ("base", "overlay", "new")


def every(call: Call) -> Answer:
    """GET /definitions"""
    return Answer({"data": change.listing(call.ctx)})


def one(call: Call) -> Answer:
    """GET /definitions/{kind}/{name}"""
    return Answer(change.get(call.ctx, call.path["kind"], call.path["name"]))


def put(call: Call) -> Answer:
    """PUT /definitions/{kind}/{name}: `{"definition"}` or `{"overlay"}`, in the caller's draft."""
    body = params.object_body(call.body)
    return Answer(change.put(call.ctx, call.path["kind"], call.path["name"], body))


def remove(call: Call) -> Answer:
    """DELETE /definitions/{kind}/{name}: in the caller's draft."""
    change.remove(call.ctx, call.path["kind"], call.path["name"])
    return Answer(status=204)


def plan(call: Call) -> Answer:
    """POST /catalogue/plan"""
    params.object_body(call.body, known=())
    return Answer(change.plan(call.ctx))


def publish(call: Call) -> Answer:
    """POST /catalogue/publish"""
    body = params.object_body(call.body, known=("comment",))
    return Answer(change.publish(call.ctx, params.text_of(body, "comment")))


def versions(call: Call) -> Answer:
    """GET /catalogue/versions"""
    return Answer({"data": change.versions(call.ctx)})


def rollback(call: Call) -> Answer:
    """POST /catalogue/rollback"""
    version = params.object_body(call.body, known=("version",)).get("version")
    if not isinstance(version, int) or isinstance(version, bool) or not 0 <= version < 2**62:
        raise invalid([wrong_type("version", WHOLE_NUMBER)])
    return Answer(change.rollback(call.ctx, version))


def merge_definitions(call: Call) -> Answer:
    """POST /definitions/merge: stores nothing, so everybody may ask."""
    body = params.object_body(call.body, known=_PLACES)
    missing = [Fault("required", name, {"field": name}) for name in _PLACES if name not in body]
    if missing:
        raise invalid(missing)
    found = merge(body["base"], body["overlay"], body["new"])
    return Answer({"merged": found.definition, "conflicts": [list(pair) for pair in found.conflicts]})
