"""Removing the demo: its records and all that they moved are gone, one's own settings and records stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from trade import Trade, refused

from anlan.kernel import record, register
from anlan.kernel.access.caller import caller_from
from anlan.kernel.access.identity import load_by_login
from anlan.kernel.site import Site, example
from anlan.packs import demo
from invariants import check_invariants

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(site: Site) -> Iterator[Trade]:
    """A site with a month of the demo."""
    demo.load(site, months=1)
    yield Trade(site)


def _people(trade: Trade) -> list[dict[str, str]]:
    with trade.site.pool.connection() as connection:
        return example.people(connection)


def _count(trade: Trade) -> dict[str, int]:
    with trade.site.pool.connection() as connection:
        return dict(connection.execute("SELECT form, count(*) FROM record_index GROUP BY form").fetchall())


def test_the_cast_is_offered_with_a_password_that_works(told: Trade) -> None:
    from anlan.kernel.access import sessions

    people = _people(told)
    assert {one["role"] for one in people} >= {
        "sales_clerk",
        "buyer",
        "warehouse_keeper",
        "accountant",
        "boss",
        "admin",
    }
    one = people[0]
    assert sessions.login(told.site, one["login"], one["password"], address="127.0.0.1", agent="")


def test_nobody_but_an_administrator_removes_it(told: Trade) -> None:
    with told.site.pool.connection() as connection:
        clerk = load_by_login(connection, "lin")
        boss = load_by_login(connection, "jin")
    assert clerk is not None
    assert boss is not None
    policies = told.site.catalogue.policies
    refused(lambda: example.remove(told.site, by=caller_from(clerk, policies)), "forbidden", 403)
    refused(lambda: example.remove(told.site, by=caller_from(boss, policies)), "example.yourself", 409)


def test_own_records_that_hang_on_it_are_listed_and_nothing_goes(told: Trade) -> None:
    before = _count(told)
    order = told.create("sales.order", customer="C001", lines=[{"item": "F01", "quantity": "1"}])
    assert [one["id"] for one in example.hanging(told.site)] == [order["id"]]
    found = refused(lambda: example.remove(told.site, by=None), "example.in_use", 409)
    assert found.data["records"][0]["form"] == "sales.order"
    record.delete(told.ctx, "sales.order", order["id"])
    assert _count(told) == before


def test_own_records_and_settings_stay_and_the_rest_is_gone(told: Trade) -> None:
    item, place = told.item(), told.warehouse()
    own = told.receive(item, 5, "3", warehouse=place)
    company = record.read(told.ctx, "system.company", "MAIN")
    record.update(
        told.ctx, "system.company", company["id"], {"name": "自己的公司"}, version=company["version"]
    )
    assert example.hanging(told.site) == []
    assert example.remove(told.site, by=None) > 500
    kept = _count(told)
    assert "sales.order" not in kept
    assert kept["stock.receipt"] == kept["base.item"] == 1
    assert (told.on_hand(item, place), told.value(item, place)) == (5, 15)
    rows = register.balance(told.ctx, "finance.ledger", by=["company"])["data"]
    assert [(row["debit"], row["credit"]) for row in rows] == [("15", "15")] or float(rows[0]["debit"]) == 15
    assert told.read(own)["state"] == "posted"
    assert record.read(told.ctx, "system.company", "MAIN")["name"] == "自己的公司"
    warehouse = record.read(told.ctx, "stock.warehouse", "WH1")
    assert (warehouse["name"], warehouse["keeper"]) == ("主仓库", None)
    assert _people(told) == []
    refused(lambda: example.remove(told.site, by=None), "example.none", 404)
    check_invariants(told.site)
    made = told.order(told.customer(), item, 1)
    assert made["state"] == "confirmed"
