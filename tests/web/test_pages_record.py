"""What the record page makes of a form's description: pure parts, without a site."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from anlan.web.pages import record_page

LINES: dict[str, Any] = {
    "type": "lines",
    "fields": {
        "item": {"type": "link", "access": "write"},
        "price": {"type": "price", "access": "write"},
        "net": {"type": "money", "formula": True},
        "done": {"type": "quantity", "balance": True},
    },
}
FORM: dict[str, Any] = {
    "form": "demo.order",
    "kind": "document",
    "actions": ["read", "create", "update", "confirm"],
    "order": ["party", "note", "secret_note", "lines", "net", "net_home", "gross"],
    "fields": {
        "party": {"type": "link", "access": "write"},
        "note": {"type": "text", "access": "write"},
        "secret_note": {"type": "text", "access": "read"},
        "kept": {"type": "text", "access": "write", "hidden": True},
        "lines": LINES,
        "net": {"type": "money", "formula": True, "in": "currency"},
        "net_home": {"type": "money", "formula": True, "in": "company.currency"},
        "gross": {"type": "money", "formula": True, "in": "currency"},
    },
    "sections": {"more": {"label": "More", "fields": ["note", "not_seen"], "folded": True}},
    "states": {
        "draft": {"label": "Draft", "editable": ["*"]},
        "confirmed": {"label": "Confirmed", "editable": ["note", "lines.price"]},
        "closed": {"label": "Closed", "editable": []},
    },
    "transitions": {
        "cancel": {"from": ["draft", "confirmed"], "danger": True},
        "confirm": {"from": ["draft"], "primary": True},
        "close": {"from": ["confirmed"]},
    },
}


def editable(state: str, **changes: Any) -> set[str]:
    return set(record_page._editable(FORM | changes, {"state": state}, saved=True))


def test_everything_but_what_is_computed_or_read_only_is_open_in_a_draft() -> None:
    assert editable("draft") == {"party", "note", "kept", "lines", "lines.item", "lines.price"}


def test_a_state_opens_only_what_it_names_and_no_rows_come_or_go() -> None:
    assert editable("confirmed") == {"note", "lines.price"}
    assert editable("closed") == set()


def test_nothing_is_open_for_somebody_who_may_not_change_it() -> None:
    assert editable("draft", actions=["read"]) == set()


def test_a_new_record_is_open_to_whoever_may_create_it() -> None:
    assert record_page._editable(FORM | {"actions": ["read", "update"]}, {}, saved=False) == []


def test_the_primary_step_comes_first_and_steps_without_the_right_are_not_shown() -> None:
    allowed = FORM | {"actions": ["confirm", "cancel"]}
    assert [key for key, _ in record_page._steps(allowed, {"state": "draft"})] == ["confirm", "cancel"]
    assert [key for key, _ in record_page._steps(allowed, {"state": "confirmed"})] == ["cancel"]


def test_a_step_that_others_take_is_told_with_their_roles_and_never_beside_one_of_ones_own() -> None:
    named = {"keeper": SimpleNamespace(label=SimpleNamespace(text=lambda language: "Keeper"))}
    explain = SimpleNamespace(explain=lambda form, action: SimpleNamespace(would_grant=("keeper",)))
    ctx: Any = SimpleNamespace(
        catalogue=SimpleNamespace(roles=named), caller=SimpleNamespace(policy=explain), language="en"
    )
    without = FORM | {"actions": ["read", "create", "update"]}
    without["transitions"] = {"confirm": {"from": ["draft"], "primary": True, "label": {"zh": "确认", "en": "Confirm"}}}
    assert record_page._left_to(ctx, without, {"state": "draft"}) == ("Confirm", ["Keeper"])
    assert record_page._left_to(ctx, without, {"state": "confirmed"}) is None
    assert record_page._left_to(ctx, FORM, {"state": "draft"}) is None


def test_computed_figures_after_the_lines_are_totals_at_their_foot() -> None:
    assert record_page._totals(FORM) == ["net", "net_home", "gross"]
    assert record_page._totals(FORM | {"order": ["party", "net"]}) == []


def test_a_total_in_another_currency_repeats_one_of_the_first() -> None:
    assert record_page._secondary(FORM) == {"net_home": "net"}


def test_fields_that_no_section_names_come_first_and_unseen_ones_are_left_out() -> None:
    sections = record_page.sections_of(FORM, "en")
    assert [(one["label"], one["fields"], one["folded"]) for one in sections] == [
        ("", ["party", "secret_note"], False),
        ("More", ["note"], True),
    ]


def test_who_is_asked_decides_and_who_asked_may_withdraw() -> None:
    waiting = {"who": [{"id": "boss"}], "requested_by": {"id": "clerk"}}

    def decisions(user: str) -> list[str]:
        return record_page._decisions(SimpleNamespace(caller=SimpleNamespace(user=user)), waiting)  # type: ignore[arg-type]

    assert decisions("boss") == ["approve", "return", "reject"]
    assert decisions("clerk") == ["withdraw"]
    assert decisions("somebody") == []


def test_a_figure_that_is_computed_when_read_is_no_total_of_the_lines() -> None:
    paid = {"type": "money", "formula": True, "stored": False, "in": "currency"}
    form = FORM | {"order": [*FORM["order"], "paid"], "fields": FORM["fields"] | {"paid": paid}}
    assert record_page._totals(form) == ["net", "net_home", "gross"]
