"""A whole site for tests of pages: all packs, items and partners, stock on hand, people who may log in."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo
from starlette.testclient import TestClient

from anlan.kernel import query, record, settings, site
from anlan.kernel.access.caller import system_caller
from anlan.kernel.access.sessions import set_password
from anlan.kernel.catalogue import change
from anlan.kernel.context import Context
from anlan.kernel.query import Query
from anlan.kernel.site import Site

PASSWORD = "calm-waters-2026"
PEOPLE = {"clerk": ["sales_clerk"], "keeper": ["warehouse_keeper"], "stranger": []}
ITEMS = [("A001", "番茄酱 500g", "4.50"), ("A002", "白砂糖 1kg", "6.80"), ("A003", "一级大豆油 5L", "59.90")]
PARTIES = [("C001", "清河食品有限公司"), ("C002", "东湖超市")]


class Served(NamedTuple):
    """A site and where it is served."""

    site: Site
    url: str


@contextmanager
def page_site(address: str) -> Iterator[Site]:
    """Make the site in a database of its own on the server at `address`, and open it. About four seconds."""
    name = f"pages_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template template0 strategy wal_log')
    with tempfile.TemporaryDirectory(prefix="anlan-pages-") as home:
        environ = {
            "ANLAN_HOME": home,
            "ANLAN_DATABASE_URL": make_conninfo(address, dbname=name),
            "ANLAN_POOL_SIZE": "8",
        }
        chosen = settings.load({**os.environ, **environ})
        try:
            site.create(chosen)
            opened = site.open(chosen)
            try:
                fill(opened)
                yield opened
            finally:
                opened.close()
        finally:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f'drop database "{name}" with (force)')


def as_person(
    app: Any, login: str, password: str = PASSWORD, *, language: str = "zh", asked: bool = False
) -> TestClient:
    """A browser in which somebody has logged in; `asked` for a password of his own first."""
    client = TestClient(app, follow_redirects=False, cookies={"anlan_language": language})
    answer = client.post("/login", data={"login": login, "password": password})
    assert answer.status_code == (200 if asked else 303)
    return client


def context(opened: Site) -> Context:
    """Anlan itself, with all rights."""
    return Context(opened, system_caller(opened.catalogue.policies), via="demo")


def fill(opened: Site) -> None:
    """Items, partners, 100 of each item in the warehouse, people."""
    ctx = context(opened)
    company = query.records(ctx, "system.company", Query(limit=1))["data"][0]["id"]

    def work() -> None:
        for code, name, price in ITEMS:
            record.create(ctx, "base.item", {"code": code, "name": name, "unit": "PCS", "price": price})
        for code, name in PARTIES:
            record.create(
                ctx, "base.party", {"code": code, "name": name, "is_customer": True, "is_supplier": True}
            )
        lines = [{"item": code, "quantity": "100", "unit_cost": "3"} for code, _, _ in ITEMS]
        receipt = record.create(
            ctx, "stock.receipt", {"warehouse": "WH1", "company": company, "lines": lines}
        )
        record.step(ctx, "stock.receipt", receipt["id"], "post")
        for login, roles in PEOPLE.items():
            record.create(
                ctx, "system.user", {"code": login, "name": login.title(), "roles": roles, "company": company}
            )

    ctx.atomically(work)
    for login in (*PEOPLE, "admin"):
        set_password(opened, login, PASSWORD, by=None, must_change=login == "keeper")


def with_chief(opened: Site) -> None:
    """A sales manager, `chief`, who may log in; once is enough."""
    ctx = context(opened)
    if query.records(ctx, "system.user", Query(where='code = "chief"'))["data"]:
        return  # another test of this run asked for it already
    company = query.records(ctx, "system.company", Query(limit=1))["data"][0]["id"]
    chief = {"code": "chief", "name": "Chief", "roles": ["sales_manager"], "company": company}
    record.create(ctx, "system.user", chief)
    set_password(opened, "chief", PASSWORD, by=None, must_change=False)


def with_approval(opened: Site, when: str = "gross > 1000") -> None:
    """Orders of which `when` is true wait for `chief`, a sales manager: an approval of the company's own and an overlay, published."""
    with_chief(opened)
    ctx = context(opened)
    approval = {
        "label": {"zh": "大额订单", "en": "Large orders"},
        "roles": ["sales_manager"],
        "when": when,
    }
    change.put(ctx, "approval", "sales.x_large_order", {"definition": approval})
    overlay = {"set": {"workflow.transitions.confirm.approval": "sales.x_large_order"}}
    change.put(ctx, "form", "sales.order", {"overlay": overlay})
    change.publish(context(opened), "some orders need an approval")


def order(opened: Site, *, lines: int = 3, confirmed: bool = True, **values: Any) -> dict[str, Any]:
    """A sales order of C001."""
    ctx = context(opened)
    made = [
        {"item": ITEMS[n % len(ITEMS)][0], "quantity": str(n % 7 + 1), "price": "4.50"} for n in range(lines)
    ]
    found = record.create(ctx, "sales.order", {"customer": "C001", "lines": made, **values})
    return record.step(ctx, "sales.order", found["id"], "confirm") if confirmed else found


def stock_of(opened: Site, item: str) -> str:
    """The quantity on hand of an item, over all warehouses."""
    from anlan.kernel import register

    rows = register.balance(context(opened), "stock.on_hand", by=("item",))["data"]
    return next((str(row["quantity"]) for row in rows if row["item"]["code"] == item), "0")


__all__ = [
    "ITEMS",
    "PASSWORD",
    "Served",
    "context",
    "fill",
    "order",
    "page_site",
    "stock_of",
    "with_approval",
    "with_chief",
]
