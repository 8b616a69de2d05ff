"""Arithmetic in open seconds.

With a calendar open 09:00–12:00 and 13:00–18:00 on working days:

    add(Fri 17:00, 2 h)      = Mon 10:00        add(Fri 16:00, 2 h) = Fri 18:00, not Monday 09:00
    add(Sat, 0)              = Mon 09:00        add(Mon 10:00, -2 h) = Fri 17:00
    elapsed(Fri 17:00, Mon 10:00) = 2 h         elapsed(a, add(a, s)) = s

Instants are aware datetimes, cut to whole seconds; answers are in UTC, None beyond HORIZON years.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta

from anlan.kernel.calendar.model import DAY, HORIZON, Calendar, Year

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether the calendar is open at an instant; open at a period's start, closed at its end."""
    seconds = to_seconds(at)
    year = calendar.year(_year_number(calendar, at, seconds))
    index = bisect_right(year.starts, seconds) - 1
    return index >= 0 and seconds < year.ends[index]


def next_open(calendar: Calendar, at: datetime) -> datetime | None:
    """The first open instant at or after `at`; None if there is none within HORIZON years."""
    seconds = to_seconds(at)
    first = _year_number(calendar, at, seconds)
    for number in range(first, first + HORIZON + 1):
        year = calendar.year(number)
        index = bisect_right(year.ends, seconds)
        if index < len(year.ends):
            return _within(at, max(seconds, year.starts[index]))
    return None


def add(calendar: Calendar, at: datetime, seconds: int) -> datetime | None:
    """The instant by which `seconds` open seconds have passed since `at` (negative: before it).

    A budget that is used up at closing ends at closing; counting back, one that is used up at an opening ends
    at that opening. Zero gives the first open instant. None if that lies more than HORIZON years away.
    """
    if seconds > 0:
        return _forward(calendar, at, seconds)
    return _back(calendar, at, -seconds) if seconds < 0 else next_open(calendar, at)


def elapsed(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Open seconds in [start, end); negative when `end` comes first."""
    low, high = to_seconds(start), to_seconds(end)
    if high < low:
        return -elapsed(calendar, end, start)
    first, last = _year_number(calendar, start, low), _year_number(calendar, end, high)
    between = sum(calendar.total(number) for number in range(first, last))
    return between + _used(calendar.year(last), high) - _used(calendar.year(first), low)


def is_provisional(calendar: Calendar, at: datetime) -> bool:
    """Whether `at` lies after the days with published holidays: it was computed from the week alone."""
    through = calendar.published_through
    return through is not None and at.astimezone(calendar.zone).date() > through


def to_seconds(at: datetime) -> int:
    """Whole seconds since 1970 UTC. TypeError for a datetime without an offset."""
    difference = at - _EPOCH
    return difference.days * DAY + difference.seconds


def _forward(calendar: Calendar, at: datetime, wanted: int) -> datetime | None:
    seconds = to_seconds(at)
    first = _year_number(calendar, at, seconds)
    wanted += _used(calendar.year(first), seconds)
    for number in range(first, first + HORIZON + 1):
        total = calendar.total(number)
        if wanted <= total:
            year = calendar.year(number)
            index = bisect_left(year.through, wanted)
            return _within(at, year.ends[index] - (year.through[index] - wanted))
        wanted -= total
    return None


def _back(calendar: Calendar, at: datetime, wanted: int) -> datetime | None:
    seconds = to_seconds(at)
    first = _year_number(calendar, at, seconds)
    left = _used(calendar.year(first), seconds) - wanted
    for number in range(first, max(first - HORIZON - 1, 1), -1):
        if left >= 0:
            year = calendar.year(number)
            index = bisect_right(year.before, left) - 1
            return _within(at, year.starts[index] + left - year.before[index])
        left += calendar.total(number - 1)
    return None


def _used(year: Year, seconds: int) -> int:
    """Open seconds of the year before an instant."""
    index = bisect_right(year.starts, seconds) - 1
    return 0 if index < 0 else year.before[index] + min(seconds, year.ends[index]) - year.starts[index]


def _year_number(calendar: Calendar, at: datetime, seconds: int) -> int:
    """The year of an instant on the calendar's wall; `at` may be in any zone, so its own year is a guess."""
    number = at.year
    year = calendar.year(number)
    return number - 1 if seconds < year.begin else number + 1 if seconds >= year.end else number


def _within(at: datetime, seconds: int) -> datetime | None:
    """The answer, unless it lies more than HORIZON years from the question."""
    answer = _EPOCH + timedelta(seconds=seconds)
    return answer if abs(answer.year - at.year) <= HORIZON else None
