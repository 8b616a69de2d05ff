"""The clock shows UTC, can be set, and knows the day of a zone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anlan.kernel.clock import Clock, TestClock, instant_from


def test_now_is_the_aware_present_when_the_clock_is_not_set() -> None:
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_set_clock_runs_on_from_its_start() -> None:
    start = instant_from("2020-02-29T09:00:00+08:00")
    clock = Clock(start)
    first = clock.now()
    assert start <= first < start + timedelta(seconds=5)
    assert first < clock.now() or first == clock.now()
    assert clock.is_set


def test_today_is_the_day_of_the_asked_zone() -> None:
    clock = TestClock("2026-12-31T16:30:00Z")
    assert clock.today("Asia/Shanghai") == date(2027, 1, 1)
    assert clock.today("UTC") == date(2026, 12, 31)


def test_a_test_clock_stands_still_until_it_is_moved() -> None:
    clock = TestClock("2026-11-23T09:00:00+08:00")
    assert clock.now() == clock.now() == datetime(2026, 11, 23, 1, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2026, 11, 24, 1, tzinfo=UTC)
    clock.set("2026-01-01T00:00:00Z")
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-23T09:00:00", "2026-11-23", "nine o'clock", ""])
def test_text_without_an_offset_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError):
        instant_from(text)
