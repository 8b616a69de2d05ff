"""What becomes of quotations by themselves: replaced by a newer version, won by an order, expired by the day."""

from __future__ import annotations

from typing import Any

from anlan.kernel import query
from anlan.kernel.access.caller import system_caller
from anlan.kernel.context import Context
from anlan.kernel.query import Query
from anlan.kernel.record.load import load
from anlan.kernel.record.step import step_trusted
from anlan.kernel.rules import Batch

__all__ = ["expire_all", "newest_only", "replace_older", "win"]

FORM = "sales.quotation"
AT_ONCE = 200


def newest_only(batch: Batch) -> None:
    """Fault a new version whose predecessor is not offered any more: won, replaced, cancelled."""
    ids = [one["previous"] for one in batch.documents if one.get("previous")]
    if not ids:
        return
    found = {
        row["id"]: row for row in load(batch.ctx, batch.ctx.form(FORM), sorted(set(ids)), balances=False)
    }
    for quotation in batch.documents:
        older = found.get(quotation.get("previous") or "")
        if (
            older is not None
            and older["state"] not in ("sent", "expired", "lost")
            and quotation["state"] == "draft"
        ):
            state = batch.form.states[older["state"]].label
            params = {"number": older["number"] or "", "state": {"zh": state.zh, "en": state.en}}
            batch.fault(quotation, "sales.quotation_replaced", "previous", **params)


def replace_older(batch: Batch) -> None:
    """The version before a sent one becomes `replaced`."""
    for quotation in batch.documents:
        if quotation.get("previous"):
            _step(batch.ctx, [quotation["previous"]], "replace")


def win(batch: Batch) -> None:
    """Quotations of confirmed orders become `won`, if they are still offered."""
    ids = sorted({order["quotation"] for order in batch.documents if order.get("quotation")})
    if ids:
        offered = load(batch.ctx, batch.ctx.form(FORM), ids, lock=True, balances=False)
        _step(batch.ctx, [one["id"] for one in offered if one["state"] == "sent"], "win")


def _step(ctx: Context, ids: list[str], transition: str) -> None:
    """A step that the rule takes for the document that somebody was allowed to send or confirm."""
    if not ids:
        return
    via, ctx.via = ctx.via, "rule"
    try:
        step_trusted(ctx, FORM, ids, transition)
    finally:
        ctx.via = via


def expire_all(site: Any) -> int:
    """Expire what was sent and whose last day is over; how many. A transaction for each two hundred."""
    ctx = Context(site, system_caller(site.catalogue.policies), via="job")
    past = Query(where='AND(state = "sent", valid_until < TODAY())', fields=("number",), limit=AT_ONCE)
    done = 0
    while True:
        ids = [row["id"] for row in query.records(ctx, FORM, past)["data"]]
        if not ids:
            return done
        ctx.atomically(lambda ids=ids: _step(ctx, sorted(ids), "expire"))  # type: ignore[misc]  # bound at once
        done += len(ids)
