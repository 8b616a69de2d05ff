"""Working time: worked examples, a brute-force walk over small calendars, clock changes, and bad input."""

import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.kernel import calendar as working
from anlan.kernel.calendar import Calendar, read_calendar
from anlan.kernel.calendar.model import Periods, open_periods
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import Messages

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "cases" / "sla_examples.json").read_text("utf-8")
)
HOUR = 3600
NINE_TO_SIX: Periods = ((9 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))


def office(zone: str = "Asia/Shanghai", **changes: Any) -> Calendar:
    """Open 09:00–12:00 and 13:00–18:00, Monday to Friday."""
    day = NINE_TO_SIX
    return Calendar(ZoneInfo(zone), (day, day, day, day, day, (), ()), **changes)


def always(zone: str) -> Calendar:
    return Calendar(ZoneInfo(zone), tuple([((0, 24 * HOUR),)] * 7))  # type: ignore[arg-type]  # seven of them


def at(text: str, calendar: Calendar) -> datetime:
    return working.read_instant(text, calendar.zone)


def wall(instant: datetime | None, calendar: Calendar) -> str | None:
    return None if instant is None else instant.astimezone(calendar.zone).strftime("%Y-%m-%dT%H:%M:%S")


# --- worked examples -------------------------------------------------------------------------------------


class Clock:
    """What the examples' clocks ask of a calendar: a start, pauses, a stop."""

    def __init__(self, case: dict[str, Any]) -> None:
        request = case["request"]
        self.calendar = read_calendar(request["calendar"])
        self.metric = request["metrics"][0]
        self.running: list[tuple[datetime, datetime | None]] = []
        self.pauses: list[tuple[datetime, datetime]] = []
        began: datetime | None = None
        paused: datetime | None = None
        for event in request["events"]:
            moment = at(event["at"], self.calendar)
            if event["kind"] == "reported":
                self.start = began = moment
            elif event["kind"] == "pause" and began is not None:
                self.running.append((began, moment))
                began, paused = None, moment
            elif event["kind"] == "resume" and paused is not None:
                self.pauses.append((paused, moment))
                began, paused = moment, None
            elif event["kind"] == "solved" and began is not None:
                self.running.append((began, moment))
                began = None
        if began is not None:
            self.running.append((began, None))

    def elapsed(self) -> int:
        return sum(working.elapsed(self.calendar, a, b) for a, b in self.running if b is not None)

    def paused(self) -> int:
        return sum(working.elapsed(self.calendar, a, b) for a, b in self.pauses)

    def reached(self, seconds: int) -> datetime | None:
        """When the clock has run for `seconds`."""
        for start, end in self.running:
            spent = seconds + 1 if end is None else working.elapsed(self.calendar, start, end)
            if end is None or spent >= seconds:
                return working.add(self.calendar, start, seconds)
            seconds -= spent
        return working.add(self.calendar, self.running[-1][0], seconds)

    def due(self) -> datetime | None:
        target = self.metric["target"]
        if "seconds" in target:
            return self.reached(target["seconds"])
        day = working.add_working_days(
            self.calendar, self.start, target["working_days"], end_of_day=target["end_of_day"]
        )
        assert day is not None
        paused = self.paused()
        return working.add(self.calendar, day, paused) if paused else day

    def escalation(self) -> datetime | None:
        rule, due = self.metric["escalations"][0], self.due()
        assert due is not None
        if "percent" in rule:
            return self.reached(self.metric["target"]["seconds"] * rule["percent"] // 100)
        if "working_days" in rule:
            return working.add_working_days(self.calendar, due, rule["working_days"])
        return working.add(self.calendar, due, rule["business_seconds"])


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_calendar_agrees_with_a_worked_example(case: dict[str, Any]) -> None:
    expect = case["expect"]
    if case["call"] == "calendar/compute":
        assert working.compute(case["request"]) == expect
        return
    clock = Clock(case)
    zone = clock.calendar.zone
    answers: dict[str, Any] = {
        "due": lambda: clock.due() == working.read_instant(expect["due"], zone),
        "escalation_at": lambda: clock.escalation() == working.read_instant(expect["escalation_at"], zone),
        "elapsed_seconds": lambda: clock.elapsed() == expect["elapsed_seconds"],
        "elapsed_whole_minutes": lambda: clock.elapsed() // 60 == expect["elapsed_whole_minutes"],
        "paused_business_seconds": lambda: clock.paused() == expect["paused_business_seconds"],
        "breached": lambda: (clock.elapsed() > clock.metric["target"]["seconds"]) is expect["breached"],
    }
    for name in expect:
        assert answers[name](), name


# --- the borders of a period -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "seconds", "expected"),
    [
        ("2026-11-27T17:00:00", 2 * HOUR, "2026-11-30T10:00:00"),
        ("2026-11-27T16:00:00", 2 * HOUR, "2026-11-27T18:00:00"),  # a budget used up at closing ends there
        ("2026-11-27T11:00:00", HOUR, "2026-11-27T12:00:00"),
        ("2026-11-27T18:00:00", 1, "2026-11-30T09:00:01"),
        ("2026-11-28T12:00:00", 0, "2026-11-30T09:00:00"),
        ("2026-11-27T18:00:00", 0, "2026-11-30T09:00:00"),
        ("2026-11-27T10:30:00", 0, "2026-11-27T10:30:00"),
        ("2026-11-30T10:00:00", -2 * HOUR, "2026-11-27T17:00:00"),
        ("2026-11-30T10:00:00", -HOUR, "2026-11-30T09:00:00"),  # counting back, at an opening
        ("2026-11-28T12:00:00", -8 * HOUR, "2026-11-27T09:00:00"),
        ("2026-12-31T17:00:00", 2 * HOUR, "2027-01-01T10:00:00"),
        ("2027-01-01T10:00:00", -2 * HOUR, "2026-12-31T17:00:00"),
    ],
)
def test_add_stops_at_the_borders_of_a_period(start: str, seconds: int, expected: str) -> None:
    calendar = office()
    assert wall(working.add(calendar, at(start, calendar), seconds), calendar) == expected


def test_a_period_is_open_at_its_start_and_closed_at_its_end() -> None:
    calendar = office()
    times = ["08:59:59", "09:00:00", "11:59:59", "12:00:00", "12:59:59", "13:00:00", "17:59:59", "18:00:00"]
    opened = [working.is_open(calendar, at(f"2026-11-24T{one}", calendar)) for one in times]
    assert opened == [False, True, True, False, False, True, True, False]


def test_a_special_day_replaces_the_week_and_a_holiday_wins_over_both() -> None:
    saturday, monday, tuesday = date(2026, 2, 14), date(2026, 2, 16), date(2026, 2, 17)
    calendar = office(
        holidays=frozenset({monday, saturday + timedelta(days=1)}),
        special_days={saturday: ((9 * HOUR, 10 * HOUR),), monday: NINE_TO_SIX, tuesday: ()},
    )
    assert calendar.periods(saturday) == ((9 * HOUR, 10 * HOUR),)
    assert [working.is_working_day(calendar, day) for day in (saturday, monday, tuesday)] == [
        True,
        False,
        False,
    ]
    assert (
        wall(working.add(calendar, at("2026-02-13T17:30:00", calendar), HOUR), calendar)
        == "2026-02-14T09:30:00"
    )


def test_twelve_months_of_the_published_calendar_have_the_known_open_time() -> None:
    case = next(one for one in CASES if one["id"] == "sla-118")
    calendar = read_calendar(case["request"]["calendar"])
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    assert working.count_working_days(calendar, first, last) == 248  # State Council's notice for 2026
    assert (
        working.elapsed(calendar, at("2026-01-01T00:00", calendar), at("2027-01-01T00:00", calendar))
        == 248 * 8 * HOUR
    )
    assert not working.is_provisional(calendar, at("2026-12-31T23:59:59", calendar))
    assert working.is_provisional(calendar, at("2027-01-01T00:00:00", calendar))


def test_a_calendar_that_never_opens_has_no_answer() -> None:
    calendar = Calendar(ZoneInfo("UTC"), ((), (), (), (), (), (), ()))
    moment = at("2026-01-01T00:00:00", calendar)
    assert working.next_open(calendar, moment) is None
    assert working.add(calendar, moment, 1) is None
    assert working.add(calendar, moment, -1) is None
    assert working.working_day(calendar, moment.date(), 1) is None
    assert working.working_day(calendar, moment.date(), -1) is None
    assert working.add_working_days(calendar, moment, 1, end_of_day=True) is None
    assert working.elapsed(calendar, moment, moment + timedelta(days=900)) == 0
    assert working.opening(calendar, moment.date()) is None
    assert working.closing(calendar, moment.date()) is None


def test_an_answer_beyond_two_hundred_years_is_none() -> None:
    calendar = always("UTC")
    moment = at("2026-01-01T00:00:00", calendar)
    seconds = int(timedelta(days=200 * 366).total_seconds())
    assert working.add(calendar, moment, seconds - 366 * 86_400) is not None
    assert working.add(calendar, moment, seconds + 366 * 86_400) is None
    assert working.add(calendar, moment, 10**30) is None
    assert working.add(calendar, moment, -(10**30)) is None


def test_a_datetime_without_offset_is_refused() -> None:
    with pytest.raises(TypeError):
        working.is_open(office(), datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


# --- working days ----------------------------------------------------------------------------------------


def test_working_days_keep_the_wall_time_or_take_the_closing() -> None:
    calendar = office()
    friday = at("2026-11-27T15:00:00", calendar)
    assert wall(working.add_working_days(calendar, friday, 2), calendar) == "2026-12-01T15:00:00"
    assert wall(working.add_working_days(calendar, friday, -1), calendar) == "2026-11-26T15:00:00"
    assert (
        wall(working.add_working_days(calendar, friday, 2, end_of_day=True), calendar)
        == "2026-12-01T18:00:00"
    )
    assert wall(working.add_working_days(calendar, friday, 0), calendar) == "2026-11-27T15:00:00"
    saturday = at("2026-11-28T15:00:00", calendar)
    assert wall(working.add_working_days(calendar, saturday, 0), calendar) == "2026-11-30T15:00:00"
    assert wall(working.add_working_days(calendar, saturday, 1), calendar) == "2026-11-30T15:00:00"


def test_the_closing_of_a_day_that_never_closes_is_midnight() -> None:
    calendar = always("Asia/Shanghai")
    assert wall(working.closing(calendar, date(2026, 12, 31)), calendar) == "2027-01-01T00:00:00"
    assert wall(working.opening(calendar, date(2026, 12, 31)), calendar) == "2026-12-31T00:00:00"


@given(
    st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    st.integers(-300, 300),
    st.sets(st.dates(date(2024, 1, 1), date(2027, 12, 31)), max_size=40),
)
def test_the_nth_working_day_is_the_one_that_a_walk_counts(
    day: date, count: int, holidays: set[date]
) -> None:
    calendar = office(holidays=frozenset(holidays))
    walked, left = day, abs(count)
    while left:
        walked += timedelta(days=1 if count > 0 else -1)
        left -= walked.weekday() < 5 and walked not in holidays
    assert working.working_day(calendar, day, count) == walked
    span = [day + timedelta(days=one) for one in range(abs((walked - day).days) + 1)]
    if walked >= day:
        expected = sum(one.weekday() < 5 and one not in holidays for one in span)
        assert working.count_working_days(calendar, day, walked) == expected
        assert working.count_working_days(calendar, walked, day) in (
            -expected,
            expected if walked == day else -expected,
        )


# --- against a walk, minute by minute --------------------------------------------------------------------

# A day in each zone around which its clock moves: by an hour, by half an hour, just after midnight, by a day.
TURNS = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/St_Johns": [date(2010, 3, 14), date(2010, 11, 7)],
    "America/Santiago": [date(2026, 4, 5), date(2026, 9, 6)],
    "Pacific/Apia": [date(2011, 12, 30)],
    "Asia/Shanghai": [date(2026, 12, 31)],
}


@st.composite
def periods(draw: st.DrawFn) -> Periods:
    marks = sorted(draw(st.sets(st.integers(0, 48), max_size=6)))
    return tuple((a * 1800, b * 1800) for a, b in zip(marks[::2], marks[1::2], strict=False))


@st.composite
def small_calendars(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """A calendar, and the start of five days around a turn of its zone's clock."""
    zone = draw(st.sampled_from(sorted(TURNS)))
    turn = draw(st.sampled_from(TURNS[zone]))
    week = tuple(draw(periods()) for _ in range(7))
    near = st.integers(-2, 2).map(lambda days: turn + timedelta(days=days))
    calendar = Calendar(
        ZoneInfo(zone),
        week,  # type: ignore[arg-type]  # seven of them
        holidays=frozenset(draw(st.sets(near, max_size=1))),
        special_days=draw(st.dictionaries(near, periods(), max_size=2)),
    )
    return calendar, datetime(turn.year, turn.month, turn.day, tzinfo=UTC) - timedelta(days=2, hours=12)


MINUTES = 5 * 24 * 60


def walk(calendar: Calendar, start: datetime) -> list[bool]:
    """Whether each of the minutes is open, by looking at the wall clock."""
    found = []
    for minute in range(MINUTES):
        now = (start + timedelta(minutes=minute)).astimezone(calendar.zone)
        day = now.date()
        today: Periods
        if day in calendar.holidays:
            today = ()
        else:
            today = calendar.special_days.get(day, calendar.week[day.weekday()])
        second = now.hour * HOUR + now.minute * 60
        found.append(any(low <= second < high for low, high in today))
    return found


@settings(max_examples=60, deadline=None)
@given(
    small_calendars(),
    st.lists(st.tuples(st.integers(0, MINUTES - 1), st.integers(0, MINUTES - 1)), max_size=8),
)
def test_every_answer_is_the_one_of_a_walk_by_minutes(
    built: tuple[Calendar, datetime], pairs: list[tuple[int, int]]
) -> None:
    calendar, start = built
    opened = walk(calendar, start)

    def moment(minute: int) -> datetime:
        return start + timedelta(minutes=minute)

    assert [working.is_open(calendar, moment(minute)) for minute in range(0, MINUTES, 10)] == opened[::10]
    for first, second in pairs:
        low, high = min(first, second), max(first, second)
        spent = sum(opened[low:high])
        assert working.elapsed(calendar, moment(low), moment(high)) == spent * 60
        assert working.elapsed(calendar, moment(high), moment(low)) == -spent * 60
        following = next((one for one in range(low, MINUTES) if opened[one]), None)
        if following is not None:
            assert working.next_open(calendar, moment(low)) == moment(following)
        if spent:
            last = next(one for one in range(high - 1, low - 1, -1) if opened[one])
            assert working.add(calendar, moment(low), spent * 60) == moment(last + 1)
            first_open = next(one for one in range(low, high) if opened[one])
            assert working.add(calendar, moment(high), -spent * 60) == moment(first_open)


instants = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda one: one.replace(microsecond=0)
)
open_calendars = small_calendars().map(lambda built: built[0]).filter(lambda one: any(one.week))


@settings(deadline=None)
@given(open_calendars, instants, st.integers(-(10**7), 10**7))
def test_what_was_added_has_elapsed(calendar: Calendar, start: datetime, seconds: int) -> None:
    end = working.add(calendar, start, seconds)
    assert end is not None
    assert working.elapsed(calendar, start, end) == seconds


@settings(deadline=None)
@given(open_calendars, instants, st.integers(1, 10**7), st.integers(1, 10**7))
def test_adding_is_additive_and_monotone(calendar: Calendar, start: datetime, one: int, two: int) -> None:
    middle = working.add(calendar, start, one)
    assert middle is not None
    end = working.add(calendar, middle, two)
    assert end == working.add(calendar, start, one + two)
    assert end is not None and middle < end
    earlier = working.add(calendar, start - timedelta(seconds=two), one)
    assert earlier is not None and earlier <= middle


@settings(deadline=None)
@given(open_calendars, instants, instants, instants)
def test_elapsed_is_additive(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    whole = working.elapsed(calendar, a, c)
    assert whole == working.elapsed(calendar, a, b) + working.elapsed(calendar, b, c)


@settings(deadline=None)
@given(open_calendars, instants)
def test_the_zone_of_an_instant_changes_nothing(calendar: Calendar, start: datetime) -> None:
    elsewhere = start.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert working.add(calendar, elsewhere, 5000) == working.add(calendar, start, 5000)
    assert working.next_open(calendar, elsewhere) == working.next_open(calendar, start)
    assert working.is_open(calendar, elsewhere) == working.is_open(calendar, start)


def test_the_day_of_the_clock_change_has_its_true_length() -> None:
    calendar = always("Europe/Berlin")
    length = [
        working.elapsed(calendar, at(f"2026-{a}T00:00", calendar), at(f"2026-{b}T00:00", calendar)) // HOUR
        for a, b in (("03-29", "03-30"), ("10-25", "10-26"), ("06-01", "06-02"))
    ]
    assert length == [23, 25, 24]
    assert open_periods(calendar, date(2026, 6, 1)) == [(1780264800, 1780264800 + 86_400)]


# --- questions in JSON -----------------------------------------------------------------------------------

PLAIN = {"zone": "Asia/Shanghai", "week": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}}


def test_compute_answers_in_the_zone_of_the_calendar() -> None:
    asked = {"calendar": PLAIN, "op": "add", "at": "2026-11-23T01:30:00Z", "seconds": 3600}
    assert working.compute(asked) == {"at": "2026-11-23T10:30:00+08:00"}
    assert working.compute({**asked, "seconds": 3600.0}) == {"at": "2026-11-23T10:30:00+08:00"}
    assert working.compute({"calendar": PLAIN, "op": "next_open", "at": "2026-11-24T10:00"}) == {
        "at": "2026-11-30T09:00:00+08:00"
    }
    elapsed = {
        "calendar": PLAIN,
        "op": "elapsed",
        "from": "2026-11-23T11:00",
        "to": "2026-11-23T14:00:00+08:00",
    }
    assert working.compute(elapsed) == {"seconds": 7200}
    assert working.compute({**asked, "seconds": 10**15}) == {"at": None}


@pytest.mark.parametrize(
    ("payload", "faults"),
    [
        (None, {("", "wrong_type")}),
        ({}, {("op", "required"), ("calendar", "required")}),
        ({"op": "sub", "calendar": PLAIN}, {("op", "calendar.unknown_operation")}),
        ({"op": "add", "calendar": PLAIN}, {("at", "required"), ("seconds", "required")}),
        (
            {"op": "add", "calendar": PLAIN, "at": 5, "seconds": "9"},
            {("at", "wrong_type"), ("seconds", "wrong_type")},
        ),
        (
            {"op": "add", "calendar": PLAIN, "at": "2026-11-23T01:30:00Z", "seconds": True},
            {("seconds", "wrong_type")},
        ),
        (
            {"op": "is_open", "calendar": PLAIN, "at": "2026-11-23", "extra": 1},
            {("at", "calendar.bad_instant"), ("extra", "unknown_field")},
        ),
        (
            {"op": "is_open", "calendar": PLAIN, "at": "2026-02-30T10:00:00Z"},
            {("at", "calendar.bad_instant")},
        ),
        (
            {"op": "is_open", "calendar": PLAIN, "at": "9999-12-31T23:59:59-12:00"},
            {("at", "calendar.bad_instant")},
        ),
        ({"op": "is_open", "calendar": PLAIN, "at": "1500-01-01T00:00:00Z"}, {("at", "calendar.year_range")}),
        (
            {
                "op": "is_open",
                "at": "2026-11-23T01:30:00Z",
                "calendar": {"zone": "Mars/Olympus", "week": {"mo": []}},
            },
            {("calendar.zone", "calendar.bad_zone"), ("calendar.week.mo", "unknown_field")},
        ),
        (
            {"op": "is_open", "at": "2026-11-23T01:30:00Z", "calendar": {"zone": "", "week": []}},
            {("calendar.zone", "calendar.bad_zone"), ("calendar.week", "wrong_type")},
        ),
        (
            {
                "op": "is_open",
                "at": "2026-11-23T01:30:00Z",
                "calendar": {
                    **PLAIN,
                    "holidays": ["2026-2-1", 7],
                    "special_days": {"x": [["09:00", "08:00"]]},
                    "published_through": "soon",
                    "colour": "red",
                },
            },
            {
                ("calendar.holidays[0]", "calendar.bad_date"),
                ("calendar.holidays[1]", "wrong_type"),
                ("calendar.special_days.x", "calendar.bad_date"),
                ("calendar.special_days.x[0]", "calendar.segment_order"),
                ("calendar.published_through", "calendar.bad_date"),
                ("calendar.colour", "unknown_field"),
            },
        ),
        (
            {
                "op": "is_open",
                "at": "2026-11-23T01:30:00Z",
                "calendar": {
                    "zone": "UTC",
                    "week": {
                        "mon": [["09:00", "12:00"], ["11:00", "13:00"]],
                        "tue": [["9:00", "25:00"]],
                        "wed": [["09:00"]],
                        "thu": [["22:00", "06:00"]],
                        "fri": "closed",
                        "sat": [[9, 10]],
                        "sun": [["00:00", "24:30"]],
                    },
                },
            },
            {
                ("calendar.week.mon", "calendar.overlap"),
                ("calendar.week.tue[0]", "calendar.bad_time"),
                ("calendar.week.wed[0]", "calendar.bad_segment"),
                ("calendar.week.thu[0]", "calendar.segment_order"),
                ("calendar.week.fri", "wrong_type"),
                ("calendar.week.sat[0]", "wrong_type"),
                ("calendar.week.sun[0]", "calendar.bad_time"),
            },
        ),
        (
            {
                "op": "is_open",
                "at": "2026-11-23T01:30:00Z",
                "calendar": {**PLAIN, "holidays": ["2026-01-01"] * 5001},
            },
            {("calendar.holidays", "too_large")},
        ),
    ],
)
def test_bad_input_is_answered_with_every_fault_and_its_place(
    payload: Any, faults: set[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as caught:
        working.compute(payload)
    assert {(one.path, one.code) for one in caught.value.faults} == faults
    messages = Messages.load([Path(working.__file__).parent.parent / "messages"])
    for one in caught.value.faults:
        for language in ("zh", "en"):
            sentence = messages.text(one.code, language, **one.params)
            assert sentence != one.code
            assert not re.search(r"\{\w+\}", sentence)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=12)
    | st.sampled_from(["09:00", "24:00", "2026-02-14", "2026-02-14T10:00:00Z", "UTC", "add", "is_open"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mon", "zone", "week", "at", "op", "2026-02-14"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "calendar": json_values | st.fixed_dictionaries({"zone": st.just("UTC"), "week": json_values}),
            "op": st.sampled_from(["add", "is_open", "next_open", "elapsed"]) | json_values,
            "at": json_values,
            "seconds": json_values,
            "from": json_values,
            "to": json_values,
        },
    )
)
def test_any_json_is_answered_or_refused_by_name(payload: dict[str, Any]) -> None:
    try:
        assert working.compute(payload)
    except Refused as refusal:
        assert refusal.faults


def test_a_hundred_thousand_additions_over_a_year_take_less_than_a_second() -> None:
    calendar = office()
    start = at("2026-01-01T00:00:00", calendar)
    moments = [start + timedelta(minutes=5 * one) for one in range(100_000)]
    best = min(_timed(calendar, moments) for _ in range(3))
    assert best < 1.0


def _timed(calendar: Calendar, moments: list[datetime]) -> float:
    began = time.process_time()
    for moment in moments:
        working.add(calendar, moment, 4 * HOUR)
    return time.process_time() - began
