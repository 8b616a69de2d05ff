"""The working hours that a time-out is counted in: the calendar of the record's company.

A company without a calendar works from Monday to Friday, 09:00 to 12:00 and 13:00 to 18:00, in the site's zone.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from anlan.kernel.calendar import Calendar, add
from anlan.kernel.calendar.model import Periods
from anlan.kernel.storage.pool import Connection

__all__ = ["calendar_of", "due"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_USUAL: Periods = ((9 * 3600, 12 * 3600), (13 * 3600, 18 * 3600))


def due(
    connection: Connection, company: str | None, zone: ZoneInfo, start: datetime, hours: int
) -> datetime | None:
    """The instant by which so many working hours have passed; None where the calendar never opens again."""
    return add(calendar_of(connection, company, zone), start, hours * 3600)


def calendar_of(connection: Connection, company: str | None, zone: ZoneInfo) -> Calendar:
    """The calendar of a company (system.calendar). Up to three statements."""
    row = connection.execute(
        "SELECT c.calendar, c.zone, k.published_through FROM system_company c "
        "JOIN system_calendar k ON k.id = c.calendar WHERE c.id = $1",
        [company],
    ).fetchone()
    if row is None:
        return Calendar(zone, (_USUAL,) * 5 + ((), ()))
    key, named, through = row
    week: dict[str, list[tuple[int, int]]] = {day: [] for day in _DAYS}
    for day, start, end in connection.execute(
        "SELECT weekday, opens, closes FROM system_calendar__week WHERE record = $1", [key]
    ):
        week[day].append((_seconds(start), _seconds(end)))
    special: dict[date, list[tuple[int, int]]] = {}
    for on, start, end in connection.execute(
        "SELECT date, opens, closes FROM system_calendar__days WHERE record = $1", [key]
    ):
        periods = special.setdefault(on, [])
        if start is not None and end is not None:
            periods.append((_seconds(start), _seconds(end)))
    days: Any = tuple(_joined(week[day]) for day in _DAYS)
    return Calendar(
        ZoneInfo(named) if named else zone,
        days,
        special_days={on: _joined(periods) for on, periods in special.items()},
        published_through=through,
    )


def _seconds(hour: Decimal) -> int:
    """8.5 is half past eight."""
    return int(hour * 3600)


def _joined(periods: list[tuple[int, int]]) -> Periods:
    """In order, and without overlaps: what two lines both say is counted once."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(periods):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return tuple(found)
