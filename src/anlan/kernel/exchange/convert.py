"""A cell becomes the JSON value that the record path takes, by the type of its field.

cell(1001.0, text field)      →  "1001"          Excel keeps every number as a fraction
cell("１，２８０．５", money)    →  "1280.5"        full-width digits
cell("2026年3月1日", date)     →  "2026-03-01"
cell("是", boolean)            →  True
cell("张三 ", link)            →  "张三"            which record that is, is found for all rows together
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from anlan.kernel.catalogue.form import Field
from anlan.kernel.exchange.table import BLANKS, Cell
from anlan.kernel.fieldtype import Unreadable
from anlan.kernel.i18n import LANGUAGES

__all__ = ["cell_value"]

_YES = frozenset({"是", "true", "yes", "y", "1", "√", "✓", "对", "启用", "on", "t", "有"})
_NO = frozenset({"否", "false", "no", "n", "0", "×", "✗", "x", "错", "停用", "off", "f", "无"})
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?:\s*日)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTHS = {
    name: at
    for at, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAY_MONTH = re.compile(r"(\d{1,2})[\s\-/.]*([a-z]{3,9})\.?[\s\-/.,]*(\d{4})", re.IGNORECASE)
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4})", re.IGNORECASE)
_CLOCK = re.compile(r"[T\s]*(\d{1,2}):(\d{2})(?::(\d{2}))?\s*")
_HOURS = re.compile(r"(-?)(\d{1,6}):(\d{2})(?::(\d{2}))?")
_GROUPED = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[+-]?\.\d+|[+-]?\d+(\.\d*)?[eE][+-]?\d{1,2}")
# Signs and words of money, before or after the figure; the sign of the figure itself stays.
_MONEY = re.compile(r"[¥￥$€£]|^(?:RMB|CNY)|(?:RMB|CNY|元整|元|圆)$", re.IGNORECASE)
_MINUS = {"−": "-", "–": "-", "﹣": "-"}  # what word processors make of a minus
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})
_PARTS = re.compile(r"[,，、;；|\n]+")
_EXCEL_ZERO = date(1899, 12, 30)  # day 0 of Excel's calendar, which counts a 29 February 1900 that never was
_EXCEL_DAYS = range(366, 109_574)  # 1901 to 2199


def cell_value(cell: Cell, field: Field, zone: tzinfo) -> Any:
    """The value, None for an empty cell; `zone` is that of local times. Raises `Unreadable`."""
    if cell is None:
        return None
    if isinstance(cell, str):
        cell = cell.strip(BLANKS)
        if not cell:
            return None
        if cell in _ERRORS:
            raise Unreadable("import.error_cell", value=cell)
    kind = field.type.key
    return _BY_TYPE.get(kind, _number if field.type.numeric else _text)(cell, field, zone)


def _text(cell: Cell, field: Field, zone: tzinfo) -> str:
    """Text, also from a number or date that Excel made of a code or a phone number."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        return _plain(_decimal(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, (date, time, timedelta)):
        return str(cell)
    text = str(cell)
    # An export that programs guard against formulas has an apostrophe before = + - @.
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@" else text


def _number(cell: Cell, field: Field, zone: tzinfo) -> str:
    if isinstance(cell, (bool, date, time, timedelta)):
        raise Unreadable("import.not_number", value=str(cell))
    if isinstance(cell, (int, float)):
        return _plain(_decimal(cell))
    text = "".join(
        _MINUS.get(one, one) for one in unicodedata.normalize("NFKC", str(cell)) if not one.isspace()
    )
    negative = len(text) > 2 and text[0] == "(" and text[-1] == ")"  # how accountants write it
    if negative:
        text = text[1:-1]
    percent = text.endswith("%")
    text = _MONEY.sub("", text.removesuffix("%"))
    if len(text) > 1 and text[-1] == "-":  # how mainframes write it
        text = f"-{text[:-1]}"
    if not _GROUPED.fullmatch(text):
        raise Unreadable("import.not_number", value=str(cell)[:60])
    number = Decimal(text.replace(",", ""))
    if percent and field.type.key != "percent":
        number = number.scaleb(-2)
    return _plain(-number if negative else number)


def _integer(cell: Cell, field: Field, zone: tzinfo) -> int | str:
    text = _number(cell, field, zone)
    return (
        int(text) if text.lstrip("-").isdigit() else text
    )  # the field says itself that it wants a whole number


def _date(cell: Cell, field: Field, zone: tzinfo) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        number = _decimal(cell)
        if int(number) in _EXCEL_DAYS:
            return (_EXCEL_ZERO + timedelta(days=int(number))).isoformat()
        compact = _COMPACT.fullmatch(_plain(number))
        return _day(compact, cell).isoformat()
    text = _with_month(unicodedata.normalize("NFKC", str(cell)).strip())
    if (
        text.isdigit() and len(text) == 5 and int(text) in _EXCEL_DAYS
    ):  # a date that lost its format on the way
        return (_EXCEL_ZERO + timedelta(days=int(text))).isoformat()
    found = _DATE.match(text) or _COMPACT.match(text)
    if found is None or (text[found.end() :] and not _CLOCK.fullmatch(text[found.end() :])):
        raise Unreadable("import.not_date", value=str(cell)[:40])
    return _day(found, cell).isoformat()


def _with_month(text: str) -> str:
    """A day whose month is an English word, in figures; any other text as it is.

    >>> _with_month("5-Jan-2026"), _with_month("January 5, 2026 08:30"), _with_month("1/5/2026")
    ('2026-1-5', '2026-1-5 08:30', '1/5/2026')
    """
    found = _DAY_MONTH.match(text)
    day, word, year = found.groups() if found else ("", "", "")
    if not found and (found := _MONTH_DAY.match(text)):
        word, day, year = found.groups()
    month = _MONTHS.get(word[:3].casefold())
    return f"{year}-{month}-{day}{text[found.end() :]}" if found and month else text


def _day(found: re.Match[str] | None, cell: Cell) -> date:
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise Unreadable("import.not_date", value=str(cell)[:40])


def _instant(cell: Cell, field: Field, zone: tzinfo) -> str:
    if isinstance(cell, datetime):
        local = cell
    elif isinstance(cell, date):
        local = datetime.combine(cell, time())
    elif isinstance(cell, float) and int(_decimal(cell)) in _EXCEL_DAYS:
        local = datetime.combine(_EXCEL_ZERO, time()) + timedelta(seconds=round(cell * 86400))
    else:
        local = _written_instant(str(cell))
    aware = local if local.tzinfo else local.replace(tzinfo=zone)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _written_instant(text: str) -> datetime:
    plain = _with_month(unicodedata.normalize("NFKC", text).strip())
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        found = _DATE.match(plain)
    clock = _CLOCK.fullmatch(plain[found.end() :]) if found else None
    if found is None or (clock is None and plain[found.end() :]):
        raise Unreadable("import.not_instant", value=text[:40])
    day = _day(found, text)
    try:
        hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
        return datetime.combine(day, time(hour, minute, second))
    except ValueError:
        raise Unreadable("import.not_instant", value=text[:40]) from None


def _boolean(cell: Cell, field: Field, zone: tzinfo) -> bool:
    if isinstance(cell, bool):
        return cell
    text = _text(cell, field, zone)
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if plain in _YES or plain in _NO:
        return plain in _YES
    raise Unreadable("import.not_boolean", value=text[:40])


def _choice(cell: Cell, field: Field, zone: tzinfo) -> str:
    text = _text(cell, field, zone)
    options = field.definition.options or {}
    if text in options or not options:
        return text
    wanted = _folded(text)
    for key, option in options.items():
        if wanted in (_folded(key), *(_folded(option.label.text(language)) for language in LANGUAGES)):
            return key
    raise Unreadable(
        "import.unknown_option",
        value=text[:60],
        options={
            language: ", ".join(one.label.text(language) for one in options.values())
            for language in LANGUAGES
        },
    )


def _multi_choice(cell: Cell, field: Field, zone: tzinfo) -> list[str]:
    return [_choice(part, field, zone) for part in _PARTS.split(_text(cell, field, zone)) if part.strip()]


def _duration(cell: Cell, field: Field, zone: tzinfo) -> int | str:
    """Seconds; a cell may also say hours and minutes (1:30)."""
    if isinstance(cell, timedelta):
        return round(cell.total_seconds())
    if isinstance(cell, time):
        return cell.hour * 3600 + cell.minute * 60 + cell.second
    found = _HOURS.fullmatch(unicodedata.normalize("NFKC", str(cell)).strip())
    if found is None:
        return _integer(cell, field, zone)
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4] or 0)
    return -seconds if found[1] else seconds


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _decimal(number: int | float) -> Decimal:
    """The number that Excel shows: its 15 digits, not the binary fraction's (12.299999999999999 is 12.3)."""
    try:
        found = Decimal(f"{number:.15g}") if isinstance(number, float) else Decimal(number)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Unreadable("import.not_number", value=str(number))
    return found


def _plain(number: Decimal) -> str:
    """Without an exponent and without trailing zeros.

    >>> _plain(Decimal("1E+3")), _plain(Decimal("2.50")), _plain(Decimal("-0"))
    ('1000', '2.5', '0')
    """
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


_BY_TYPE: dict[str, Callable[[Cell, Field, tzinfo], Any]] = {
    "integer": _integer,
    "duration": _duration,
    "date": _date,
    "instant": _instant,
    "boolean": _boolean,
    "choice": _choice,
    "multi_choice": _multi_choice,
}
