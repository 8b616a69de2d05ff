"""Selling: wholesale orders and their deliveries, supply and takings of the shops."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel import record
from anlan.packs.demo.beginning import CENTRAL, SHOP_CUSTOMER
from anlan.packs.demo.company import CUSTOMERS, FINISHED, SHOPS
from anlan.packs.demo.state import Record, Story
from anlan.packs.demo.supply import GOODS, PIECE

__all__ = ["arrive_in_shops", "deliver_orders", "sell_in_shops", "supply_shops", "take_order"]

CENT = Decimal("0.01")
FAR_SHOPS = ("SH05", "SH08")


def take_order(story: Story) -> None:
    """A wholesale order by the clerk; one beyond the credit limit stays a draft."""
    open_to = [one for one in CUSTOMERS if story.blocked.get(one.code, story.day) <= story.day]
    customer = story.chance.choice(open_to)
    goods = story.chance.sample(FINISHED, story.chance.randint(2, 5))
    lines = []
    for good in goods:
        line: dict[str, Any] = {"item": good.code, "quantity": str(story.chance.randint(2, 12) * 10)}
        if customer.currency:
            line["price"] = str((Decimal(good.price or 0) / Decimal("0.91")).quantize(CENT))
        if story.chance.random() < 0.25:
            line |= {"quantity": str(story.chance.randint(2, 8)), "unit": "BOX"}
            line["price"] = str(
                (
                    Decimal(good.price or 0) * good.box / (Decimal("0.91") if customer.currency else 1)
                ).quantize(CENT)
            )
            line["discount_percent"] = "3"
        lines.append(line)
    due = story.day + timedelta(days=story.chance.randint(1, 4))
    order = story.create(
        "lin",
        "sales.order",
        customer=customer.code,
        date=story.day.isoformat(),
        delivery_date=due.isoformat(),
        lines=lines,
    )
    confirmed = story.try_to("lin", order, "confirm")
    if confirmed is None:  # nobody asks again before some of it is paid
        story.blocked[customer.code] = story.day + timedelta(days=25)
    else:
        story.to_deliver.append(confirmed)


def deliver_orders(story: Story) -> None:
    """What is due leaves the centre, as far as goods are there; the rest stays open."""
    due = [order for order in story.to_deliver if order["delivery_date"] <= story.day.isoformat()]
    story.to_deliver = [order for order in story.to_deliver if order not in due]
    for order in due:
        customer = next(partner for partner in CUSTOMERS if partner.code == order["customer"]["code"])
        lines, short = _what_is_there(story, order)
        if not lines:
            story.to_deliver.append(order | {"delivery_date": (story.day + timedelta(days=2)).isoformat()})
            continue
        delivery = story.post(
            "wu",
            "sales.delivery",
            customer=customer.code,
            date=story.day.isoformat(),
            lines=lines,
            **_money_of(order),
        )
        if not short and story.chance.random() < 0.8:
            story.do("zhou", order, "close")
        elif short and story.chance.random() < 0.7:
            rest = record.read(story.ctx("lin"), "sales.order", order["id"])
            story.to_deliver.append(rest | {"delivery_date": (story.day + timedelta(days=3)).isoformat()})
        if story.chance.random() < 0.05:
            _take_back(story, delivery)
        story.to_bill.append(
            (story.day + timedelta(days=story.chance.randint(0, 3)), "sales.invoice", delivery)
        )


def _money_of(order: Record) -> Record:
    return {
        "currency": order["currency"]["id"],
        "exchange_rate": order["exchange_rate"],
        "price_includes_tax": order["price_includes_tax"],
    }


def _what_is_there(story: Story, order: Record) -> tuple[list[Record], bool]:
    """Delivery lines for what is still open of an order, by lot, and whether something is missing."""
    lines: list[Record] = []
    short = False
    for line in order["lines"]:
        good = GOODS[line["item"]["code"]]
        factor = Decimal(good.box) if line["unit"]["code"] == "BOX" else Decimal(1)
        wanted = Decimal(line["quantity"]) * factor - Decimal(line["delivered"])
        if wanted <= 0:
            continue
        taken = story.take(CENTRAL, good.code, wanted)
        short = short or sum((part for _, part in taken), Decimal(0)) < wanted
        lines += [
            {
                "source_line": line["id"],
                "item": good.code,
                "lot": lot,
                "quantity": str(part),
            }
            for lot, part in taken
        ]
    return lines, short


def _take_back(story: Story, delivery: Record) -> None:
    """A customer sends a part of the first line back."""
    line = delivery["lines"][0]
    quantity = max((Decimal(line["quantity"]) / 10).quantize(PIECE), Decimal(1))
    made = story.make(
        "wu",
        delivery,
        "sales.return",
        reason="临期",
        date=story.day.isoformat(),
        lines=[{"source_line": line["id"], "quantity": str(quantity)}],
    )
    story.do("wu", made, "post")
    story.moved(CENTRAL, line["item"]["code"], quantity, line["lot"]["code"] if line["lot"] else None)


def supply_shops(story: Story) -> None:
    """On Fridays every shop gets its goods for the week."""
    for shop, _ in SHOPS:
        lines = []
        for good in FINISHED:
            for lot, part in story.take(CENTRAL, good.code, Decimal(story.chance.randint(3, 7) * 10)):
                lines.append({"item": good.code, "quantity": str(part), "lot": lot})
                story.moved(shop, good.code, part, lot)
        if not lines:
            continue
        values: dict[str, Any] = {
            "warehouse": CENTRAL,
            "to_warehouse": shop,
            "lines": lines,
            "date": story.day.isoformat(),
        }
        if shop in FAR_SHOPS:  # on the road until the next morning
            story.travelling.append(
                story.post("wu", "stock.transfer", step="dispatch", two_step=True, **values)
            )
        else:
            story.post("wu", "stock.transfer", **values)


def arrive_in_shops(story: Story) -> None:
    """What was dispatched the day before is received; now and then a piece is missing."""
    for transfer in story.travelling:
        if story.chance.random() < 0.15:
            line = transfer["lines"][0]
            short = [{"id": line["id"], "received_quantity": str(Decimal(line["quantity"]) - 1)}]
            more = [{"id": one["id"]} for one in transfer["lines"][1:]]
            record.update(
                story.ctx("wu"),
                "stock.transfer",
                transfer["id"],
                {"lines": short + more},
                version=transfer["version"],
            )
            lot = line["lot"]["code"] if line["lot"] else None
            story.moved(transfer["to_warehouse"]["code"], line["item"]["code"], Decimal(-1), lot)
        story.do("wu", transfer, "receive")
    story.travelling = []


def sell_in_shops(story: Story) -> None:
    """On Saturdays each shop's week is booked: goods leave, the invoice is paid at the till."""
    day = story.day.isoformat()
    for shop, name in SHOPS:
        lines = []
        for good in FINISHED:
            sold = (story.on_hand(shop, good.code) * Decimal(story.chance.randint(70, 95)) / 100).quantize(
                PIECE
            )
            price = (Decimal(good.price or 0) * Decimal("1.45")).quantize(Decimal("0.1"))
            lines += [
                {"item": good.code, "quantity": str(part), "lot": lot, "price": str(price)}
                for lot, part in story.take(shop, good.code, sold)
            ]
        if not lines:
            continue
        delivery = story.post(
            "zhou",
            "sales.delivery",
            customer=SHOP_CUSTOMER,
            warehouse=shop,
            date=day,
            lines=lines,
            price_includes_tax=True,
            note=name,
        )
        invoice = story.pass_on("sun", delivery, "sales.invoice", date=day)
        story.pass_on("sun", invoice, "finance.payment", date=day, method="门店收银")
