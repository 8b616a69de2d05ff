"""The exchange rate of a day: company currency for one unit, the latest one on or before the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from anlan.kernel.context import Context
from anlan.kernel.rules import Batch

__all__ = ["digits_of", "fill_rate", "rate_of_the_day"]


def rate_of_the_day(
    ctx: Context, company: str | None, currency: str | None, day: date | None
) -> Decimal | None:
    """The rate, 1 in the company's own currency, None when none was entered."""
    if currency is None or day is None:
        return None
    if ctx.linked("system.company", company).get("currency") == currency:
        return Decimal(1)
    best: tuple[date, Decimal] | None = None
    for row in ctx.memory.rows("base.exchange_rate").values():
        if row["currency"] == currency and row["company"] == company and row["date"] <= day:
            found = (row["date"], row["rate"])
            best = found if best is None or found[0] > best[0] else best
    return best[1] if best else None


def fill_rate(batch: Batch) -> None:
    """Give every document of a batch the rate of its currency and date, unless it has one."""
    for document in batch.documents:
        if document.get("exchange_rate") is None:
            document["exchange_rate"] = rate_of_the_day(
                batch.ctx, document.get("company"), document.get("currency"), document.get("date")
            )


def digits_of(ctx: Context, company: str | None) -> int:
    """The decimal places of a company's currency."""
    currency = ctx.linked("system.company", company).get("currency")
    return int(ctx.linked("base.currency", currency).get("digits", 2))
