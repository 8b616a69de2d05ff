"""What business in China needs: amounts in words, working days with make-up days, identity numbers."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from anlan.kernel.formula.errors import NUM, VALUE, FormulaError
from anlan.kernel.formula.functions.table import Function, through_blank
from anlan.kernel.formula.runtime import CONTEXT, Number
from anlan.kernel.formula.types import BOOLEAN, DATE, NUMBER, TEXT

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_LARGEST = Decimal(10) ** 20


def amount_in_words(amount: Number | None) -> str:
    """Capital renminbi along 支付结算办法 annex 1: 整 after 元 and 角, none after 分."""
    if amount is None:
        return ""
    cents = int(Decimal(amount).scaleb(2, CONTEXT).quantize(Decimal(1), ROUND_HALF_UP, CONTEXT))
    if abs(cents) >= _LARGEST:
        raise FormulaError(NUM)
    yuan, rest = divmod(abs(cents), 100)
    jiao, fen = divmod(rest, 10)
    words = "负" if cents < 0 else ""
    if yuan or not rest:
        words += (_whole(yuan) or "零") + "元"
    if yuan and fen and not jiao:
        words += "零"
    if jiao:
        words += _DIGITS[jiao] + "角"
    return words + (_DIGITS[fen] + "分" if fen else "整")


def _whole(number: int) -> str:
    """A number below 10^24 in words, "" for 0: sections of 亿, each of 万, each of four digits."""
    for name, size in (("亿", 10**8), ("万", 10**4)):
        high, low = divmod(number, size)
        if high:
            between = "零" if low and low < size // 10 else ""
            return _whole(high) + name + between + _whole(low)
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + _UNITS[place]
            gap = False
        else:
            gap = True
    return words


# -- working days -----------------------------------------------------------------------------------------


def is_day_off(day: date, holidays: Sequence[date | None], worked: Sequence[date | None]) -> bool:
    """Weekends and holidays; a day that is listed as worked is none, whatever else it is."""
    return day not in worked and (day.isoweekday() > 5 or day in holidays)


def working_days(
    start: date, end: date, holidays: Sequence[date | None], worked: Sequence[date | None]
) -> Decimal:
    """Working days from start to end, both included; negative when end is before start."""
    if end < start:
        return -working_days(end, start, holidays, worked)
    weeks, over = divmod((end - start).days + 1, 7)
    count = weeks * 5 + sum((start + timedelta(days=n)).isoweekday() <= 5 for n in range(over))
    added = {day for day in worked if day is not None}
    taken = {day for day in holidays if day is not None} - added
    count += sum(start <= day <= end and day.isoweekday() > 5 for day in added)
    count -= sum(start <= day <= end and day.isoweekday() <= 5 for day in taken)
    return Decimal(count)


def working_day(
    start: date, days: Number, holidays: Sequence[date | None], worked: Sequence[date | None]
) -> date:
    """The nth working day after start (before it, when days is negative)."""
    left = int(days)
    if abs(left) > 20_000:  # some eighty years: each day is a step
        raise FormulaError(NUM)
    step = timedelta(days=1 if left > 0 else -1)
    off, on = frozenset(holidays), frozenset(worked)
    day = start
    try:
        while left:
            day += step
            if day in on or (day.isoweekday() <= 5 and day not in off):
                left -= step.days
    except OverflowError:
        raise FormulaError(NUM) from None
    return day


# -- identity numbers ---------------------------------------------------------------------------------------

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECKS = "10X98765432"
_CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def id_card_birthday_or_none(number: str) -> date | None:
    """The birthday in a valid identity number of 18 characters, None where it is not valid."""
    number = number.strip().upper()
    digits = number[:17]
    if len(number) != 18 or not (digits.isascii() and digits.isdigit()):
        return None
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ID_WEIGHTS, strict=True))
    if _ID_CHECKS[total % 11] != number[17]:
        return None
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def id_card_ok(number: str) -> bool:
    return id_card_birthday_or_none(number) is not None


def id_card_birthday(number: str) -> date:
    birthday = id_card_birthday_or_none(number)
    if birthday is None:
        raise FormulaError(VALUE)
    return birthday


def id_card_sex(number: str) -> str:
    id_card_birthday(number)
    return "男" if int(number.strip()[16]) % 2 else "女"


def id_card_age(number: str, today: date) -> Decimal:
    """Full years on the day asked; who is not yet born has #NUM!."""
    born = id_card_birthday(number)
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < 0:
        raise FormulaError(NUM)
    return Decimal(age)


def credit_code_ok(code: str) -> bool:
    """Whether a unified social credit code has the right form and check character."""
    code = code.strip().upper()
    if len(code) != 18 or any(letter not in _CREDIT_LETTERS for letter in code):
        return False
    total = sum(
        _CREDIT_LETTERS.index(letter) * weight
        for letter, weight in zip(code[:17], _CREDIT_WEIGHTS, strict=True)
    )
    return _CREDIT_LETTERS[-total % 31] == code[17]


FUNCTIONS = (
    Function(
        "RMBCAP",
        "amount: numeric",
        TEXT,
        "人民币大写金额",
        "Amount of renminbi in capital words",
        amount_in_words,
        fails=True,
    ),
    Function(
        "NETWORKDAYS",
        "start: day, end: day, holidays: days = blank, worked: days = blank",
        NUMBER,
        "工作日天数, 可给节假日和调休上班日",
        "Working days from start to end; with holidays and make-up days",
        through_blank(working_days),
    ),
    Function(
        "WORKDAY",
        "start: day, days: number, holidays: days = blank, worked: days = blank",
        DATE,
        "若干个工作日后的日期",
        "The date so many working days later",
        through_blank(working_day),
        fails=True,
    ),
    Function(
        "ISOFFDAY",
        "date: day, holidays: days = blank, worked: days = blank",
        BOOLEAN,
        "是否休息日",
        "Whether it is a day off",
        through_blank(is_day_off),
    ),
    Function(
        "IDCARDOK",
        "number: text",
        BOOLEAN,
        "身份证号是否有效 (GB 11643)",
        "Whether an identity number is valid (GB 11643)",
        id_card_ok,
    ),
    Function(
        "IDCARDBIRTHDAY",
        "number: text",
        DATE,
        "身份证号中的生日",
        "Birthday in an identity number",
        id_card_birthday,
        fails=True,
    ),
    Function(
        "IDCARDSEX",
        "number: text",
        TEXT,
        "身份证号中的性别: 男、女",
        "Sex in an identity number: 男 or 女",
        id_card_sex,
        fails=True,
    ),
    Function(
        "IDCARDAGE",
        "number: text",
        NUMBER,
        "身份证号的周岁",
        "Age in full years by an identity number",
        id_card_age,
        fails=True,
        context=("today",),
    ),
    Function(
        "USCCOK",
        "code: text",
        BOOLEAN,
        "统一社会信用代码是否有效 (GB 32100)",
        "Whether a unified social credit code is valid (GB 32100)",
        credit_code_ok,
    ),
)
