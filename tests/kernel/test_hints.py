"""Figures beside the choices of a link: what a register has of each, and what this partner paid last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from anlan.kernel import query
from anlan.kernel.access.caller import caller_from
from anlan.kernel.access.identity import load_by_login
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query
from anlan.kernel.site import Site
from page_site import context, order, page_site


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as made:
        yield made


def as_person(site: Site, login: str) -> Context:
    with site.pool.connection() as connection:
        found = load_by_login(connection, login)
    assert found is not None
    return Context(site, caller_from(found, site.catalogue.policies), via="api")


def ids(site: Site, form: str) -> dict[str, str]:
    rows: list[dict[str, Any]] = query.records(context(site), form, Query(fields=["code"]))["data"]
    return {row["code"]: row["id"] for row in rows}


def test_stock_and_the_last_price_to_this_customer_are_shown(site: Site) -> None:
    items, parties = ids(site, "base.item"), ids(site, "base.party")
    order(site, lines=1)  # C001 pays 4.50 for A001
    order(site, lines=1, confirmed=False, customer="C002")  # a draft is no price
    asked = [items["A001"], items["A002"]]
    found = query.hints(context(site), "sales.order", "lines.item", asked, {"customer": parties["C001"]})
    assert found[items["A001"]] == {"on_hand": "100", "last_price": "4.5"}
    assert found[items["A002"]] == {"on_hand": "100"}
    other = query.hints(context(site), "sales.order", "lines.item", asked, {"customer": {"id": parties["C002"]}})
    assert "last_price" not in other[items["A001"]]


def test_a_price_of_an_order_that_somebody_may_not_read_is_not_shown(site: Site) -> None:
    items, parties = ids(site, "base.item"), ids(site, "base.party")
    order(site, lines=1)
    found = query.hints(
        as_person(site, "clerk"), "sales.order", "lines.item", [items["A001"]], {"customer": parties["C001"]}
    )
    assert found[items["A001"]] == {"on_hand": "100"}  # the clerk's own orders only


def test_who_may_not_write_the_form_is_told_nothing(site: Site) -> None:
    with pytest.raises(Refused) as refused:
        query.hints(as_person(site, "stranger"), "sales.order", "lines.item", [], {})
    assert refused.value.status == 403
    with pytest.raises(Refused) as refused:
        query.hints(context(site), "sales.order", "lines.quantity", [], {})
    assert refused.value.status == 422
