"""The periods of a dashboard, and the one before each that figures are compared with. Pure.

>>> period_of("month", date(2026, 11, 25)).previous
(datetime.date(2026, 10, 1), datetime.date(2026, 10, 25))
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

__all__ = ["PERIODS", "Period", "period_of"]

PERIODS = ("month", "last_month", "quarter", "year", "days_30", "days_90")


class Period(NamedTuple):
    """Both days included. `previous` is as much of the period before as has gone by of this one."""

    first: date
    last: date
    previous: tuple[date, date]


def period_of(key: str, today: date) -> Period:
    """The period of a key, seen from a day. KeyError for a key that is none."""
    if key in ("days_30", "days_90"):
        length = timedelta(days=30 if key == "days_30" else 90)
        first = today - length + timedelta(days=1)
        return Period(first, today, (first - length, first - timedelta(days=1)))
    if key == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        before = last.replace(day=1) - timedelta(days=1)
        return Period(last.replace(day=1), last, (before.replace(day=1), before))
    months = {"month": 1, "quarter": 3, "year": 12}[key]
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    return Period(first, today, (_earlier(first, months), _earlier(today, months)))


def _earlier(day: date, months: int) -> date:
    """The same day some months earlier, or the last of that month."""
    count = day.year * 12 + day.month - 1 - months
    following = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return date(count // 12, count % 12 + 1, min(day.day, (following - timedelta(days=1)).day))
