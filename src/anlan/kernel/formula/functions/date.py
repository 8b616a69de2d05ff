"""Dates and instants.  A function of a blank date is blank; months are clipped to their last day."""

import calendar
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from anlan.kernel.formula.errors import NUM, VALUE, FormulaError
from anlan.kernel.formula.functions.criteria import day_in
from anlan.kernel.formula.functions.table import Function, through_blank
from anlan.kernel.formula.runtime import Number, days_between, local
from anlan.kernel.formula.tree import Call, Constant
from anlan.kernel.formula.types import DATE, NUMBER

if TYPE_CHECKING:
    from anlan.kernel.formula.sql import SqlWriter

IN_CALENDAR = "BETWEEN 12 AND 119999"  # months since the year 0 that dates of Python have


def make_date(year: Number, month: Number, day: Number) -> date:
    """Months and days beyond the calendar's run on: DATE(2024, 2, 30) is March 1st."""
    months = int(year) * 12 + int(month) - 1
    try:
        return date(months // 12, months % 12 + 1, 1) + timedelta(days=int(day) - 1)
    except (ValueError, OverflowError):
        raise FormulaError(NUM) from None


def add_months(day: date, months: Number | int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + int(months), 12)
    if not 1 <= year <= 9999:
        raise FormulaError(NUM)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_of_month(day: date, months: Number) -> date:
    there = add_months(day, months)
    return there.replace(day=calendar.monthrange(there.year, there.month)[1])


# The day of the week (Monday 1) from which each kind of WEEKDAY counts, as the known spreadsheets have it.
_FIRST_DAYS = {
    Decimal(kind): first for kind, first in {1: 7, 2: 1, 3: 1, **{n: n - 10 for n in range(11, 18)}}.items()
}


def weekday(day: date, kind: Number) -> Decimal:
    """kind 1: Sunday 1 … Saturday 7; 2: Monday 1 … Sunday 7; 3: Monday 0 …; 11 … 17: Monday 1 … Sunday 1."""
    if kind not in _FIRST_DAYS:
        raise FormulaError(NUM)
    from_first = (day.isoweekday() - _FIRST_DAYS[kind]) % 7
    return Decimal(from_first if kind == 3 else from_first + 1)


def months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def date_difference(start: date, end: date, unit: str) -> Decimal:
    """unit D days, M whole months, Y whole years; MD, YM, YD: what is left over after months or years."""
    if start > end:
        raise FormulaError(NUM)
    months = months_between(start, end)
    unit = unit.upper()
    if unit == "MD":
        return Decimal((end - add_months(start, months)).days)
    if unit == "YD":
        return Decimal((end - add_months(start, months // 12 * 12)).days)
    if unit not in ("D", "M", "Y", "YM"):
        raise FormulaError(VALUE)
    return Decimal({"D": (end - start).days, "M": months, "Y": months // 12, "YM": months % 12}[unit])


def _part(name: str) -> Callable[..., object]:
    return through_blank(lambda day: Decimal(getattr(day, name)))


def add_whole_days(day: date, days: Number) -> date:
    try:
        return day + timedelta(days=int(days))
    except OverflowError:
        raise FormulaError(NUM) from None


def hour(moment: datetime, zone: str) -> Decimal:
    return Decimal(local(moment, zone).hour)


def minute(moment: datetime, zone: str) -> Decimal:
    return Decimal(local(moment, zone).minute)


def date_of_text(text: str) -> date:
    day = day_in(text)
    if day is None:
        raise FormulaError(VALUE)
    return day


# -- SQL --------------------------------------------------------------------------------------------------


def _sql_extract(template: str) -> str:
    return f"extract({template} FROM {{0}})"


def _sql_date(writer: "SqlWriter", call: Call) -> str:
    names = dict(
        zip(("y_", "m_", "n_"), (writer.value(argument) for argument in call.arguments), strict=True)
    )
    first = (
        "(DATE '2000-01-01' + make_interval(months => ((trunc(y_) - 2000) * 12 + trunc(m_) - 1)::int))::date"
    )
    moved = writer.add_days(first, "trunc(n_) - 1")
    body = f"CASE WHEN trunc(y_) * 12 + trunc(m_) - 1 {IN_CALENDAR} THEN {moved} END"
    return writer.let(names, body)


def _sql_months(writer: "SqlWriter", call: Call) -> str:
    day, months = writer.raw(call.arguments[0]), writer.value(call.arguments[1])
    moved = "(d_ + make_interval(months => trunc(n_)::int))::date"
    if call.function.name == "EOMONTH":
        moved = (
            "(date_trunc('month', d_) + make_interval(months => trunc(n_)::int + 1) - interval '1 day')::date"
        )
    there = "extract(year FROM d_) * 12 + extract(month FROM d_) - 1 + trunc(n_)"
    body = f"CASE WHEN {there} {IN_CALENDAR} THEN {moved} END"
    return writer.let({"d_": day, "n_": months}, body)


def _sql_delta(writer: "SqlWriter", call: Call) -> str:
    return writer.add_days(writer.raw(call.arguments[0]), writer.value(call.arguments[1]))


def _sql_weekday(writer: "SqlWriter", call: Call) -> str:
    kind = writer.constant_number(call.arguments[1])
    day = writer.raw(call.arguments[0])
    if kind not in _FIRST_DAYS:
        return "NULL::numeric"
    from_first = f"mod(extract(isodow FROM {day}) + {7 - _FIRST_DAYS[kind]}, 7)"
    return from_first if kind == 3 else f"({from_first} + 1)"


def _sql_difference(writer: "SqlWriter", call: Call) -> str:
    unit = call.arguments[2]
    if not isinstance(unit, Constant):
        raise writer.not_in_sql(call)
    months = (
        "((extract(year FROM b_) - extract(year FROM a_)) * 12"
        " + extract(month FROM b_) - extract(month FROM a_)"
        " - CASE WHEN extract(day FROM b_) < extract(day FROM a_) THEN 1 ELSE 0 END)"
    )
    results = {
        "D": "(b_ - a_)::numeric",
        "M": months,
        "Y": f"floor({months} / 12)",
        "YM": f"mod({months}, 12)",
        "MD": f"(b_ - (a_ + make_interval(months => {months}::int))::date)::numeric",
        "YD": f"(b_ - (a_ + make_interval(years => floor({months} / 12)::int))::date)::numeric",
    }
    result = results.get(str(unit.value).upper(), "NULL::numeric")
    names = {"a_": writer.raw(call.arguments[0]), "b_": writer.raw(call.arguments[1])}
    return writer.let(names, f"CASE WHEN a_ <= b_ THEN {result} END")


def _sql_clock(part: str) -> "Callable[[SqlWriter, Call], str]":
    def write(writer: "SqlWriter", call: Call) -> str:
        zone = writer.literal(writer.names.zone)
        return f"extract({part} FROM {writer.raw(call.arguments[0])} AT TIME ZONE {zone})"

    return write


FUNCTIONS = (
    Function(
        "DATE",
        "year: number, month: number, day: number",
        DATE,
        "由年月日组成日期",
        "The date of year, month and day",
        make_date,
        _sql_date,
        fails=True,
    ),
    Function(
        "DATEVALUE",
        "text: text",
        DATE,
        "文字转日期, 如 2024-03-05",
        "The date that a text spells",
        date_of_text,
        fails=True,
    ),
    Function("YEAR", "date: day", NUMBER, "年", "Year", _part("year"), _sql_extract("year")),
    Function("MONTH", "date: day", NUMBER, "月", "Month", _part("month"), _sql_extract("month")),
    Function("DAY", "date: day", NUMBER, "日", "Day of the month", _part("day"), _sql_extract("day")),
    Function(
        "HOUR",
        "time: moment",
        NUMBER,
        "时",
        "Hour",
        through_blank(hour),
        _sql_clock("hour"),
        context=("zone",),
    ),
    Function(
        "MINUTE",
        "time: moment",
        NUMBER,
        "分",
        "Minute",
        through_blank(minute),
        _sql_clock("minute"),
        context=("zone",),
    ),
    Function(
        "WEEKDAY",
        "date: day, kind: number = 1",
        NUMBER,
        "星期: 1 周日为 1; 2 周一为 1; 3 周一为 0",
        "Day of the week: kind 1 Sunday 1, 2 Monday 1, 3 Monday 0",
        through_blank(weekday),
        _sql_weekday,
        fails=True,
    ),
    Function(
        "ISOWEEKNUM",
        "date: day",
        NUMBER,
        "ISO 周数",
        "ISO week of the year",
        through_blank(lambda day: Decimal(day.isocalendar().week)),
        _sql_extract("week"),
    ),
    Function(
        "QUARTER",
        "date: day",
        NUMBER,
        "季度",
        "Quarter of the year",
        through_blank(lambda day: Decimal((day.month + 2) // 3)),
        _sql_extract("quarter"),
    ),
    Function(
        "DATEDIF",
        "start: day, end: day, unit: text",
        NUMBER,
        "两日期之差: D 天, M 整月, Y 整年, MD、YM、YD 余数",
        "Difference: D days, M months, Y years; MD, YM, YD what is left",
        through_blank(date_difference),
        _sql_difference,
        fails=True,
    ),
    Function(
        "DAYS",
        "end: day, start: day",
        NUMBER,
        "两日期相差天数",
        "Days from start to end",
        days_between,
        "({0} - {1})::numeric",
    ),
    Function(
        "DATEDELTA",
        "date: day, days: number",
        DATE,
        "加减天数",
        "So many days later",
        through_blank(add_whole_days),
        _sql_delta,
        fails=True,
    ),
    Function(
        "EDATE",
        "date: day, months: number",
        DATE,
        "加减月数",
        "So many months later",
        through_blank(add_months),
        _sql_months,
        fails=True,
    ),
    Function(
        "EOMONTH",
        "date: day, months: number",
        DATE,
        "若干月后的月末",
        "Last day of the month so many months later",
        through_blank(end_of_month),
        _sql_months,
        fails=True,
    ),
)
