"""Requisitions: who needs what; several go into one order; what an order gives up is open again."""

from __future__ import annotations

from decimal import Decimal as D

from trade import Record, Trade, figures, refused

from anlan.kernel import record


def _asked(trade: Trade, item: str, quantity: int, **more: object) -> Record:
    made = trade.create(
        "purchase.requisition",
        **{"reason": "生产", "needed_by": "2026-12-20", "lines": [{"item": item, "quantity": str(quantity)}]}
        | more,
    )
    return trade.do(made, "submit")


def _ordered(trade: Trade, request: Record) -> list[D]:
    return figures(trade.read(request)["lines"][0], "ordered")


def test_an_order_takes_what_is_open_and_the_requisition_knows(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    request = _asked(trade, item, 10, supplier=supplier)
    order = trade.make(request, "purchase.order")
    assert order["supplier"]["code"] == supplier
    assert figures(order["lines"][0], "quantity") == [10]
    order = trade.update(order, lines=[{"id": order["lines"][0]["id"], "quantity": "4", "price": "3"}])
    order = trade.do(order, "confirm")
    assert _ordered(trade, request) == [4]
    rest = trade.make(request, "purchase.order")
    assert figures(rest["lines"][0], "quantity") == [6]


def test_several_requisitions_go_into_one_order(trade: Trade) -> None:
    items, supplier = [trade.item("A"), trade.code("B")], trade.supplier()
    trade.create("base.item", code=items[1], name="B", unit="KG", tax_rate="0.13")
    first, second = (_asked(trade, item, 5, supplier=supplier) for item in items)
    order = record.make_many(trade.ctx, "purchase.requisition", [first["id"], second["id"]], "purchase.order")
    assert [line["item"]["code"] for line in order["lines"]] == items
    links = record.links(trade.ctx, "purchase.order", order["id"])
    sources = {one["record"]["id"] for one in links if one["relation"] == "source"}
    assert sources == {first["id"], second["id"]}
    lines = [{"id": line["id"], "price": "2"} for line in order["lines"]]
    trade.do(trade.update(order, lines=lines), "confirm")
    assert (_ordered(trade, first), _ordered(trade, second)) == ([5], [5])
    both = [first["id"], second["id"]]
    refused(
        lambda: record.make_many(trade.ctx, "purchase.requisition", both, "purchase.order"),
        "conversion.nothing_open",
        409,
    )


def test_requisitions_for_different_suppliers_ask_for_one(trade: Trade) -> None:
    item, one, other = trade.item(), trade.supplier(), trade.customer(is_supplier=True)
    asked = [_asked(trade, item, 1, supplier=supplier)["id"] for supplier in (one, other)]
    refused(
        lambda: record.make_many(trade.ctx, "purchase.requisition", asked, "purchase.order"),
        "conversion.heads_differ",
    )
    order = record.make_many(trade.ctx, "purchase.requisition", asked, "purchase.order", {"supplier": other})
    assert order["supplier"]["code"] == other
    assert len(order["lines"]) == 2


def test_more_than_was_asked_for_is_refused_until_the_requisition_allows_it(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    request = _asked(trade, item, 10, supplier=supplier)
    order = trade.make(request, "purchase.order")
    order = trade.update(order, lines=[{"id": order["lines"][0]["id"], "quantity": "12", "price": "1"}])
    refused(lambda: trade.do(order, "confirm"), "purchase.over_ordered")
    trade.update(request, lines=[{"id": request["lines"][0]["id"], "over_order_percent": "20"}])
    trade.do(order, "confirm")
    assert _ordered(trade, request) == [12]


def test_what_a_closed_order_gave_up_can_be_ordered_again(trade: Trade) -> None:
    item, supplier = trade.item(), trade.supplier()
    request = _asked(trade, item, 10, supplier=supplier)
    order = trade.make(request, "purchase.order")
    order = trade.do(trade.update(order, lines=[{"id": order["lines"][0]["id"], "price": "1"}]), "confirm")
    receipt = trade.make(
        order, "purchase.receipt", lines=[{"source_line": order["lines"][0]["id"], "quantity": "7"}]
    )
    trade.do(receipt, "post")
    trade.do(order, "close")
    assert _ordered(trade, request) == [7]
    assert figures(trade.make(request, "purchase.order")["lines"][0], "quantity") == [3]


def test_a_closed_requisition_is_not_ordered_and_a_reopened_one_is(trade: Trade) -> None:
    item = trade.item()
    request = _asked(trade, item, 10)
    trade.do(request, "close")
    refused(lambda: trade.make(request, "purchase.order"), "conversion.wrong_state", 409)
    trade.do(request, "reopen")
    assert figures(trade.make(request, "purchase.order")["lines"][0], "quantity") == [10]


def test_an_ordered_requisition_is_not_taken_back(trade: Trade) -> None:
    request = _asked(trade, trade.item(), 1)
    trade.make(request, "purchase.order")
    refused(lambda: trade.do(request, "withdraw_request"), "used_by", 409)
    refused(lambda: trade.do(request, "cancel"), "used_by", 409)


def test_it_cannot_be_needed_before_it_is_asked_for(trade: Trade) -> None:
    refused(lambda: _asked(trade, trade.item(), 1, needed_by="2026-11-01"), "check_failed")
