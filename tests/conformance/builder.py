"""Valid records made from nothing but their definition, so that a form that a pack adds is covered at once.

    valid(ctx, form, "0001")  →  {"code": "X0001", "name": "Name 0001", "unit": "BOX"}

Every required field without a default gets a value of its type; a link gets the first record that its `only`
allows; a required sub-table gets one line. What a definition cannot say (a voucher balances) stands in
examples.yaml beside this file, by form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from anlan import packs
from anlan.kernel import query
from anlan.kernel.catalogue.build import assemble, build_catalogue
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.store import pack_sources
from anlan.kernel.context import Context

__all__ = ["catalogue", "editable_field", "valid"]

Values = dict[str, Any]

_PLAIN: Mapping[str, Any] = {
    "integer": 1, "decimal": "1", "percent": "1", "quantity": "2", "money": "3", "price": "3", "boolean": True,
    "date": "2026-11-16", "instant": "2026-11-16T04:00:00Z", "duration": 60, "address": "1 River Road",
    "phone": "+86 21 5555 0100", "email": "desk@example.com", "url": "https://example.com/", "barcode": "6901234567892",
}  # fmt: skip
_CHANGED: Mapping[str, Any] = {
    "text": "changed", "long_text": "changed", "decimal": "7", "percent": "7", "integer": 7, "address": "2 Lake Road",
}  # fmt: skip


@cache
def catalogue() -> Catalogue:
    """The packs of this program as one catalogue, for the list of its forms; no database."""
    return build_catalogue(
        assemble(pack_sources(Path(packs.__file__ or "").parent, "anlan.packs")), version=1
    )


@cache
def _examples() -> dict[str, Values]:
    found: dict[str, Values] = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text("utf-8"))
    return found


def valid(ctx: Context, form: Form, mark: str) -> Values:
    """The values of a record that may be created and taken through its first step. Reads linked records."""
    values = dict(_values(ctx, form.fields.values(), mark))
    for key, table in form.lines.items():
        if table.definition.required:
            values[key] = [dict(_values(ctx, table.fields.values(), mark))]
    found: Values = _merged(values, _examples().get(form.name, {}), int(mark))
    return found


def _merged(value: Any, example: Any, n: int) -> Any:
    """What was made from the definition with what its example adds; `{day}` and `{month}` are this record's own."""
    if isinstance(example, dict):
        base = value if isinstance(value, dict) else {}
        return base | {key: _merged(base.get(key), one, n) for key, one in example.items()}
    if isinstance(example, list):
        rows = value if isinstance(value, list) else []
        return [_merged(rows[at] if at < len(rows) else None, one, n) for at, one in enumerate(example)]
    if not isinstance(example, str):
        return example
    day = date(2020, 1, 1) + timedelta(days=n)
    earlier = 2020 * 12 - n  # months back: periods are closed in their order, so that each new one may be
    return example.format(day=day.isoformat(), month=f"{earlier // 12}-{earlier % 12 + 1:02d}")


def _values(ctx: Context, fields: Any, mark: str) -> Iterator[tuple[str, Any]]:
    for field in fields:
        definition = field.definition
        if not field.typed or field.reserved or field.type.is_lines or definition.readonly:
            continue
        if definition.required and definition.default is None:
            yield field.key, _value(ctx, field, mark)


def _value(ctx: Context, field: Field, mark: str) -> Any:
    definition, kind = field.definition, field.type.key
    if field.to is not None:
        found = query.suggest(ctx, field.to, "", only=definition.only, limit=1)
        assert found, f"no {field.to} for {field.path}: {definition.only}"
        return found[0]["id"]
    if definition.options:
        return next(iter(definition.options))
    if kind in ("text", "long_text"):
        text = f"X{mark}" if field.key == "code" else f"{field.label('en')} {mark}"
        return text[-(definition.max_length or 200) :]
    return _PLAIN[kind]


def editable_field(form: Form, values: Mapping[str, Any]) -> tuple[str, Any]:
    """A field of the head that may be changed freely, and a value that it does not have yet."""
    words = ("note", "summary", "reference", "reason", "name", "address")
    for strict in (True, False):
        for key in (*words, *form.fields):
            field = form.fields.get(key)
            if (
                field is None
                or not field.typed
                or field.reserved
                or field.definition.readonly
                or key == "code"
            ):
                continue
            value = _CHANGED.get(field.type.key)
            bound = field.definition.check is not None or field.definition.default is not None
            if value is not None and values.get(key) != value and (not strict or key in words or not bound):
                return key, value
    raise AssertionError(f"{form.name} has no field that a test may change")
