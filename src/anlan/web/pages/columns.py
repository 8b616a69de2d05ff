"""What a column of a list is: a field of the form, one of a linked record, or what every record has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.web.pages import show
from anlan.web.pages.frame import words

__all__ = ["RESERVED", "cell", "choosable", "column", "first_columns"]

Json = Mapping[str, Any]
RESERVED = {
    "id": "text",
    "number": "number",
    "company": "company",
    "version": "integer",
    "state": "state",
    "created_at": "instant",
    "created_by": "user",
    "updated_at": "instant",
    "updated_by": "user",
}


def column(form: Json, path: str, language: str) -> dict[str, Any]:
    """The field at a path with its `path` and one `label`; an unknown path is a text of its name."""
    if path in form["fields"]:
        field = dict(form["fields"][path])
    elif path in RESERVED:
        field = {"type": RESERVED[path], "label": words().text(f"field.{path}", language)}
        if path == "state":
            field["options"] = form.get("states") or {}
    else:
        first, _, rest = path.partition(".")
        outer = form["fields"].get(first, {})
        field = dict((outer.get("fields") or {}).get(rest, {"type": "text"}))
        names = [show.label(one.get("label"), language) for one in (outer, field) if one.get("label")]
        field["label"] = " · ".join(names) or path
    field["path"] = path
    field["label"] = show.label(field.get("label"), language) or path
    return field


def cell(row: Json, path: str) -> Any:
    """The value of a column in a row: `customer.code` is the code of the link in `customer`."""
    if path in row:
        return row[path]
    first, _, rest = path.partition(".")
    outer = row.get(first)
    return outer.get(rest) if isinstance(outer, Mapping) else None


def choosable(form: Json, language: str) -> list[tuple[str, str, bool]]:
    """Columns that a list may have, `(path, label, whether it is a figure that can be summed)`, in the form's order."""
    reserved = ["number", "state"] if form["kind"] == "document" else []
    paths = [*reserved, *(form.get("order") or form["fields"]), "company", "created_by", "created_at", "updated_at"]
    fields = [column(form, path, language) for path in dict.fromkeys(paths) if path in form["fields"]]
    return [
        (one["path"], one["label"], one["type"] in show.NUMERIC)
        for one in fields
        if one["type"] not in {"lines", "file", "image", "secret"} and not one.get("hidden")
    ]


def first_columns(form: Json) -> list[str]:
    """The columns of a form that declares no view: number and state of a document, and its first fields."""
    fields = [
        key
        for key in (form.get("order") or form["fields"])
        if form["fields"][key]["type"] not in {"lines", "long_text", "file", "image", "secret"}
        and not form["fields"][key].get("hidden")
    ]
    return ["number", *fields[:6], "state"] if form["kind"] == "document" else fields[:7]
