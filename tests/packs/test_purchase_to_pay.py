"""Purchase to pay on a real site: order → receipt → invoice → payment, estimates and price differences."""

from __future__ import annotations

from decimal import Decimal as D

from trade import Trade, figures, refused


def test_the_whole_way_moves_stock_payable_and_ledger(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    order = trade.purchase(supplier, item, 10, "40")
    receipt = trade.do(trade.make(order, "purchase.receipt"), "post")
    assert figures(receipt["lines"][0], "unit_cost", "value") == [40, 400]
    assert (trade.on_hand(item), trade.value(item)) == (10, 400)
    assert trade.voucher(receipt) == [("inventory", D(400), D(0)), ("payable_estimated", D(0), D(400))]

    invoice = trade.do(trade.make(receipt, "purchase.invoice"), "post")
    assert trade.voucher(invoice) == [
        ("payable_estimated", D(400), D(0)),
        ("input_vat", D(52), D(0)),
        ("payable", D(0), D(452)),
    ]
    assert trade.payable(supplier) == 452

    payment = trade.do(trade.make(invoice, "finance.payment"), "post")
    assert trade.voucher(payment) == [("payable", D(452), D(0)), ("bank", D(0), D(452))]
    assert trade.payable(supplier) == 0
    assert trade.ledger("payable_estimated", supplier) == 0
    trade.balanced()


def test_an_invoice_at_another_price_books_the_difference_and_clears_the_estimate(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    receipt = trade.do(trade.make(trade.purchase(supplier, item, 10, "40"), "purchase.receipt"), "post")
    invoice = trade.make(receipt, "purchase.invoice")
    line = invoice["lines"][0]
    trade.update(invoice, lines=[{"id": line["id"], "price": "45"}])
    invoice = trade.do(invoice, "post")
    assert trade.voucher(invoice) == [
        ("payable_estimated", D(400), D(0)),
        ("price_difference", D(50), D(0)),
        ("input_vat", D("58.50"), D(0)),
        ("payable", D(0), D("508.50")),
    ]
    assert trade.ledger("payable_estimated", supplier) == 0


def test_partial_invoices_clear_the_estimate_to_the_cent(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    receipt = trade.create(
        "purchase.receipt",
        supplier=supplier,
        warehouse="WH1",
        lines=[{"item": item, "quantity": "3", "unit_cost": "33.3333333333"}],
    )
    receipt = trade.do(receipt, "post")
    assert figures(receipt["lines"][0], "value") == [100]
    for _ in range(3):
        line = {"source_line": receipt["lines"][0]["id"], "quantity": "1"}
        invoice = trade.make(receipt, "purchase.invoice", lines=[line])
        trade.update(invoice, lines=[{"id": invoice["lines"][0]["id"], "price": "33.33"}])
        trade.do(invoice, "post")
    assert trade.ledger("payable_estimated", supplier) == 0


def test_a_return_leaves_at_current_cost_with_the_rest_as_price_difference(trade: Trade) -> None:
    """erp-029: received at 10 and 20, one issued, one sent back at the average of 15."""
    item, supplier = trade.item(), trade.supplier()
    first = trade.do(trade.make(trade.purchase(supplier, item, 1, "10"), "purchase.receipt"), "post")
    trade.do(trade.make(trade.purchase(supplier, item, 1, "20"), "purchase.receipt"), "post")
    trade.issue(item, 1)
    back = trade.do(trade.make(first, "purchase.return"), "post")
    assert (trade.on_hand(item), trade.value(item)) == (0, 0)
    assert trade.voucher(back) == [
        ("inventory", D(-15), D(0)),
        ("price_difference", D(5), D(0)),
        ("payable_estimated", D(0), D(-10)),
    ]
    refused(lambda: trade.make(first, "purchase.return"), "conversion.nothing_open", 409)


def test_goods_invoiced_and_sent_back_are_credited_without_a_trace(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    receipt = trade.do(trade.make(trade.purchase(supplier, item, 10, "40"), "purchase.receipt"), "post")
    invoice = trade.do(trade.make(receipt, "purchase.invoice"), "post")
    trade.do(trade.make(receipt, "purchase.return"), "post")
    trade.do(trade.make(invoice, "purchase.credit_note"), "post")
    assert trade.payable(supplier) == 0
    assert trade.ledger("payable_estimated", supplier) == 0
    trade.balanced()


def test_a_receipt_beyond_the_order_is_refused(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    order = trade.purchase(supplier, item, 10)
    line = {"source_line": order["lines"][0]["id"], "quantity": "11"}
    receipt = trade.make(order, "purchase.receipt", lines=[line])
    refused(lambda: trade.do(receipt, "post"), "purchase.over_received")


def test_a_foreign_purchase_comes_in_at_the_rate_of_its_day(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier(currency="JPY")
    trade.create("base.exchange_rate", currency="JPY", date="2026-11-01", rate="0.0469")
    order = trade.purchase(supplier, item, 10, "1000", date="2026-11-10")
    receipt = trade.do(trade.make(order, "purchase.receipt"), "post")
    assert figures(receipt["lines"][0], "unit_cost", "value") == [D("46.9"), 469]
    invoice = trade.do(trade.make(receipt, "purchase.invoice"), "post")
    assert figures(invoice, "gross", "base_gross") == [11300, D("529.97")]
    payment = trade.do(trade.make(invoice, "finance.payment", exchange_rate="0.0480"), "post")
    assert ("fx_loss", D("12.43"), D(0)) in trade.voucher(payment)
    assert trade.payable(supplier) == 0


def test_services_go_into_expense_and_never_into_stock(trade: Trade) -> None:
    freight, supplier = trade.item("F", kind="service", tax_rate="0.09"), trade.supplier()
    invoice = trade.do(trade.make(trade.purchase(supplier, freight, 1, "100"), "purchase.invoice"), "post")
    assert trade.voucher(invoice) == [
        ("expense", D(100), D(0)),
        ("input_vat", D(9), D(0)),
        ("payable", D(0), D(109)),
    ]


def test_cancelling_a_receipt_takes_stock_estimate_and_voucher_back(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    order = trade.purchase(supplier, item, 10, "40")
    receipt = trade.do(trade.make(order, "purchase.receipt"), "post")
    trade.do(receipt, "cancel")
    assert (trade.on_hand(item), trade.value(item)) == (0, 0)
    assert figures(trade.read(order)["lines"][0], "delivered") == [0]
    assert trade.ledger("payable_estimated", supplier) == 0
    trade.balanced()
