"""At the desk: quotations and what becomes of them, requisitions, counts, prices that move."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel import record
from anlan.packs.demo.beginning import CENTRAL
from anlan.packs.demo.company import CUSTOMERS, FINISHED
from anlan.packs.demo.state import Record, Story
from anlan.packs.demo.supply import GOODS

__all__ = ["answer_quotations", "count_the_centre", "move_prices", "order_what_was_asked", "quote", "request"]

REASONS = ("price", "price", "delivery", "competitor", "cancelled")
NEEDS = (("中秋礼盒试产", "R09", 6000), ("新包装打样", "R10", 4000), ("安全库存补货", "R09", 12000))


def quote(story: Story) -> None:
    """A price for somebody of the home market; one in four goes to the long-named branch."""
    customer = story.chance.choice([one for one in CUSTOMERS if not one.currency and one.pays > 0.3])
    goods = story.chance.sample(FINISHED, story.chance.randint(1, 4))
    lines = [
        {"item": good.code, "quantity": str(story.chance.randint(4, 30) * 10), "discount_percent": "2"}
        for good in goods
    ]
    made = story.post(
        "lin",
        "sales.quotation",
        step="send",
        customer=customer.code,
        date=story.day.isoformat(),
        valid_until=(story.day + timedelta(days=story.chance.choice((10, 15, 30)))).isoformat(),
        payment_terms=f"{customer.days} 天",
        lines=lines,
    )
    story.offered.append((story.day + timedelta(days=story.chance.randint(2, 12)), made))


def answer_quotations(story: Story) -> None:
    """The customer decides: an order, no, a better price; some never answer and expire."""
    due = [entry for entry in story.offered if entry[0] <= story.day]
    story.offered = [entry for entry in story.offered if entry[0] > story.day]
    for _, offer in due:
        luck = story.chance.random()
        if offer["valid_until"] < story.day.isoformat():
            story.do("zhou", offer, "lose") if luck < 0.3 else story.do("system", offer, "expire")
        elif luck < 0.4:
            _accept(story, offer)
        elif luck < 0.6:
            _refuse(story, offer)
        elif luck < 0.75 and offer["edition"] < 3:
            _offer_again(story, offer)
        else:
            story.offered.append((story.day + timedelta(days=story.chance.randint(5, 20)), offer))


def _accept(story: Story, offer: Record) -> None:
    due = (story.day + timedelta(days=4)).isoformat()
    order = story.make("lin", offer, "sales.order", date=story.day.isoformat(), delivery_date=due)
    confirmed = story.try_to("lin", order, "confirm")
    if confirmed is not None:
        story.to_deliver.append(confirmed)


def _refuse(story: Story, offer: Record) -> None:
    ctx = story.ctx("lin")
    lost = record.step(ctx, "sales.quotation", offer["id"], "lose")
    values = {"lost_reason": story.chance.choice(REASONS)}
    record.update(ctx, "sales.quotation", offer["id"], values, version=lost["version"])


def _offer_again(story: Story, offer: Record) -> None:
    """The next version, three percent cheaper."""
    made = story.make("lin", offer, "sales.quotation", date=story.day.isoformat())
    lines = [{"id": line["id"], "discount_percent": "5"} for line in made["lines"]]
    made = record.update(
        story.ctx("lin"), "sales.quotation", made["id"], {"lines": lines}, version=made["version"]
    )
    made = story.do("lin", made, "send")
    story.offered.append((story.day + timedelta(days=story.chance.randint(2, 8)), made))


def request(story: Story) -> None:
    """Every other week the keeper asks for packaging beyond the usual."""
    if story.chance.random() < 0.5:
        return
    reason, item, quantity = story.chance.choice(NEEDS)
    made = story.post(
        "wu",
        "purchase.requisition",
        step="submit",
        date=story.day.isoformat(),
        needed_by=(story.day + timedelta(days=10)).isoformat(),
        reason=reason,
        supplier="V005",
        lines=[{"item": item, "quantity": str(quantity)}],
    )
    story.asked.append(made)


def order_what_was_asked(story: Story) -> None:
    """Two requisitions for one supplier go into one order of the buyer's."""
    if len(story.asked) < 2:
        return
    ctx, asked, story.asked = story.ctx("chen"), story.asked[:2], story.asked[2:]
    ids = [one["id"] for one in asked]
    body = {"date": story.day.isoformat(), "note": "PL2"}
    order = record.make_many(ctx, "purchase.requisition", ids, "purchase.order", body)
    lines = [{"id": line["id"], "price": GOODS[line["item"]["code"]].cost} for line in order["lines"]]
    record.update(ctx, "purchase.order", order["id"], {"lines": lines}, version=order["version"])
    order = story.do("chen", order, "confirm")
    story.to_receive.append((story.day + timedelta(days=story.chance.randint(3, 6)), order))


def count_the_centre(story: Story) -> None:
    """Once a month the centre's goods are counted: mostly right, here and there a few are missing or too many."""
    goods = [good for good in FINISHED if not good.lots]
    count = story.post(
        "wu",
        "stock.count",
        step="start",
        warehouse=CENTRAL,
        date=story.day.isoformat(),
        note="月末盘点",
        lines=[{"item": good.code} for good in goods],
    )
    lines: list[dict[str, Any]] = []
    for good, line in zip(goods, count["lines"], strict=True):
        off = Decimal(story.chance.choice((0, 0, 0, -2, -5, 1, 3)))
        there = story.on_hand(CENTRAL, good.code)
        off = max(off, -there)
        lines.append({"id": line["id"], "quantity": str(there + off)})
        story.moved(CENTRAL, good.code, off)
    ctx = story.ctx("wu")
    record.update(ctx, "stock.count", count["id"], {"lines": lines}, version=count["version"])
    story.do("wu", count, "finish")
    story.do("wu", count, "post")


def move_prices(story: Story) -> None:
    """In the middle of a month the price of something goes up or down."""
    good = story.chance.choice(FINISHED)
    ctx = story.ctx("chen")
    item = record.read(ctx, "base.item", good.code)
    factor = Decimal(story.chance.choice((98, 102, 103, 105))) / 100
    price = (Decimal(item["price"]) * factor).quantize(Decimal("0.01"))
    record.update(ctx, "base.item", item["id"], {"price": str(price)}, version=item["version"])
