r"""Filter chips of a list and the formula in its URL: two spellings of one thing.

    Chip("state", "is", "confirmed"), Chip("gross", "above", "1000")
    ⇄  AND(state = "confirmed", gross > 1000)

`is one of` has its values below each other (`"a\nb"`), and a word for days (`this_month`) is a pair of conditions that
an index serves. A formula that no chips can say (somebody typed it into the URL) stays one chip of its own text.

>>> formula([Chip("state", "is", "confirmed"), Chip("gross", "above", "1000")], {"gross": "number"})
'AND(state = "confirmed", gross > 1000)'
>>> chips('AND(state = "confirmed", gross > 1000)')
[Chip(field='state', operator='is', value='confirmed'), Chip(field='gross', operator='above', value='1000')]
>>> formula([Chip("state", "in", "draft\nconfirmed"), Chip("date", "during", "last_7")], {"date": "date"})
'AND(IN(state, "draft", "confirmed"), date >= TODAY() - 6, date < TODAY() + 1)'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from anlan.kernel.view import parts_of

__all__ = ["DAYS", "OPERATORS", "SEVERAL", "WITHOUT_VALUE", "Chip", "chips", "formula", "kind_of", "value_fits"]


class Chip(NamedTuple):
    """One condition. `operator` "formula" with an empty field carries a whole formula as its value."""

    field: str
    operator: str
    value: str = ""


# Which operators each kind of field offers, the likeliest first.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": ("contains", "is", "is_not", "in", "empty", "filled"),
    "number": ("at_least", "above", "at_most", "below", "is", "empty", "filled"),
    "date": ("during", "from", "until", "is", "empty", "filled"),
    "instant": ("during", "from", "until"),
    "choice": ("is", "in", "is_not", "not_in", "empty", "filled"),
    "link": ("is", "in", "is_not", "not_in", "empty", "filled"),
    "boolean": ("yes", "no"),
}
WITHOUT_VALUE = frozenset({"empty", "filled", "yes", "no"})
SEVERAL = frozenset({"in", "not_in"})

_MONDAY = "TODAY() - WEEKDAY(TODAY(), 3)"
_QUARTER = "DATE(YEAR(TODAY()), QUARTER(TODAY()) * 3 - 2, 1)"
# Words for days, the likeliest first: from the first day to before the second.
DAYS: Mapping[str, tuple[str, str]] = {
    "today": ("TODAY()", "TODAY() + 1"),
    "yesterday": ("TODAY() - 1", "TODAY()"),
    "this_week": (_MONDAY, f"{_MONDAY} + 7"),
    "last_week": (f"{_MONDAY} - 7", _MONDAY),
    "this_month": ("EOMONTH(TODAY(), -1) + 1", "EOMONTH(TODAY(), 0) + 1"),
    "last_month": ("EOMONTH(TODAY(), -2) + 1", "EOMONTH(TODAY(), -1) + 1"),
    "this_quarter": (_QUARTER, f"EDATE({_QUARTER}, 3)"),
    "last_quarter": (f"EDATE({_QUARTER}, -3)", _QUARTER),
    "this_year": ("DATE(YEAR(TODAY()), 1, 1)", "DATE(YEAR(TODAY()) + 1, 1, 1)"),
    "last_7": ("TODAY() - 6", "TODAY() + 1"),
    "last_30": ("TODAY() - 29", "TODAY() + 1"),
    "next_7": ("TODAY() + 1", "TODAY() + 8"),
    "past": ("", "TODAY()"),
}

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
_MEMBERS = re.compile(rf'(NOT\()?IN\({_NAME}((?:, "(?:[^"]|"")*")+)\)\)?')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_BOUND = re.compile(rf"{_NAME} (>=|<) (.+)")
_BY_DAYS = {bounds: word for word, bounds in DAYS.items()}
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
    if "\x00" in value:
        return False
    try:
        if kind == "number":
            return Decimal(value).is_finite()
        if operator == "during":
            return value in DAYS
        if operator in SEVERAL:
            return bool(value.strip())
        if kind in {"date", "instant"}:
            date.fromisoformat(value)
    except (InvalidOperation, ValueError):
        return False
    return bool(value)


def formula(found: Iterable[Chip], kinds: Mapping[str, str]) -> str:
    """The `where` of some chips; "" for none. `kinds` maps a field to its kind (text when absent)."""
    parts = [part for chip in found for part in _parts(chip, kinds.get(chip.field, "text"))]
    return parts[0] if len(parts) == 1 else f"AND({', '.join(parts)})" if parts else ""


def chips(where: str) -> list[Chip]:
    """The chips of a `where`; parts that are no plain condition become chips of their own text."""
    parts = parts_of(where)
    found: list[Chip] = []
    place = 0
    while place < len(parts):
        days = _days(parts[place], parts[place + 1] if place + 1 < len(parts) else "")
        found.append(days or _read(parts[place]))
        place += 2 if days is not None and days.value != "past" else 1
    return found


def _days(first: str, second: str) -> Chip | None:
    """The word for days that a condition says, alone or with the one after it; None when it says none."""
    low, high = _BOUND.fullmatch(first), _BOUND.fullmatch(second)
    if low and low[2] == "<" and ("", low[3]) in _BY_DAYS:
        return Chip(low[1], "during", _BY_DAYS["", low[3]])
    if low and high and low[1] == high[1] and (low[2], high[2]) == (">=", "<"):
        word = _BY_DAYS.get((low[3], high[3]))
        return Chip(low[1], "during", word) if word else None
    return None


def _parts(chip: Chip, kind: str) -> list[str]:
    """The conditions of a chip: one, but for words for days."""
    if chip.operator != "during":
        return [_one(chip, kind)]
    low, high = DAYS[chip.value]
    return [*([f"{chip.field} >= {low}"] if low else []), f"{chip.field} < {high}"]


def _one(chip: Chip, kind: str) -> str:
    name, operator, value = chip
    if operator == "formula":
        return value
    if operator == "contains":
        return f"IFERROR(SEARCH({_quoted(value)}, {name}), 0) > 0"
    if operator in SEVERAL:
        members = f"IN({', '.join([name, *(_quoted(one) for one in value.split(chr(10)) if one.strip())])})"
        return members if operator == "in" else f"NOT({members})"
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
    if (found := _MEMBERS.fullmatch(text)) and bool(found[1]) == text.endswith("))"):
        values = [one.replace('""', '"') for one in _QUOTED.findall(found[3])]
        if all(one.strip() and "\n" not in one for one in values):
            return Chip(found[2], "not_in" if found[1] else "in", "\n".join(values))
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
