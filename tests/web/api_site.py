"""A small real site for the API's tests: one pack of two forms and a register, six people, a token each.

demo.item   a master: code, name, rate, secret cost that clerks do not see
demo.order  a document: party text, lines of items; confirm posts to demo.stock; makes demo.slip
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo
from starlette.testclient import TestClient

from anlan.kernel import record, settings
from anlan.kernel import site as sites
from anlan.kernel.access import system_caller, tokens
from anlan.kernel.context import Context
from anlan.kernel.site import Site, making
from anlan.web.api.build import build
from anlan.web.metrics import Metrics

PEOPLE = {"boss": ["admin"], "clerk": ["clerk"], "reader": ["reader"], "stranger": []}


def label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


FILES: dict[str, Any] = {
    "pack.yaml": {"pack": "demo", "label": label("演示", "Demo"), "version": "1.0.0", "requires": []},
    "roles.yaml": [
        {"role": "clerk", "label": label("文员", "Clerk")},
        {"role": "reader", "label": label("只读", "Reader")},
    ],
    "forms/item.yaml": {
        "form": "demo.item",
        "kind": "master",
        "label": label("物料", "Item"),
        "fields": {
            "code": {"type": "text", "label": label("代码", "Code"), "required": True, "max_length": 20},
            "name": {"type": "text", "label": label("名称", "Name"), "required": True},
            "rate": {"type": "decimal", "label": label("比率", "Rate")},
            "cost": {"type": "decimal", "label": label("成本", "Cost")},
            "kind": {
                "type": "choice",
                "label": label("类型", "Kind"),
                "default": '"goods"',
                "options": {"goods": label("商品", "Goods"), "service": label("服务", "Service")},
            },
        },
        "grants": {
            "clerk": {
                "actions": ["read", "create", "update", "delete", "import", "export"],
                "fields": {"cost": "none"},
            },
            "reader": {"actions": ["read"], "fields": {"cost": "none"}},
        },
    },
    "forms/order.yaml": {
        "form": "demo.order",
        "kind": "document",
        "label": label("订单", "Order"),
        "number": {"pattern": "DO{0000}"},
        "fields": {
            "party": {"type": "text", "label": label("客户", "Party"), "required": True, "max_length": 60},
            "date": {"type": "date", "label": label("日期", "Date"), "default": "TODAY()"},
            "lines": {
                "type": "lines",
                "label": label("明细", "Lines"),
                "required": True,
                "fields": {
                    "item": {
                        "type": "link",
                        "to": "demo.item",
                        "label": label("物料", "Item"),
                        "required": True,
                    },
                    "quantity": {
                        "type": "quantity",
                        "label": label("数量", "Quantity"),
                        "required": True,
                        "check": "quantity > 0",
                    },
                    "moved": {
                        "type": "quantity",
                        "label": label("已下推", "Moved"),
                        "balance": "demo.progress.moved",
                    },
                },
            },
            "total": {"type": "quantity", "label": label("合计", "Total"), "formula": "SUM(lines.quantity)"},
        },
        "workflow": {
            "states": {
                "draft": {"label": label("草稿", "Draft")},
                "confirmed": {"label": label("已确认", "Confirmed")},
                "cancelled": {"label": label("已作废", "Cancelled")},
            },
            "transitions": {
                "confirm": {
                    "from": ["draft"],
                    "to": "confirmed",
                    "label": label("确认", "Confirm"),
                    "primary": True,
                },
                "cancel": {"from": ["confirmed"], "to": "cancelled", "label": label("作废", "Cancel")},
            },
        },
        "postings": {
            "progress": {
                "while": ["confirmed"],
                "register": "demo.progress",
                "each": "lines",
                "dimensions": {"line": "lines.id"},
                "resources": {"ordered": "lines.quantity"},
            },
        },
        "conversions": {
            "slip": {
                "to": "demo.slip",
                "label": label("出库", "Deliver"),
                "states": ["confirmed"],
                "each": "lines",
                "open": "lines.quantity - lines.moved",
                "copy": {
                    "party": "party",
                    "lines.source_line": "lines.id",
                    "lines.item": "lines.item",
                    "lines.quantity": "open",
                },
            },
        },
        "grants": {
            "clerk": {"actions": ["*"]},
            "reader": {"actions": ["read"], "rows": 'state = "confirmed"'},
        },
    },
    "forms/slip.yaml": {
        "form": "demo.slip",
        "kind": "document",
        "label": label("出库单", "Slip"),
        "number": {"pattern": "DS{0000}"},
        "fields": {
            "party": {"type": "text", "label": label("客户", "Party")},
            "lines": {
                "type": "lines",
                "label": label("明细", "Lines"),
                "required": True,
                "fields": {
                    "item": {
                        "type": "link",
                        "to": "demo.item",
                        "label": label("物料", "Item"),
                        "required": True,
                    },
                    "quantity": {"type": "quantity", "label": label("数量", "Quantity"), "required": True},
                    "source_line": {
                        "type": "line",
                        "to": "demo.order.lines",
                        "label": label("来源行", "Source line"),
                    },
                },
            },
        },
        "workflow": {
            "states": {
                "draft": {"label": label("草稿", "Draft")},
                "posted": {"label": label("已过账", "Posted")},
            },
            "transitions": {"post": {"from": ["draft"], "to": "posted", "label": label("过账", "Post")}},
        },
        "postings": {
            "stock": {
                "while": ["posted"],
                "register": "demo.stock",
                "each": "lines",
                "dimensions": {"item": "lines.item"},
                "resources": {"quantity": "-lines.quantity"},
            },
            "progress": {
                "while": ["posted"],
                "register": "demo.progress",
                "each": "lines",
                "dimensions": {"line": "lines.source_line"},
                "resources": {"moved": "lines.quantity"},
            },
        },
        "grants": {"clerk": {"actions": ["*"]}},
    },
    "registers/stock.yaml": {
        "register": "demo.stock",
        "kind": "balance",
        "label": label("库存", "Stock"),
        "dimensions": {"item": {"type": "link", "to": "demo.item", "label": label("物料", "Item")}},
        "resources": {"quantity": {"type": "quantity", "label": label("数量", "Quantity")}},
        "periods": "month",
        "grants": {"clerk": {"actions": ["read"]}},
    },
    "registers/progress.yaml": {
        "register": "demo.progress",
        "kind": "balance",
        "label": label("进度", "Progress"),
        "dimensions": {"line": {"type": "line", "to": "demo.order.lines", "label": label("行", "Line")}},
        "resources": {
            "ordered": {"type": "quantity", "label": label("订购", "Ordered")},
            "moved": {"type": "quantity", "label": label("已下推", "Moved")},
        },
        "grants": {"clerk": {"actions": ["read"]}},
    },
    "reports/orders.yaml": {
        "report": "demo.orders",
        "label": label("订单汇总", "Orders"),
        "form": "demo.order",
        "parameters": {"party": {"type": "text", "label": label("客户", "Party")}},
        "rows": ["party"],
        "columns": {"total": {"label": label("合计", "Total"), "value": "total", "total": True}},
        "grants": {"clerk": {"actions": ["read"]}},
    },
    "dashboards/board.yaml": {
        "dashboard": "demo.board",
        "label": label("看板", "Board"),
        "widgets": {
            "orders": {"kind": "number", "form": "demo.order", "label": label("订单", "Orders"), "anytime": True},
            "total": {"kind": "number", "report": "demo.orders", "column": "total"},
        },
        "grants": {"clerk": {"actions": ["read"]}},
    },
    "prints/order.yaml": {
        "print": "demo.order",
        "form": "demo.order",
        "label": label("订单", "Order"),
        "paper": "a5",
        "blocks": {
            "head": {"block": "title", "text": label("订单", "Order")},
            "who": {"block": "fields", "fields": ["number", "party", "date"]},
            "rows": {"block": "table", "each": "lines", "columns": ["item", "quantity"]},
        },
        "order": ["head", "who", "rows"],
    },
}


class Served(NamedTuple):
    """The site, and what each person's token is."""

    site: Site
    tokens: dict[str, str]


@contextmanager
def served_site(address: str) -> Iterator[Served]:
    """Make the site in a database of its own, with its people; drop it at the end."""
    with _folder() as home, _database(address) as conninfo:
        folder = home / "packs"
        write_pack(folder / "demo")
        chosen = settings.load({"ANLAN_HOME": str(home), "ANLAN_DATABASE_URL": conninfo})
        with pytest.MonkeyPatch.context() as patch:     # only while it is made: other sites of this run have other packs
            patch.setattr(making, "packs_folder", lambda: folder)
            sites.create(chosen, packs=["demo"])
            site = sites.open(chosen)
        try:
            yield Served(site, people(site))
        finally:
            site.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="anlan-test-") as name:
        yield Path(name)


@contextmanager
def _database(address: str) -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"create database {name} strategy wal_log")
    try:
        yield make_conninfo(address, dbname=name)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def write_pack(folder: Path) -> None:
    for name, content in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


def people(site: Site) -> dict[str, str]:
    ctx = Context(site, system_caller(site.catalogue.policies), via="seed")
    company = record.create(ctx, "system.company", {"code": "MAIN", "name": "Main company"})
    for login, roles in PEOPLE.items():
        record.create(
            ctx,
            "system.user",
            {
                "code": login,
                "name": login.title(),
                "roles": roles,
                "language": "en",
                "company": company["id"],
            },
        )
    return {login: tokens.create(site, login, "test") for login in PEOPLE}


class Api:
    """Asks the API as one of the people; every answer that is an error must have the one shape."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.door = build(served.site, Metrics(), threads=6)
        self._client = TestClient(self.door, raise_server_exceptions=False)

    def __call__(
        self, method: str, path: str, json: Any = None, *, by: str | None = "clerk", **more: Any
    ) -> httpx.Response:
        """`by` None: nobody. `json` is sent as it is; `content`, `files`, `headers`, `params` as httpx has
        them.
        """
        headers = dict(more.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.served.tokens[by]}"
        if json is not None:
            more["json"] = json
        answer: httpx.Response = self._client.request(method, f"/api/v1{path}", headers=headers, **more)
        if answer.status_code >= 400:
            check_problem(answer)
        return answer

    def made(self, form: str, values: dict[str, Any], *, by: str = "clerk") -> dict[str, Any]:
        """A record that was created, as the API answers it."""
        answer = self("POST", f"/records/{form}", values, by=by)
        assert answer.status_code == 201, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def item(self) -> dict[str, Any]:
        """A new item with a code of its own."""
        return self.made("demo.item", {"code": f"I{uuid4().hex[:8]}", "name": "Bolt M8"})

    def order(self, *, quantity: str = "10", confirmed: bool = False) -> dict[str, Any]:
        """A new order of one line, if asked for confirmed."""
        lines = [{"item": self.item()["id"], "quantity": quantity}]
        order = self.made("demo.order", {"party": "ACME", "lines": lines})
        if confirmed:
            order = self("POST", f"/records/demo.order/{order['id']}/do/confirm").json()
        return order


def check_problem(answer: httpx.Response) -> None:
    """The one shape of all errors (RFC 9457, docs/api.md)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["type"] == f"urn:anlan:problem:{body['code']}"
    assert body["title"] and not body["title"].startswith("title.")
    assert body["detail"]
    assert body["errors"]
    for error in body["errors"]:
        assert {"path", "code", "message"} <= set(error) <= {"path", "code", "message", "help", "position"}
        assert error["message"] not in ("", error["code"]), f"no sentence for {error['code']}"
        assert not re.search(r"\{\w+\}", error["message"]), error


@pytest.fixture(scope="session")
def served(address: str) -> Iterator[Served]:
    with served_site(address) as made:
        yield made


@pytest.fixture(scope="session")
def ask(served: Served) -> Iterator[Api]:
    made = Api(served)
    yield made
    made.door.close()
