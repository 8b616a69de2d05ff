"""Approvals: boxes, the card, deciding, handing over, signers, urging, copies, and who stands in for whom."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from anlan.kernel.errors import Fault, forbidden, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.workflow import delegation, desk, hands, todo
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call
from anlan.web.api.words import in_language, sentences

__all__ = [
    "add_delegation",
    "card",
    "colleagues",
    "copy",
    "counts",
    "decide",
    "decide_many",
    "delegations",
    "end_delegation",
    "of_record",
    "sign",
    "todos",
    "transfer",
    "urge",
]


def todos(call: Call) -> Answer:
    """GET /todos"""
    box = cast(todo.Box, params.choice(call.query, "box", todo.BOXES, "open"))
    return _spoken(call, {"data": todo.list(call.ctx, box, form=call.query.get("form") or None)})


def counts(call: Call) -> Answer:
    """GET /todos/counts"""
    return Answer(todo.counts(call.ctx))


def card(call: Call) -> Answer:
    """GET /approvals/{id}"""
    return _spoken(call, desk.card(call.ctx, _id(call)))


def of_record(call: Call) -> Answer:
    """GET /records/{form}/{id}/approvals"""
    return _spoken(call, {"data": desk.of_record(call.ctx, call.path["form"], call.path["id"])})


def _asked(call: Call, *known: str) -> tuple[str, dict[str, Any]]:
    """The request of the path and what was sent; whether there is such a request is told before what is wrong in it."""
    params.object_body(call.body)
    return _known(call), params.object_body(call.body, known=known)


def decide(call: Call) -> Answer:
    """POST /approvals/{id}/decide"""
    key, body = _asked(call, "decision", "comment")
    decision = params.required_text(body, "decision")
    return _spoken(call, desk.decide(call.ctx, key, decision, comment=params.text_of(body, "comment")))


def decide_many(call: Call) -> Answer:
    """POST /approvals/decide: one result for each, in their order."""
    _somebody(call)
    body = params.object_body(call.body, known=("requests", "decision", "comment"))
    decision = params.required_text(body, "decision")
    requests = params.texts_of(body, "requests") or []
    found = desk.decide_many(call.ctx, requests, decision, comment=params.text_of(body, "comment"))
    say = sentences(call.ctx.site, language_of(call.ctx.language))
    return Answer(
        {
            "data": [
                {"id": one["id"], "status": one["status"], "code": one["refused"]}
                | ({"message": say(one["refused"], one["params"])} if one["refused"] else {})
                for one in found
            ]
        }
    )


def transfer(call: Call) -> Answer:
    """POST /approvals/{id}/transfer"""
    key, body = _asked(call, "to", "of", "comment")
    to, of, comment = params.required_text(body, "to"), params.text_of(body, "of"), params.text_of(body, "comment")
    ctx = call.ctx
    return _spoken(call, ctx.atomically(lambda: hands.transfer(ctx, ctx.connection, key, to=to, of=of, comment=comment)))


def sign(call: Call) -> Answer:
    """POST /approvals/{id}/signers"""
    key, body = _asked(call, "who", "when", "comment")
    when: Any = params.choice({"when": params.required_text(body, "when")}, "when", ("before", "after"), "before")
    who, comment = params.texts_of(body, "who") or [], params.text_of(body, "comment")
    ctx = call.ctx
    return _spoken(
        call,
        ctx.atomically(lambda: hands.add_signers(ctx, ctx.connection, key, who=who, when=when, comment=comment)),
    )


def urge(call: Call) -> Answer:
    """POST /approvals/{id}/urge"""
    key, body = _asked(call, "comment")
    comment = params.text_of(body, "comment")
    ctx = call.ctx
    return _spoken(call, ctx.atomically(lambda: hands.urge(ctx, ctx.connection, key, comment=comment)))


def copy(call: Call) -> Answer:
    """POST /approvals/{id}/copies"""
    key, body = _asked(call, "to")
    to = params.texts_of(body, "to") or []
    ctx = call.ctx
    return _spoken(call, ctx.atomically(lambda: hands.copy(ctx, ctx.connection, key, to=to)))


def colleagues(call: Call) -> Answer:
    """GET /colleagues?q="""
    limit = params.whole(call.query, "limit", 20, 1, 50)
    return Answer({"data": desk.colleagues(call.ctx, call.query.get("q", ""), limit=limit)})


def delegations(call: Call) -> Answer:
    """GET /me/delegations: one's own; `every` (administrators): everybody's."""
    ctx, every = call.ctx, params.switch(call.query, "every")
    with ctx.transaction() as tx:
        return Answer({"data": delegation.list(ctx, tx.connection, every=every)})


def add_delegation(call: Call) -> Answer:
    """POST /me/delegations"""
    _somebody(call)
    body = params.object_body(call.body, known=("deputy", "from", "to", "forms", "reason", "person"))
    deputy, start, end = params.required_text(body, "deputy"), _day(body, "from"), _day(body, "to")
    forms, ctx = params.texts_of(body, "forms"), call.ctx
    unknown = [one for one in forms or () if not ctx.caller.policy.can(one, "read")]
    if unknown:
        raise invalid([Fault("delegation.unknown_form", "forms", {"form": unknown[0][:80]})])
    made = ctx.atomically(
        lambda: delegation.create(
            ctx, ctx.connection, deputy=deputy, start=start, end=end, forms=forms or None,
            person=params.text_of(body, "person"), reason=params.text_of(body, "reason"),
        )
    )  # fmt: skip
    return Answer(made, 201)


def end_delegation(call: Call) -> Answer:
    """DELETE /me/delegations/{id}"""
    ctx, key = call.ctx, params.identifier(call.path, "delegation")
    ctx.atomically(lambda: delegation.cancel(ctx, ctx.connection, key))
    return Answer(status=204)


def _spoken(call: Call, data: Any) -> Answer:
    """An answer with its labels in the caller's language."""
    return Answer(in_language(data, language_of(call.ctx.language)))


def _id(call: Call) -> str:
    return params.identifier(call.path, "approval")


def _known(call: Call) -> str:
    """The request's id; rights come before faults of the body: who may not read the record learns nothing of it."""
    key = _id(call)
    desk.card(call.ctx, key)
    return key


def _somebody(call: Call) -> None:
    """Whoever has no role at all has nothing to do with approvals."""
    if not call.ctx.caller.roles or call.ctx.caller.must_change:
        raise forbidden("system.user", "read")


def _day(body: dict[str, Any], name: str) -> date:
    text = params.required_text(body, name)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 3000:  # beyond, a day may have no instant in some zone
        raise invalid([Fault("delegation.bad_day", name, {"value": text[:40]})])
    return day
