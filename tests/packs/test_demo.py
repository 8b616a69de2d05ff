"""The demo company: its story runs to the end, and its books agree with each other to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest
from trade import Trade

from anlan.kernel import register, report
from anlan.kernel.site import Site
from anlan.packs import demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(site: Site) -> Iterator[Trade]:
    """The site after the story was told."""
    demo.load(site, months=3)
    yield Trade(site)


def _by(
    trade: Trade, name: str, resource: str, *keys: str, where: str | None = None
) -> dict[tuple[str, ...], Decimal]:
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in register.balance(trade.ctx, name, by=list(keys), where=where)["data"]:
        key = tuple(row[one]["code"] if row[one] else "" for one in keys)
        found[key] += Decimal(row[resource])
    return {key: value for key, value in found.items() if value}


def _ledger(trade: Trade, role: str, *keys: str) -> dict[tuple[str, ...], Decimal]:
    where = f'account.role = "{role}"'
    debit = _by(trade, "finance.ledger", "debit", *keys, where=where)
    credit = _by(trade, "finance.ledger", "credit", *keys, where=where)
    both = {
        key: debit.get(key, Decimal(0)) - credit.get(key, Decimal(0)) for key in debit.keys() | credit.keys()
    }
    return {key: value for key, value in both.items() if value}


def test_the_ledger_balances(told: Trade) -> None:
    told.balanced()


def test_stock_and_cost_hold_the_same_quantities(told: Trade) -> None:
    assert _by(told, "stock.on_hand", "quantity", "warehouse", "item") == _by(
        told, "stock.cost", "quantity", "warehouse", "item"
    )


def test_margin_is_revenue_less_cost_of_the_ledger(told: Trade) -> None:
    for name in ("sales.margin", "sales.margin_by_customer"):
        totals = report.run(told.ctx, name, {"from": "2020-01-01", "to": "2030-12-31"})["totals"]
        assert Decimal(totals["revenue"]) == -sum(_ledger(told, "revenue", "account").values())
        assert Decimal(totals["cost"]) == sum(_ledger(told, "cost_of_sales", "account").values())


def test_stock_value_is_the_inventory_account(told: Trade) -> None:
    assert sum(_by(told, "stock.cost", "value", "item").values()) == sum(
        _ledger(told, "inventory", "account").values()
    )


def test_no_item_without_stock_has_a_value(told: Trade) -> None:
    quantities = _by(told, "stock.cost", "quantity", "warehouse", "item")
    assert _by(told, "stock.cost", "value", "warehouse", "item").keys() <= quantities.keys()


def test_open_items_are_the_accounts_of_their_parties(told: Trade) -> None:
    assert _by(told, "finance.receivable", "base_amount", "party") == _ledger(told, "receivable", "party")
    payable = _by(told, "finance.payable", "base_amount", "party")
    assert payable == {key: -value for key, value in _ledger(told, "payable", "party").items()}


def test_receipts_not_invoiced_are_the_estimated_payable(told: Trade) -> None:
    estimated = -sum(_ledger(told, "payable_estimated", "party").values())
    rows = register.balance(told.ctx, "purchase.receipt_progress")["data"]
    assert sum(Decimal(row["open_value"]) for row in rows) == estimated


def test_there_is_work_to_do_and_a_customer_who_does_not_pay(told: Trade) -> None:
    owed = _by(told, "finance.receivable", "base_amount", "party")
    assert owed[("C003",)] == max(owed.values())


def test_somebody_without_roles_sees_nothing(told: Trade) -> None:
    from anlan.kernel.access.caller import caller_from
    from anlan.kernel.access.identity import load_by_login

    with told.site.pool.connection() as connection:
        identity = load_by_login(connection, "guest")
    assert identity is not None
    policy = caller_from(identity, told.site.catalogue.policies).policy
    assert [name for name in told.site.catalogue.forms if policy.can(name, "read")] == []
