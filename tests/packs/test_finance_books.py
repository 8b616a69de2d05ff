"""Vouchers by hand, numbers, analysis, periods."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from trade import Record, Trade, refused


def account(trade: Trade, role: str) -> str:
    rows = trade.ctx.memory.rows("finance.account").values()
    return str(next(row["code"] for row in rows if row["role"] == role))


def voucher(trade: Trade, *lines: tuple[str, Any, Any], **more: Any) -> Record:
    return trade.create(
        "finance.voucher",
        **{
            "lines": [
                {"account": code, "debit": str(debit), "credit": str(credit)} for code, debit, credit in lines
            ]
        }
        | more,
    )


@pytest.mark.parametrize(
    ("lines", "code", "off"),
    [
        ([("1002", "100", 0), ("5001", 0, "100")], None, None),
        ([("1002", "100", 0), ("5001", 0, "99")], "finance.unbalanced", 1),
        ([("1002", "0.1", 0), ("1001", "0.2", 0), ("5001", 0, "0.3")], None, None),
        ([("1002", 0, 0), ("5001", 0, 0)], "check_failed", None),
        ([("1002", "100", 0)], "finance.unbalanced", 100),
    ],
)
def test_a_voucher_must_balance(
    trade: Trade, lines: list[tuple[str, Any, Any]], code: str | None, off: int | None
) -> None:
    """erp-080."""
    made = voucher(trade, *lines)
    if code is None:
        assert trade.do(made, "post")["state"] == "posted"
        return
    caught = refused(lambda: trade.do(made, "post"), code)
    if off:
        assert next(fault for fault in caught.faults if fault.code == code).params["difference"] == off


def test_numbers_have_no_gaps_in_each_period_and_word(trade: Trade) -> None:
    """erp-079."""
    company = trade.create("system.company", code=trade.code("CO"), name="New", currency="CNY")["code"]
    numbers = []
    for word, day in (
        ("记", "2026-10-05"),
        ("记", "2026-10-06"),
        ("收", "2026-10-07"),
        ("记", "2026-11-02"),
        ("记", "2026-10-08"),
    ):
        made = voucher(trade, ("1002", 1, 0), ("5001", 0, 1), word=word, date=day, company=company)
        assert made["number"] is None
        done = trade.do(made, "post")
        numbers.append(f"{done['word']}-{done['number']}")
    assert numbers == ["记-1", "记-2", "收-1", "记-1", "记-3"]


def test_an_account_asks_for_its_analysis(trade: Trade) -> None:
    receivable = account(trade, "receivable")
    made = voucher(trade, (receivable, 100, 0), ("5001", 0, 100))
    refused(lambda: trade.do(made, "post"), "finance.analysis_missing")
    first, second = ({"id": line["id"]} for line in made["lines"])
    trade.update(made, lines=[first | {"party": trade.customer()}, second])
    trade.do(made, "post")


def test_an_account_with_children_takes_no_entries(trade: Trade) -> None:
    made = voucher(trade, ("1002", 100, 0), ("5301", 0, 100))
    refused(lambda: trade.do(made, "post"), "not_choosable")


def test_a_voucher_of_a_document_is_changed_through_its_document(trade: Trade) -> None:
    item = trade.item()
    receipt = trade.receive(item, 1, "5")
    made = trade.vouchers(receipt)[0]
    refused(lambda: trade.do(made, "cancel"), "finance.generated_voucher")
    trade.do(receipt, "cancel")
    assert trade.read(made)["state"] == "cancelled"


def test_the_maker_does_not_review_his_own_voucher(trade: Trade) -> None:
    made = trade.do(voucher(trade, ("1002", 1, 0), ("5001", 0, 1)), "post")
    refused(lambda: trade.do(made, "review"), "finance.own_review")


def test_a_document_without_an_account_to_book_on_is_not_posted(trade: Trade) -> None:
    account_of_inventory = {"form": "finance.account", "id": account(trade, "inventory")}
    trade.update(account_of_inventory, role=None)
    item = trade.item()
    refused(lambda: trade.receive(item, 1, "5"), "finance.no_role")
    assert trade.on_hand(item) == 0
    trade.update(account_of_inventory, role="inventory")
    trade.receive(item, 1, "5")


class TestPeriods:
    """Closing, in a company of its own."""

    @pytest.fixture
    def company(self, trade: Trade) -> str:
        made = trade.create("system.company", code=trade.code("PC"), name="Closing", currency="CNY")
        for day in ("2026-09-10", "2026-10-10", "2026-11-10"):
            entry = voucher(trade, ("1002", 1, 0), ("5001", 0, 1), date=day, company=made["code"])
            trade.do(entry, "post")
        return str(made["code"])

    def period(self, trade: Trade, company: str, name: str) -> Record:
        return trade.read({"form": "finance.period", "id": f"{company}-{name}"})

    def test_periods_are_made_as_vouchers_need_them(self, trade: Trade, company: str) -> None:
        assert self.period(trade, company, "2026-10")["state"] == "open"

    def test_a_closed_period_takes_no_posting(self, trade: Trade, company: str) -> None:
        late = voucher(trade, ("1002", 1, 0), ("5001", 0, 1), date="2026-09-30", company=company)
        trade.do(self.period(trade, company, "2026-09"), "close")
        refused(lambda: trade.do(late, "post"), "period.closed")
        trade.do(self.period(trade, company, "2026-09"), "reopen")
        trade.do(late, "post")

    def test_periods_close_in_order_and_reopen_from_the_newest(self, trade: Trade, company: str) -> None:
        refused(lambda: trade.do(self.period(trade, company, "2026-10"), "close"), "finance.period_order")
        for name in ("2026-09", "2026-10"):
            trade.do(self.period(trade, company, name), "close")
        assert trade.read({"form": "system.company", "id": company})["closed_through"] == "2026-10-31"
        refused(
            lambda: trade.do(self.period(trade, company, "2026-09"), "reopen"), "finance.period_reopen_order"
        )
        trade.do(self.period(trade, company, "2026-10"), "reopen")

    def test_a_document_of_a_closed_period_is_taken_back_in_red_on_the_first_open_day(
        self, trade: Trade, company: str
    ) -> None:
        paid = trade.create(
            "finance.payment",
            direction="in",
            party=trade.customer(),
            amount="50",
            company=company,
            date="2026-09-20",
        )
        paid = trade.do(paid, "post")
        trade.do(self.period(trade, company, "2026-09"), "close")
        trade.do(paid, "cancel")
        assert trade.voucher(paid) == [("bank", D(-50), D(0)), ("receivable", D(0), D(-50))]
        trade.balanced()


def test_an_opening_invoice_is_open_with_its_due_date_and_is_no_revenue(trade: Trade) -> None:
    service, customer = trade.item("O", kind="service", tax_rate="0"), trade.customer()
    lines = [{"item": service, "quantity": "1", "price": "500"}]
    made = trade.create(
        "sales.invoice",
        customer=customer,
        opening=True,
        date="2026-10-05",
        due_date="2026-11-04",
        lines=lines,
    )
    made = trade.do(made, "post")
    assert trade.receivable(customer) == 500
    assert trade.voucher(made) == [("receivable", D(500), D(0)), ("opening", D(0), D(500))]
    trade.do(trade.make(made, "finance.payment"), "post")
    assert trade.receivable(customer) == 0


def test_an_opening_payable_stands_against_the_opening_account(trade: Trade) -> None:
    service, supplier = trade.item("O", kind="service", tax_rate="0"), trade.supplier()
    lines = [{"item": service, "quantity": "1", "price": "80"}]
    made = trade.do(trade.create("purchase.invoice", supplier=supplier, opening=True, lines=lines), "post")
    assert trade.payable(supplier) == 80
    assert trade.voucher(made) == [("opening", D(80), D(0)), ("payable", D(0), D(80))]
