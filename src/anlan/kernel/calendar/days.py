"""Arithmetic in working days. A working day is a day with at least one open period.

    add_working_days(Fri 15:00, 2)                    = Tue 15:00     the same wall time
    add_working_days(Fri 15:00, 2, end_of_day=True)   = Tue 18:00     that day's closing
    working_day(Fri, 1) = Mon                                         as WORKDAY of a spreadsheet
    count_working_days(Fri, Tue) = 3                                  as NETWORKDAYS: both ends count
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime

from anlan.kernel.calendar.model import HORIZON, Calendar, open_periods


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Whether the calendar is open at any time of the day."""
    return bool(calendar.periods(day))


def working_day(calendar: Calendar, day: date, count: int) -> date | None:
    """The count-th working day after `day` (negative: before it); 0 is `day` itself, as in spreadsheets.

    None if there is none within HORIZON years.
    """
    if count == 0:
        return day
    ordinal, number = day.toordinal(), day.year
    days = calendar.year(number).days
    if count > 0:
        index = bisect_right(days, ordinal) + count - 1
        while index >= len(days):
            index -= len(days)
            number += 1
            if number > day.year + HORIZON:
                return None
            days = calendar.year(number).days
    else:
        index = bisect_left(days, ordinal) + count
        while index < 0:
            number -= 1
            if number < max(day.year - HORIZON, 1):
                return None
            days = calendar.year(number).days
            index += len(days)
    return date.fromordinal(days[index])


def count_working_days(calendar: Calendar, start: date, end: date) -> int:
    """Working days from `start` through `end`, both counted; negative when `end` comes first."""
    if end < start:
        return -count_working_days(calendar, end, start)
    count = 0
    for number in range(start.year, end.year + 1):
        days = calendar.year(number).days
        low = bisect_left(days, start.toordinal()) if number == start.year else 0
        high = bisect_right(days, end.toordinal()) if number == end.year else len(days)
        count += high - low
    return count


def opening(calendar: Calendar, day: date) -> datetime | None:
    """The first open instant of a day; None on a closed day."""
    periods = open_periods(calendar, day)
    return datetime.fromtimestamp(periods[0][0], UTC) if periods else None


def closing(calendar: Calendar, day: date) -> datetime | None:
    """The end of a day's last open period (24:00 is the next midnight); None on a closed day."""
    periods = open_periods(calendar, day)
    return datetime.fromtimestamp(periods[-1][1], UTC) if periods else None


def add_working_days(
    calendar: Calendar, at: datetime, count: int, *, end_of_day: bool = False
) -> datetime | None:
    """The same wall time on the count-th working day after `at`'s, or that day's closing.

    Zero means `at`'s own day, or the next working day if that one is closed. The wall time is not moved into
    an open period (API.md, clock simulator). None if that lies more than HORIZON years away.
    """
    wall = at.astimezone(calendar.zone)
    if count == 0 and not is_working_day(calendar, wall.date()):
        count = 1
    day = working_day(calendar, wall.date(), count)
    if day is None:
        return None
    if end_of_day:
        return closing(calendar, day)
    return wall.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
