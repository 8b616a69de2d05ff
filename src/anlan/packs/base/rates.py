"""The exchange rate of a day: company currency for one unit, the latest one on or before the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from anlan.kernel.context import Context

__all__ = ["digits_of", "rate_of_the_day"]


def rate_of_the_day(ctx: Context, company: str, currency: str, day: date) -> Decimal | None:
    """The rate, 1 in the company's own currency, None when none was entered."""
    if ctx.linked("system.company", company).get("currency") == currency:
        return Decimal(1)
    best: tuple[date, Decimal] | None = None
    for row in ctx.memory.rows("base.exchange_rate").values():
        if row["currency"] == currency and row["company"] == company and row["date"] <= day:
            found = (row["date"], row["rate"])
            best = found if best is None or found[0] > best[0] else best
    return best[1] if best else None


def digits_of(ctx: Context, company: str) -> int:
    """The decimal places of a company's currency."""
    currency = ctx.linked("system.company", company).get("currency")
    return int(ctx.linked("base.currency", currency).get("digits", 2))
