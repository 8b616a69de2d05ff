"""What becomes of a column's values when its type changes.

    text → numeric(20,4)      "12.5" → 12.5, "twelve" → kept in retired_value, the cell is blank
    numeric → bigint          2.0 → 2, 2.5 → kept in retired_value (nothing is rounded away)

A value converts when it can be read as the new type and says the same there.
"""

from __future__ import annotations

from typing import NamedTuple

from anlan.kernel.catalogue.form import quoted

__all__ = ["Conversion", "conversion"]


class Conversion(NamedTuple):
    """SQL over a column: its value as text as the new type reads it, whether it converts, and what it becomes."""

    text: str
    fits: str
    value: str


def conversion(column: str, old: str, new: str, *, zone: str) -> Conversion:
    """How a column goes from one type to another; `zone` is where an instant's day is. Types as `format_type` spells them."""
    name = quoted(column)
    text = f"{name}::text"
    exact = "true"
    if old.startswith("numeric"):
        text = f"trim_scale({name})::text"
    elif old == "timestamp with time zone" and new == "date":
        text = f"(({name} AT TIME ZONE '{zone}')::date)::text"
    elif old == "date" and new == "timestamptz":
        text = f"({name}::timestamp AT TIME ZONE '{zone}')::text"
    elif new == "text[]" and not old.endswith("[]"):
        text = f"(CASE WHEN {name} IS NOT NULL THEN ARRAY[{name}::text]::text END)"
    elif old == "text[]" and new == "text":
        text = f"array_to_string({name}, ', ')"
    elif old == "bytea":
        exact = "false"      # encrypted: no other type can read it
    readable = f"pg_input_is_valid({text}, '{new}')"
    if old.startswith("numeric") and new.startswith("numeric"):
        exact = f"{text}::{new} = {name}"
    fits = f"(CASE WHEN {readable} THEN {exact} ELSE false END)"
    return Conversion(text, fits, f"CASE WHEN {fits} THEN {text}::{new} END")
