"""What a calendar is, and the open periods of one of its years in absolute time.

A calendar says in wall time of its zone when it is open:

    week          seven tuples of (start, end) in seconds of the day, Monday first; an empty tuple is closed
    special_days  days whose periods replace the week's (make-up days, short days, closed days)
    holidays      days that are closed, whatever else is said of them

An instant is open when its wall time in the zone lies in [start, end) of a period of its wall date. That
sentence also settles the days on which a zone moves its clocks: an hour that is skipped is never open, an
hour that happens twice is open twice. Absolute time is counted in whole seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

Periods = tuple[tuple[int, int], ...]

DAY = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# Instants that may be asked about; answers may lie HORIZON years later, which datetime can still hold.
FIRST_YEAR, LAST_YEAR = 1900, 2999
# No answer is looked for beyond this many years (API.md, clock simulator: "null beyond 200 years").
HORIZON = 200
# A built year takes about 60 KB; half a century in memory serves every clock that is open at one time.
_CACHED_YEARS = 50


class Year(NamedTuple):
    """The open periods of the days of one (wall) year, ascending, disjoint.

    `before[i]` is the open time of the year before period i, `through[i]` with it; `days` are the ordinals
    of the working days; the year is the absolute time [begin, end).
    """

    begin: int
    end: int
    starts: list[int]
    ends: list[int]
    before: list[int]
    through: list[int]
    days: list[int]
    total: int


@dataclass(frozen=True)
class Calendar:
    """See the module. `published_through`: the last day for which holidays are known; None: no such limit."""

    zone: ZoneInfo
    week: tuple[Periods, Periods, Periods, Periods, Periods, Periods, Periods]
    holidays: frozenset[date] = frozenset()
    special_days: Mapping[date, Periods] = field(default_factory=dict)
    published_through: date | None = None
    # Built years, and every year's open seconds; both only ever repeat what the fields above say.
    _years: dict[int, Year] = field(default_factory=dict, init=False, repr=False, compare=False)
    _totals: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def periods(self, day: date) -> Periods:
        """The open periods of a day, in seconds of its wall time."""
        if day in self.holidays:
            return ()
        special = self.special_days.get(day)
        return self.week[day.weekday()] if special is None else special

    def year(self, number: int) -> Year:
        """The open periods of a year; built when first asked for; the oldest built year is dropped."""
        built = self._years.get(number)
        if built is None:
            built = _build(self, number)
            while len(self._years) >= _CACHED_YEARS:
                self._years.pop(next(iter(self._years)), None)
            self._years[number] = built
            self._totals[number] = built.total
        return built

    def total(self, number: int) -> int:
        """Open seconds of a year."""
        known = self._totals.get(number)
        return self.year(number).total if known is None else known


def open_periods(calendar: Calendar, day: date) -> list[tuple[int, int]]:
    """The open periods of one day in absolute time, ascending; an hour that happens twice gives two."""
    wall = (day.toordinal() - EPOCH_ORDINAL) * DAY
    periods = calendar.periods(day)
    found = []
    # Every instant of this wall day lies within a day on either side: no zone is 24 hours from UTC.
    for low, high, offset in _pieces(calendar.zone, wall - DAY, wall + 2 * DAY):
        for start, end in periods:
            clipped = max(wall + start - offset, low), min(wall + end - offset, high)
            if clipped[0] < clipped[1]:
                found.append(clipped)
    return sorted(found)


def _build(calendar: Calendar, number: int) -> Year:
    first, past = date(number, 1, 1).toordinal(), date(number + 1, 1, 1).toordinal()
    zone = calendar.zone
    # The zone's offset at each UTC midnight from two days before to two after: equal neighbours mean that
    # nothing happens that day, which spares all but a few days the search for transitions.
    grid = [_offset(zone, (ordinal - EPOCH_ORDINAL) * DAY) for ordinal in range(first - 1, past + 2)]
    found: list[tuple[int, int]] = []
    days: list[int] = []
    for index, ordinal in enumerate(range(first, past)):
        day = date.fromordinal(ordinal)
        periods = calendar.periods(day)
        if not periods:
            continue
        days.append(ordinal)
        offset = grid[index]
        if grid[index + 1] == grid[index + 2] == grid[index + 3] == offset:
            base = (ordinal - EPOCH_ORDINAL) * DAY - offset
            found.extend([(base + start, base + end) for start, end in periods])
        else:
            found.extend(open_periods(calendar, day))
    found.sort()  # a zone that turns its clock back just after midnight mixes two days
    before, through, total = [], [], 0
    for start, end in found:
        before.append(total)
        total += end - start
        through.append(total)
    return Year(_midnight(zone, first), _midnight(zone, past), [one[0] for one in found],
                [one[1] for one in found], before, through, days, total)  # fmt: skip


def _midnight(zone: ZoneInfo, ordinal: int) -> int:
    day = date.fromordinal(ordinal)
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _offset(zone: ZoneInfo, at: int) -> int:
    """Seconds that wall time is ahead of UTC at an instant."""
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else offset.days * DAY + offset.seconds


def _pieces(zone: ZoneInfo, low: int, high: int) -> list[tuple[int, int, int]]:
    """[low, high) cut where the zone's offset changes: (from, to, offset)."""
    pieces = []
    while low < high:
        offset, end = _offset(zone, low), low
        while end < high and _offset(zone, end) == offset:
            same, end = end, min(end + DAY, high)
            if _offset(zone, end) != offset:
                while end - same > 1:
                    middle = (same + end) // 2
                    same, end = (middle, end) if _offset(zone, middle) == offset else (same, middle)
                break
        pieces.append((low, end, offset))
        low = end
    return pieces
