"""Reports agree with the registers and the ledger to the cent, and every figure leads to the documents it is made of."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from trade import Trade, refused

from anlan.kernel import dashboard, report
from anlan.kernel.pivot import Pivot
from anlan.kernel.pivot import run as pivoted

YEAR = {"from": "2026-01-01", "to": "2026-12-31"}


def _sold(trade: Trade) -> tuple[str, str, dict[str, Any]]:
    """100 received at 6; 10 sold at 10 and invoiced, 2 of them came back and were credited; (item, customer, invoice)."""
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 100, "6", date="2026-08-01")
    order = trade.order(customer, item, 10, "10", date="2026-08-03")
    delivery = trade.do(trade.make(order, "sales.delivery", date="2026-08-04"), "post")
    invoice = trade.do(trade.make(delivery, "sales.invoice", date="2026-08-05"), "post")
    back = [{"source_line": delivery["lines"][0]["id"], "quantity": "2"}]
    trade.do(trade.make(delivery, "sales.return", date="2026-08-06", lines=back), "post")
    line = [{"source_line": invoice["lines"][0]["id"], "quantity": "2"}]
    trade.do(trade.make(invoice, "sales.credit_note", date="2026-08-07", lines=line), "post")
    return item, customer, invoice


def _ledger(trade: Trade, role: str) -> D:
    """Credit less debit of an account, by plain SQL."""
    with trade.ctx.transaction():
        row = trade.ctx.connection.execute(
            "SELECT coalesce(sum(b.credit - b.debit), 0) FROM finance_ledger_reg__balance b "
            "JOIN finance_account a ON a.id = b.account WHERE a.role = $1", [role]).fetchone()  # fmt: skip
    return D(row[0]) if row else D(0)


def test_margin_is_what_was_invoiced_less_what_the_goods_have_cost(trade: Trade) -> None:
    item, customer, _ = _sold(trade)
    table = report.run(trade.ctx, "sales.margin", YEAR | {"customer": customer, "item": item})
    (row,) = table["rows"]
    assert [D(row[key]) for key in ("quantity", "revenue", "cost", "margin", "rate")] == [8, 80, 48, 32, 40]
    assert table["totals"] == {"revenue": "80.00", "cost": "48.00", "margin": "32.00", "rate": "40"}


def test_margin_agrees_with_the_ledger_to_the_cent_in_any_currency(trade: Trade) -> None:
    _sold(trade)
    trade.create("base.exchange_rate", currency="USD", date="2026-08-01", rate="7.1586")
    abroad, item = trade.customer("U", currency="USD"), trade.item("U")
    trade.receive(item, 50, "3.3333", date="2026-08-01")
    order = trade.order(abroad, item, 7, "1.37", currency="USD", date="2026-08-03")
    delivery = trade.do(trade.make(order, "sales.delivery", date="2026-08-04"), "post")
    trade.do(trade.make(delivery, "sales.invoice", date="2026-08-05"), "post")
    for name in ("sales.margin", "sales.margin_by_customer"):
        totals = report.run(trade.ctx, name, YEAR)["totals"]
        assert D(totals["revenue"]) == _ledger(trade, "revenue"), name
        assert D(totals["cost"]) == -_ledger(trade, "cost_of_sales"), name


def test_a_figure_leads_to_the_documents_that_it_is_made_of(trade: Trade) -> None:
    item, customer, invoice = _sold(trade)
    table = report.run(trade.ctx, "sales.margin", YEAR | {"customer": customer})
    row = table["rows"][0]
    keys = {"customer": row["customer"]["id"], "item": row["item"]["id"]}
    behind = report.behind(trade.ctx, "sales.margin", YEAR, keys, "revenue")
    assert behind["totals"]["revenue"] == row["revenue"]
    assert [one["@document"]["form"] for one in behind["rows"]] == ["sales.credit_note", "sales.invoice"]
    assert behind["rows"][1]["@document"]["code"] == invoice["number"]
    both = report.behind(trade.ctx, "sales.margin", YEAR, keys, "margin")
    assert {one["@document"]["form"] for one in both["rows"]} == {
        "sales.invoice", "sales.credit_note", "sales.delivery", "sales.return",
    }  # fmt: skip
    assert D(both["totals"]["revenue"]) - D(both["totals"]["cost"]) == D(row["margin"])
    assert item


def test_a_balance_leads_to_the_movements_that_made_it(trade: Trade) -> None:
    item, _, _ = _sold(trade)
    (row,) = report.run(trade.ctx, "stock.balance", {"item": item})["rows"]
    keys = {key: (row[key] or {}).get("id", "") for key in ("warehouse", "item", "lot")}
    behind = report.behind(trade.ctx, "stock.balance", {"item": item}, keys, "quantity")
    assert D(behind["totals"]["quantity"]) == D(row["quantity"]) == 92
    assert [one["@document"]["form"] for one in behind["rows"]] == ["sales.return", "sales.delivery", "stock.receipt"]


def test_more_rows_behind_a_figure_than_are_shown_are_told_and_still_counted(trade: Trade) -> None:
    _sold(trade)
    behind = report.behind(trade.ctx, "stock.movements", YEAR, {}, None, limit=1)
    every = report.behind(trade.ctx, "stock.movements", YEAR, {}, None)
    assert (len(behind["rows"]), behind["cut"], behind["count"]) == (1, True, len(every["rows"]))
    assert behind["totals"] == every["totals"]


def test_a_key_that_the_report_has_no_row_for_is_refused(trade: Trade) -> None:
    refused(lambda: report.behind(trade.ctx, "sales.margin", YEAR, {"colour": "red"}), "unknown_field")


def test_the_stock_ledger_runs_from_what_there_was_to_what_there_is(trade: Trade) -> None:
    item, _, _ = _sold(trade)
    table = report.run(trade.ctx, "stock.ledger", {"from": "2026-08-02", "to": "2026-08-31", "item": item})
    assert [D(row["balance"]) for row in table["rows"]] == [100, 90, 92]
    assert table["rows"][0]["@opening"]
    assert table["rows"][1]["@document"]["form"] == "sales.delivery"
    assert table["totals"] == {"received": "2", "issued": "10"}
    assert D(table["rows"][-1]["balance"]) == trade.on_hand(item)


def test_a_statement_ends_with_what_is_owed(trade: Trade) -> None:
    _, customer, _ = _sold(trade)
    table = report.run(trade.ctx, "finance.receivable_statement", {"party": customer, "to": "2026-12-31"})
    assert D(table["rows"][-1]["balance"]) == trade.receivable(customer) == D("90.40")


def test_subtotals_are_of_their_rows_and_a_rate_is_reckoned_anew(trade: Trade) -> None:
    _, customer, _ = _sold(trade)
    second = trade.item("B")
    trade.receive(second, 10, "1", date="2026-08-01")
    order = trade.order(customer, second, 10, "2", date="2026-08-03")
    delivery = trade.do(trade.make(order, "sales.delivery", date="2026-08-04"), "post")
    trade.do(trade.make(delivery, "sales.invoice", date="2026-08-05"), "post")
    table = report.run(trade.ctx, "sales.margin", YEAR | {"customer": customer})
    (one,) = table["subtotals"]
    assert (one["from"], one["to"]) == (0, 2)
    # 32 of 80 and 10 of 20: together 42 of 100, not the mean of 40 and 50.
    assert one["values"] == {"revenue": "100.00", "cost": "58.00", "margin": "42.00", "rate": "42"}


def test_a_price_history_shows_each_invoice(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    for day, price in (("2026-08-03", "5"), ("2026-09-03", "6")):
        order = trade.purchase(supplier, item, 4, price, date=day)
        receipt = trade.do(trade.make(order, "purchase.receipt", date=day), "post")
        trade.do(trade.make(receipt, "purchase.invoice", date=day), "post")
    table = report.run(trade.ctx, "purchase.price_history", {"goods": item})
    assert [D(row["price"]) for row in table["rows"]] == [6, 5]
    assert all(row["@document"]["form"] == "purchase.invoice" for row in table["rows"])


def test_a_pivot_over_a_report_has_the_reports_figures(trade: Trade) -> None:
    _sold(trade)
    found = pivoted(trade.ctx, Pivot(report="sales.margin", rows=("date@month",), columns=("customer",), values=("margin", "rate"), given=YEAR))
    totals = report.run(trade.ctx, "sales.margin", YEAR)["totals"]
    assert found["totals"]["total"] == [totals["margin"], totals["rate"]]
    assert sum(D(cell[0]) for cell in found["totals"]["cells"]) == D(totals["margin"])


def test_a_turnover_has_no_pivot_and_says_so(trade: Trade) -> None:
    refused(lambda: pivoted(trade.ctx, Pivot(report="stock.turnover")), "pivot.turnover")


@pytest.mark.parametrize("board", ["sales.overview", "sales.mine", "purchase.overview", "stock.overview", "finance.overview", "finance.boss"])
def test_every_widget_of_the_packs_shows_something_in_every_period(trade: Trade, board: str) -> None:
    _sold(trade)
    for one in dashboard.describe(trade.ctx, board)["widgets"]:
        for period in dashboard.PERIODS:
            assert dashboard.widget(trade.ctx, board, one["key"], period=period)["kind"] == one["kind"]


def test_the_dashboards_figure_is_the_reports_total(trade: Trade) -> None:
    _sold(trade)
    shown = dashboard.widget(trade.ctx, "sales.overview", "margin", period="year")
    table = report.run(trade.ctx, "sales.margin", shown["opens"]["given"])
    assert shown["value"] == table["totals"]["margin"]
    owed = dashboard.widget(trade.ctx, "finance.overview", "receivable", period="month")
    assert owed["value"] == report.run(trade.ctx, "finance.receivable_ageing", {})["totals"]["total"]
