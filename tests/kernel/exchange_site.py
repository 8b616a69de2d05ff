"""A small real site for the tests of files: a master demo.thing, a document demo.note with lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from anlan.kernel import record
from anlan.kernel.access.caller import Identity, caller_from, system_caller
from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.build import build_catalogue
from anlan.kernel.clock import Clock
from anlan.kernel.context import Context
from anlan.kernel.definition.reader import read_pack
from anlan.kernel.ids import uuid7
from anlan.kernel.settings import load
from anlan.kernel.site import Site
from anlan.kernel.site.making import messages
from anlan.kernel.storage import migrate
from anlan.kernel.storage.plan import apply_plan, make_plan
from anlan.kernel.storage.pool import Pool, connect
from databases import temporary_database


def label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


FORMS: dict[str, dict[str, Any]] = {
    "thing": {
        "form": "demo.thing",
        "kind": "master",
        "label": label("物件", "Thing"),
        "fields": {
            "code": {"type": "text", "required": True, "unique": True, "label": label("编码", "Code")},
            "name": {"type": "text", "required": True, "label": label("名称", "Name")},
            "weight": {"type": "decimal", "label": label("重量", "Weight"), "check": "weight > 0"},
            "cost": {"type": "decimal", "label": label("成本", "Cost")},
        },
        "grants": {
            "clerk": {
                "actions": ["read", "create", "update", "delete", "import", "export"],
                "fields": {"cost": "none"},
            },
            "reader": {"actions": ["read"]},
        },
    },
    "note": {
        "form": "demo.note",
        "kind": "document",
        "label": label("单据", "Note"),
        "number": {"pattern": "N{0000}"},
        "workflow": {
            "states": {
                "draft": {"label": label("草稿", "Draft")},
                "confirmed": {"label": label("已确认", "Done")},
            },
            "transitions": {
                "confirm": {"from": ["draft"], "to": "confirmed", "label": label("确认", "Confirm")}
            },
        },
        "fields": {
            "subject": {"type": "text", "required": True, "label": label("主题", "Subject")},
            "date": {"type": "date", "default": "TODAY()", "label": label("日期", "Date")},
            "lines": {
                "type": "lines",
                "label": label("明细", "Lines"),
                "fields": {
                    "thing": {
                        "type": "link",
                        "to": "demo.thing",
                        "required": True,
                        "label": label("物件", "Thing"),
                    },
                    "quantity": {"type": "quantity", "label": label("数量", "Quantity")},
                },
            },
            "total": {"type": "decimal", "formula": "SUM(lines.quantity)", "label": label("合计", "Total")},
        },
        "order": ["subject", "date", "lines", "total"],
        "grants": {"clerk": {"actions": ["*"]}},
    },
}
PACK = {"pack": "demo", "label": label("演示", "Demo"), "version": "1.0.0", "requires": ["system"]}
ROLES = [
    {"role": "clerk", "label": label("文员", "Clerk")},
    {"role": "reader", "label": label("读者", "Reader")},
]


@contextmanager
def small_site(address: str, home: Path) -> Iterator[Site]:
    """The site on a database of its own, with `home` for its files; gone at the end."""
    folder = home / "packs" / "demo"
    (folder / "forms").mkdir(parents=True)
    for name, content in {
        "pack": PACK,
        "roles": ROLES,
        **{f"forms/{key}": one for key, one in FORMS.items()},
    }.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with temporary_database(address) as conninfo:
        with connect(conninfo) as connection:
            migrate.apply(connection)
            connection.execute("insert into site_version (epoch) values ($1)", [uuid7()])
        with connect(conninfo, autocommit=True) as connection:
            definitions = store.assemble_site([store.system_source(), read_pack(folder)], connection)
            apply_plan(connection, make_plan(connection, build_catalogue(definitions, version=1)))
            with connection.transaction():
                store.publish(connection, definitions, at=Clock().now(), by=None)
            catalogue = store.load_published(connection)
        with Pool(conninfo, min_size=1, max_size=4) as pool:
            made = Site(load({"ANLAN_HOME": str(home)}), pool, catalogue, clock=Clock(), messages=messages())
            seed(made)
            yield made


def seed(site: Site) -> None:
    ctx = Context(site, system_caller(site.catalogue.policies), via="seed")
    record.create(ctx, "system.company", {"code": "MAIN", "name": "Main"})
    record.create_many(
        ctx,
        "demo.thing",
        [
            {"code": "A1", "name": "螺钉"},
            {"code": "A2", "name": "螺母"},
            {"code": "B1", "name": "垫圈"},
            {"code": "B2", "name": "垫圈"},
        ],
    )


def system(site: Site, via: str = "api") -> Context:
    """Who may do everything."""
    return Context(site, system_caller(site.catalogue.policies), via=via)


def as_role(site: Site, *roles: str) -> Context:
    company = next(iter(site.memory(site.catalogue).rows("system.company")))
    user = Identity(uuid7(), "someone", "Someone", "en", company, (), None, frozenset(roles))
    return Context(site, caller_from(user, site.catalogue.policies), via="import")
