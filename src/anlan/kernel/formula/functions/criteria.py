"""Criteria of SUMIF and its kin: ">=5", "<>returned", "A", 12.

A text begins with an operator or means "equal to"; the rest is read as the column's type.  Text is compared
exactly, without wildcards.  A blank cell meets only "" and "=", and every "<>" except "<>" itself.
"""

import operator
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<>": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_DATE_MARKS = str.maketrans("年月/", "---")
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})", re.ASCII)


class Criterion(NamedTuple):
    """operand None: with = whether blank, with <> whether not.  never: the column cannot hold the operand."""

    op: str
    operand: object
    never: bool = False


def parse_criterion(criterion: object, kind: str) -> Criterion:
    """A criterion for a column of type `kind` ("number", "text", "date" …)."""
    if not isinstance(criterion, str):
        return Criterion("=", criterion)
    op = next((spelling for spelling in OPERATORS if criterion.startswith(spelling)), "")
    written = criterion[len(op) :]
    op = op or "="
    if written == "":
        return Criterion(op, None, never=op not in ("=", "<>"))
    operand = read_as(written, kind)
    return Criterion(op, operand, never=operand is None)


def read_as(written: str, kind: str) -> object:
    """The text as a value of the type, or None."""
    if kind == "number":
        return Decimal(written.strip()) if _NUMBER.fullmatch(written.strip()) else None
    if kind == "date":
        return day_in(written)
    if kind == "boolean":
        return {"TRUE": True, "FALSE": False}.get(written.strip().upper())
    return written


def day_in(text: str) -> date | None:
    """The date that a text spells (2024-03-05, 2024/3/5, 2024年3月5日), or None."""
    parts = text.strip().rstrip("日").translate(_DATE_MARKS).split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        return None


def test_of(criterion: object, kind: str) -> Callable[[object], bool]:
    """Whether a cell meets the criterion."""
    op, operand, never = parse_criterion(criterion, kind)
    if operand is None and not never:
        wanted = op == "="
        return lambda cell: (cell is None or cell == "") == wanted
    if never:
        return lambda _cell: op == "<>"
    compare = OPERATORS[op]
    return lambda cell: compare(cell, operand) if cell is not None and cell != "" else op == "<>"
