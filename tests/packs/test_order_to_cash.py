"""Order to cash on a real site: order → delivery → invoice → payment, and its wrong turns."""

from __future__ import annotations

from decimal import Decimal as D

from trade import Trade, figures, refused


def test_the_whole_way_moves_stock_receivable_and_ledger(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 100, "6")
    order = trade.order(customer, item, 10, "10")
    assert figures(order, "net", "tax", "gross") == [100, 13, 113]

    delivery = trade.do(trade.make(order, "sales.delivery"), "post")
    assert trade.on_hand(item) == 90
    assert trade.value(item) == 540
    assert figures(trade.read(order)["lines"][0], "delivered") == [10]
    assert trade.voucher(delivery) == [("cost_of_sales", D(60), D(0)), ("inventory", D(0), D(60))]

    invoice = trade.do(trade.make(delivery, "sales.invoice"), "post")
    assert trade.voucher(invoice) == [
        ("receivable", D(113), D(0)),
        ("revenue", D(0), D(100)),
        ("output_vat", D(0), D(13)),
    ]
    assert figures(trade.read(invoice), "open", "paid") == [113, 0]

    payment = trade.do(trade.make(invoice, "finance.payment"), "post")
    assert trade.voucher(payment) == [("bank", D(113), D(0)), ("receivable", D(0), D(113))]
    assert figures(trade.read(invoice), "open", "paid") == [0, 113]
    assert trade.receivable(customer) == 0
    trade.balanced()


def test_prices_that_include_tax_are_rounded_gross_first(trade: Trade) -> None:
    """erp-074: 100.00 at 13 % holds 88.50 and 11.50."""
    item, customer = trade.item(), trade.customer()
    order = trade.order(customer, item, 1, "100", price_includes_tax=True)
    assert figures(order["lines"][0], "net", "tax", "gross") == [D("88.50"), D("11.50"), 100]


def test_discount_is_taken_before_rounding_and_tax_is_rounded_per_line(trade: Trade) -> None:
    """erp-044: 16 × 348.35 less 4 %, tax 22 %."""
    item, customer = trade.item(tax_rate="0.22"), trade.customer()
    line = {"item": item, "quantity": "16", "price": "348.35", "discount_percent": "4"}
    order = trade.order(customer, item, 0, lines=[line])
    assert figures(order, "net", "tax", "gross") == [D("5350.66"), D("1177.15"), D("6527.81")]


def test_what_is_delivered_in_parts_stays_open_until_it_is_complete(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    part = trade.make(
        order, "sales.delivery", lines=[{"source_line": order["lines"][0]["id"], "quantity": "4"}]
    )
    trade.do(part, "post")
    assert trade.makeable(order) == {"delivery", "invoice"}
    rest = trade.make(order, "sales.delivery")
    assert figures(rest["lines"][0], "quantity") == [6]
    assert rest["lines"][0]["source_line"] is not None
    trade.do(rest, "post")
    refused(lambda: trade.make(order, "sales.delivery"), "conversion.nothing_open", 409)
    assert trade.makeable(order) == {"invoice"} and trade.makeable(rest) == {"invoice", "return"}


def test_a_delivery_beyond_the_order_is_refused_unless_the_item_tolerates_it(trade: Trade) -> None:
    strict, loose, customer = trade.item("A"), trade.item("B", over_delivery_percent="50"), trade.customer()
    for item in (strict, loose):
        trade.receive(item, 100, "1")
    for item, quantity, fine in ((strict, "10.001", False), (loose, "15", True), (loose, "15.01", False)):
        order = trade.order(customer, item, 10)
        line = {"source_line": order["lines"][0]["id"], "quantity": quantity}
        delivery = trade.make(order, "sales.delivery", lines=[line])
        if fine:
            trade.do(delivery, "post")
        else:
            refused(lambda made=delivery: trade.do(made, "post"), "sales.over_delivered")


def test_returns_lower_what_is_delivered_and_come_back_at_the_cost_of_their_delivery(trade: Trade) -> None:
    """erp-030: 6 delivered, 3 back; the average has changed meanwhile, the returned goods have not."""
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "6")
    order = trade.order(customer, item, 10)
    line = order["lines"][0]["id"]
    delivery = trade.do(
        trade.make(order, "sales.delivery", lines=[{"source_line": line, "quantity": "6"}]), "post"
    )
    trade.receive(item, 4, "20")
    delivered = delivery["lines"][0]["id"]
    made = trade.make(delivery, "sales.return", lines=[{"source_line": delivered, "quantity": "3"}])
    back = trade.do(made, "post")
    assert figures(trade.read(order)["lines"][0], "delivered", "returned") == [3, 3]
    assert trade.on_hand(item) == 11
    assert trade.value(item) == 4 * 6 + 4 * 20 + 3 * 6
    assert trade.voucher(back) == [("cost_of_sales", D(-18), D(0)), ("inventory", D(0), D(-18))]
    too_much = trade.make(delivery, "sales.return", lines=[{"source_line": delivered, "quantity": "4"}])
    refused(lambda: trade.do(too_much, "post"), "sales.over_returned")


def test_an_invoice_is_no_delivery_and_a_delivery_no_invoice(trade: Trade) -> None:
    """erp-038."""
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    line = {"source_line": order["lines"][0]["id"], "quantity": "6"}
    trade.do(trade.make(order, "sales.delivery", lines=[line]), "post")
    assert figures(trade.read(order)["lines"][0], "delivered", "invoiced") == [6, 0]
    trade.do(trade.make(order, "sales.invoice", lines=[line]), "post")
    assert figures(trade.read(order)["lines"][0], "delivered", "invoiced") == [6, 6]


def test_a_delivery_is_invoiced_once(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    delivery = trade.do(trade.make(order, "sales.delivery"), "post")
    first, second = trade.make(delivery, "sales.invoice"), trade.make(delivery, "sales.invoice")
    trade.do(first, "post")
    refused(lambda: trade.do(second, "post"), "sales.invoiced_twice")
    refused(lambda: trade.make(delivery, "sales.invoice"), "conversion.nothing_open", 409)


def test_a_delivery_with_an_invoice_cannot_be_cancelled(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    delivery = trade.do(trade.make(trade.order(customer, item, 10), "sales.delivery"), "post")
    invoice = trade.do(trade.make(delivery, "sales.invoice"), "post")
    refused(lambda: trade.do(delivery, "cancel"), "used_by", 409)
    trade.do(invoice, "cancel")
    trade.do(delivery, "cancel")
    assert trade.on_hand(item) == 10
    assert trade.receivable(customer) == 0
    trade.balanced()


def test_movements_follow_an_order_that_is_amended_closed_reopened_and_cancelled(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    order = trade.order(customer, item, 10)

    def ordered() -> D:
        return trade._sum("sales.exposure", "ordered", f'party = "{customer}"')

    assert ordered() == 113
    line = trade.read(order)["lines"][0]
    trade.update(order, lines=[{"id": line["id"], "quantity": "12"}])
    assert ordered() == D("135.6")
    trade.do(order, "close")
    assert ordered() == 0
    trade.do(order, "reopen")
    assert ordered() == D("135.6")
    trade.do(order, "cancel")
    assert ordered() == 0
    refused(lambda: trade.do(order, "confirm"), "state_conflict", 409)


def test_an_order_cannot_be_lowered_below_what_is_delivered(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    line = order["lines"][0]["id"]
    trade.do(trade.make(order, "sales.delivery", lines=[{"source_line": line, "quantity": "6"}]), "post")
    refused(lambda: trade.update(order, lines=[{"id": line, "quantity": "5"}]), "sales.over_delivered")
    trade.update(order, lines=[{"id": line, "quantity": "6"}])


def test_nothing_is_delivered_on_a_closed_order(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "1")
    order = trade.order(customer, item, 10)
    line = {"source_line": order["lines"][0]["id"], "quantity": "4"}
    trade.do(trade.make(order, "sales.delivery", lines=[line]), "post")
    draft = trade.make(order, "sales.delivery")
    trade.do(order, "close")
    refused(lambda: trade.do(draft, "post"), "sales.over_delivered")
    trade.do(order, "reopen")
    trade.do(draft, "post")


def test_the_same_order_is_confirmed_once(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    order = trade.order(customer, item, 1)
    refused(lambda: trade.do(order, "confirm"), "state_conflict", 409)


def test_a_short_warehouse_refuses_and_says_by_how_much(trade: Trade) -> None:
    """erp-014."""
    item = trade.item()
    trade.receive(item, 5, "1")
    caught = refused(lambda: trade.issue(item, 6), "stock.not_enough")
    fault = next(fault for fault in caught.faults if fault.code == "stock.not_enough")
    assert (fault.path, fault.params["short"]) == ("lines[0].quantity", 1)
    assert trade.on_hand(item) == 5


def test_confirming_an_order_never_asks_for_stock(trade: Trade) -> None:
    trade.order(trade.customer(), trade.item(), 1000)


def test_a_credit_limit_counts_orders_deliveries_and_receivables(trade: Trade) -> None:
    """erp-053: with 100 owed and a limit of 200, 100 more pass and 150 do not; null means no limit."""
    item = trade.item(tax_rate="0")
    trade.receive(item, 1000, "1")
    for limit, owed, new, fine in (
        (None, 100, 100, True),
        ("0", 0, 1, False),
        ("200", 100, 150, False),
        ("200", 100, 100, True),
    ):
        customer = trade.customer(f"L{limit}-{new}", **({"credit_limit": limit} if limit else {}))
        if owed:
            first = trade.order(customer, item, 1, str(owed))
            trade.do(
                trade.make(trade.do(trade.make(first, "sales.delivery"), "post"), "sales.invoice"), "post"
            )
        if fine:
            trade.order(customer, item, 1, str(new))
        else:
            refused(
                lambda who=customer, price=new: trade.order(who, item, 1, str(price)), "sales.over_credit"
            )


def test_a_payment_frees_the_credit_again(trade: Trade) -> None:
    item, customer = trade.item(tax_rate="0"), trade.customer(credit_limit="100")
    trade.receive(item, 10, "1")
    delivery = trade.do(trade.make(trade.order(customer, item, 1, "100"), "sales.delivery"), "post")
    invoice = trade.do(trade.make(delivery, "sales.invoice"), "post")
    refused(lambda: trade.order(customer, item, 1, "1"), "sales.over_credit")
    trade.do(trade.make(invoice, "finance.payment", amount="40"), "post")
    trade.order(customer, item, 1, "40")


def test_an_invoice_is_paid_in_parts_and_never_beyond_what_is_open(trade: Trade) -> None:
    """erp-058."""
    item, customer = trade.item(tax_rate="0"), trade.customer()
    order = trade.order(customer, item, 1, "240")
    invoice = trade.do(trade.make(order, "sales.invoice"), "post")
    for amount, open_after in (("120", 120), ("20", 100)):
        trade.do(trade.make(invoice, "finance.payment", amount=amount), "post")
        assert figures(trade.read(invoice), "open") == [open_after]
    refused(
        lambda: trade.do(trade.make(invoice, "finance.payment", amount="100.01"), "post"),
        "finance.over_allocated",
    )
    last = trade.create(
        "finance.payment",
        direction="in",
        party=customer,
        amount="99",
        lines=[{"invoice": invoice["id"], "amount": "99", "write_off": "1"}],
    )
    last = trade.do(last, "post")
    assert trade.voucher(last) == [
        ("bank", D(99), D(0)),
        ("cash_discount", D(1), D(0)),
        ("receivable", D(0), D(100)),
    ]
    assert figures(trade.read(invoice), "open") == [0]


def test_money_without_an_invoice_stays_on_the_account_of_the_customer(trade: Trade) -> None:
    """erp-063: an advance shows as a negative open amount."""
    customer = trade.customer()
    paid = trade.do(trade.create("finance.payment", direction="in", party=customer, amount="1000"), "post")
    assert trade.receivable(customer) == -1000
    trade.do(paid, "cancel")
    assert trade.receivable(customer) == 0
    trade.balanced()


def test_a_payment_settles_only_invoices_of_its_party_and_currency(trade: Trade) -> None:
    item, customer, other = trade.item(), trade.customer("C"), trade.customer("D")
    invoice = trade.do(trade.make(trade.order(customer, item, 1), "sales.invoice"), "post")
    line = {"invoice": invoice["id"], "amount": "1"}
    wrong = trade.create("finance.payment", direction="in", party=other, amount="1", lines=[line])
    refused(lambda: trade.do(wrong, "post"), "finance.wrong_party")


def test_a_full_credit_note_leaves_nothing_open(trade: Trade) -> None:
    """erp-061."""
    item, customer = trade.item(), trade.customer()
    invoice = trade.do(trade.make(trade.order(customer, item, 10), "sales.invoice"), "post")
    credit = trade.do(trade.make(invoice, "sales.credit_note"), "post")
    assert trade.voucher(credit) == [
        ("receivable", D(-113), D(0)),
        ("revenue", D(0), D(-100)),
        ("output_vat", D(0), D(-13)),
    ]
    assert figures(trade.read(invoice), "open") == [0]
    refused(lambda: trade.make(invoice, "sales.credit_note"), "conversion.nothing_open", 409)


def test_an_invoice_in_another_currency_is_paid_at_another_rate(trade: Trade) -> None:
    """Booked at 7.10, paid at 7.20: the customer owes nothing, the difference is an exchange gain."""
    item, customer = trade.item(tax_rate="0"), trade.customer(currency="USD")
    trade.create("base.exchange_rate", currency="USD", date="2026-11-01", rate="7.10")
    order = trade.order(customer, item, 1, "100")
    assert figures(order, "exchange_rate", "base_gross") == [D("7.10"), 710]
    invoice = trade.do(trade.make(order, "sales.invoice"), "post")
    payment = trade.do(trade.make(invoice, "finance.payment", exchange_rate="7.20"), "post")
    assert trade.voucher(payment) == [
        ("bank", D(720), D(0)),
        ("receivable", D(0), D(710)),
        ("fx_gain", D(0), D(10)),
    ]
    assert trade.receivable(customer) == 0
    trade.balanced()


def test_rate_one_for_a_foreign_currency_is_refused(trade: Trade) -> None:
    """erp-057."""
    item, customer = trade.item(), trade.customer(currency="EUR")
    refused(lambda: trade.order(customer, item, 1, exchange_rate="1"), "check_failed")


def test_an_item_sold_by_the_box_leaves_stock_in_its_own_unit(trade: Trade) -> None:
    """erp-070: a sale unit of 10 stock units."""
    item = trade.item(unit="PCS", conversions=[{"unit": "BOX", "factor": "10"}])
    customer = trade.customer()
    trade.receive(item, 30, "1")
    line = {"item": item, "quantity": "2", "unit": "BOX", "price": "1000"}
    order = trade.order(customer, item, 0, lines=[line])
    trade.do(trade.make(order, "sales.delivery"), "post")
    assert trade.on_hand(item) == 10


def test_pieces_have_no_halves(trade: Trade) -> None:
    item, customer = trade.item(unit="PCS"), trade.customer()
    refused(lambda: trade.order(customer, item, "1.5"), "too_many_digits")


def test_a_customer_must_be_one(trade: Trade) -> None:
    refused(lambda: trade.order(trade.supplier(), trade.item(), 1), "not_choosable")
