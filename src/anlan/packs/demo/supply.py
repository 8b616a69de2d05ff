"""Buying and making: raw material comes to the plants, finished goods go to the centre."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from anlan.kernel import record
from anlan.packs.demo.beginning import CENTRAL
from anlan.packs.demo.company import FINISHED, PLANTS, RAW, Good, Partner
from anlan.packs.demo.state import Record, Story

__all__ = ["GOODS", "PIECE", "buy_what_runs_low", "produce", "receive_what_comes"]

GOODS: dict[str, Good] = {good.code: good for good in (*RAW, *FINISHED)}
BATCH = Decimal(1200)  # pieces of one production run
LOW_RAW = {"KG": Decimal(1200), "PCS": Decimal(9000)}
BUY_RAW = {"KG": Decimal(3000), "PCS": Decimal(24000)}
PIECE = Decimal(1)


def buy_what_runs_low(story: Story, supplier: Partner) -> None:
    """One order per supplier for all plants; goods go to the plant that uses most of them."""
    for plant, (_, recipes) in PLANTS.items():
        used = {raw for recipe in recipes.values() for raw in recipe}
        coming = {
            line["item"]["code"]
            for _, order in story.to_receive
            for line in order["lines"]
            if order["note"] == plant
        }
        lines = []
        for code in supplier.sells:
            good = GOODS.get(code)
            if (
                good is None
                or code not in used
                or code in coming
                or story.on_hand(plant, code) >= LOW_RAW[good.unit]
            ):
                continue
            lines.append(
                {"item": code, "quantity": str(BUY_RAW[good.unit]), "price": _price(story, good, supplier)}
            )
        if lines:
            order = story.post(
                "chen",
                "purchase.order",
                step="confirm",
                supplier=supplier.code,
                date=story.day.isoformat(),
                note=plant,
                lines=lines,
            )
            days = story.chance.randint(9, 14) if supplier.currency else story.chance.randint(2, 5)
            story.to_receive.append((story.day + timedelta(days=days), order))


def _price(story: Story, good: Good, supplier: Partner) -> str:
    """The usual cost, up or down three percent, in the supplier's currency."""
    price = Decimal(good.cost) * Decimal(story.chance.randint(97, 103)) / 100
    if supplier.currency:
        price /= Decimal(7) if supplier.currency == "USD" else Decimal("8.3")
    return str(price.quantize(Decimal("0.0001")))


def receive_what_comes(story: Story) -> None:
    """The keeper receives; now and then a part comes later, and rarely something goes back."""
    due = [entry for entry in story.to_receive if entry[0] <= story.day]
    story.to_receive = [entry for entry in story.to_receive if entry[0] > story.day]
    for _, order in due:
        plant = order["note"]
        receipt = story.make("wu", order, "purchase.receipt", warehouse=plant, date=story.day.isoformat())
        if story.chance.random() < 0.2:
            first = receipt["lines"][0]
            part = (Decimal(first["quantity"]) * Decimal("0.6")).quantize(PIECE)
            receipt = record.update(
                story.ctx("wu"),
                "purchase.receipt",
                receipt["id"],
                {
                    "lines": [
                        {"id": first["id"], "quantity": str(part)},
                        *({"id": line["id"]} for line in receipt["lines"][1:]),
                    ]
                },
                version=receipt["version"],
            )
            story.to_receive.append((story.day + timedelta(days=4), order))
        receipt = story.do("wu", receipt, "post")
        for line in receipt["lines"]:
            story.moved(plant, line["item"]["code"], Decimal(line["quantity"]))
        if story.chance.random() < 0.15:
            _send_back(story, receipt, plant)
        story.to_bill.append(
            (story.day + timedelta(days=story.chance.randint(2, 9)), "purchase.invoice", receipt)
        )


def _send_back(story: Story, receipt: Record, plant: str) -> None:
    line = receipt["lines"][0]
    quantity = (Decimal(line["quantity"]) / 20).quantize(PIECE)
    made = story.make(
        "wu",
        receipt,
        "purchase.return",
        reason="包装破损",
        date=story.day.isoformat(),
        lines=[{"source_line": line["id"], "quantity": str(quantity)}],
    )
    story.do("wu", made, "post")
    story.moved(plant, line["item"]["code"], -quantity)


def produce(story: Story) -> None:
    """Each plant makes what the centre has least of, if it has the material, and sends it over."""
    for plant, (_, recipes) in PLANTS.items():
        for code in sorted(recipes, key=lambda item: story.on_hand(CENTRAL, item))[:2]:
            if story.on_hand(CENTRAL, code) < BATCH * 2:
                _run(story, plant, code, recipes[code])


def _run(story: Story, plant: str, code: str, recipe: dict[str, str]) -> None:
    needs = {raw: Decimal(per) * BATCH / 100 for raw, per in recipe.items()}
    if any(story.on_hand(plant, raw) < quantity for raw, quantity in needs.items()):
        return
    day = story.day.isoformat()
    story.post(
        "wu",
        "stock.issue",
        warehouse=plant,
        date=day,
        reason="production",
        lines=[{"item": raw, "quantity": str(quantity)} for raw, quantity in needs.items()],
    )
    for raw, quantity in needs.items():
        story.moved(plant, raw, -quantity)
    lot = _lot(story, code) if GOODS[code].lots else None
    line = {"item": code, "quantity": str(BATCH), "unit_cost": GOODS[code].cost, "lot": lot}
    story.post("wu", "stock.receipt", warehouse=plant, date=day, reason="production", lines=[line])
    story.post(
        "wu",
        "stock.transfer",
        warehouse=plant,
        to_warehouse=CENTRAL,
        date=day,
        lines=[{"item": code, "quantity": str(BATCH), "lot": lot}],
    )
    story.moved(CENTRAL, code, BATCH, lot)


def _lot(story: Story, code: str) -> str:
    lot = f"{code}-{story.day:%y%m%d}"
    story.create(
        "wu",
        "stock.lot",
        code=lot,
        item=code,
        produced=story.day.isoformat(),
        expiry=(story.day + timedelta(days=180)).isoformat(),
    )
    return lot
