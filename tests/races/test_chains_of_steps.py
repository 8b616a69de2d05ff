"""Random sequences of what people do to an order and its deliveries keep the invariants; undoing all restores all.

hypothesis chooses the steps; a step that the state or a limit refuses is part of the story, a defect is not.
"""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.kernel import record
from anlan.kernel.errors import Refused
from anlan.kernel.site import Site
from invariants import broken
from whole_site import Record, Trade

pytest_plugins = ["whole_site"]

_marks = itertools.count(1)
STATED = {400, 403, 404, 409, 412, 422}  # refusals; anything else that is raised is a defect
quantities = st.integers(1, 12)
steps = st.one_of(
    st.tuples(st.just("amend"), quantities),
    st.tuples(st.just("deliver"), quantities),
    st.tuples(st.just("invoice"), quantities),
    st.tuples(st.just("return"), quantities),
    st.tuples(st.sampled_from(["confirm", "close", "reopen", "cancel"]), st.just(0)),
    st.tuples(st.sampled_from(["cancel last", "unpost last", "post last"]), st.just(0)),
)


class Story:
    """An order, what was made from it, and what the books must say about it."""

    def __init__(self, trade: Trade, stock: int) -> None:
        self.trade = trade
        trade.mark = f"h{next(_marks)}"
        self.item, self.customer = trade.item(tax_rate="0.13"), trade.customer()
        trade.receive(self.item, stock, "3.33")
        lines = [{"item": self.item, "quantity": "10", "price": "7.77"}]
        self.order = trade.create("sales.order", customer=self.customer, lines=lines)
        self.made: list[Record] = []

    def take(self, name: str, quantity: int) -> None:
        """One step; refusals are fine."""
        try:
            self._take(name, str(quantity))
        except Refused as refused:
            assert refused.status in STATED, refused

    def _take(self, name: str, quantity: str) -> None:
        trade = self.trade
        if name == "amend":
            line = trade.read(self.order)["lines"][0]["id"]
            trade.update(self.order, lines=[{"id": line, "quantity": quantity}])
        elif name in ("deliver", "invoice"):
            self._make(self.order, "sales.delivery" if name == "deliver" else "sales.invoice", quantity)
        elif name == "return":
            sources = [one for one in self.made if one["form"] == "sales.delivery"]
            if sources:
                self._make(sources[-1], "sales.return", quantity)
        elif name.endswith(" last"):
            if self.made:
                trade.do(self.made[-1], name.removesuffix(" last"))
        else:
            trade.do(self.order, name)

    def _make(self, source: Record, target: str, quantity: str) -> None:
        line = self.trade.read(source)["lines"][0]["id"]
        draft = self.trade.make(source, target, lines=[{"source_line": line, "quantity": quantity}])
        self.made.append(draft)
        self.trade.do(draft, "post")

    def undo(self) -> None:
        """Delete what is a draft, cancel what is posted, the newest first; then the order."""
        trade = self.trade
        if trade.read(self.order)["state"] == "closed":
            trade.do(self.order, "reopen")
        kept = [document for document in reversed(self.made) if not self._undone(document)]
        for draft in kept:
            # A delivery that was unposted after its return was cancelled: the return still names it, so it stays.
            line = trade.read(draft)["lines"][0]["id"]
            trade.update(draft, lines=[{"id": line, "quantity": "1"}])
            trade.do(trade.do(draft, "post"), "cancel")
        if trade.read(self.order)["state"] == "confirmed":
            trade.do(self.order, "cancel")

    def _undone(self, document: Record) -> bool:
        """Whether a document could be deleted or cancelled."""
        state = self.trade.read(document)["state"]
        if state == "posted":
            self.trade.do(document, "cancel")
        elif state == "draft":
            try:
                record.delete(self.trade.ctx, document["form"], document["id"])
            except Refused as refused:
                assert refused.code == "still_referenced", refused
                return False
        return True


def totals(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """All balances that are not zero, by register."""
    found = {}
    with site.pool.connection() as connection:
        for register in site.catalogue.registers.values():
            if register.definition.kind != "balance":
                continue
            keys = ", ".join(f'"{key}"' for key in (*register.dimensions, *register.resources))
            zero = " OR ".join(f'"{key}" <> 0' for key in register.resources)
            text = f"SELECT {keys} FROM {register.balance_table} WHERE {zero} ORDER BY {keys}"
            found[register.name] = connection.execute(text).fetchall()
        connection.rollback()
    return found


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW)
@given(story=st.lists(steps, min_size=2, max_size=9), stock=st.integers(1, 30))
def test_any_sequence_of_steps_keeps_the_invariants(
    trade: Trade, site: Site, story: list[tuple[str, int]], stock: int
) -> None:
    told = Story(trade, stock)
    for name, quantity in [("confirm", 0), *story]:
        told.take(name, quantity)
    assert broken(site) == []
    order = trade.read(told.order)["lines"][0]
    posted = [one for one in map(trade.read, told.made) if one["state"] == "posted"]

    def moved(form: str) -> Decimal:
        return sum(
            (Decimal(one["lines"][0]["base_quantity"]) for one in posted if one["form"] == form), Decimal(0)
        )

    assert Decimal(order["delivered"]) == moved("sales.delivery") - moved("sales.return")
    assert Decimal(order["invoiced"]) == moved("sales.invoice")
    assert trade.on_hand(told.item) == stock - moved("sales.delivery") + moved("sales.return")


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(story=st.lists(steps, min_size=2, max_size=8))
def test_cancelling_all_that_was_posted_restores_every_register_to_the_bit(
    trade: Trade, site: Site, story: list[tuple[str, int]]
) -> None:
    told = Story(trade, 30)
    before = totals(site)
    for name, quantity in [("confirm", 0), *story]:
        told.take(name, quantity)
    told.undo()
    after = totals(site)
    for register in ("stock.on_hand", "stock.cost", "sales.progress", "sales.exposure", "finance.receivable"):
        assert after[register] == before[register], register
    assert _net(after["finance.ledger"]) == _net(before["finance.ledger"])
    assert broken(site) == []


def _net(rows: list[tuple[Any, ...]]) -> dict[Any, Decimal]:
    """Debit less credit by key: a voucher that is taken back stands on both sides."""
    return {row[:-3]: row[-3] - row[-2] for row in rows if row[-3] != row[-2]}


@pytest.mark.parametrize("kind", ["stock.receipt", "stock.issue", "stock.transfer", "stock.count"])
def test_cancelling_a_stock_document_restores_every_register_to_the_bit(
    trade: Trade, site: Site, kind: str
) -> None:
    item = trade.item()
    trade.receive(item, 7, "3.37")
    trade.receive(item, 3, "1.11")
    before = totals(site)
    line: Record = {"item": item, "quantity": "3"}
    more: Record = {"to_warehouse": "Z-0"} if kind == "stock.transfer" else {}
    if kind == "stock.receipt":
        line["unit_cost"] = "9.99"
    made = trade.do(trade.create(kind, warehouse="WH1", lines=[line], **more), "post")
    assert totals(site) != before
    trade.do(made, "cancel")
    after = totals(site)
    for register in ("stock.on_hand", "stock.cost"):
        assert after[register] == before[register]
    assert _net(after["finance.ledger"]) == _net(before["finance.ledger"])
