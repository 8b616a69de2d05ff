"""Every report of the packs runs; the ones that accountants and keepers live by show the right figures."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from test_definitions import catalogue
from trade import Trade

from anlan.kernel import report


def _filled(trade: Trade) -> tuple[str, str]:
    """Goods in, sold, invoiced long ago and never paid; (item, customer)."""
    item, customer = trade.item(), trade.customer(payment_days=30)
    trade.receive(item, 100, "6", date="2026-08-01")
    order = trade.order(customer, item, 10, "10", date="2026-08-03")
    delivery = trade.do(trade.make(order, "sales.delivery", date="2026-08-04"), "post")
    trade.do(trade.make(delivery, "sales.invoice", date="2026-08-05"), "post")
    return item, customer


@pytest.mark.parametrize("name", sorted(catalogue().reports))
def test_every_report_runs_over_a_site_with_documents(trade: Trade, name: str) -> None:
    _, customer = _filled(trade)
    known: dict[str, Any] = {"party": customer, "account": "1002"}
    given = {key: known[key] for key, item in catalogue().reports[name].parameters.items()
             if item.required and key in known}  # fmt: skip
    table = report.run(trade.ctx, name, given)
    assert table["columns"]


def _row(table: dict[str, Any], key: str, code: str) -> dict[str, Any]:
    return next(row for row in table["rows"] if row[key] and row[key]["code"] == code)


def test_the_trial_balance_shows_opening_turnover_and_closing_and_balances(trade: Trade) -> None:
    _filled(trade)
    table = report.run(trade.ctx, "finance.trial_balance", {"from": "2026-08-01", "to": "2026-08-31"})
    totals = {key: D(value) for key, value in table["totals"].items()}
    assert totals["debit"] == totals["credit"] > 0
    assert totals["closing_debit"] == totals["closing_credit"]
    later = report.run(trade.ctx, "finance.trial_balance", {"from": "2026-09-01", "to": "2026-09-30"})
    revenue = _row(later, "account", "5001")
    assert (D(revenue["opening_credit"]), D(revenue["debit"])) == (D(revenue["closing_credit"]), 0)


def test_an_unpaid_invoice_ages(trade: Trade) -> None:
    _, customer = _filled(trade)
    for day, column in (("2026-09-04", "not_due"), ("2026-09-20", "days_30"), ("2026-10-20", "days_60"),
                        ("2026-11-16", "days_90"), ("2026-12-31", "older")):  # fmt: skip
        row = _row(report.run(trade.ctx, "finance.receivable_ageing", {"at": day}), "party", customer)
        assert {
            key: D(row[key]) for key in ("not_due", "days_30", "days_60", "days_90", "older") if D(row[key])
        } == {column: D(113)}


def test_the_stock_balance_of_an_earlier_day_is_what_was_there_then(trade: Trade) -> None:
    item, _ = _filled(trade)
    for day, quantity in (("2026-08-02", 100), ("2026-08-04", 90)):
        table = report.run(trade.ctx, "stock.balance", {"at": day, "item": item})
        assert [D(row["quantity"]) for row in table["rows"]] == [quantity]


def test_the_order_book_shows_what_is_still_to_be_delivered(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    line = {"source_line": order["lines"][0]["id"], "quantity": "4"}
    trade.do(trade.make(order, "sales.delivery", lines=[line]), "post")
    row = _row(report.run(trade.ctx, "sales.order_book", {"customer": customer}), "customer", customer)
    assert [D(row[key]) for key in ("ordered", "delivered", "invoiced", "open")] == [10, 4, 0, 6]
