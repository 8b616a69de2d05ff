"""The one clock. Nothing else in the kernel asks the system for the time of day.

    >>> from anlan.kernel.clock import TestClock
    >>> clock = TestClock("2026-11-23T23:30:00Z")
    >>> clock.now().isoformat(), clock.today("Asia/Shanghai").isoformat()
    ('2026-11-23T23:30:00+00:00', '2026-11-24')

Instants are aware and in UTC; a calendar day belongs to a zone.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Gives the present instant; a clock that was set differs from the system's by a constant and runs on."""

    def __init__(self, start: datetime | None = None) -> None:
        """`start` (aware) is what the clock shows now; None means the system's time."""
        self._shift = timedelta(0) if start is None else start - datetime.now(UTC)
        self.is_set = start is not None

    def now(self) -> datetime:
        """Return the present instant as an aware UTC datetime with microseconds."""
        return datetime.now(UTC) + self._shift

    def today(self, zone: str) -> date:
        """Return the calendar day of the present instant in an IANA zone such as `Asia/Shanghai`."""
        return self.now().astimezone(ZoneInfo(zone)).date()


class TestClock(Clock):
    """A clock that stands still until it is set or advanced; for tests and simulations."""

    __test__ = False  # the name begins with Test, but it is no test case

    def __init__(self, start: datetime | str) -> None:
        super().__init__(None)
        self.is_set = True
        self.set(start)

    def set(self, instant: datetime | str) -> None:
        """Show this instant (aware, or RFC 3339 text) from now on; it may lie in the past."""
        self._instant = instant_from(instant) if isinstance(instant, str) else instant.astimezone(UTC)

    def advance(self, step: timedelta) -> None:
        self._instant += step

    def now(self) -> datetime:
        return self._instant


def instant_from(text: str) -> datetime:
    """Read RFC 3339 text with an offset as an aware UTC datetime; ValueError when it has none or is none."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text} has no offset from UTC")
    return instant.astimezone(UTC)
