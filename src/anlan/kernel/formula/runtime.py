"""What compiled formulas call at run time besides the functions of the table.

Numbers are Decimal.  All arithmetic that rounds goes through CONTEXT; inlined
+ - * use the thread's context, which `use_exact_decimals` must have set.
"""

import decimal
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from anlan.kernel.formula.errors import DIV0, FAILURES, NUM, FormulaError

DIGITS = 100
CONTEXT = decimal.Context(
    prec=DIGITS,
    rounding=ROUND_HALF_UP,
    Emax=200,
    Emin=-200,
    traps=[
        decimal.DivisionByZero,
        decimal.InvalidOperation,
        decimal.Overflow,
    ],
)
ZERO, ONE = Decimal(0), Decimal(1)
PLACES = Decimal("1e-16")  # every quotient and root is rounded to 16 places, in SQL as well
MAX_TEXT = 32767  # characters that one text may have, as in the known spreadsheets

Number = Decimal  # as an argument, an int acts alike in all arithmetic


def use_exact_decimals() -> None:
    """Makes + - * of this thread exact up to 100 digits.  Call it before code from `python_source` runs."""
    if decimal.getcontext().prec != DIGITS:
        decimal.setcontext(CONTEXT.copy())


constant = lru_cache(maxsize=4096)(Decimal)
constant_day = lru_cache(maxsize=1024)(date.fromisoformat)
constant_moment = lru_cache(maxsize=1024)(datetime.fromisoformat)


def fail(code: str) -> NoReturn:
    raise FormulaError(code)


def divide(a: Number, b: Number) -> Decimal:
    """The quotient, rounded half away from zero to 16 places."""
    if not b:
        raise FormulaError(DIV0)
    return CONTEXT.quantize(CONTEXT.divide(a, b), PLACES)


def power(base: Number, exponent: Number) -> Decimal:
    """Whole exponents exactly, others (and all negative ones) to 16 places; 0^0 is #NUM!."""
    if not base:
        if exponent > 0:
            return ZERO
        raise FormulaError(NUM if not exponent else DIV0)
    if abs(exponent) > 10000:
        raise FormulaError(NUM)
    whole = exponent == int(exponent)
    if base < 0 and not whole:
        raise FormulaError(NUM)
    if whole and exponent >= 0:
        return CONTEXT.power(base, int(exponent))
    if whole:
        return divide(Decimal(1), CONTEXT.power(base, -int(exponent)))
    return CONTEXT.quantize(CONTEXT.power(base, exponent), PLACES)


def add_days(day: date | None, days: Number) -> date | None:
    """Whole days; a fraction of a day is cut off."""
    if day is None:
        return None
    try:
        return day + timedelta(days=int(days))
    except OverflowError:
        raise FormulaError(NUM) from None


def add_seconds(moment: datetime | None, seconds: Number) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment + timedelta(microseconds=int(CONTEXT.multiply(seconds, 1000000)))
    except OverflowError:
        raise FormulaError(NUM) from None


def days_between(later: date | None, earlier: date | None) -> Decimal | None:
    return None if later is None or earlier is None else Decimal((later - earlier).days)


def seconds_between(later: datetime | None, earlier: datetime | None) -> Decimal | None:
    if later is None or earlier is None:
        return None
    return Decimal((later - earlier) // timedelta(microseconds=1)).scaleb(-6)


def before(a: Any, b: Any) -> bool:
    """a < b of dates or datetimes; a blank one has no place in the order."""
    return a is not None and b is not None and bool(a < b)


def not_after(a: Any, b: Any) -> bool:
    """a <= b, as `before`."""
    return a is not None and b is not None and bool(a <= b)


def same(a: Any, b: Any) -> bool:
    """a = b of dates, datetimes or links; a blank one is like nothing, not even like another blank."""
    return a is not None and bool(a == b)


def is_blank(value: object) -> bool:
    return value is None or value == ""


def filled(values: Any) -> list[Any]:
    """A column without its blanks."""
    return [value for value in values if value is not None]


def all_of(values: tuple[bool, ...]) -> bool:
    """AND of operands that may fail: all are computed, so that an error shows wherever it stands."""
    return all(values)


def any_of(values: tuple[bool, ...]) -> bool:
    """OR, as `all_of`."""
    return any(values)


def if_error(attempt: Callable[[], Any], instead: Callable[[], Any]) -> Any:
    try:
        return attempt()
    except FAILURES:
        return instead()


def is_error(attempt: Callable[[], Any]) -> bool:
    try:
        attempt()
    except FAILURES:
        return True
    return False


def plain(number: Number) -> str:
    """A number's digits without trailing zeros or exponent: "59.97", "3", "0"."""
    if not number:
        return "0"
    if isinstance(number, int):
        return str(number)
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def text_of(value: Any, zone: str = "UTC") -> str:
    """A scalar as `&` shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return local(value, zone).replace(tzinfo=None).isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    return plain(value)


def bounded(text: str) -> str:
    """`text`, unless it has outgrown MAX_TEXT."""
    if len(text) > MAX_TEXT:
        raise FormulaError("#VALUE!")
    return text


def local(moment: datetime, zone: str) -> datetime:
    try:
        return moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        raise FormulaError(NUM) from None


def local_date(moment: datetime | None, zone: str) -> date | None:
    return None if moment is None else local(moment, zone).date()


def midnight(day: date | None, zone: str) -> datetime | None:
    return None if day is None else datetime.combine(day, clock_time(), ZoneInfo(zone))


HELPERS: dict[str, Any] = {
    helper.__name__: helper
    for helper in (
        fail,
        divide,
        power,
        add_days,
        add_seconds,
        days_between,
        seconds_between,
        before,
        not_after,
        is_blank,
        filled,
        same,
        all_of,
        any_of,
        if_error,
        is_error,
        text_of,
        local_date,
        midnight,
    )
} | {
    "ZERO": ZERO,
    "ONE": ONE,
    "constant": constant,
    "constant_day": constant_day,
    "constant_moment": constant_moment,
}
