"""Where the story stands, and the few calls by which its people act."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

from anlan.kernel import record
from anlan.kernel.access.caller import Caller
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.site import Site
from anlan.packs.demo.company import Partner

__all__ = ["Story"]

Record = dict[str, Any]
# January to December: the weeks before the Spring Festival and the Mid-Autumn Festival are the best ones.
SEASONS = (1.5, 0.6, 0.9, 1.0, 1.1, 1.0, 0.9, 1.2, 1.7, 0.8, 1.0, 1.2)


@dataclass
class Story:
    """Where the story stands: today, chance, who is there, what is open, what lies where (by lot).

    `blocked`: until when a customer whose credit is used up is not sold to.
    """

    site: Site
    chance: Random
    day: date
    last: date = date.max
    people: dict[str, Caller] = field(default_factory=dict)
    stock: dict[tuple[str, str, str | None], Decimal] = field(default_factory=dict)
    to_receive: list[tuple[date, Record]] = field(default_factory=list)
    to_bill: list[tuple[date, str, Record]] = field(default_factory=list)
    to_deliver: list[Record] = field(default_factory=list)
    to_pay: list[tuple[date, str, Record, Partner]] = field(default_factory=list)
    offered: list[tuple[date, Record]] = field(default_factory=list)
    asked: list[Record] = field(default_factory=list)
    travelling: list[Record] = field(default_factory=list)
    blocked: dict[str, date] = field(default_factory=dict)
    part_paid: set[str] = field(default_factory=set)
    _contexts: dict[str, Context] = field(default_factory=dict)

    def ctx(self, who: str) -> Context:
        """The context of a person at half past nine on the story's day."""
        if who not in self._contexts:
            morning = datetime.combine(self.day, time(1, 30), tzinfo=UTC)
            self._contexts[who] = Context(self.site, self.people[who], via="demo", now=morning)
        return self._contexts[who]

    def begin(self, day: date) -> None:
        """Turn to another day."""
        self.day = day
        self._contexts.clear()

    @property
    def season(self) -> float:
        """How much more or less than usual is sold this month: feasts before, slack after them."""
        return SEASONS[self.day.month - 1]

    def create(self, who: str, form: str, **values: Any) -> Record:
        return record.create(self.ctx(who), form, values)

    def do(self, who: str, document: Record, step: str) -> Record:
        return record.step(self.ctx(who), document["form"], document["id"], step)

    def try_to(self, who: str, document: Record, step: str) -> Record | None:
        """The same, or None where the customer's credit does not allow it: then the document stays as it is."""
        try:
            return self.do(who, document, step)
        except Refused as refused:
            if "sales.over_credit" not in (refused.code, *(fault.code for fault in refused.faults)):
                raise
            return None

    def make(self, who: str, document: Record, target: str, **body: Any) -> Record:
        return record.make(self.ctx(who), document["form"], document["id"], target, body or None)

    def post(self, who: str, form: str, *, step: str = "post", **values: Any) -> Record:
        """A document made and posted (or confirmed) in one go, which is one transaction."""
        return self.ctx(who).atomically(lambda: self.do(who, self.create(who, form, **values), step))

    def pass_on(self, who: str, document: Record, target: str, **body: Any) -> Record:
        """The next document made from one, and posted, in one go."""
        return self.ctx(who).atomically(
            lambda: self.do(who, self.make(who, document, target, **body), "post")
        )

    def moved(self, warehouse: str, item: str, quantity: Decimal, lot: str | None = None) -> None:
        """Remember what came (or, below zero, went), so that the story knows what it can promise."""
        key = (warehouse, item, lot)
        self.stock[key] = self.stock.get(key, Decimal(0)) + quantity

    def on_hand(self, warehouse: str, item: str) -> Decimal:
        return sum((left for key, left in self.stock.items() if key[:2] == (warehouse, item)), Decimal(0))

    def take(self, warehouse: str, item: str, quantity: Decimal) -> list[tuple[str | None, Decimal]]:
        """Lots to take a quantity from, oldest first; less than asked for when there is less."""
        taken = []
        for key in sorted(
            (key for key in self.stock if key[:2] == (warehouse, item)), key=lambda key: key[2] or ""
        ):
            part = min(self.stock[key], quantity)
            if part > 0:
                taken.append((key[2], part))
                self.moved(warehouse, item, -part, key[2])
                quantity -= part
        return taken
