"""Texts: counted and cut by characters (code points), from 1."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from anlan.kernel.formula.errors import VALUE, FormulaError
from anlan.kernel.formula.functions.format import format_value, sql_format
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.runtime import MAX_TEXT, Number, bounded
from anlan.kernel.formula.tree import Call, Node, Operation
from anlan.kernel.formula.types import BOOLEAN, NUMBER, TEXT

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.sql import SqlWriter


def count_of(number: Number, least: int = 0) -> int:
    """A whole number of characters, or a place; below `least` it is #VALUE!."""
    whole = int(number)
    if whole < least:
        raise FormulaError(VALUE)
    return min(whole, MAX_TEXT + 1)


def left(text: str, count: Number) -> str:
    return text[: count_of(count)]


def right(text: str, count: Number) -> str:
    whole = count_of(count)
    return text[-whole:] if whole else ""


def middle(text: str, start: Number, count: Number) -> str:
    first = count_of(start, 1) - 1
    return text[first : first + count_of(count)]


def length(text: str) -> Decimal:
    return Decimal(len(text))


def length_in_bytes(text: str) -> Decimal:
    """Bytes in GB18030: 2 for a Chinese character, 1 for ASCII."""
    return Decimal(len(text.encode("gb18030", "replace")))


def upper(text: str) -> str:
    """Capitals, character by character: PostgreSQL's simple case mapping never changes the length either."""
    return "".join(c if len(big := c.upper()) != 1 else big for c in text)


def lower(text: str) -> str:
    return "".join(c if len(small := c.lower()) != 1 else small for c in text)


def trim(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


def substitute(text: str, old: str, new: str, which: Number) -> str:
    """All occurrences of `old`, or (which > 0) that one only."""
    number = count_of(which)
    if not old:
        return text
    if not number:
        return bounded(text.replace(old, new))
    place = -len(old)
    for _ in range(number):
        place = text.find(old, place + len(old))
        if place < 0:
            return text
    return bounded(text[:place] + new + text[place + len(old) :])


def replace(text: str, start: Number, count: Number, new: str) -> str:
    first = count_of(start, 1) - 1
    return bounded(text[:first] + new + text[first + count_of(count) :])


def find(needle: str, text: str, start: Number) -> Decimal:
    place = text.find(needle, count_of(start, 1) - 1)
    if place < 0:
        raise FormulaError(VALUE)
    return Decimal(place + 1)


def search(needle: str, text: str, start: Number) -> Decimal:
    return find(lower(needle), lower(text), start)


def repeat(text: str, times: Number) -> str:
    count = count_of(times)
    if len(text) * count > MAX_TEXT:
        raise FormulaError(VALUE)
    return text * count


def exact(left_text: str, right_text: str) -> bool:
    return left_text == right_text


def split_part(text: str, separator: str, part: Number) -> str:
    place = count_of(part, 1)
    parts = text.split(separator) if separator else [text]
    return parts[place - 1] if place <= len(parts) else ""


NUMBER_PATTERN = r"[+-]?[¥￥$]?([0-9]{1,3}(,[0-9]{3}){1,12}|[0-9]{1,40})?([.][0-9]{0,40})?%?"
_NUMBER = re.compile(NUMBER_PATTERN)
_NO_SIGNS = str.maketrans("", "", ",%¥￥$")


def value_of(text: str) -> Decimal:
    """The number that a text spells: "1,234.50", "-3", "12%", "¥9.9"."""
    written = text.strip(" ")
    if not _NUMBER.fullmatch(written) or not any(character.isdigit() for character in written):
        raise FormulaError(VALUE)
    number = Decimal(written.translate(_NO_SIGNS))
    return number * Decimal("0.01") if written.endswith("%") else number


_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def half_width(text: str) -> str:
    return text.translate(_HALF)


def pinyin(text: str, initials: bool) -> str:
    """The sound of Chinese text without tones ("luosi"), or its first letters ("ls"); other text stays."""
    import pypinyin

    style = pypinyin.Style.FIRST_LETTER if initials else pypinyin.Style.NORMAL
    return bounded("".join(pypinyin.lazy_pinyin(text, style=style)))


def _check_concat(checker: "Checker", parsed: "Application") -> Node:
    checker.matched(checker.functions[parsed.name], parsed)
    texts = [checker.text(checker.single(argument)) for argument in parsed.arguments]
    joined = texts[0]
    for text in texts[1:]:
        joined = Operation("&", (joined, text), TEXT, parsed.position)
    return joined


def _sql_count(writer: "SqlWriter", node: Node, least: int) -> str:
    """A number of characters as int, NULL below `least`."""
    number = writer.value(node)
    whole = writer.constant_or_none(node)
    if whole is not None:
        return str(min(int(whole), MAX_TEXT + 1)) if int(whole) >= least else "NULL::int"
    return writer.let(
        {"n_": f"trunc({number})"}, f"CASE WHEN n_ >= {least} THEN LEAST(n_, {MAX_TEXT + 1})::int END"
    )


def _sql_left(writer: "SqlWriter", call: Call) -> str:
    return f"left({writer.value(call.arguments[0])}, {_sql_count(writer, call.arguments[1], 0)})"


def _sql_right(writer: "SqlWriter", call: Call) -> str:
    return f"right({writer.value(call.arguments[0])}, {_sql_count(writer, call.arguments[1], 0)})"


def _sql_middle(writer: "SqlWriter", call: Call) -> str:
    start, count = _sql_count(writer, call.arguments[1], 1), _sql_count(writer, call.arguments[2], 0)
    return f"substr({writer.value(call.arguments[0])}, {start}, {count})"


def _sql_replace(writer: "SqlWriter", call: Call) -> str:
    text, start, count, new = call.arguments
    names = {
        "x_": writer.value(text),
        "s_": _sql_count(writer, start, 1),
        "n_": _sql_count(writer, count, 0),
        "w_": writer.value(new),
    }
    return writer.let(names, "left(x_, s_ - 1) || w_ || substr(x_, s_ + n_)")


def _sql_substitute(writer: "SqlWriter", call: Call) -> str:
    if writer.constant_number(call.arguments[3]) != 0:
        raise writer.not_in_sql(call)
    return "replace({}, {}, {})".format(*(writer.value(argument) for argument in call.arguments[:3]))


def _sql_find(writer: "SqlWriter", call: Call) -> str:
    needle, text = (writer.value(argument) for argument in call.arguments[:2])
    if call.function.name == "SEARCH":
        needle, text = (f"lower({part} COLLATE pg_c_utf8)" for part in (needle, text))
    start = _sql_count(writer, call.arguments[2], 1)
    names = {"w_": needle, "x_": text, "s_": start}
    found = "NULLIF(strpos(substr(x_, s_), w_), 0) + s_ - 1"
    return writer.let(names, f"CASE WHEN s_ <= char_length(x_) + 1 THEN ({found})::numeric END")


def _sql_repeat(writer: "SqlWriter", call: Call) -> str:
    names = {"x_": writer.value(call.arguments[0]), "n_": _sql_count(writer, call.arguments[1], 0)}
    return writer.let(names, f"CASE WHEN char_length(x_)::bigint * n_ <= {MAX_TEXT} THEN repeat(x_, n_) END")


def _sql_split(writer: "SqlWriter", call: Call) -> str:
    text, separator = (writer.value(argument) for argument in call.arguments[:2])
    return f"split_part({text}, {separator}, {_sql_count(writer, call.arguments[2], 1)})"


def _sql_value(writer: "SqlWriter", call: Call) -> str:
    number = "translate(x_, ',%¥￥$', '')::numeric * CASE WHEN right(x_, 1) = '%' THEN 0.01 ELSE 1 END"
    test = f"x_ ~ '^({NUMBER_PATTERN})$' AND x_ ~ '[0-9]'"
    return writer.let(
        {"x_": f"btrim({writer.value(call.arguments[0])}, ' ')"}, f"CASE WHEN {test} THEN {number} END"
    )


def _sql_half_width(writer: "SqlWriter", call: Call) -> str:
    wide, half = "".join(map(chr, _HALF)), "".join(map(chr, _HALF.values()))
    return f"translate({writer.value(call.arguments[0])}, {writer.literal(wide)}, {writer.literal(half)})"


FUNCTIONS = (
    Function(
        "CONCAT",
        "text: any, *more: any = blank",
        TEXT,
        "连接, 与 & 相同",
        "Joins texts, as &",
        check=_check_concat,
    ),
    Function(
        "LEFT",
        "text: text, count: number = 1",
        TEXT,
        "左边的字符",
        "Characters from the left",
        left,
        _sql_left,
        fails=True,
    ),
    Function(
        "RIGHT",
        "text: text, count: number = 1",
        TEXT,
        "右边的字符",
        "Characters from the right",
        right,
        _sql_right,
        fails=True,
    ),
    Function(
        "MID",
        "text: text, start: number, count: number",
        TEXT,
        "中间的字符, 从 1 数起",
        "Characters from a place, counted from 1",
        middle,
        _sql_middle,
        fails=True,
    ),
    Function(
        "LEN", "text: text", NUMBER, "字符数", "Number of characters", length, "char_length({0})::numeric"
    ),
    Function(
        "LENB",
        "text: text",
        NUMBER,
        "字节数 (GB18030, 汉字为 2)",
        "Number of bytes in GB18030",
        length_in_bytes,
        "octet_length(convert_to({0}, 'GB18030'))::numeric",
    ),
    Function(
        "UPPER", "text: text", TEXT, "转大写字母", "Capital letters", upper, "upper({0} COLLATE pg_c_utf8)"
    ),
    Function(
        "LOWER", "text: text", TEXT, "转小写字母", "Small letters", lower, "lower({0} COLLATE pg_c_utf8)"
    ),
    Function(
        "TRIM",
        "text: text",
        TEXT,
        "去掉首尾空格, 中间只留一个",
        "No spaces at the ends, single ones inside",
        trim,
        "btrim(regexp_replace({0}, ' +', ' ', 'g'), ' ')",
    ),
    Function(
        "SUBSTITUTE",
        "text: text, old: text, new: text, which: number = 0",
        TEXT,
        "替换文字, 可指定第几个",
        "Other words for words; all, or the one that is counted",
        substitute,
        _sql_substitute,
        fails=True,
    ),
    Function(
        "REPLACE",
        "text: text, start: number, count: number, new: text",
        TEXT,
        "按位置替换",
        "Other characters at a place",
        replace,
        _sql_replace,
        fails=True,
    ),
    Function(
        "FIND",
        "needle: text, text: text, start: number = 1",
        NUMBER,
        "查找位置, 区分大小写",
        "Where it stands, case matters",
        find,
        _sql_find,
        fails=True,
    ),
    Function(
        "SEARCH",
        "needle: text, text: text, start: number = 1",
        NUMBER,
        "查找位置, 不分大小写",
        "Where it stands, case does not matter",
        search,
        _sql_find,
        fails=True,
    ),
    Function(
        "REPT",
        "text: text, times: number",
        TEXT,
        "重复",
        "The text several times",
        repeat,
        _sql_repeat,
        fails=True,
    ),
    Function(
        "EXACT",
        "a: text, b: text",
        BOOLEAN,
        "是否完全相同",
        "Whether both are the same",
        exact,
        "({0} = {1})",
    ),
    Function(
        "SPLITPART",
        "text: text, separator: text, part: number",
        TEXT,
        "按分隔符取第 n 段",
        "The nth part between separators",
        split_part,
        _sql_split,
        fails=True,
    ),
    Function(
        "VALUE",
        "text: text",
        NUMBER,
        "文字转数字",
        "The number that a text spells",
        value_of,
        _sql_value,
        fails=True,
    ),
    Function(
        "TEXT",
        "value: any, format: text",
        TEXT,
        '按格式转文字, 如 "#,##0.00"、"yyyy-MM-dd"',
        "A number or date by a format",
        format_value,
        sql_format,
        context=("zone",),
        fails=True,
    ),
    Function(
        "ASC",
        "text: text",
        TEXT,
        "全角转半角",
        "Half-width for full-width characters",
        half_width,
        _sql_half_width,
    ),
    Function(
        "PINYIN",
        "text: text, initials: boolean = FALSE",
        TEXT,
        "拼音 (不带声调), 或首字母",
        "Sound of Chinese text, or its initials",
        pinyin,
        fails=True,
    ),
)
