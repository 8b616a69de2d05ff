"""Two clients at the same moment: the last piece, the last cent, the same order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from trade import Record, Trade

from anlan.kernel import record
from anlan.kernel.access.caller import system_caller
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused


def at_once(trade: Trade, calls: list[Callable[[Context], Any]]) -> list[Any]:
    """What calls give that begin at the same moment, each in a context of its own: a record or a refusal."""
    gate = Barrier(len(calls))

    def run(call: Callable[[Context], Any]) -> Any:
        ctx = Context(trade.site, system_caller(trade.site.catalogue.policies), via="api")
        gate.wait(timeout=30)
        try:
            return call(ctx)
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def step(document: Record, name: str) -> Callable[[Context], Any]:
    return lambda ctx: record.step(ctx, document["form"], document["id"], name)


def test_the_last_piece_goes_to_one_and_the_other_learns_what_is_left(trade: Trade) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 1, "5")
    deliveries = [trade.make(trade.order(customer, item, 1), "sales.delivery") for _ in range(2)]
    results = at_once(trade, [step(delivery, "post") for delivery in deliveries])
    refused = [result for result in results if isinstance(result, Refused)]
    assert [result["state"] for result in results if not isinstance(result, Refused)] == ["posted"]
    assert [fault.code for fault in refused[0].faults] == ["stock.not_enough"]
    assert refused[0].faults[0].params["short"] == 1
    assert (trade.on_hand(item), trade.value(item)) == (0, 0)


def test_the_same_invoice_is_not_paid_twice(trade: Trade) -> None:
    item, customer = trade.item(tax_rate="0"), trade.customer()
    invoice = trade.do(trade.make(trade.order(customer, item, 1, "100"), "sales.invoice"), "post")
    payments = [trade.make(invoice, "finance.payment") for _ in range(2)]
    results = at_once(trade, [step(payment, "post") for payment in payments])
    assert sorted(getattr(result, "code", "posted") for result in results) == [
        "finance.over_allocated",
        "posted",
    ]
    assert trade.receivable(customer) == 0
    trade.balanced()


def test_an_order_confirmed_by_a_double_click_is_confirmed_once(trade: Trade) -> None:
    order = trade.create(
        "sales.order",
        customer=trade.customer(),
        lines=[{"item": trade.item(), "quantity": "1", "price": "1"}],
    )
    results = at_once(trade, [step(order, "confirm")] * 2)
    assert sorted(getattr(result, "code", "confirmed") for result in results) == [
        "confirmed",
        "state_conflict",
    ]


def test_many_issues_at_once_leave_the_average_and_the_numbers_whole(trade: Trade) -> None:
    item = trade.item()
    trade.receive(item, 7, "10")
    drafts = [
        trade.create("stock.issue", warehouse="WH1", lines=[{"item": item, "quantity": "1"}])
        for _ in range(4)
    ]
    results = at_once(trade, [step(draft, "post") for draft in drafts])
    assert {result["state"] for result in results} == {"posted"}
    assert (trade.on_hand(item), trade.value(item)) == (3, 30)
    numbers = sorted(int(trade.vouchers(result)[0]["number"]) for result in results)
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_two_batches_that_cross_each_other_both_come_through(trade: Trade) -> None:
    """Each takes the same two items in another order; PostgreSQL's deadlock, if any, is run again unseen."""
    first, second = trade.item("A"), trade.item("B")
    for item in (first, second):
        trade.receive(item, 100, "1")

    def issue(items: list[str]) -> Callable[[Context], Any]:
        lines = [{"item": item, "quantity": "1"} for item in items]
        made = [trade.create("stock.issue", warehouse="WH1", lines=[line]) for line in lines]
        return lambda ctx: record.batch(
            ctx, [{"op": "do", "form": "stock.issue", "id": one["id"], "transition": "post"} for one in made]
        )

    for _ in range(5):
        results = at_once(trade, [issue([first, second]), issue([second, first])])
        assert [result for result in results if isinstance(result, Refused)] == []
    assert (trade.on_hand(first), trade.on_hand(second)) == (90, 90)
