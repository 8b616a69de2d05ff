"""Bodies of requests: JSON read strictly, so that nothing odd reaches the kernel.

    b'{"price": 0.1}'             ->  {"price": Decimal("0.1")}      never through a float
    b'{"price": 1e400}'           ->  422 number_out_of_range
    b'{"a": 1, "a": 2}'           ->  400 json.duplicate_key
    b'{"name": "a\\u0000"}'        ->  422 bad_character at `name`     PostgreSQL stores no NUL and no half
    character

What is no JSON at all is 400; JSON that nobody could mean is 422.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from anlan.kernel.errors import Fault, Refused, invalid

__all__ = ["LIMIT_BYTES", "MAX_DEPTH", "parse"]

LIMIT_BYTES = 20 * 1024 * 1024
MAX_DEPTH = 64
# Far beyond any stored figure (24 digits), far below what makes arithmetic on decimals slow.
_MAX_EXPONENT = 100
_MAX_DIGITS = 100
_MAX_INTEGER = 2**63 - 1
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def parse(raw: bytes, *, exact: bool = True) -> Any:
    """Read a JSON text. Raises Refused 400 (no JSON) or 422 (a number, a text or a nesting out of bounds).

    `exact`: numbers with a fraction become Decimal, as records need them; else float, as definitions have
    them.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_json("UTF-8", *_place(raw, error.start)) from None
    decoder = _EXACT if exact else _LOOSE
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise _too_deep() from None
    # Containers are counted first: most bodies are too small to be too deep.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:  # no other spelling yields a NUL or half a surrogate pair
        faults = list(_bad_texts(value, ""))
        if faults:
            raise invalid(faults)
    return value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        raise _out_of_range(text) from None
    if len(text) > _MAX_DIGITS or abs(number.adjusted()) > _MAX_EXPONENT:
        raise _out_of_range(text)
    return number


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _out_of_range(text)
    return number


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise _out_of_range(text)
    return int(text)


def _short_integer(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > _MAX_INTEGER:
        raise _out_of_range(text)
    return int(text)


def _constant(text: str) -> Any:
    raise _not_json(text, 1, 1)  # NaN, Infinity: Python's spelling, not JSON's


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None
        raise Refused(400, "json.duplicate_key", params={"field": _shown(twice)})
    return found


_EXACT = json.JSONDecoder(
    parse_float=_decimal, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object
)
_LOOSE = json.JSONDecoder(
    parse_float=_float, parse_int=_short_integer, parse_constant=_constant, object_pairs_hook=_object
)


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
    if level:
        raise _too_deep()


def _bad_texts(value: Any, path: str) -> Iterable[Fault]:
    if isinstance(value, str):
        if _BAD_CHARACTER.search(value):
            yield Fault("bad_character", path, {"field": path})
    elif isinstance(value, dict):
        for key, child in value.items():
            name = _shown(key)
            inner = f"{path}.{name}" if path else name
            if _BAD_CHARACTER.search(key):
                yield Fault("bad_character", inner, {"field": inner})
            yield from _bad_texts(child, inner)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _bad_texts(child, f"{path}[{index}]")


def _shown(text: str) -> str:
    return _BAD_CHARACTER.sub("�", text)[:80]


def _place(raw: bytes, at: int) -> tuple[int, int]:
    before = raw[:at]
    return before.count(b"\n") + 1, at - (before.rfind(b"\n") + 1) + 1


def _not_json(reason: str, line: int, column: int) -> Refused:
    return Refused(400, "not_json", params={"reason": reason, "line": line, "column": column})


def _out_of_range(text: str) -> Refused:
    return Refused(
        422, "number_out_of_range", params={"number": text if len(text) <= 24 else text[:20] + "…"}
    )


def _too_deep() -> Refused:
    return Refused(422, "json.too_deep", params={"limit": MAX_DEPTH})
