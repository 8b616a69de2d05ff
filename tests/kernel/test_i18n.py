"""Sentences by code in both languages, and figures and days as each reader writes them."""

import doctest
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anlan.kernel
from anlan.kernel import i18n
from anlan.kernel.i18n import Messages, Missing

KERNEL = Path(anlan.kernel.__path__[0]) / "messages"


def write(folder: Path, **texts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for language, content in texts.items():
        (folder / f"{language}.yaml").write_text(content, "utf-8")
    return folder


def test_the_kernels_sentences_exist_in_both_languages_with_the_same_parameters() -> None:
    messages = Messages.load([KERNEL])
    assert messages.missing() == []
    assert len(messages.sentences["zh"]) > 40


def test_a_sentence_is_filled_in_the_language_asked_for(tmp_path: Path) -> None:
    messages = Messages.load([write(tmp_path / "a", zh="low: 只剩 {n}", en="low: only {n} left")])
    assert messages.text("low", "zh-CN", n=Decimal("1200.50")) == "只剩 1,200.5"
    assert messages.text("low", "en", n=3) == "only 3 left"


def test_an_unknown_code_is_its_own_text() -> None:
    assert Messages({}).text("nobody.knows", "en") == "nobody.knows"


def test_the_other_language_is_shown_when_one_is_missing(tmp_path: Path) -> None:
    messages = Messages.load([write(tmp_path / "a", zh="only_zh: 只有中文")])
    assert messages.text("only_zh", "en") == "只有中文"
    assert messages.missing() == [Missing("only_zh", "en", "no sentence")]


def test_other_parameters_are_reported_as_missing(tmp_path: Path) -> None:
    messages = Messages.load([write(tmp_path / "a", zh="c: '{a}'", en="c: '{b}'")])
    assert messages.missing() == [Missing("c", "en", "other parameters")]


def test_a_label_inside_a_sentence_is_written_in_the_same_language() -> None:
    messages = Messages({"zh": {"c": "{f}"}, "en": {"c": "{f} on {d}"}})
    label = {"zh": "数量", "en": "Quantity"}
    assert messages.text("c", "en", f=label, d=date(2026, 2, 3)) == "Quantity on 3 Feb 2026"
    assert messages.text("c", "zh", f=label) == "数量"


def test_a_code_defined_twice_names_both_files(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a", en="c: x"), write(tmp_path / "b", en="c: y")
    with pytest.raises(i18n.BadMessages, match=r"b/en\.yaml: c is already defined in .*a/en\.yaml"):
        Messages.load([one, two])


@pytest.mark.parametrize("content", ["- a", "a: {b: c}", "a: 1", "a: [", "1: x"])
def test_a_file_that_is_no_flat_mapping_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(i18n.BadMessages, match=r"en\.yaml"):
        Messages.load([write(tmp_path / "a", en=content)])


def test_a_parameter_cannot_reach_attributes() -> None:
    messages = Messages({"en": {"c": "{x.__class__} {x[0]} {y}"}})
    assert messages.text("c", "en", x="v") == "{x.__class__} {x[0]} {y}"


@given(st.text(), st.text(), st.text())
def test_text_never_fails(code: str, language: str, sentence: str) -> None:
    assert isinstance(Messages({"zh": {code: sentence}, "en": {}}).text(code, language, a=1), str)


@pytest.mark.parametrize(
    ("header", "language"),
    [(None, "zh"), ("", "zh"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
     ("de, en;q=0.3", "en"), ("en;q=0, zh;q=0.1", "zh"), ("en;q=x", "zh"), (";;,,", "zh")],
)  # fmt: skip
def test_accept_language_gives_one_of_ours(header: str | None, language: str) -> None:
    assert i18n.negotiate(header) == language


def test_figures_and_days_are_written_per_language() -> None:
    assert i18n.format_amount(Decimal("-1234.005"), "zh", digits=2) == "-1,234.01"
    wide = Decimal("1" * 20 + ".9999")
    assert i18n.format_amount(wide, "en", digits=4) == "11,111,111,111,111,111,111.9999"
    assert i18n.format_amount(Decimal("1280"), "zh", digits=0) == "1,280"
    assert i18n.format_number(Decimal("1200.500"), "en") == "1,200.5"
    assert i18n.format_number(Decimal("100"), "en") == "100"
    assert i18n.format_percent(Decimal("0.0625"), "zh") == "6.25%"
    at = datetime(2026, 11, 23, 18, 5, tzinfo=UTC)
    assert i18n.format_datetime(at, "zh", ZoneInfo("Asia/Shanghai")) == "2026-11-24 02:05"
    assert i18n.format_datetime(at, "en", UTC) == "23 Nov 2026 18:05"


def test_the_examples_in_the_docstrings_hold() -> None:
    from anlan.kernel.i18n import formats, languages

    assert doctest.testmod(formats).failed == 0
    assert doctest.testmod(languages).failed == 0
