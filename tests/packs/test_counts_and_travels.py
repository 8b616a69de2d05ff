"""Counts with frozen books, and transfers whose goods travel for a while."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from trade import Record, Trade, figures, refused

from anlan.kernel import record
from anlan.kernel.access.caller import Identity, caller_from
from anlan.kernel.context import Context
from anlan.kernel.ids import uuid7
from anlan.kernel.site import Site
from invariants import check_invariants


@pytest.fixture(autouse=True, scope="module")
def sound(site: Site) -> object:
    """Whatever these tests do: balances, ledger and events agree at the end."""
    yield
    check_invariants(site)


def _keeper(trade: Trade) -> Context:
    company = next(iter(trade.ctx.memory.rows("system.company")))
    identity = Identity(uuid7(), "k", "K", "zh-CN", company, (), None, frozenset({"warehouse_keeper"}))
    return Context(trade.site, caller_from(identity, trade.site.catalogue.policies))


def _count(trade: Trade, item: str, **more: object) -> Record:
    values = {"warehouse": "WH1", "lines": [{"item": item}]} | more
    return trade.do(trade.create("stock.count", **values), "start")


def _counted(trade: Trade, count: Record, quantity: int) -> Record:
    lines = [{"id": trade.read(count)["lines"][0]["id"], "quantity": str(quantity)}]
    return trade.update(count, lines=lines)


# -- counts


def test_a_blind_count_hides_the_books_until_it_is_done(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "5")
    count = _count(trade, item)
    seen = record.read(_keeper(trade), "stock.count", count["id"])["lines"][0]
    assert (seen["book_quantity"], seen["difference"]) == (None, None)
    assert "frozen_quantity" not in seen
    done = trade.do(_counted(trade, count, 8), "finish")
    assert figures(done["lines"][0], "book_quantity", "difference") == [10, -2]
    again = trade.do(done, "recount")
    assert again["lines"][0]["book_quantity"] is None


def test_an_open_count_shows_the_books_at_once(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "5")
    assert figures(_count(trade, item, blind=False)["lines"][0], "book_quantity") == [10]


def test_what_moves_while_counting_does_not_disturb_the_difference(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "5")
    count = _count(trade, item)
    trade.issue(item, 4)
    count = trade.do(trade.do(_counted(trade, count, 9), "finish"), "post")
    assert (trade.on_hand(item), trade.value(item)) == (5, 25)
    assert ("stock_loss", D(5), D(0)) in trade.voucher(count)
    trade.do(count, "cancel")
    assert (trade.on_hand(item), trade.value(item)) == (6, 30)


def test_a_count_of_everything_lists_what_the_books_know(trade: Trade) -> None:
    item, other, place = trade.item("A"), trade.code("B"), trade.warehouse()
    trade.create("base.item", code=other, name="B", unit="KG", tax_rate="0.13")
    for one in (other, item):
        trade.receive(one, 3, "2", warehouse=place)
    count = trade.do(
        trade.create("stock.count", warehouse=place, scope="all", lines=[{"item": item}]), "start"
    )
    assert [line["item"]["code"] for line in count["lines"]] == [item, other]
    assert count["lines"][1]["unit"]["code"] == "KG"


def test_a_line_without_a_figure_is_told(trade: Trade) -> None:
    item = trade.item()
    count = _count(trade, item)
    found = refused(lambda: trade.do(count, "finish"), "stock.not_counted")
    assert found.faults[0].path == "lines[0].quantity"
    refused(
        lambda: trade.do(trade.create("stock.count", warehouse="WH1", lines=[{"item": item}]), "post"),
        "stock.not_counted",
    )


def test_goods_found_while_counting_are_compared_with_the_books_at_the_end(trade: Trade) -> None:
    item, other = trade.item("A"), trade.code("B")
    trade.create("base.item", code=other, name="B", unit="KG", tax_rate="0.13", standard_cost="7")
    trade.receive(item, 1, "5")
    count = _counted(trade, _count(trade, item), 1)
    lines = [{"id": trade.read(count)["lines"][0]["id"]}, {"item": other, "quantity": "2"}]
    done = trade.do(trade.do(trade.update(count, lines=lines), "finish"), "post")
    assert figures(done["lines"][1], "book_quantity", "difference") == [0, 2]
    assert (trade.on_hand(other), trade.value(other)) == (2, 14)


def test_a_difference_beyond_the_tolerance_needs_somebody_who_may(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 100, "5")
    count = trade.do(_counted(trade, _count(trade, item, tolerance_percent="5"), 90), "finish")
    assert count["over_lines"] == 1
    refused(lambda: trade.do(count, "post"), "check_failed")
    refused(lambda: record.step(_keeper(trade), "stock.count", count["id"], "post_over"), "forbidden", 403)
    trade.do(count, "post_over", comment="仓库主任复核")
    assert trade.on_hand(item) == 90


def test_a_difference_within_the_tolerance_is_posted(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 100, "5")
    count = trade.do(_counted(trade, _count(trade, item, tolerance_percent="5"), 95), "finish")
    trade.do(count, "post")
    assert trade.on_hand(item) == 95


def test_a_counted_unit_cost_values_what_is_there(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 10, "5")
    count = trade.do(_counted(trade, _count(trade, item), 8), "finish")
    count = trade.update(count, lines=[{"id": count["lines"][0]["id"], "unit_cost": "6"}])
    trade.do(count, "post")
    assert (trade.on_hand(item), trade.value(item)) == (8, 48)


# -- transfers


def _dispatched(trade: Trade, item: str, to: str, quantity: int = 10) -> Record:
    line = {"item": item, "quantity": str(quantity)}
    made = trade.create("stock.transfer", warehouse="WH1", to_warehouse=to, two_step=True, lines=[line])
    return trade.do(made, "dispatch")


def test_goods_are_in_transit_until_they_arrive(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    made = _dispatched(trade, item, to)
    assert [trade.on_hand(item, one) for one in ("WH1", "TRANSIT", to)] == [0, 10, 0]
    assert [trade.value(item, one) for one in ("WH1", "TRANSIT", to)] == [0, 60, 0]
    made = trade.do(made, "receive")
    assert made["received_date"] == trade.ctx.today.isoformat()
    assert [trade.on_hand(item, one) for one in ("WH1", "TRANSIT", to)] == [0, 0, 10]
    assert [trade.value(item, one) for one in ("WH1", "TRANSIT", to)] == [0, 0, 60]
    assert trade.vouchers(made) == []


def test_what_does_not_arrive_is_a_loss(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    made = _dispatched(trade, item, to)
    made = trade.update(made, lines=[{"id": made["lines"][0]["id"], "received_quantity": "7"}])
    made = trade.do(made, "receive")
    assert figures(made["lines"][0], "missing") == [3]
    assert [trade.on_hand(item, one) for one in ("WH1", "TRANSIT", to)] == [0, 0, 7]
    assert trade.value(item, to) == 42
    assert ("stock_loss", D(18), D(0)) in trade.voucher(made)
    trade.do(made, "unpost")
    assert [trade.on_hand(item, one) for one in ("WH1", "TRANSIT", to)] == [10, 0, 0]
    assert trade.value(item) == 60


def test_more_than_was_dispatched_does_not_arrive(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    made = _dispatched(trade, item, to)
    refused(
        lambda: trade.update(made, lines=[{"id": made["lines"][0]["id"], "received_quantity": "11"}]),
        "check_failed",
    )


def test_a_dispatch_is_taken_back_or_cancelled(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    made = trade.do(_dispatched(trade, item, to), "recall")
    assert (made["state"], trade.on_hand(item), trade.on_hand(item, "TRANSIT")) == ("draft", 10, 0)
    trade.do(trade.do(made, "dispatch"), "cancel")
    assert (trade.on_hand(item), trade.value(item), trade.on_hand(item, "TRANSIT")) == (10, 60, 0)


def test_one_step_and_two_steps_are_not_mixed_up(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    line = {"item": item, "quantity": "1"}
    two = trade.create("stock.transfer", warehouse="WH1", to_warehouse=to, two_step=True, lines=[line])
    one = trade.create("stock.transfer", warehouse="WH1", to_warehouse=to, lines=[line])
    refused(lambda: trade.do(two, "post"), "check_failed")
    refused(lambda: trade.do(one, "dispatch"), "check_failed")


def test_without_a_transit_warehouse_nothing_is_dispatched(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 10, "6")
    transit = record.read(trade.ctx, "stock.warehouse", "TRANSIT")
    transit = record.update(
        trade.ctx, "stock.warehouse", transit["id"], {"active": False}, version=transit["version"]
    )
    refused(lambda: _dispatched(trade, item, to), "stock.no_transit")
    record.update(trade.ctx, "stock.warehouse", transit["id"], {"active": True}, version=transit["version"])


# -- copies


def test_a_copy_is_a_draft_of_today_without_what_the_other_was_made_from(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    order = trade.order(customer, item, 10, delivery_date="2026-12-01", reference="C-7")
    trade.receive(item, 20, "1")
    delivery = trade.do(trade.make(order, "sales.delivery"), "post")
    again = record.copy(trade.ctx, "sales.delivery", delivery["id"])
    assert (again["state"], again["number"]) == ("draft", None)
    assert again["lines"][0]["source_line"] is None
    assert figures(again["lines"][0], "quantity") == [10]
    other = record.copy(trade.ctx, "sales.order", order["id"], {"note": "second"})
    assert (other["delivery_date"], other["reference"], other["note"]) == (None, None, "second")
    assert figures(other, "gross") == figures(order, "gross")


def test_a_copy_leaves_out_what_the_copier_may_not_write(trade: Trade) -> None:
    item, to = trade.item(), trade.warehouse()
    trade.receive(item, 5, "2")
    receipt = trade.create(
        "stock.receipt", warehouse=to, lines=[{"item": item, "quantity": "1", "unit_cost": "2"}]
    )
    values = record.copy_of(_keeper(trade), "stock.receipt", receipt["id"])
    assert values["lines"][0]["item"]
    assert "account" not in values
