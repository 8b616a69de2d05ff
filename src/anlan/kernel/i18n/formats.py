"""Figures, days and instants as a reader of each language expects them. Pure; asks no locale of the machine.

>>> from datetime import date
>>> from decimal import Decimal
>>> format_amount(Decimal("1234567.5"), "zh", digits=2), format_percent(Decimal("0.13"), "en")
('1,234,567.50', '13%')
>>> format_date(date(2026, 11, 24), "zh"), format_date(date(2026, 11, 24), "en")
('2026-11-24', '24 Nov 2026')
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal

from anlan.kernel.i18n.languages import language_of

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Wider than any stored figure (24 digits), so that rounding to `digits` is never refused.
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


def format_date(value: date, language: str) -> str:
    """`2026-11-24` in zh (what business software in China shows), `24 Nov 2026` in en."""
    if language_of(language) == "en":
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"


def format_datetime(value: datetime, language: str, zone: tzinfo) -> str:
    """An aware instant as day and minute in the reader's zone."""
    local = value.astimezone(zone)
    return f"{format_date(local.date(), language)} {local.hour:02d}:{local.minute:02d}"


def format_amount(value: Decimal, language: str, *, digits: int) -> str:
    """Money: thousands in groups, exactly `digits` decimals, half away from zero (both languages alike)."""
    del language
    rounded = value.quantize(Decimal(1).scaleb(-digits), context=_WIDE)
    return f"{rounded:,f}"


def format_number(value: Decimal, language: str) -> str:
    """A quantity or a plain number: thousands in groups, all its digits, no trailing zeros."""
    del language
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_percent(value: Decimal, language: str) -> str:
    """A rate: `0.13` → `13%`; all its digits."""
    return format_number(_WIDE.multiply(value, Decimal(100)), language) + "%"
