"""JSON Schemas of a form's records, from what `describe.form` says about it to this caller.

    {"fields": {"quantity": {"type": "quantity", "label": "Quantity", ...}}, ...}
    ->  read:  {"quantity": {"$ref": "#/components/schemas/Decimal", "title": "Quantity"}}
        input: {"quantity": {"$ref": "#/components/schemas/DecimalInput", "title": "Quantity"}}

A draft must be readable, not complete: so nothing is required on input but what a master or setting cannot be
without, and everything may be null. Read schemas leave room for more members; the API may grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["COMMON", "RESERVED", "form_schemas", "ref"]

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to a schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(kind: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], **more}


_ID = {"type": "string", "format": "uuid"}
_DIGITS = r"^-?[0-9]{1,40}(\.[0-9]{1,20})?$"
_LINK = {"id": _ID, "code": _nullable("string"), "label": _nullable("string")}

COMMON: dict[str, Schema] = {
    "Decimal": _nullable("string", pattern=_DIGITS, examples=["1280.50"]),
    "DecimalInput": {"type": ["string", "number", "null"], "pattern": _DIGITS, "examples": ["1280.50"]},
    "Date": _nullable("string", format="date"),
    "Instant": _nullable("string", format="date-time"),
    "Text": _nullable("string"),
    "Integer": _nullable("integer"),
    "Boolean": _nullable("boolean"),
    "Id": _nullable("string", format="uuid"),
    "Link": _nullable("object", properties=_LINK, required=["id", "code", "label"]),
    "LinkInput": {
        "anyOf": [
            {"type": "null"},
            {"type": "string", "description": "id or code", "maxLength": 200},
            {
                "type": "object",
                "properties": {"id": _ID, "code": {"type": "string"}, "label": {}, "form": {}},
                "anyOf": [{"required": ["id"]}, {"required": ["code"]}],
            },
        ]
    },
    "Reference": _nullable(
        "object", properties={"form": {"type": "string"}, **_LINK}, required=["form", "id"]
    ),
    "ReferenceInput": {
        "anyOf": [
            {"type": "null"},
            {
                "type": "object",
                "properties": {
                    "form": {"type": "string"},
                    "id": _ID,
                    "code": {"type": "string"},
                    "label": {},
                },
                "required": ["form"],
            },
        ]
    },
    "File": _nullable("object", properties={"id": _ID, "name": {"type": "string"}}, required=["id", "name"]),
    "FileInput": {
        "anyOf": [
            {"type": "null"},
            _ID,
            {"type": "object", "properties": {"id": _ID, "name": {}}, "required": ["id"]},
        ]
    },
    "Secret": {"enum": [None, "•••"], "description": "never read back"},
}

_LINKS = frozenset({"link", "user", "department", "company"})
_DECIMALS = frozenset({"decimal", "percent", "quantity", "money", "price"})
_TEXTS = frozenset({"text", "long_text", "address", "phone", "email", "url", "barcode"})
# type of a field -> (component for reading, component for input)
_COMPONENTS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(_LINKS, ("Link", "LinkInput")),
    **dict.fromkeys(_DECIMALS, ("Decimal", "DecimalInput")),
    **dict.fromkeys(_TEXTS, ("Text", "Text")),
    "number": ("Text", "Text"),
    "integer": ("Integer", "Integer"),
    "duration": ("Integer", "Integer"),
    "boolean": ("Boolean", "Boolean"),
    "date": ("Date", "Date"),
    "instant": ("Instant", "Instant"),
    "line": ("Id", "Id"),
    "reference": ("Reference", "ReferenceInput"),
    "file": ("File", "FileInput"),
    "image": ("File", "FileInput"),
    "secret": ("Secret", "Text"),
}

# What a record has beside its fields, as it is read; `form` and `id` are always there.
RESERVED: dict[str, Schema] = {
    "id": _ID,
    "form": {"type": "string"},
    "number": ref("Text"),
    "company": ref("Link"),
    "version": {"type": "integer", "minimum": 1},
    "state": ref("Text"),
    "workflow_version": ref("Integer"),
    "created_at": ref("Instant"),
    "created_by": ref("Link"),
    "updated_at": ref("Instant"),
    "updated_by": ref("Link"),
}


def form_schemas(form: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """The component schemas of one form, by name: `x.y` (read), `x.y.new`, `x.y.change`, and one per lines
    field.
    """
    name, label = form["form"], form["label"]
    read: dict[str, Schema] = {}
    typed: dict[str, Schema] = {}
    for key, field in form["fields"].items():
        if field["type"] == "lines":
            yield from _lines(f"{name}.{key}", field)
        read[key] = _property(field, f"{name}.{key}", is_input=False)
        if _is_typed(key, field):
            typed[key] = _property(field, f"{name}.{key}.input", is_input=True)
    yield (
        name,
        {
            "title": label,
            "type": "object",
            "properties": {**read, **RESERVED},
            "required": ["id", "form", "version"],
        },
    )
    entered: Schema = {"title": label, "type": "object", "properties": typed, "additionalProperties": False}
    yield f"{name}.change", entered
    required = [] if form["kind"] == "document" else [key for key in typed if _is_needed(form["fields"][key])]
    yield f"{name}.new", {**entered, "required": required} if required else ref(f"{name}.change")


def _lines(name: str, field: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    columns = field.get("fields") or {}
    read = {key: _property(column, f"{name}.{key}", is_input=False) for key, column in columns.items()}
    typed = {
        key: _property(column, f"{name}.{key}", is_input=True)
        for key, column in columns.items()
        if _is_typed(key, column)
    }
    yield name, {"type": "object", "properties": {"id": _ID, **read}, "required": ["id"]}
    yield (
        f"{name}.input",
        {"type": "object", "properties": {"id": ref("Id"), **typed}, "additionalProperties": False},
    )


def _is_typed(key: str, field: Mapping[str, Any]) -> bool:
    """Whether a caller may send it."""
    if key in RESERVED and key != "company":
        return False
    return not (field.get("readonly") or field.get("formula") or field.get("access") == "read")


def _is_needed(field: Mapping[str, Any]) -> bool:
    return bool(field.get("required")) and not field.get("default")


def _property(field: Mapping[str, Any], name: str, *, is_input: bool) -> Schema:
    kind = field["type"]
    title = field["label"]
    if kind == "lines":
        return {"type": ["array", "null"] if is_input else "array", "items": ref(name), "title": title}
    options = field.get("options")
    if kind == "choice":
        keys = {"enum": [*options, None]} if options else {}
        return {"type": ["string", "null"], "title": title, **keys}
    if kind == "multi_choice":
        items = {"type": "string", "enum": list(options)} if options else {"type": "string"}
        return {"type": ["array", "null"], "items": items, "title": title}
    component = _COMPONENTS[kind][1 if is_input else 0]
    schema: Schema = {"$ref": f"#/components/schemas/{component}", "title": title}
    if is_input and kind in ("text", "long_text") and field.get("max_length"):
        schema["maxLength"] = field["max_length"]
    target = field.get("to")
    if target:
        schema["description"] = f"→ {target}"
    return schema
