"""Reading a calendar, and the instants asked about, from JSON. All faults are named at once, by path.

    {"zone": "Asia/Shanghai", "week": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]], "tue": []},
     "holidays": ["2026-02-16"], "special_days": {"2026-02-14": [["09:00", "18:00"]]},
     "published_through": "2026-12-31"}

A weekday that is not named is closed. `24:00` is the end of a day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anlan.kernel.calendar.model import FIRST_YEAR, LAST_YEAR, BadCalendar, Calendar, Periods
from anlan.kernel.i18n.problem import LIST, OBJECT, TEXT, Problem, wrong_type

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Far above any real calendar (a century of holidays, two periods an hour): more is an attack or a mistake.
MAX_DAYS = 5_000
MAX_PERIODS = 48

_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?|24:00(?::00)?)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_KEYS = ("zone", "week", "holidays", "special_days", "published_through")


def read_calendar(payload: object, *, path: str = "calendar") -> Calendar:
    """The calendar that `payload` describes. Raises BadCalendar with every fault found."""
    problems: list[Problem] = []
    calendar = calendar_from(payload, path, problems)
    if calendar is None or problems:
        raise BadCalendar(problems)
    return calendar


def read_instant(value: object, zone: ZoneInfo, *, path: str = "at") -> datetime:
    """An RFC 3339 instant as aware UTC; without an offset it is wall time of `zone`. Raises BadCalendar."""
    problems: list[Problem] = []
    instant = instant_from(value, zone, path, problems)
    if instant is None:
        raise BadCalendar(problems)
    return instant


def calendar_from(payload: object, path: str, problems: list[Problem]) -> Calendar | None:
    """As read_calendar, but adds faults to `problems`; None when there was no usable calendar."""
    if not isinstance(payload, Mapping):
        problems.append(wrong_type(path, OBJECT, payload))
        return None
    known = len(problems)
    problems.extend(unknown_keys(payload, _KEYS, path))
    zone = _zone(payload.get("zone"), f"{path}.zone", problems)
    week = _week(payload.get("week"), f"{path}.week", problems)
    holidays = _holidays(payload.get("holidays"), f"{path}.holidays", problems)
    special = _special_days(payload.get("special_days"), f"{path}.special_days", problems)
    through = payload.get("published_through")
    published = None if through is None else _date(through, f"{path}.published_through", problems)
    if zone is None or len(problems) > known:
        return None
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (week.get(one, ()) for one in WEEKDAYS)
    return Calendar(zone, (monday, tuesday, wednesday, thursday, friday, saturday, sunday),
                    holidays, special, published)  # fmt: skip


def instant_from(value: object, zone: ZoneInfo, path: str, problems: list[Problem]) -> datetime | None:
    """As read_instant, but adds faults to `problems`."""
    if not isinstance(value, str):
        problems.append(required(path) if value is None else wrong_type(path, TEXT, value))
        return None
    try:
        if not _INSTANT.fullmatch(value):
            raise ValueError
        instant = datetime.fromisoformat(value)
        aware = (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(Problem(path, "calendar.bad_instant", {"value": value[:40]}))
        return None
    if not FIRST_YEAR < aware.year <= LAST_YEAR:
        problems.append(Problem(path, "calendar.year_range",
                                {"value": value, "low": FIRST_YEAR + 1, "high": LAST_YEAR}))  # fmt: skip
        return None
    return aware


def required(path: str) -> Problem:
    """The problem that a value is missing."""
    return Problem(path, "required", {"field": path})


def unknown_keys(payload: Mapping[object, object], known: tuple[str, ...], path: str) -> list[Problem]:
    """A problem for each key that is not known: an unknown field is an error, never ignored."""
    return [
        Problem(f"{path}.{key}".lstrip("."), "unknown_field", {"form": path, "field": str(key)[:40]})
        for key in payload
        if key not in known
    ]


def _zone(value: object, path: str, problems: list[Problem]) -> ZoneInfo | None:
    if not isinstance(value, str):
        problems.append(required(path) if value is None else wrong_type(path, TEXT, value))
        return None
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, or too long
        problems.append(Problem(path, "calendar.bad_zone", {"value": value[:40]}))
        return None


def _week(value: object, path: str, problems: list[Problem]) -> dict[str, Periods]:
    if not isinstance(value, Mapping):
        problems.append(required(path) if value is None else wrong_type(path, OBJECT, value))
        return {}
    problems.extend(unknown_keys(value, WEEKDAYS, path))
    return {day: _periods(value[day], f"{path}.{day}", problems) for day in WEEKDAYS if day in value}


def _holidays(value: object, path: str, problems: list[Problem]) -> frozenset[date]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        problems.append(wrong_type(path, LIST, value))
        return frozenset()
    if len(value) > MAX_DAYS:
        problems.append(_too_large(path, MAX_DAYS))
        return frozenset()
    days = [_date(one, f"{path}[{index}]", problems) for index, one in enumerate(value)]
    return frozenset(day for day in days if day is not None)


def _special_days(value: object, path: str, problems: list[Problem]) -> dict[date, Periods]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.append(wrong_type(path, OBJECT, value))
        return {}
    if len(value) > MAX_DAYS:
        problems.append(_too_large(path, MAX_DAYS))
        return {}
    found = {}
    for key, periods in value.items():
        day = _date(key, f"{path}.{key}", problems)
        read = _periods(periods, f"{path}.{key}", problems)
        if day is not None:
            found[day] = read
    return found


def _periods(value: object, path: str, problems: list[Problem]) -> Periods:
    if not isinstance(value, list):
        problems.append(wrong_type(path, LIST, value))
        return ()
    if len(value) > MAX_PERIODS:
        problems.append(_too_large(path, MAX_PERIODS))
        return ()
    found: list[tuple[int, int, str]] = []
    for index, pair in enumerate(value):
        here = f"{path}[{index}]"
        if not (isinstance(pair, list) and len(pair) == 2):
            problems.append(Problem(here, "calendar.bad_segment", {}))
            continue
        start, end = (_time(one, here, problems) for one in pair)
        if start is None or end is None:
            continue
        if start >= end:
            problems.append(Problem(here, "calendar.segment_order", {"start": pair[0], "end": pair[1]}))
            continue
        found.append((start, end, f"{pair[0]}–{pair[1]}"))
    found.sort()
    for (_, end, first), (start, _, second) in pairwise(found):
        if start < end:
            problems.append(Problem(path, "calendar.overlap", {"first": first, "second": second}))
    return tuple((start, end) for start, end, _ in found)


def _time(value: object, path: str, problems: list[Problem]) -> int | None:
    if not isinstance(value, str):
        problems.append(wrong_type(path, TEXT, value))
        return None
    match = _TIME.fullmatch(value)
    if match is None:
        problems.append(Problem(path, "calendar.bad_time", {"value": value[:40]}))
        return None
    hour, minute, second = match.groups()
    return 86_400 if hour is None else int(hour) * 3600 + int(minute) * 60 + int(second or 0)


def _date(value: object, path: str, problems: list[Problem]) -> date | None:
    if not isinstance(value, str):
        problems.append(wrong_type(path, TEXT, value))
        return None
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        problems.append(Problem(path, "calendar.bad_date", {"value": value[:40]}))
        return None


def _too_large(path: str, limit: int) -> Problem:
    return Problem(path, "too_large", {"what": path, "limit": limit})
