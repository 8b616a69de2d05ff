"""Formats of TEXT: "#,##0.00", "0.0%", "000", "yyyy-MM-dd HH:mm".

Numbers: 0 a digit that always shows, # one that shows when needed, a comma among them groups thousands, a %
multiplies by 100; other characters before and behind stand as they are.  A second and a third format behind
semicolons are for negative numbers and for zero.

Dates: yyyy yy M MM d dd h hh m mm s ss in small letters or capitals (m behind an hour or before a second is
the minute, else the month), AM/PM, aaaa 星期四, aaa 四.  Text in double quotes stands as it is.
"""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

from anlan.kernel.formula.errors import VALUE, FormulaError
from anlan.kernel.formula.runtime import CONTEXT, bounded, local, text_of
from anlan.kernel.formula.tree import Call, Constant
from anlan.kernel.formula.types import DATE, DATETIME, NUMBER, TEXT

if TYPE_CHECKING:
    from anlan.kernel.formula.sql import SqlWriter

MAX_DIGITS = 30


class NumberFormat(NamedTuple):
    """digits: least before the point; least and most decimals; what stands around."""

    before: str
    digits: int
    grouped: bool
    least: int
    most: int
    percent: bool
    behind: str


_NUMBER = re.compile(r'((?:"[^"]*"|[^#0,.%"])*)([#0,]*)(?:\.([#0]*))?(%?)((?:"[^"]*"|[^#0,.%"])*)')
_DATE = re.compile(r'"[^"]*"|AM/PM|[yY]+|[mM]+|[dD]+|[hH]+|[sS]+|a{3,4}|.', re.DOTALL)
_SECTION = re.compile(r'(?:^|(?<=;))((?:"[^"]*"|[^";])*)')
_WEEKDAYS = "一二三四五六日"
_FIELDS = {
    "yyyy": ("{0.year:04}", "YYYY"), "yy": ("{1:02}", "YY"),
    "MM": ("{0.month:02}", "MM"), "M": ("{0.month}", "FMMM"),
    "dd": ("{0.day:02}", "DD"), "d": ("{0.day}", "FMDD"),
    "hh": ("{0.hour:02}", "HH24"), "h": ("{0.hour}", "FMHH24"),
    "hh12": ("{2:02}", "HH12"), "h12": ("{2}", "FMHH12"), "AM/PM": ("{3}", "AM"),
    "mm": ("{0.minute:02}", "MI"), "m": ("{0.minute}", "FMMI"),
    "ss": ("{0.second:02}", "SS"), "s": ("{0.second}", "FMSS"),
    "aaaa": ("星期{4}", ""), "aaa": ("{4}", ""),
}  # fmt: skip


def format_value(value: object, pattern: str, zone: str) -> str:
    """`value` by the pattern; blank gives "", text itself.  A pattern that says nothing is #VALUE!."""
    if value is None or isinstance(value, str | bool):
        return text_of(value)
    if isinstance(value, datetime):
        return _formatted_date(local(value, zone), pattern)
    if isinstance(value, date):
        return _formatted_date(datetime(value.year, value.month, value.day), pattern)  # noqa: DTZ001  a plain day
    assert isinstance(value, int | Decimal)
    sections = _SECTION.findall(pattern)
    number = Decimal(value)
    if number < 0 and len(sections) > 1:
        return _formatted_number(-number, number_format(sections[1]))
    return _formatted_number(number, number_format(sections[2 if not number and len(sections) > 2 else 0]))


def number_format(pattern: str) -> NumberFormat:
    match = _NUMBER.fullmatch(pattern)
    if match is None or not (match[2] or match[3]):
        raise FormulaError(VALUE)
    whole, decimals = match[2], match[3] or ""
    result = NumberFormat(
        match[1].replace('"', ""), whole.count("0"), "," in whole, decimals.count("0"), len(decimals),
        bool(match[4]), match[5].replace('"', ""),
    )  # fmt: skip
    if result.digits > MAX_DIGITS or result.most > MAX_DIGITS:
        raise FormulaError(VALUE)
    return result


def _formatted_number(value: Decimal, how: NumberFormat) -> str:
    if how.percent:
        value = value * 100
    rounded = value.quantize(Decimal(1).scaleb(-how.most), ROUND_HALF_UP, CONTEXT)
    whole, _, decimals = format(abs(rounded), "f").partition(".")
    whole = whole.lstrip("0").rjust(how.digits, "0")
    if how.grouped:
        whole = _grouped(whole)
    kept = decimals.rstrip("0").ljust(how.least, "0")
    sign = "-" if rounded < 0 else ""
    point = "." if kept else ""
    return bounded(f"{sign}{how.before}{whole}{point}{kept}{'%' if how.percent else ''}{how.behind}")


def _grouped(digits: str) -> str:
    first = len(digits) % 3
    groups = [digits[:first]] if first else []
    return ",".join(groups + [digits[at : at + 3] for at in range(first, len(digits), 3)])


def date_parts(pattern: str) -> list[tuple[str, bool]]:
    """The pattern's pieces: (field of _FIELDS, True) or (text, False).  Unknown fields are #VALUE!.

    m behind an hour or before a second is the minute, else the month.
    """
    pieces = _DATE.findall(pattern)
    halves = "AM/PM" in pieces
    fields = [
        piece for piece in pieces if piece[0] in "yYmMdDhHsSaA" and piece not in ("a", "aa", "A", "AM/PM")
    ]
    parts: list[tuple[str, bool]] = []
    seen = 0
    for piece in pieces:
        if piece == "AM/PM":
            parts.append((piece, True))
        elif piece[0] not in "yYmMdDhHsSaA" or piece in ("a", "aa", "A"):
            parts.append((piece.strip('"') if piece.startswith('"') else piece, False))
        else:
            before = fields[seen - 1][0].lower() if seen else ""
            behind = fields[seen + 1][0].lower() if seen + 1 < len(fields) else ""
            seen += 1
            field = piece.lower()
            if field[0] == "m" and before != "h" and behind != "s":
                field = field.upper()
            field += "12" if halves and field[0] == "h" else ""
            if field not in _FIELDS:
                raise FormulaError(VALUE)
            parts.append((field, True))
    return parts


def _formatted_date(value: datetime, pattern: str) -> str:
    hour, half = (value.hour + 11) % 12 + 1, "AM" if value.hour < 12 else "PM"
    names = value, value.year % 100, hour, half, _WEEKDAYS[value.weekday()]
    return bounded(
        "".join(
            _FIELDS[part][0].format(*names) if is_field else part for part, is_field in date_parts(pattern)
        )
    )


def sql_format(writer: "SqlWriter", call: Call) -> str:
    """Constant patterns only; a number's decimals must all be of one kind (all 0 or all #)."""
    value, pattern = call.arguments
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        raise writer.not_in_sql(call)
    raw = writer.raw(value)
    try:
        if value.type in (DATE, DATETIME):
            moment = (
                raw if value.type == DATE else f"({raw} AT TIME ZONE {writer.literal(writer.names.zone)})"
            )
            return writer.unless_error(_sql_date(writer, moment, pattern.value), [value])
        if value.type == NUMBER and len(_SECTION.findall(pattern.value)) == 1:
            return writer.unless_error(_sql_number(writer, raw, number_format(pattern.value)), [value])
    except FormulaError:
        return "NULL::text"
    if value.type == TEXT:
        return writer.value(value)
    raise writer.not_in_sql(call)


def _sql_date(writer: "SqlWriter", moment: str, pattern: str) -> str:
    texts = [_sql_field(part) if is_field else writer.literal(part) for part, is_field in date_parts(pattern)]
    return f"COALESCE({writer.let({'v_': moment}, ' || '.join(texts) or writer.literal(''))}, '')"


def _sql_field(field: str) -> str:
    if field.startswith("a"):
        weekday = f"substr('{_WEEKDAYS}', extract(isodow FROM v_)::int, 1)"
        return f"'星期' || {weekday}" if field == "aaaa" else weekday
    return f"to_char(v_, '{_FIELDS[field][1]}')"


def _sql_number(writer: "SqlWriter", value: str, how: NumberFormat) -> str:
    whole = "9" * (59 - how.digits) + "0" * how.digits
    if how.grouped:
        head = len(whole) % 3
        groups = ([whole[:head]] if head else []) + [whole[at : at + 3] for at in range(head, len(whole), 3)]
        whole = ",".join(groups)
    shown = f"FM{whole}" + ("." + "0" * how.least + "9" * (how.most - how.least) if how.most else "")
    scaled = f"{value} * 100" if how.percent else value
    body = (
        f"CASE WHEN v_ < 0 THEN '-' ELSE '' END || {writer.literal(how.before)}"
        f" || rtrim(to_char(abs(v_), '{shown}'), '.')"
        f" || {writer.literal(('%' if how.percent else '') + how.behind)}"
    )
    return f"COALESCE({writer.let({'v_': f'round({scaled}, {how.most})'}, body)}, '')"
