"""A record in flight → the JSON that a caller reads: decimals as text, links as `{id, code, label}`.

What the caller may not see is left out. The functions are made once per form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.context import Context
from anlan.kernel.fieldtype.types import plain

__all__ = ["amount", "output", "raw_json"]

Dump = Callable[[Context, Any], Any]
FIRST = ("id", "number", "company", "version", "state")


def amount(value: Decimal) -> str:
    """Money as text: all its digits, at least two places."""
    text = format(value, "f")
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    return f"{whole}.{places.ljust(2, '0')}"


def _dump_link(target: Form) -> Dump:
    name, code, label = target.name, target.code_column, target.label_column

    def dump(ctx: Context, value: Any) -> Any:
        row = ctx.linked(name, value)
        return {"id": value, "code": row.get(code), "label": row.get(label)}

    return dump


def _dump_reference(ctx: Context, value: Any) -> Any:
    row = ctx.rows("").get(value, {})
    return {"form": row.get("form"), "id": value, "code": row.get("code"), "label": row.get("label")}


def _dump_file(ctx: Context, value: Any) -> Any:
    row = ctx.rows("system.file").get(value, {})
    return {"id": value, "name": row.get("name")}


def _dump_of(ctx: Context, item: Field) -> Dump:
    if item.to is not None and item.to in ctx.catalogue.forms:
        return _dump_link(ctx.catalogue.forms[item.to])
    if item.type.key == "reference":
        return _dump_reference
    if item.type.key in ("file", "image"):
        return _dump_file
    if item.type.key == "money":
        return lambda _ctx, value: amount(value)
    if item.type.numeric and item.type.sql.startswith("numeric"):
        return lambda _ctx, value: plain(value)
    dump = item.type.dump
    return lambda _ctx, value: dump(value) if value is not None else None


def _plans(ctx: Context, form: Form) -> tuple[list[tuple[str, str, Dump | None]], dict[str, list[tuple[str, str, Dump]]]]:
    def make() -> tuple[list[tuple[str, str, Dump | None]], dict[str, list[tuple[str, str, Dump]]]]:
        first = [key for key in FIRST if key in form.fields]
        keys = first + [key for key in form.fields if key not in first]
        head = [(key, key, None if form.fields[key].type.is_lines else _dump_of(ctx, form.fields[key])) for key in keys]
        lines = {key: [(item.key, item.path, _dump_of(ctx, item)) for item in table.fields.values()]
                 for key, table in form.lines.items()}
        return head, lines

    return form.part("output", make)


def output(ctx: Context, form: Form, record: Mapping[str, Any], hidden: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON of a record; paths whose access in `hidden` is `none` are left out."""
    head, lines = _plans(ctx, form)
    out: dict[str, Any] = {"form": form.name}
    for key, path, dump in head:
        if hidden and hidden.get(path) == "none":
            continue
        value = record.get(key)
        if dump is not None:
            out[key] = None if value is None else dump(ctx, value)
            continue
        rows = []
        for line in value or ():
            row = {"id": line.get("id")}
            for name, line_path, line_dump in lines[key]:
                if hidden and hidden.get(line_path) == "none":
                    continue
                got = line.get(name)
                row[name] = None if got is None else line_dump(ctx, got)
            rows.append(row)
        out[key] = rows
    return out


def raw_json(value: Any) -> Any:
    """For orjson: decimals and whatever else it does not know, as text; instants it knows itself."""
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)
