"""The day before: people with their roles, warehouses, goods, partners, rates, opening stock and capital."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from anlan.kernel import record
from anlan.kernel.access.caller import caller_from
from anlan.kernel.access.identity import load_by_login
from anlan.kernel.access.sessions import set_password
from anlan.packs.demo.company import (
    CUSTOMERS,
    FINISHED,
    OWNER,
    PEOPLE,
    PLANTS,
    RATES,
    RAW,
    SERVICES,
    SHOPS,
    SUPPLIERS,
    Good,
    Partner,
)
from anlan.packs.demo.state import Record, Story

__all__ = ["CENTRAL", "PASSWORD", "SHOP_CUSTOMER", "found_company"]

CENTRAL = "WH1"
PASSWORD = "Lanxi-demo-91"
SHOP_CUSTOMER = "C900"
# Opening quantities: raw material for about three weeks of a plant, a week of finished goods in the centre.
OPENING_RAW = {"KG": Decimal(1800), "PCS": Decimal(16000)}
OPENING_FINISHED = Decimal(1600)
CAPITAL = Decimal(3_000_000)


def found_company(story: Story) -> None:
    """Everything that must be there before the first day."""
    ctx = story.ctx("system")
    main = record.read(ctx, "system.company", "MAIN")
    record.update(ctx, "system.company", main["id"], {"name": OWNER}, version=main["version"])
    _people(story)
    _places(story)
    _goods(story)
    _partners(story)
    _rates(story)
    _opening(story)


def _people(story: Story) -> None:
    departments = list(dict.fromkeys(person.department for person in PEOPLE))
    record.create_many(
        story.ctx("system"),
        "system.department",
        [{"code": f"D{place}", "name": name} for place, name in enumerate(departments, 1)],
    )
    record.create_many(
        story.ctx("system"),
        "system.user",
        [
            {
                "code": person.code,
                "name": person.name,
                "company": "MAIN",
                "roles": list(person.roles),
                "department": f"D{departments.index(person.department) + 1}",
            }
            for person in PEOPLE
        ],
    )
    for person in PEOPLE:
        set_password(story.site, person.code, PASSWORD, must_change=False)
        with story.site.pool.connection() as connection:
            identity = load_by_login(connection, person.code)
        assert identity is not None, "the user was made a moment ago"
        story.people[person.code] = caller_from(identity, story.site.catalogue.policies)


def _places(story: Story) -> None:
    ctx = story.ctx("system")
    centre = record.read(ctx, "stock.warehouse", CENTRAL)
    record.update(
        ctx, "stock.warehouse", centre["id"], {"name": "中央仓", "keeper": "wu"}, version=centre["version"]
    )
    places = [(code, name) for code, (name, _) in PLANTS.items()] + list(SHOPS)
    record.create_many(
        ctx,
        "stock.warehouse",
        [{"code": code, "name": name, "place": 10 + place} for place, (code, name) in enumerate(places)],
    )


def _item(good: Good, kind: str = "goods") -> Record:
    values: Record = {
        "code": good.code,
        "name": good.name,
        "spec": good.spec,
        "unit": good.unit,
        "kind": kind,
        "tax_rate": good.tax,
        "standard_cost": good.cost,
    }
    if good.price:
        values |= {"price": good.price, "over_delivery_percent": "5"}
    if good.box:
        values["conversions"] = [{"unit": "BOX", "factor": str(good.box)}]
    if good.lots:
        values["tracking"] = "lot"
    return values


def _goods(story: Story) -> None:
    record.create_many(
        story.ctx("system"),
        "base.item",
        [*map(_item, (*RAW, *FINISHED)), *(_item(good, "service") for good in SERVICES)],
    )


def _party(partner: Partner, **kind: bool) -> Record:
    return {
        "code": partner.code,
        "name": partner.name,
        "currency": partner.currency,
        "payment_days": partner.days,
        "credit_limit": partner.limit,
        "contact": partner.contact or None,
        "phone": partner.phone or None,
        "tax_no": partner.tax_no or None,
    } | kind


def _partners(story: Story) -> None:
    record.create_many(
        story.ctx("system"),
        "base.party",
        [
            *(_party(partner, is_customer=True) for partner in CUSTOMERS),
            *(_party(partner, is_supplier=True) for partner in SUPPLIERS),
            {"code": SHOP_CUSTOMER, "name": "门店零售", "is_customer": True},
        ],
    )


def _rates(story: Story) -> None:
    """A rate on the first of each month that the story touches, and of the one after it."""
    first, count = story.day.replace(day=1), 0
    rows = []
    while (month := months_later(first, count)) <= story.last:
        count += 1
        for currency, rate in RATES.items():
            moved = Decimal(rate) * (1 + Decimal(story.chance.randint(-100, 100)) / 10_000)
            rows.append(
                {
                    "currency": currency,
                    "date": month.isoformat(),
                    "rate": str(moved.quantize(Decimal("0.0001"))),
                }
            )
    record.create_many(story.ctx("chen"), "base.exchange_rate", rows)


def months_later(day: date, count: int) -> date:
    """The first of the month `count` months after a first of a month."""
    month = day.month - 1 + count
    return date(day.year + month // 12, month % 12 + 1, 1)


def _opening(story: Story) -> None:
    """Stock is received as opening stock by the keeper, capital is a voucher of the accountant."""
    for plant, (_, recipes) in PLANTS.items():
        used = sorted({raw for recipe in recipes.values() for raw in recipe})
        lines = []
        for code in used:
            good = next(raw for raw in RAW if raw.code == code)
            quantity = OPENING_RAW[good.unit]
            lines.append({"item": code, "quantity": str(quantity), "unit_cost": good.cost})
            story.moved(plant, code, quantity)
        _receive(story, plant, lines)
    lines = []
    for good in FINISHED:
        if not good.lots:
            lines.append({"item": good.code, "quantity": str(OPENING_FINISHED), "unit_cost": good.cost})
            story.moved(CENTRAL, good.code, OPENING_FINISHED)
    _receive(story, CENTRAL, lines)
    bank, capital = (_account(story, role, code) for role, code in (("bank", None), (None, "3001")))
    voucher = story.create(
        "sun",
        "finance.voucher",
        date=story.day.isoformat(),
        summary="投入资本",
        lines=[{"account": bank, "debit": str(CAPITAL)}, {"account": capital, "credit": str(CAPITAL)}],
    )
    story.do("sun", voucher, "post")


def _receive(story: Story, warehouse: str, lines: list[Record]) -> None:
    made = story.create(
        "wu", "stock.receipt", date=story.day.isoformat(), warehouse=warehouse, reason="opening", lines=lines
    )
    story.do("wu", made, "post")


def _account(story: Story, role: str | None, code: str | None) -> str:
    rows = story.ctx("system").memory.rows("finance.account").items()
    return next(key for key, row in rows if (row["role"] == role if role else row["code"] == code))
