"""Stock documents on a real site: receipts, issues, transfers, counts, lots, negative stock, costing."""

from __future__ import annotations

from decimal import Decimal as D

from trade import Trade, figures, refused


def test_issues_leave_at_the_moving_average(trade: Trade) -> None:
    """erp-001."""
    item = trade.item()
    trade.receive(item, 10, "10")
    trade.receive(item, 10, "20")
    issue = trade.issue(item, 15)
    assert (trade.on_hand(item), trade.value(item)) == (5, 75)
    assert trade.voucher(issue) == [("expense", D(225), D(0)), ("inventory", D(0), D(225))]


def test_the_issue_that_empties_the_stock_takes_all_value(trade: Trade) -> None:
    """erp-002."""
    item = trade.item()
    for cost in ("1.02", "1.00", "1.00"):
        trade.receive(item, 1, cost)
    trade.issue(item, 3)
    assert (trade.on_hand(item), trade.value(item)) == (0, 0)


def test_a_transfer_carries_the_cost_of_its_source(trade: Trade) -> None:
    """erp-004."""
    item, other = trade.item(), trade.warehouse()
    for warehouse, cost in (("WH1", "100"), ("WH1", "80"), (other, "80")):
        trade.receive(item, 1, cost, warehouse=warehouse)
    made = trade.create(
        "stock.transfer", warehouse="WH1", to_warehouse=other, lines=[{"item": item, "quantity": "1"}]
    )
    trade.do(made, "post")
    assert (trade.on_hand(item), trade.value(item)) == (1, 90)
    assert (trade.on_hand(item, other), trade.value(item, other)) == (2, 170)
    trade.do(made, "cancel")
    assert (trade.value(item), trade.value(item, other)) == (180, 80)


def test_a_count_sets_quantity_and_cost(trade: Trade) -> None:
    """erp-005: one lot is counted, the other is untouched; both are costed by lot."""
    item = trade.item(tracking="lot", cost_by_lot=True)
    lots = {
        name: trade.create("stock.lot", code=trade.code(name), item=item)["code"] for name in ("L0", "L1")
    }

    def count(lot: str, quantity: str, cost: str) -> list[tuple[str, D, D]]:
        line = {"item": item, "lot": lots[lot], "quantity": quantity, "unit_cost": cost}
        return trade.voucher(trade.do(trade.create("stock.count", warehouse="WH1", lines=[line]), "post"))

    assert count("L1", "10", "100")[0] == ("inventory", D(1000), D(0))
    assert count("L0", "13", "200")[0] == ("inventory", D(2600), D(0))
    assert ("stock_loss", D(750), D(0)) in count("L1", "5", "50")
    assert ("stock_loss", D(1100), D(0)) in count("L0", "20", "75")
    assert (trade.on_hand(item), trade.value(item)) == (25, 1750)


def test_a_count_without_a_cost_moves_the_difference_at_current_cost(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "3")
    made = trade.create("stock.count", warehouse="WH1", lines=[{"item": item, "quantity": "8"}])
    trade.do(made, "post")
    assert (trade.on_hand(item), trade.value(item)) == (8, 24)


def test_an_item_is_counted_on_one_line(trade: Trade) -> None:
    item = trade.item()
    lines = [{"item": item, "quantity": "1"}, {"item": item, "quantity": "2"}]
    made = trade.create("stock.count", warehouse="WH1", lines=lines)
    refused(lambda: trade.do(made, "post"), "stock.counted_twice")


def test_negative_stock_goes_out_at_the_last_rate_and_is_valued_anew_when_it_is_filled(trade: Trade) -> None:
    """erp-011, with the variance in the voucher of the receipt."""
    item, warehouse = trade.item(), trade.warehouse(allow_negative=True)
    trade.receive(item, 10, "10", warehouse=warehouse)
    trade.receive(item, 10, "20", warehouse=warehouse)
    trade.issue(item, 30, warehouse=warehouse)
    assert (trade.on_hand(item, warehouse), trade.value(item, warehouse)) == (-10, -150)
    receipt = trade.receive(item, 10, "30", warehouse=warehouse)
    assert (trade.on_hand(item, warehouse), trade.value(item, warehouse)) == (0, 0)
    assert trade.voucher(receipt) == [
        ("inventory", D(150), D(0)),
        ("cost_of_sales", D(150), D(0)),
        ("other_income", D(0), D(300)),
    ]
    trade.receive(item, 10, "40", warehouse=warehouse)
    assert trade.value(item, warehouse) == 400


def test_before_any_receipt_the_standard_cost_is_the_last_known_rate(trade: Trade) -> None:
    """erp-012."""
    item, warehouse = trade.item(standard_cost="5"), trade.warehouse(allow_negative=True)
    trade.issue(item, 1, warehouse=warehouse)
    trade.issue(item, 1, warehouse=warehouse)
    trade.receive(item, 1, "3", warehouse=warehouse)
    trade.receive(item, 2, "2", warehouse=warehouse)
    assert (trade.on_hand(item, warehouse), trade.value(item, warehouse)) == (1, 2)


def test_a_receipt_without_a_cost_comes_in_at_the_current_one(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "3")
    trade.receive(item, 5)
    assert trade.value(item) == 45


def test_goods_of_a_lot_need_one_and_only_their_own(trade: Trade) -> None:
    item, other = trade.item("A", tracking="lot"), trade.item("B", tracking="lot")
    lot = trade.create("stock.lot", code=trade.code("L"), item=other)["code"]
    refused(lambda: trade.receive(item, 1, "1"), "check_failed")
    line = {"item": item, "lot": lot, "quantity": "1", "unit_cost": "1"}
    refused(lambda: trade.receive(item, 1, lines=[line]), "check_failed")


def test_what_is_not_supported_is_refused_with_a_sentence(trade: Trade) -> None:
    refused(lambda: trade.item(valuation="fifo"), "stock.valuation_not_ready")
    refused(lambda: trade.item(tracking="serial"), "stock.serial_not_ready")


def test_a_note_on_a_posted_document_moves_nothing(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "3")
    issue = trade.issue(item, 4)
    trade.update(issue, note="torn bag")
    assert (trade.on_hand(item), trade.value(item)) == (6, 18)


def test_unposting_gives_the_draft_back_and_posting_again_moves_the_same(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "3")
    issue = trade.issue(item, 4)
    trade.do(issue, "unpost")
    assert (trade.on_hand(item), trade.value(item)) == (10, 30)
    trade.do(issue, "post")
    assert (trade.on_hand(item), trade.value(item)) == (6, 18)
    trade.balanced()


def test_a_company_that_costs_as_one_has_one_average_over_its_warehouses(trade: Trade) -> None:
    company = trade.create(
        "system.company", code=trade.code("CO"), name="One", currency="CNY", cost_by="company"
    )
    first, second = (
        trade.warehouse("P", company=company["code"]),
        trade.warehouse("Q", company=company["code"]),
    )
    item = trade.item()
    trade.receive(item, 10, "10", warehouse=first, company=company["code"])
    trade.receive(item, 10, "20", warehouse=second, company=company["code"])
    trade.issue(item, 10, warehouse=second, company=company["code"])
    assert trade._sum("stock.cost", "value", f'item = "{item}"') == 150


def test_unit_costs_are_per_unit_of_the_line(trade: Trade) -> None:
    item = trade.item(unit="PCS", conversions=[{"unit": "BOX", "factor": "12"}])
    line = {"item": item, "quantity": "2", "unit": "BOX", "unit_cost": "24"}
    receipt = trade.receive(item, 0, lines=[line])
    assert figures(receipt["lines"][0], "value") == [48]
    assert (trade.on_hand(item), trade.value(item)) == (24, 48)


def test_a_unit_without_a_conversion_is_refused(trade: Trade) -> None:
    item = trade.item(unit="PCS")
    refused(
        lambda: trade.receive(item, 0, lines=[{"item": item, "quantity": "1", "unit": "BOX"}]),
        "check_failed",
    )


def test_taking_back_a_receipt_whose_cost_was_used_leaves_no_value_without_stock(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "10")
    dear = trade.receive(item, 10, "20")
    trade.issue(item, 10)
    trade.do(dear, "cancel")
    assert (trade.on_hand(item), trade.value(item)) == (0, 0)
    assert trade.voucher(dear) == [("inventory", D(50), D(0)), ("cost_of_sales", D(-50), D(0))]
    trade.balanced()


def test_the_unit_of_an_item_with_stock_stays(trade: Trade) -> None:
    item = trade.item()
    free = trade.item("B")
    trade.receive(item, 1, "1")
    refused(lambda: trade.update({"form": "base.item", "id": item}, unit="PCS"), "stock.used_item")
    trade.update({"form": "base.item", "id": free}, unit="PCS")
