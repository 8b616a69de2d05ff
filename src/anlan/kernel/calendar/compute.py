"""The plain questions to a calendar, as `POST /calendar/compute` answers them (API.md, clock simulator).

    {"calendar": {…}, "op": "is_open", "at": …}              → {"open": true}
    {"calendar": {…}, "op": "add", "at": …, "seconds": 3600}  → {"at": "2026-02-14T11:00:00+08:00"}
    {"calendar": {…}, "op": "next_open", "at": …}            → {"at": …}
    {"calendar": {…}, "op": "elapsed", "from": …, "to": …}    → {"seconds": 3600}

Instants come back in the calendar's zone; `at` is null when it lies more than 200 years away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anlan.kernel.calendar.model import Calendar
from anlan.kernel.calendar.read import calendar_from, instant_from, required, unknown_keys
from anlan.kernel.calendar.time import add, elapsed, is_open, next_open
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n.kinds import OBJECT, TEXT, WHOLE_NUMBER, wrong_type

_OPERANDS = {
    "is_open": ("at",),
    "next_open": ("at",),
    "add": ("at", "seconds"),
    "elapsed": ("from", "to"),
}


def compute(payload: object) -> dict[str, object]:
    """Answer one question. Raises Refused (422), naming all faults of question and calendar."""
    if not isinstance(payload, Mapping):
        raise invalid([wrong_type("", OBJECT)])
    faults: list[Fault] = []
    operation = payload.get("op")
    if not isinstance(operation, str):
        faults.append(required("op") if operation is None else wrong_type("op", TEXT))
    elif operation not in _OPERANDS:
        faults.append(Fault("calendar.unknown_operation", "op", {"value": operation[:40]}))
    else:
        faults.extend(unknown_keys(payload, ("calendar", "op", *_OPERANDS[operation]), ""))
    calendar = calendar_from(payload.get("calendar"), "calendar", faults)
    if calendar is None or not isinstance(operation, str) or operation not in _OPERANDS:
        raise invalid(faults)
    instants = {
        name: instant_from(payload.get(name), calendar.zone, name, faults)
        for name in _OPERANDS[operation]
        if name != "seconds"
    }
    seconds = _seconds(payload.get("seconds"), faults) if operation == "add" else 0
    given = [one for one in instants.values() if one is not None]
    if faults:
        raise invalid(faults)
    return _answer(calendar, operation, given, seconds)


def _answer(calendar: Calendar, operation: str, instants: list[datetime], seconds: int) -> dict[str, object]:
    if operation == "is_open":
        return {"open": is_open(calendar, instants[0])}
    if operation == "elapsed":
        return {"seconds": elapsed(calendar, instants[0], instants[1])}
    if operation == "add":
        found = add(calendar, instants[0], seconds)
    else:
        found = next_open(calendar, instants[0])
    return {"at": None if found is None else found.astimezone(calendar.zone).isoformat()}


def _seconds(value: object, faults: list[Fault]) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    faults.append(required("seconds") if value is None else wrong_type("seconds", WHOLE_NUMBER))
    return 0
