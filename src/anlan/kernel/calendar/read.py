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

from anlan.kernel.calendar.model import FIRST_YEAR, LAST_YEAR, Calendar, Periods
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type

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
    """The calendar that `payload` describes. Raises Refused (422) with every fault found."""
    faults: list[Fault] = []
    calendar = calendar_from(payload, path, faults)
    if calendar is None or faults:
        raise invalid(faults)
    return calendar


def read_instant(value: object, zone: ZoneInfo, *, path: str = "at") -> datetime:
    """An RFC 3339 instant as aware UTC; without an offset it is wall time of `zone`. Raises Refused."""
    faults: list[Fault] = []
    instant = instant_from(value, zone, path, faults)
    if instant is None:
        raise invalid(faults)
    return instant


def calendar_from(payload: object, path: str, faults: list[Fault]) -> Calendar | None:
    """As read_calendar, but adds faults to `faults`; None when there was no usable calendar."""
    if not isinstance(payload, Mapping):
        faults.append(required(path) if payload is None else wrong_type(path, OBJECT))
        return None
    known = len(faults)
    faults.extend(unknown_keys(payload, _KEYS, path))
    zone = _zone(payload.get("zone"), f"{path}.zone", faults)
    week = _week(payload.get("week"), f"{path}.week", faults)
    holidays = _holidays(payload.get("holidays"), f"{path}.holidays", faults)
    special = _special_days(payload.get("special_days"), f"{path}.special_days", faults)
    through = payload.get("published_through")
    published = None if through is None else _date(through, f"{path}.published_through", faults)
    if zone is None or len(faults) > known:
        return None
    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (week.get(one, ()) for one in WEEKDAYS)
    return Calendar(zone, (monday, tuesday, wednesday, thursday, friday, saturday, sunday),
                    holidays, special, published)  # fmt: skip


def instant_from(value: object, zone: ZoneInfo, path: str, faults: list[Fault]) -> datetime | None:
    """As read_instant, but adds faults to `faults`."""
    if not isinstance(value, str):
        faults.append(required(path) if value is None else wrong_type(path, TEXT))
        return None
    try:
        if not _INSTANT.fullmatch(value):
            raise ValueError
        instant = datetime.fromisoformat(value)
        aware = (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        faults.append(Fault("calendar.bad_instant", path, {"value": value[:40]}))
        return None
    if not FIRST_YEAR < aware.year <= LAST_YEAR:
        limits = {"value": value, "low": FIRST_YEAR + 1, "high": LAST_YEAR}
        faults.append(Fault("calendar.year_range", path, limits))
        return None
    return aware


def required(path: str) -> Fault:
    """The fault that a value is missing."""
    return Fault("required", path, {"field": path})


def unknown_keys(payload: Mapping[object, object], known: tuple[str, ...], path: str) -> list[Fault]:
    """A fault for each key that is not known: an unknown field is an error, never ignored."""
    return [
        Fault("unknown_field", f"{path}.{key}".lstrip("."), {"form": path, "field": str(key)[:40]})
        for key in payload
        if key not in known
    ]


def _zone(value: object, path: str, faults: list[Fault]) -> ZoneInfo | None:
    if not isinstance(value, str):
        faults.append(required(path) if value is None else wrong_type(path, TEXT))
        return None
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, or too long
        faults.append(Fault("calendar.bad_zone", path, {"value": value[:40]}))
        return None


def _week(value: object, path: str, faults: list[Fault]) -> dict[str, Periods]:
    if not isinstance(value, Mapping):
        faults.append(required(path) if value is None else wrong_type(path, OBJECT))
        return {}
    faults.extend(unknown_keys(value, WEEKDAYS, path))
    return {day: _periods(value[day], f"{path}.{day}", faults) for day in WEEKDAYS if day in value}


def _holidays(value: object, path: str, faults: list[Fault]) -> frozenset[date]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        faults.append(wrong_type(path, LIST))
        return frozenset()
    if len(value) > MAX_DAYS:
        faults.append(_too_large(path, MAX_DAYS))
        return frozenset()
    days = [_date(one, f"{path}[{index}]", faults) for index, one in enumerate(value)]
    return frozenset(day for day in days if day is not None)


def _special_days(value: object, path: str, faults: list[Fault]) -> dict[date, Periods]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        faults.append(wrong_type(path, OBJECT))
        return {}
    if len(value) > MAX_DAYS:
        faults.append(_too_large(path, MAX_DAYS))
        return {}
    found = {}
    for key, periods in value.items():
        day = _date(key, f"{path}.{key}", faults)
        read = _periods(periods, f"{path}.{key}", faults)
        if day is not None:
            found[day] = read
    return found


def _periods(value: object, path: str, faults: list[Fault]) -> Periods:
    if not isinstance(value, list):
        faults.append(wrong_type(path, LIST))
        return ()
    if len(value) > MAX_PERIODS:
        faults.append(_too_large(path, MAX_PERIODS))
        return ()
    found: list[tuple[int, int, str]] = []
    for index, pair in enumerate(value):
        here = f"{path}[{index}]"
        if not (isinstance(pair, list) and len(pair) == 2):
            faults.append(Fault("calendar.bad_segment", here, {}))
            continue
        start, end = (_time(one, here, faults) for one in pair)
        if start is None or end is None:
            continue
        if start >= end:
            faults.append(Fault("calendar.segment_order", here, {"start": pair[0], "end": pair[1]}))
            continue
        found.append((start, end, f"{pair[0]}–{pair[1]}"))
    found.sort()
    for (_, end, first), (start, _, second) in pairwise(found):
        if start < end:
            faults.append(Fault("calendar.overlap", path, {"first": first, "second": second}))
    return tuple((start, end) for start, end, _ in found)


def _time(value: object, path: str, faults: list[Fault]) -> int | None:
    if not isinstance(value, str):
        faults.append(wrong_type(path, TEXT))
        return None
    match = _TIME.fullmatch(value)
    if match is None:
        faults.append(Fault("calendar.bad_time", path, {"value": value[:40]}))
        return None
    hour, minute, second = match.groups()
    return 86_400 if hour is None else int(hour) * 3600 + int(minute) * 60 + int(second or 0)


def _date(value: object, path: str, faults: list[Fault]) -> date | None:
    if not isinstance(value, str):
        faults.append(wrong_type(path, TEXT))
        return None
    try:
        if not _DATE.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        faults.append(Fault("calendar.bad_date", path, {"value": value[:40]}))
        return None


def _too_large(path: str, limit: int) -> Fault:
    return Fault("too_large", path, {"field": path, "limit": limit})
