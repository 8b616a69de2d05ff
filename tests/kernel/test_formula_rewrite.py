"""Names in formulas: found and replaced without reprinting the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel.formula import DesignError, references, rename


def test_references_are_paths_without_functions_keywords_and_strings() -> None:
    text = 'IF(a.b > 1 and not c, SUM(lines.net) & "x.y", {单价(含税)}) + TRUE'
    assert references(text) == {("a", "b"), ("c",), ("lines", "net"), ("单价(含税)",)}


def test_references_are_found_when_the_text_does_not_parse() -> None:
    assert references("(a + ) b.c") == {("a",), ("b", "c")}


def test_names_are_normalised_when_written_in_full_width() -> None:
    assert references("Ａｂ＋{ｘ　ｙ}") == {("Ab",), ("x y",)}


@pytest.mark.parametrize(
    ("text", "renames", "expected"),
    [
        ("n1/( n1+n2)", {("n1",): ("m1",)}, "m1/( m1+n2)"),
        ("a.b.c + a.d", {("a", "b"): ("c",)}, "c.c + a.d"),
        ("a.b.d+a.e", {("a",): ("x",), ("a", "b"): ("c",)}, "c.d+x.e"),
        ("a-b", {("a",): ("b",), ("b",): ("a",)}, "b-a"),
        ('a & "a" & A(a)', {("a",): ("单价（含税）",)}, '{单价(含税)} & "a" & A({单价(含税)})'),
        ("a . b", {("a", "b"): ("a", "c")}, "a . c"),
        ("a", {("a",): ("p", "q", "and")}, "p.q.{and}"),
        ("{sum}(1)", {("sum",): ("total",)}, "total(1)"),
        ("“a”＋a", {("a",): ("b",)}, "“a”＋b"),
    ],
)
def test_rename_replaces_only_the_named_paths(
    text: str, renames: dict[tuple[str, ...], tuple[str, ...]], expected: str
) -> None:
    assert rename(text, renames) == expected


def test_rename_refuses_a_name_that_no_formula_could_hold() -> None:
    with pytest.raises(DesignError) as raised:
        rename("a", {("a",): ("x}y",)})
    assert raised.value.code == "syntax"


_piece = st.sampled_from(
    ["a", "b", "{a b}", " ", "(", ")", "+", "，", '"a"', "“a”", "SUM(", ".", "12.5", "and ", "客户", "＞"]
)


@given(st.lists(_piece, max_size=20).map("".join))
def test_rename_there_and_back_leaves_the_text_as_it_was(text: str) -> None:
    try:
        there = rename(text, {("a",): ("zz",)})
    except DesignError:
        return
    assert rename(there, {("zz",): ("a",)}) == text
    assert rename(text, {}) == text


@given(st.lists(_piece, max_size=20).map("".join))
def test_rename_changes_exactly_the_references(text: str) -> None:
    try:
        before = references(text)
    except DesignError:
        return
    after = references(rename(text, {("a",): ("zz",)}))
    assert after == {("zz", *path[1:]) if path[0] == "a" else path for path in before}


@given(st.text(max_size=60))
def test_any_text_gives_references_or_a_design_error(text: str) -> None:
    try:
        found = references(text)
    except DesignError as error:
        assert error.code == "syntax"
        assert 0 <= error.position <= len(text)
    else:
        assert all(all(path) for path in found)
