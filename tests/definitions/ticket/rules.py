"""The clock of a ticket: a function of its events, on working time.

    reported Friday 16:00, four hours → due Monday 12:00; paused over Monday morning → due Monday 16:00
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from anlan.kernel import calendar
from anlan.kernel.rules import Batch, rule

WORK = [["09:00", "12:00"], ["13:00", "18:00"]]
CALENDAR = calendar.read_calendar({
    "zone": "Asia/Shanghai", "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), WORK), "holidays": [], "special_days": {}})


@rule("ticket.ticket", "step", reads=("target",), writes=("reported_at", "due_at", "paused_at", "solved_at"))
def the_clock_follows_the_events(batch: Batch) -> None:
    """What a step means is said by the form's `events`."""
    kind = batch.form.definition.events.get(batch.transition or "")
    for ticket in batch.documents:
        _take(ticket, kind, batch.ctx.now, ticket["target"] or 0)


def _take(ticket: dict[str, Any], kind: str | None, at: datetime, target: int) -> None:
    if kind == "reported":
        ticket["reported_at"], ticket["due_at"] = at, _later(at, target)
    elif kind == "pause":
        ticket["paused_at"] = at
    elif kind == "resume" and ticket["paused_at"] is not None:
        ticket["due_at"] = _later(ticket["due_at"], calendar.elapsed(CALENDAR, ticket["paused_at"], at))
        ticket["paused_at"] = None
    elif kind == "solved":
        ticket["solved_at"] = at


def _later(at: datetime, seconds: int) -> datetime | None:
    due = calendar.add(CALENDAR, at, seconds)
    return None if due is None else due.astimezone(UTC)
