"""Voucher lines from posting rules: figures in, lines out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anlan.packs.base.amounts import release
from anlan.packs.finance.engine.vouchers import (
    About,
    Fact,
    NoAccount,
    RuleLine,
    difference,
    exchange_result,
    voucher_lines,
)

DATA = Path(__file__).parents[2] / "src" / "anlan" / "packs" / "finance" / "data"
D = Decimal


def seeded(name: str) -> list[RuleLine]:
    rules = yaml.safe_load((DATA / "20_posting_rule.yaml").read_text("utf-8"))["records"]
    found = next(rule for rule in rules if rule["code"] == name)
    return [
        RuleLine(
            line["summary"], line["side"], line["role"], None, line["amount"], line.get("negative", False)
        )
        for line in found["lines"]
    ]


def about(**changes: Any) -> About:
    return About(
        **{
            "currency": "CNY",
            "exchange_rate": D(1),
            "base_currency": "CNY",
            "party": "C001",
            "texts": {"number": "SI1", "party": "Lotus", "note": ""},
        }
        | changes
    )


def booked(rule: list[RuleLine], facts: list[Fact], **changes: Any) -> list[tuple[str, Decimal, Decimal]]:
    lines = voucher_lines(
        rule, facts, about=about(**changes), account_of=lambda role: role, analysis_of=lambda _: ()
    )
    assert difference(lines) == 0
    return [(line["account"], line["debit"], line["credit"]) for line in lines]


def test_an_invoice_books_receivable_against_revenue_and_tax() -> None:
    facts = [Fact("gross", D("240")), Fact("net", D("220")), Fact("tax", D("20"))]
    assert booked(seeded("sales_invoice"), facts) == [
        ("receivable", D(240), D(0)),
        ("revenue", D(0), D(220)),
        ("output_vat", D(0), D(20)),
    ]


def test_a_credit_note_stays_on_the_same_sides_in_red() -> None:
    facts = [Fact("gross", D("113")), Fact("net", D("100")), Fact("tax", D("13"))]
    assert booked(seeded("sales_credit_note"), facts) == [
        ("receivable", D(-113), D(0)),
        ("revenue", D(0), D(-100)),
        ("output_vat", D(0), D(-13)),
    ]


def test_zero_amounts_book_no_line() -> None:
    facts = [Fact("gross", D("100")), Fact("net", D("100")), Fact("tax", D("0"))]
    assert [account for account, _, _ in booked(seeded("sales_invoice"), facts)] == ["receivable", "revenue"]


def test_a_return_to_the_supplier_leaves_at_current_cost_and_shows_the_price_difference() -> None:
    """erp-029: received at 10, average 15 when it goes back."""
    facts = [Fact("cost", D(15)), Fact("estimate", D(10)), Fact("difference", D(5))]
    assert booked(seeded("purchase_return"), facts) == [
        ("inventory", D(-15), D(0)),
        ("price_difference", D(5), D(0)),
        ("payable_estimated", D(0), D(-10)),
    ]


def test_an_invoice_clears_the_estimate_at_the_value_of_the_receipt() -> None:
    facts = [
        Fact("estimate", D(400)),
        Fact("difference", D(50)),
        Fact("tax", D("58.50")),
        Fact("gross", D("508.50")),
    ]
    assert booked(seeded("purchase_invoice"), facts) == [
        ("payable_estimated", D(400), D(0)),
        ("price_difference", D(50), D(0)),
        ("input_vat", D("58.50"), D(0)),
        ("payable", D(0), D("508.50")),
    ]


def test_a_foreign_receivable_keeps_its_currency_and_revenue_does_not() -> None:
    """erp-057: 100 USD at 50."""
    facts = [Fact("gross", D(5000), D(100)), Fact("net", D(5000))]
    lines = voucher_lines(
        seeded("sales_invoice"),
        facts,
        about=about(currency="USD", exchange_rate=D(50)),
        account_of=lambda role: role,
        analysis_of=lambda _: ("party",),
    )
    assert [(line["currency"], line["amount"], line["party"]) for line in lines] == [
        ("USD", D(100), "C001"),
        ("CNY", D(5000), "C001"),
    ]


def test_a_payment_at_another_rate_books_the_gain() -> None:
    """erp-054: 400 EUR invoiced at 1/1.20, paid at 1/1.10 USD."""
    result = exchange_result(D("363.64"), D("333.33"), D(0), incoming=True)
    facts = [
        Fact("money", D("363.64"), account="1002"),
        Fact("settled", D("333.33")),
        *(Fact(key, value) for key, value in result.items()),
    ]
    assert booked(seeded("finance_payment.in.customer"), facts) == [
        ("1002", D("363.64"), D(0)),
        ("receivable", D(0), D("333.33")),
        ("fx_gain", D(0), D("30.31")),
    ]


def test_paying_a_supplier_more_than_was_booked_is_a_loss() -> None:
    assert exchange_result(D(710), D(700), D(0), incoming=False) == {"fx_gain": D(0), "fx_loss": D(10)}


def test_a_count_goes_through_the_pending_account() -> None:
    """erp-086: surplus 300, shortage 200."""
    assert booked(seeded("stock_count"), [Fact("gain", D(300)), Fact("loss", D(200))]) == [
        ("inventory", D(300), D(0)),
        ("pending_property", D(0), D(300)),
        ("pending_property", D(300), D(0)),
        ("stock_gain", D(0), D(300)),
        ("pending_property", D(200), D(0)),
        ("inventory", D(0), D(200)),
        ("stock_loss", D(200), D(0)),
        ("pending_property", D(0), D(200)),
    ]


def test_a_line_is_split_by_item_only_where_the_account_asks_for_it() -> None:
    facts = [Fact("cost", D(30), item="A"), Fact("cost", D(20), item="B")]
    lines = voucher_lines(
        seeded("sales_delivery"),
        facts,
        about=about(),
        account_of=lambda role: role,
        analysis_of=lambda account: ("item",) if account == "inventory" else (),
    )
    assert [(line["account"], line["item"], line["debit"] + line["credit"]) for line in lines] == [
        ("cost_of_sales", None, D(50)),
        ("inventory", "A", D(30)),
        ("inventory", "B", D(20)),
    ]


def test_a_role_without_an_account_is_named() -> None:
    with pytest.raises(NoAccount) as caught:
        voucher_lines(
            seeded("sales_invoice"),
            [Fact("gross", D(1))],
            about=about(),
            account_of=lambda _: None,
            analysis_of=lambda _: (),
        )
    assert caught.value.role == "receivable"


def test_the_summary_names_document_and_party() -> None:
    lines = voucher_lines(
        seeded("sales_invoice"),
        [Fact("gross", D(1))],
        about=about(),
        account_of=lambda role: role,
        analysis_of=lambda _: (),
    )
    assert lines[0]["summary"] == "销售 SI1 Lotus"


# ---- shares of an open quantity

quantities = st.decimals("0.001", "9999", places=3)
amounts = st.decimals("0", "99999", places=2)


@given(quantities, amounts, st.lists(quantities, min_size=1, max_size=10))
def test_parts_of_an_open_quantity_add_up_to_its_value(
    total: Decimal, value: Decimal, parts: list[Decimal]
) -> None:
    quantity, worth = total, value
    for part in parts:
        taken = min(part, quantity)
        worth += release(quantity, worth, -taken, D(0))
        quantity -= taken
    if quantity == 0:
        assert worth == 0
    assert 0 <= worth <= value


def test_what_goes_beyond_the_open_quantity_is_worth_its_part_of_the_given_value() -> None:
    assert release(D(4), D(40), D(-10), D(-120)) == D(-40) + D(-72)


def test_a_movement_away_from_zero_is_worth_what_was_given() -> None:
    assert release(D(4), D(40), D(3), D(33)) == D(33)
    assert release(D(0), D(0), D(-3), D(-33)) == D(-33)
