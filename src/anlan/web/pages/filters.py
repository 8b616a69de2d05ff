"""Filter chips of a list and the formula in its URL: two spellings of one thing.

    Chip("state", "is", "confirmed"), Chip("gross", "above", "1000")
    ⇄  AND(state = "confirmed", gross > 1000)

A formula that no chips can say (somebody typed it into the URL) stays one chip of its own text.

>>> formula([Chip("state", "is", "confirmed"), Chip("gross", "above", "1000")], {"gross": "number"})
'AND(state = "confirmed", gross > 1000)'
>>> chips('AND(state = "confirmed", gross > 1000)')
[Chip(field='state', operator='is', value='confirmed'), Chip(field='gross', operator='above', value='1000')]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

__all__ = ["OPERATORS", "WITHOUT_VALUE", "Chip", "chips", "formula", "kind_of", "value_fits"]


class Chip(NamedTuple):
    """One condition. `operator` "formula" with an empty field carries a whole formula as its value."""

    field: str
    operator: str
    value: str = ""


# Which operators each kind of field offers, the likeliest first.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": ("contains", "is", "is_not", "empty", "filled"),
    "number": ("at_least", "above", "at_most", "below", "is", "empty", "filled"),
    "date": ("from", "until", "is", "empty", "filled"),
    "instant": ("from", "until"),
    "choice": ("is", "is_not", "empty", "filled"),
    "link": ("is", "is_not", "empty", "filled"),
    "boolean": ("yes", "no"),
}
WITHOUT_VALUE = frozenset({"empty", "filled", "yes", "no"})

_KINDS = {
    "integer": "number",
    "decimal": "number",
    "percent": "number",
    "quantity": "number",
    "money": "number",
    "price": "number",
    "duration": "number",
    "boolean": "boolean",
    "date": "date",
    "instant": "instant",
    "choice": "choice",
    "state": "choice",
    "link": "link",
    "user": "link",
    "department": "link",
    "company": "link",
}
_SIGNS = {"is": "=", "is_not": "<>", "above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
_WORDS = {sign: word for word, sign in _SIGNS.items()}
_NAME = r"([A-Za-z_][\w.]*)"
_CONTAINS = re.compile(rf'IFERROR\(SEARCH\("((?:[^"]|"")*)", {_NAME}\), 0\) > 0')
_BLANK = re.compile(rf"(NOT\()?ISBLANK\({_NAME}\)\)?")
_FLAG = re.compile(rf"{_NAME} = (TRUE|FALSE)")
_DATE = re.compile(rf"{_NAME} (=|>=|<) DATE\((\d{{1,4}}), ?(\d{{1,2}}), ?(\d{{1,2}})\)( \+ 1)?")
_PLAIN = re.compile(rf'{_NAME} (=|<>|>=|<=|>|<) (?:"((?:[^"]|"")*)"|(-?\d+(?:\.\d+)?))')


def kind_of(type_: str) -> str | None:
    """The kind of operators that a field type takes; None for what cannot be filtered (lines, files)."""
    if type_ in {"lines", "file", "image", "secret", "multi_choice", "reference", "line"}:
        return None
    return _KINDS.get(type_, "text")


def value_fits(kind: str, operator: str, value: str) -> bool:
    """Whether a typed value can stand in a condition of this kind; what does not fit makes no chip."""
    if operator in WITHOUT_VALUE:
        return True
    try:
        if kind == "number":
            return Decimal(value).is_finite()
        if kind in {"date", "instant"}:
            date.fromisoformat(value)
    except (InvalidOperation, ValueError):
        return False
    return bool(value)


def formula(found: Iterable[Chip], kinds: Mapping[str, str]) -> str:
    """The `where` of some chips; "" for none. `kinds` maps a field to its kind (text when absent)."""
    parts = [_one(chip, kinds.get(chip.field, "text")) for chip in found]
    return parts[0] if len(parts) == 1 else f"AND({', '.join(parts)})" if parts else ""


def chips(where: str) -> list[Chip]:
    """The chips of a `where`; parts that are no plain condition become chips of their own text."""
    text = where.strip()
    if not text:
        return []
    inner = _inside_and(text)
    return [_read(part) for part in (inner if inner is not None else [text])]


def _one(chip: Chip, kind: str) -> str:
    name, operator, value = chip
    if operator == "formula":
        return value
    if operator == "contains":
        return f"IFERROR(SEARCH({_quoted(value)}, {name}), 0) > 0"
    if operator in {"empty", "filled"}:
        return f"ISBLANK({name})" if operator == "empty" else f"NOT(ISBLANK({name}))"
    if operator in {"yes", "no"}:
        return f"{name} = {'TRUE' if operator == 'yes' else 'FALSE'}"
    if kind in {"date", "instant"}:
        day = date.fromisoformat(value)
        literal = f"DATE({day.year}, {day.month}, {day.day})"
        # "until" takes the whole day along, so an instant of that evening is still in.
        return {"from": f"{name} >= {literal}", "until": f"{name} < {literal} + 1"}.get(
            operator, f"{name} = {literal}"
        )
    return f"{name} {_SIGNS[operator]} {value if kind == 'number' else _quoted(value)}"


def _read(text: str) -> Chip:
    if found := _CONTAINS.fullmatch(text):
        return Chip(found[2], "contains", found[1].replace('""', '"'))
    if found := _BLANK.fullmatch(text):
        return Chip(found[2], "filled" if found[1] else "empty")
    if found := _FLAG.fullmatch(text):
        return Chip(found[1], "yes" if found[2] == "TRUE" else "no")
    if found := _DATE.fullmatch(text):
        operator = {"=": "is", ">=": "from", "<": "until"}[found[2]]
        if (operator == "until") == bool(found[6]):
            return Chip(found[1], operator, f"{int(found[3]):04d}-{int(found[4]):02d}-{int(found[5]):02d}")
    if found := _PLAIN.fullmatch(text):
        value = found[4] if found[3] is None else found[3].replace('""', '"')
        return Chip(found[1], _WORDS[found[2]], value)
    return Chip("", "formula", text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _inside_and(text: str) -> list[str] | None:
    """The arguments of an AND that spans the whole text; None when it is something else."""
    if not (text.startswith("AND(") and text.endswith(")")):
        return None
    parts, depth, start, quoted = [], 0, 4, False
    for place, character in enumerate(text[4:-1], 4):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                return None
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return None if quoted or depth else [*parts, text[start:-1].strip()]
