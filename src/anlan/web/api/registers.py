"""Registers: what there is, balances at any time, turnover, movements."""

from __future__ import annotations

from anlan.kernel import describe, register
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n import language_of
from anlan.web.api import params
from anlan.web.api.records import list_query
from anlan.web.api.routing import Answer, Call
from anlan.web.api.words import in_language

__all__ = ["balance", "every", "movements", "one", "turnover"]


def every(call: Call) -> Answer:
    """GET /registers"""
    ctx = call.ctx
    seen = sorted(ctx.caller.policy.forms("read", kind="register"))
    found = (ctx.catalogue.registers[name] for name in seen)
    return Answer(
        {
            "data": [
                {
                    "register": one.name,
                    "kind": one.definition.kind,
                    "label": one.definition.label.text(ctx.language),
                }
                for one in found
            ]
        }
    )


def one(call: Call) -> Answer:
    """GET /registers/{register}"""
    found = describe.register(call.ctx, call.path["register"])
    return Answer(in_language(found, language_of(call.ctx.language)))


def balance(call: Call) -> Answer:
    """GET /registers/{register}/balance"""
    asked = call.query
    return Answer(
        register.balance(
            call.ctx,
            call.path["register"],
            at=asked.get("at") or None,
            by=params.names(asked, "by"),
            where=asked.get("where") or None,
            zero=params.switch(asked, "zero"),
        )
    )


def turnover(call: Call) -> Answer:
    """GET /registers/{register}/turnover"""
    missing = [
        Fault("required", name, {"field": name}) for name in ("from", "to") if not call.query.get(name)
    ]
    if missing:
        raise invalid(missing)
    return Answer(
        register.turnover(
            call.ctx,
            call.path["register"],
            call.query["from"],
            call.query["to"],
            by=params.names(call.query, "by"),
            where=call.query.get("where") or None,
        )
    )


def movements(call: Call) -> Answer:
    """GET /registers/{register}/movements"""
    return Answer(register.movements(call.ctx, call.path["register"], list_query(call.query)))
