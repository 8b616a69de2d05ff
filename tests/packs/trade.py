"""Short words for tests about trade: `trade.order("A", 10, price="5")`, `trade.stock("A")`."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from anlan.kernel import record, register
from anlan.kernel.access.caller import system_caller
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.site import Site

_counter = itertools.count(1)
Record = dict[str, Any]


class Trade:
    """One test's view of a site: goods and parties get codes that no other test uses."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ctx = Context(site, system_caller(site.catalogue.policies), via="api", language="en")
        self.mark = f"{next(_counter):03d}"

    # -- making

    def create(self, form: str, **values: Any) -> Record:
        return record.create(self.ctx, form, values)

    def do(self, document: Record, step: str, **more: Any) -> Record:
        return record.step(self.ctx, document["form"], document["id"], step, **more)

    def make(self, document: Record, target: str, **body: Any) -> Record:
        return record.make(self.ctx, document["form"], document["id"], target, body or None)

    def makeable(self, document: Record) -> frozenset[str]:
        return record.makeable(self.ctx, document["form"], document["id"])

    def read(self, document: Record) -> Record:
        return record.read(self.ctx, document["form"], document["id"])

    def update(self, document: Record, **values: Any) -> Record:
        now = self.read(document)
        return record.update(self.ctx, now["form"], now["id"], values, version=now["version"])

    def code(self, name: str) -> str:
        return f"{name}-{self.mark}"

    def item(self, name: str = "A", **more: Any) -> str:
        """The code of a new item in KG (three digits), 13 % tax."""
        self.create(
            "base.item", **{"code": self.code(name), "name": name, "unit": "KG", "tax_rate": "0.13"} | more
        )
        return self.code(name)

    def customer(self, name: str = "C", **more: Any) -> str:
        self.create("base.party", code=self.code(name), name=name, is_customer=True, **more)
        return self.code(name)

    def supplier(self, name: str = "S", **more: Any) -> str:
        self.create("base.party", code=self.code(name), name=name, is_supplier=True, **more)
        return self.code(name)

    def warehouse(self, name: str = "W", **more: Any) -> str:
        self.create("stock.warehouse", code=self.code(name), name=name, **more)
        return self.code(name)

    def receive(self, item: str, quantity: Any, cost: Any = None, **more: Any) -> Record:
        """A posted stock receipt into WH1."""
        line: Record = {"item": item, "quantity": str(quantity)}
        if cost is not None:
            line["unit_cost"] = str(cost)
        made = self.create("stock.receipt", **{"warehouse": "WH1", "lines": [line]} | more)
        return self.do(made, "post")

    def issue(self, item: str, quantity: Any, **more: Any) -> Record:
        made = self.create(
            "stock.issue", **{"warehouse": "WH1", "lines": [{"item": item, "quantity": str(quantity)}]} | more
        )
        return self.do(made, "post")

    def order(self, customer: str, item: str, quantity: Any, price: Any = "10", **more: Any) -> Record:
        """A confirmed sales order of one line."""
        made = self.create(
            "sales.order",
            customer=customer,
            **{"lines": [{"item": item, "quantity": str(quantity), "price": str(price)}]} | more,
        )
        return self.do(made, "confirm")

    def purchase(self, supplier: str, item: str, quantity: Any, price: Any = "10", **more: Any) -> Record:
        made = self.create(
            "purchase.order",
            supplier=supplier,
            **{"lines": [{"item": item, "quantity": str(quantity), "price": str(price)}]} | more,
        )
        return self.do(made, "confirm")

    # -- looking

    def on_hand(self, item: str, warehouse: str = "WH1") -> Decimal:
        return self._sum("stock.on_hand", "quantity", f'AND(item = "{item}", warehouse = "{warehouse}")')

    def value(self, item: str, warehouse: str = "WH1") -> Decimal:
        return self._sum("stock.cost", "value", f'AND(item = "{item}", warehouse = "{warehouse}")')

    def receivable(self, party: str) -> Decimal:
        return self._sum("finance.receivable", "amount", f'party = "{party}"')

    def payable(self, party: str) -> Decimal:
        return self._sum("finance.payable", "amount", f'party = "{party}"')

    def ledger(self, role: str, party: str | None = None) -> Decimal:
        """Debit less credit of the account with a role."""
        where = f'account.role = "{role}"' + (f', party = "{party}"' if party else "")
        return self._sum("finance.ledger", "debit", f"AND({where}, TRUE)") - self._sum(
            "finance.ledger", "credit", f"AND({where}, TRUE)"
        )

    def _sum(self, name: str, resource: str, where: str) -> Decimal:
        rows = register.balance(self.ctx, name, where=where)["data"]
        return sum((Decimal(row[resource]) for row in rows), Decimal(0))

    def vouchers(self, document: Record) -> list[Record]:
        """The vouchers of a document, oldest first."""
        found = record.links(self.ctx, document["form"], document["id"])
        ids = sorted(
            link["record"]["id"]
            for link in found
            if link["relation"] == "target"
            and link["record"]["form"] == "finance.voucher"
            and link["distance"] == 1
        )
        return [record.read(self.ctx, "finance.voucher", one) for one in ids]

    def voucher(self, document: Record) -> list[tuple[str, Decimal, Decimal]]:
        """(role of account, debit, credit) of the latest voucher of a document."""
        accounts = {row["id"]: row["role"] for row in self.ctx.memory.rows("finance.account").values()}
        return [
            (accounts[line["account"]["id"]], Decimal(line["debit"]), Decimal(line["credit"]))
            for made in self.vouchers(document)[-1:]
            for line in made["lines"]
        ]

    def balanced(self) -> None:
        """Debit equals credit over the whole ledger."""
        rows = register.balance(self.ctx, "finance.ledger", by=["company"])["data"]
        assert all(row["debit"] == row["credit"] for row in rows), rows


def figures(record: Record, *names: str) -> list[Decimal]:
    """Some figures of a record or line as decimals."""
    return [Decimal(record[name]) for name in names]


def refused(call: Any, code: str, status: int = 422) -> Refused:
    """The refusal of a call, which must have this code and status."""
    with pytest.raises(Refused) as caught:
        call()
    codes = {caught.value.code, *(fault.code for fault in caught.value.faults)}
    assert code in codes, (caught.value.status, codes, caught.value.faults)
    assert caught.value.status == status
    return caught.value
