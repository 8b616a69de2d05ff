"""What a caller sent → a record in flight; every fault found, with its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import RESERVED, Field, Form, LinesTable
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault
from anlan.kernel.fieldtype import LinkValue, Unreadable
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.record.links import Wanted

__all__ = ["MAX_LINES", "parse"]

MAX_LINES = 5_000


def parse(
    ctx: Context, form: Form, values: Any, faults: list[Fault], wanted: Wanted, *,
    restricted: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The record of what was sent: only the fields that were sent, links still as `LinkValue` (in `wanted`).

    Computed and reserved fields are accepted, because a record is sent as it was read, and passed over. A field
    that the caller may not write (`restricted`) is passed over too: what he cannot change stays as it is.
    """
    if not isinstance(values, Mapping):
        faults.append(Fault("wrong_type", "", {"wanted": "record"}))
        return {}
    record: dict[str, Any] = {}
    for key, value in values.items():
        item = form.fields.get(key)
        if item is None:
            if key not in RESERVED and key != "form":
                faults.append(Fault("unknown_field", str(key)[:100], {"field": str(key)[:60], "form": form.definition.label}))
            continue
        if restricted and key in restricted:
            continue
        if item.type.is_lines:
            record[key] = _parse_lines(form, form.lines[key], value, faults, wanted, restricted or {})
        elif item.typed and not item.reserved:
            _parse_value(record, item, value, key, faults, wanted)
    return record


def _parse_value(
    record: dict[str, Any], item: Field, value: Any, path: str, faults: list[Fault], wanted: Wanted
) -> None:
    if value is None:
        record[item.key] = None
        return
    try:
        parsed = item.type.parse(value, item.definition)
    except Unreadable as error:
        faults.append(Fault(error.code, path, {**error.params, "label": item.definition.label or item.key}))
        record[item.key] = None
        return
    record[item.key] = parsed
    if type(parsed) is LinkValue:
        wanted.append((record, item.key, item, path))


def _parse_lines(
    form: Form, table: LinesTable, value: Any, faults: list[Fault], wanted: Wanted, restricted: Mapping[str, str]
) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        faults.append(Fault("wrong_type", table.key, {"wanted": "lines"}))
        return []
    if len(value) > MAX_LINES:
        faults.append(Fault("too_many_lines", table.key, {"limit": MAX_LINES, "count": len(value)}))
        return []
    lines = []
    fields = table.fields
    for position, given in enumerate(value):
        place = f"{table.key}[{position}]"
        if not isinstance(given, Mapping):
            faults.append(Fault("wrong_type", place, {"wanted": "record"}))
            continue
        line: dict[str, Any] = {}
        for key, sent in given.items():
            item = fields.get(key)
            if item is None:
                if key == "id":
                    if isinstance(sent, str) and UUID.fullmatch(sent):
                        line["id"] = sent.lower()
                    elif sent is not None:
                        faults.append(Fault("wrong_type", f"{place}.id", {"wanted": "line"}))
                    continue
                faults.append(Fault("unknown_field", f"{place}.{str(key)[:60]}",
                                    {"field": str(key)[:60], "form": form.definition.label}))
            elif item.typed and item.path not in restricted:
                _parse_value(line, item, sent, f"{place}.{key}", faults, wanted)
        lines.append(line)
    return lines
