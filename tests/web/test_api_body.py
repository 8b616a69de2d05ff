"""Bodies are read strictly: exact numbers in, nothing odd through."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel.errors import Refused
from anlan.web.api.body import MAX_DEPTH, parse


def refusal(raw: bytes, *, exact: bool = True) -> Refused:
    with pytest.raises(Refused) as caught:
        parse(raw, exact=exact)
    return caught.value


def test_a_fraction_becomes_a_decimal_with_all_its_digits() -> None:
    assert parse(b'{"price": 0.1000000000000000055}') == {"price": Decimal("0.1000000000000000055")}
    assert str(parse(b"[1.50]")[0]) == "1.50"


def test_a_whole_number_stays_an_integer() -> None:
    assert parse(b'{"n": 12345678901234567890}') == {"n": 12345678901234567890}


def test_definitions_keep_json_numbers() -> None:
    value = parse(b'{"rate": 0.13, "n": 2}', exact=False)
    assert value == {"rate": 0.13, "n": 2} and isinstance(value["rate"], float)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": "tab\there"}',
        b'\xff{"a": 1}',
        b"\xef\xbb\xbf{}",
        b'{"a": 1} x',
    ],
)
def test_what_is_no_json_is_400(raw: bytes) -> None:
    assert (refusal(raw).status, refusal(raw).code) == (400, "not_json")


def test_the_place_of_a_syntax_error_is_named() -> None:
    assert dict(refusal(b'{"a": 1,\n "b" 2}').params)["line"] == 2


def test_a_key_that_stands_twice_is_400() -> None:
    refused = refusal(b'{"lines": [{"item": "A", "quantity": 1, "item": "B"}]}')
    assert (refused.status, refused.code, refused.params["field"]) == (400, "json.duplicate_key", "item")


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1e-400", "1e999999999999999999999", "1" * 5000, "0." + "1" * 200]
)
def test_a_number_beyond_all_bounds_is_422(number: str) -> None:
    refused = refusal(f'{{"quantity": {number}}}'.encode())
    assert (refused.status, refused.code) == (422, "number_out_of_range")


def test_a_definitions_number_that_json_cannot_give_back_is_422() -> None:
    for number in (b"1e400", b"9223372036854775808", b"1" * 5000):
        assert refusal(b"[" + number + b"]", exact=False).code == "number_out_of_range"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"name": "a\\u0000b"}', "name"),
        (b'{"lines": [{"note": "ok"}, {"note": "\\ud800"}]}', "lines[1].note"),
        (b'{"bad\\u0000key": 1}', "bad\ufffdkey"),
    ],
)
def test_a_character_that_cannot_be_stored_is_422_with_its_path(raw: bytes, path: str) -> None:
    refused = refusal(raw)
    assert (refused.status, refused.faults[0].code, refused.faults[0].path) == (422, "bad_character", path)


def test_an_escaped_emoji_is_text() -> None:
    assert parse(b'{"name": "\\ud83d\\ude00"}') == {"name": "😀"}


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_beyond_the_limit_is_422(opening: bytes) -> None:
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]
    deep = opening * (MAX_DEPTH + 1) + (b"1" if opening != b"[" else b"") + closing * (MAX_DEPTH + 1)
    assert refusal(deep).code == "json.too_deep"
    assert refusal(opening * 100_000).code in ("json.too_deep", "not_json")


def test_nesting_at_the_limit_is_read() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_many_small_objects_side_by_side_are_not_deep() -> None:
    assert len(parse(b"[" + b",".join([b'{"a": [1]}'] * 500) + b"]")) == 500


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_whatever_json_can_say_comes_through_unchanged(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    for exact in (True, False):
        try:
            parse(raw, exact=exact)
        except Refused as refused:
            assert refused.status in (400, 422)
