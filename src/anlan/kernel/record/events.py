"""What changed between two states of a record, as the event's list of paths; one event per record and transaction.

    [{"path": "lines[0190…].quantity", "old": "10", "new": "12"}, {"path": "state", "old": "draft", "new": "confirmed"}]

Lines are named by id, never by position. A creation stores the whole record instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.form import Field, Form

__all__ = ["changes", "shown"]

QUIET = frozenset(
    ("version", "updated_at", "updated_by", "created_at", "created_by", "id", "workflow_version")
)


def shown(item: Field, value: Any) -> Any:
    """A value as the trail keeps it."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return item.type.dump(value)
    if item.to is not None or isinstance(value, (str, bool, int, list)):
        return item.type.dump(value) if item.type.key == "secret" else value
    return item.type.dump(value)


def changes(form: Form, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The differences of stored values, head first, then lines: added and removed ones whole."""
    found = list(_differences(form.stored, before, after, ""))
    for key, table in form.lines.items():
        if before.get(key) is after.get(key):
            continue  # a step that brought no values carries the same lines on
        old = {line["id"]: line for line in before.get(key, ())}
        new = {line["id"]: line for line in after.get(key, ())}
        stored = table.stored
        for line_id, line in new.items():
            if line_id in old:
                found += _differences(stored, old[line_id], line, f"{key}[{line_id}].")
            else:
                found.append({"path": f"{key}[{line_id}]", "old": None, "new": _whole(stored, line)})
        for line_id, line in old.items():
            if line_id not in new:
                found.append({"path": f"{key}[{line_id}]", "old": _whole(stored, line), "new": None})
    return found


def _differences(
    fields: Iterable[Field], before: Mapping[str, Any], after: Mapping[str, Any], prefix: str
) -> Iterable[dict[str, Any]]:
    for item in fields:
        old, new = before.get(item.key), after.get(item.key)
        if old != new and item.key not in QUIET:
            yield {"path": f"{prefix}{item.key}", "old": shown(item, old), "new": shown(item, new)}


def _whole(fields: Iterable[Field], line: Mapping[str, Any]) -> dict[str, Any]:
    return {item.key: shown(item, line[item.key]) for item in fields if line.get(item.key) is not None}
