"""Quotations: valid until a day, in versions of which only the newest is offered, won by an order."""

from __future__ import annotations

from typing import Any

from trade import Record, Trade, figures, refused

from anlan.packs.sales import quotations


def _sent(trade: Trade, **more: Any) -> Record:
    """A sent quotation, over three pieces at 100 where nothing else is said."""
    if "customer" not in more:
        more["customer"] = trade.customer()
    if "lines" not in more:
        more["lines"] = [{"item": trade.item(), "quantity": "3", "price": "100"}]
    return trade.do(trade.create("sales.quotation", **more), "send")


def _state(trade: Trade, document: Record) -> str:
    return str(trade.read(document)["state"])


def test_an_order_made_from_it_wins_it(trade: Trade) -> None:
    quotation = _sent(trade)
    assert quotation["valid_until"] == "2026-12-16"
    order = trade.make(quotation, "sales.order")
    assert figures(order, "net", "gross") == [300, 339]
    assert order["quotation"]["id"] == quotation["id"]
    assert _state(trade, quotation) == "sent"
    trade.do(order, "confirm")
    assert _state(trade, quotation) == "won"
    refused(lambda: trade.make(quotation, "sales.order"), "conversion.wrong_state", 409)


def test_a_new_version_replaces_the_old_one_which_stays_readable(trade: Trade) -> None:
    first = _sent(trade)
    second = trade.make(first, "sales.quotation")
    assert (second["edition"], second["previous"]["id"]) == (2, first["id"])
    assert _state(trade, first) == "sent"
    second = trade.update(second, lines=[{"id": second["lines"][0]["id"], "price": "90"}])
    trade.do(second, "send")
    assert trade.update(second, note="as agreed")["note"] == "as agreed"
    old = trade.read(first)
    assert (old["state"], *figures(old, "net")) == ("replaced", 300)
    refused(lambda: trade.make(first, "sales.order"), "conversion.wrong_state", 409)
    assert figures(trade.make(second, "sales.order"), "net") == [270]


def test_of_two_new_versions_only_one_is_sent(trade: Trade) -> None:
    first = _sent(trade)
    one, other = (trade.make(first, "sales.quotation") for _ in range(2))
    trade.do(one, "send")
    refused(lambda: trade.do(other, "send"), "sales.quotation_replaced")


def test_a_version_of_what_was_won_meanwhile_is_not_sent(trade: Trade) -> None:
    first = _sent(trade)
    newer = trade.make(first, "sales.quotation")
    trade.do(trade.make(first, "sales.order"), "confirm")
    refused(lambda: trade.do(newer, "send"), "sales.quotation_replaced")


def test_the_night_expires_what_is_over_and_nothing_else(trade: Trade) -> None:
    customer, item = trade.customer(), trade.item()
    lines = [{"item": item, "quantity": "1", "price": "5"}]
    over = _sent(trade, customer=customer, lines=lines, date="2026-10-01", valid_until="2026-11-15")
    today = _sent(trade, customer=customer, lines=lines, valid_until="2026-11-16")
    assert quotations.expire_all(trade.site) == 1
    assert (_state(trade, over), _state(trade, today)) == ("expired", "sent")
    refused(lambda: trade.make(over, "sales.order"), "conversion.wrong_state", 409)


def test_an_expired_one_is_offered_again_with_a_new_day(trade: Trade) -> None:
    over = trade.do(_sent(trade, date="2026-10-01", valid_until="2026-11-15"), "expire")
    refused(lambda: trade.do(over, "extend"), "check_failed")
    again = trade.do(over, "extend", values={"valid_until": "2026-12-01"})
    assert again["state"] == "sent"


def test_it_cannot_end_before_it_begins(trade: Trade) -> None:
    refused(lambda: _sent(trade, valid_until="2026-11-01"), "check_failed")
