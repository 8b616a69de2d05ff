"""Filter chips and the formula in a list's address."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from anlan.web.pages.filters import (
    DAYS,
    OPERATORS,
    SEVERAL,
    WITHOUT_VALUE,
    Chip,
    chips,
    formula,
    kind_of,
    value_fits,
)

NAMES = st.sampled_from(["state", "customer", "gross", "lines.item"])
TEXTS = st.text(min_size=1, max_size=20).map(lambda text: text.replace("\n", " "))
MEMBERS = TEXTS.filter(lambda text: bool(text.strip()) and len(text.splitlines()) == 1)
VALUES = {"number": st.decimals(-9999, 9999, places=2).map(str), "date": st.dates(date(2, 1, 1)).map(str)}


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Chip]:
    kind = draw(st.sampled_from(["text", "number", "date", "choice", "link", "boolean"]))
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if operator == "during":
        return kind, Chip(draw(NAMES), operator, draw(st.sampled_from(sorted(DAYS))))
    if operator in SEVERAL:
        return kind, Chip(draw(NAMES), operator, "\n".join(draw(st.lists(MEMBERS, min_size=1, max_size=4))))
    value = "" if operator in WITHOUT_VALUE else draw(VALUES.get(kind, TEXTS))
    return kind, Chip(draw(NAMES), operator, value)


@given(conditions())
def test_a_chip_comes_back_as_it_was_when_its_formula_is_read(condition: tuple[str, Chip]) -> None:
    kind, chip = condition
    assert chips(formula([chip], {chip.field: kind})) == [chip]


@given(st.lists(st.tuples(NAMES, TEXTS), min_size=1, max_size=5))
def test_several_chips_come_back_in_order_whatever_their_texts_hold(pairs: list[tuple[str, str]]) -> None:
    found = [Chip(name, "is", text) for name, text in pairs]
    assert chips(formula(found, {})) == found


@given(st.text(max_size=60))
def test_any_text_in_the_address_is_some_chips_and_keeps_its_words(text: str) -> None:
    assert formula(chips(text), {}) or not text.strip()


def test_a_formula_that_chips_cannot_say_stays_one_chip_of_its_text() -> None:
    assert chips("SUM(lines.quantity) > 10") == [Chip("", "formula", "SUM(lines.quantity) > 10")]
    assert chips('OR(state = "a", state = "b")') == [Chip("", "formula", 'OR(state = "a", state = "b")')]


def test_two_words_for_days_beside_each_other_stay_two_chips() -> None:
    found = [Chip("date", "during", "last_month"), Chip("due", "during", "past"), Chip("date", "from", "2026-01-01")]
    assert chips(formula(found, {"date": "date", "due": "date"})) == found


def test_a_value_that_does_not_fit_its_kind_makes_no_chip() -> None:
    assert not value_fits("number", "above", "viel")
    assert not value_fits("number", "above", "NaN")
    assert not value_fits("date", "from", "gestern")
    assert not value_fits("text", "is", "")
    assert value_fits("link", "empty", "")
    assert not value_fits("date", "during", "next century")
    assert not value_fits("choice", "in", " \n ")
    assert not value_fits("text", "is", "a\x00b")


def test_until_a_day_includes_its_evening() -> None:
    assert (
        formula([Chip("created_at", "until", "2026-11-24")], {"created_at": "instant"})
        == "created_at < DATE(2026, 11, 24) + 1"
    )


def test_lines_and_secrets_cannot_be_filtered() -> None:
    assert kind_of("lines") is None
    assert kind_of("secret") is None
    assert kind_of("address") == "text"
