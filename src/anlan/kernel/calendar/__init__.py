"""Working time: when a calendar is open, and arithmetic in open seconds and working days. Pure functions."""

from anlan.kernel.calendar.compute import compute
from anlan.kernel.calendar.days import (
    add_working_days,
    closing,
    count_working_days,
    is_working_day,
    opening,
    working_day,
)
from anlan.kernel.calendar.model import Calendar
from anlan.kernel.calendar.read import read_calendar, read_instant
from anlan.kernel.calendar.time import add, elapsed, is_open, is_provisional, next_open

__all__ = [
    "Calendar",
    "add",
    "add_working_days",
    "closing",
    "compute",
    "count_working_days",
    "elapsed",
    "is_open",
    "is_provisional",
    "is_working_day",
    "next_open",
    "opening",
    "read_calendar",
    "read_instant",
    "working_day",
]
