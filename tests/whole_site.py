"""Fixtures of a site with all packs, its people and a little of every document; a plugin of pytest.

The template is made once a run (about six seconds) and copied for each module (about 0.2 s). A test module uses it by

    pytest_plugins = ["whole_site"]

`site` is the copy, `ask` the HTTP API over it, `trade` short words for trading in it as Anlan itself.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psycopg
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from anlan.kernel import record
from anlan.kernel import site as sites
from anlan.kernel.access import system_caller, tokens
from anlan.kernel.context import Context
from anlan.kernel.settings import Secret, Settings
from anlan.web.api.build import build
from anlan.web.metrics import Metrics
from cast import CAST
from databases import temporary_database

sys.path.append(str(Path(__file__).parent / "packs"))  # where the short words for trading live

from trade import Record, Trade, figures

__all__ = [
    "Api", "Made", "Record", "Trade", "as_anlan", "figures", "opened_site", "settings_for",
]  # fmt: skip

NOON = datetime.fromisoformat("2026-11-16T12:00:00+08:00")
_counter = itertools.count(1)


class Made(NamedTuple):
    """The template: the name of its database, each person's token."""

    database: str
    tokens: dict[str, str]


def settings_for(conninfo: str, home: Path, *, pool: int = 24) -> Settings:
    """Settings of a site in the database at `conninfo`; its clock begins on 2026-11-16."""
    return Settings(
        home=home, database_url=Secret(conninfo), replica_url=None, mode="live", clock=NOON, host="127.0.0.1",
        port=0, workers=1, pool_size=pool, log_level="warning",
    )  # fmt: skip


@contextmanager
def opened_site(conninfo: str, home: Path, *, pool: int = 24) -> Iterator[sites.Site]:
    """The site in a copied database, as a process has it."""
    opened = sites.open(settings_for(conninfo, home, pool=pool))
    try:
        yield opened
    finally:
        opened.close()


def as_anlan(site: sites.Site, *, via: str = "api") -> Context:
    """Anlan itself, with all rights: a context for one thread."""
    return Context(site, system_caller(site.catalogue.policies), via=via, language="en")


@pytest.fixture(scope="session")
def made_whole(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with temporary_database(address, "template0") as conninfo:
        home = tmp_path_factory.mktemp("whole")
        sites.create(settings_for(conninfo, home))
        with opened_site(conninfo, home) as site:
            given = _fill(site)
        yield Made(psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"], given)  # type: ignore[arg-type]  # a text


@pytest.fixture(scope="module")
def site_copy(address: str, made_whole: Made) -> Iterator[str]:
    """The conninfo of this module's own copy."""
    with temporary_database(address, made_whole.database) as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute("update site_version set epoch = %s", [uuid4()])  # a copy is a site of its own
        yield conninfo


@pytest.fixture(scope="module")
def site(site_copy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.Site]:
    """This module's own copy of the site, open."""
    with opened_site(site_copy, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture
def trade(site: sites.Site) -> Trade:
    """Short calls for trading in the site; every test gets goods and parties of its own."""
    made = Trade(site)
    made.mark = f"w{next(_counter):04d}"
    return made


@pytest.fixture(scope="module")
def ask(site: sites.Site, made_whole: Made) -> Iterator[Api]:
    """The HTTP API over the site."""
    api = Api(site, made_whole.tokens)
    yield api
    api.door.close()


class Api:
    """Asks the API as one of the people; every error has the one shape, and none is a defect."""

    def __init__(self, site: sites.Site, given: dict[str, str]) -> None:
        self.site = site
        self.tokens = given
        self.door = build(site, Metrics(), threads=8)
        routes = Starlette(routes=[Mount("/api/v1", self.door)])
        self._client = TestClient(routes, raise_server_exceptions=False)

    def __call__(
        self, method: str, path: str, json: Any = None, *, by: str | None = "admin", **more: Any
    ) -> httpx.Response:
        """`by` None: nobody. `content`, `files`, `headers`, `params` as httpx has them."""
        headers = {"Accept-Language": "en"} | dict(more.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.tokens[by]}"
        if json is not None:
            more["json"] = json
        answer: httpx.Response = self._client.request(method, f"/api/v1{path}", headers=headers, **more)
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        if answer.status_code >= 400 and method != "HEAD":
            body = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail", "code", "errors", "request_id"} <= body.keys(), body
        return answer

    def ok(self, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """The body of an answer that must be a success."""
        answer = self(method, path, json, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:800]}"
        return answer.json() if answer.content else None


def _fill(site: sites.Site) -> dict[str, str]:
    """People of two companies; goods, parties, stock; a little of every document."""
    ctx = as_anlan(site, via="demo")
    branch = record.create(ctx, "system.company", {"code": "BRANCH", "name": "Branch", "currency": "CNY"})
    record.create(ctx, "stock.warehouse", {"code": "ZB", "name": "Branch store", "company": branch["id"]})
    companies = {row["code"]: key for key, row in ctx.memory.rows("system.company").items()}
    for login, person in CAST.items():
        record.create(
            ctx,
            "system.user",
            {"code": login, "name": login.title(), "roles": list(person.roles), "language": "en",
             "company": companies[person.company]},
        )  # fmt: skip
    _business(Trade(site), branch["id"])
    return {login: tokens.create(site, login, "test") for login in (*CAST, "admin")}


def _business(trade: Trade, branch: str) -> None:
    """One whole chain of sales and one of purchases, so that no form is empty; the same in the branch."""
    trade.mark = "0"
    item, customer, supplier = trade.item("A"), trade.customer("C"), trade.supplier("S")
    trade.receive(item, 1000, "4")
    trade.issue(item, 1)
    trade.create("stock.lot", code="L-0", item=item)
    lines = [{"item": item, "quantity": "5"}]
    trade.create("stock.count", warehouse="WH1", lines=lines)
    trade.create("purchase.requisition", reason="生产", needed_by="2026-12-20", lines=lines)
    quoted = [{"item": lines[0]["item"], "quantity": "1", "price": "9"}]
    trade.create("sales.quotation", customer=trade.customer("Q"), lines=quoted)
    trade.create("stock.transfer", warehouse="WH1", to_warehouse=trade.warehouse("Z"), lines=lines)
    _sales(trade, trade.order(customer, item, 10))
    _sales(trade, trade.order(customer, item, 10, company=branch), post=False)
    bought = trade.do(trade.make(trade.purchase(supplier, item, 10, "4"), "purchase.receipt"), "post")
    invoice = trade.do(trade.make(bought, "purchase.invoice"), "post")
    trade.make(invoice, "purchase.credit_note")
    trade.make(bought, "purchase.return")
    trade.create("finance.project", code="P-0", name="Project")
    trade.create("base.exchange_rate", currency="USD", date="2026-11-01", rate="7.1")
    trade.create("system.department", code="D-0", name="Sales")


def _sales(trade: Trade, order: Record, *, post: bool = True) -> None:
    delivery = trade.make(order, "sales.delivery")
    if not post:
        return
    delivery = trade.do(delivery, "post")
    invoice = trade.do(trade.make(delivery, "sales.invoice"), "post")
    trade.make(delivery, "sales.return")
    trade.make(invoice, "sales.credit_note")
    trade.do(trade.make(invoice, "finance.payment"), "post")
