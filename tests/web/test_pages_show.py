"""How values read on screen."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from anlan.web.pages.show import figure, label, plain, value

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("number", "type_", "shown"),
    [
        ("1234567.5", "money", "1,234,567.50"),
        ("-12", "money", "-12.00"),
        ("1.23456", "price", "1.23456"),
        ("1000.00000000", "quantity", "1,000"),
        ("0.50", "quantity", "0.5"),
        ("10", "percent", "10%"),
        (7, "integer", "7"),
    ],
)
def test_figures_are_grouped_and_keep_all_their_digits(number: object, type_: str, shown: str) -> None:
    assert figure(number, {"type": type_}) == shown


def test_a_state_is_a_dot_and_a_word() -> None:
    field = {
        "type": "state",
        "options": {"draft": {"label": {"zh": "草稿", "en": "Draft"}, "colour": "grey"}},
    }
    shown = value("draft", field, "en", ZONE)
    assert "Draft" in shown
    assert "dot-grey" in shown


def test_an_unknown_colour_does_not_reach_the_class_attribute() -> None:
    field = {"type": "choice", "options": {"a": {"label": "A", "colour": 'x" onload="y'}}}
    assert "onload" not in value("a", field, "en", ZONE)


def test_text_is_escaped() -> None:
    assert (
        value("<img src=x onerror=alert(1)>", {"type": "text"}, "en", ZONE)
        == "&lt;img src=x onerror=alert(1)&gt;"
    )


def test_a_link_shows_its_label_and_its_code_in_grey() -> None:
    assert (
        value({"id": "1", "code": "C001", "label": "Acme"}, {"type": "link"}, "en", ZONE)
        == 'Acme <span class="code">C001</span>'
    )


def test_instants_are_shown_in_the_zone_of_the_site() -> None:
    assert plain("2026-11-23T16:30:00Z", {"type": "instant"}, "zh", ZONE) == "2026-11-24 00:30"


def test_a_label_falls_back_to_the_other_language() -> None:
    assert label({"zh": "客户"}, "en") == "客户"
    assert label("Customer", "zh") == "Customer"
    assert label(None, "zh") == ""
