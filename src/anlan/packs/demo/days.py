"""What happens on a working day, and what the last day leaves open."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel import record
from anlan.kernel.errors import Refused
from anlan.packs.demo.beginning import CENTRAL, SHOP_CUSTOMER, months_later
from anlan.packs.demo.company import CUSTOMERS, FINISHED, PLANTS, RAW, SHOPS, SUPPLIERS, Good, Partner
from anlan.packs.demo.state import Record, Story

__all__ = ["leave_work", "live_a_day"]

GOODS: dict[str, Good] = {good.code: good for good in (*RAW, *FINISHED)}
MONDAY, WEDNESDAY, FRIDAY, SATURDAY = 0, 2, 4, 5
BATCH = Decimal(1200)  # pieces of one production run
LOW_RAW = {"KG": Decimal(1200), "PCS": Decimal(9000)}
BUY_RAW = {"KG": Decimal(3000), "PCS": Decimal(24000)}
CENT, PIECE = Decimal("0.01"), Decimal(1)


def live_a_day(story: Story) -> None:
    """One working day, in the order in which its work is done."""
    weekday = story.day.weekday()
    _receive_what_comes(story)
    if weekday in (MONDAY, WEDNESDAY):
        for supplier in SUPPLIERS:
            _buy_what_runs_low(story, supplier)
    _produce(story)
    _deliver_orders(story)
    for _ in range(story.chance.choice((1, 1, 2, 2))):
        _take_order(story)
    if weekday == FRIDAY:
        _supply_shops(story)
    if weekday == SATURDAY:
        _sell_in_shops(story)
    _bill(story)
    if weekday in (WEDNESDAY, FRIDAY):
        _move_money(story)
    if story.day.day == 5 or (story.day.day == 6 and weekday == MONDAY):
        _close_month(story)


# -- buying --------------------------------------------------------------------------------------------------


def _buy_what_runs_low(story: Story, supplier: Partner) -> None:
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


def _receive_what_comes(story: Story) -> None:
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


# -- making --------------------------------------------------------------------------------------------------


def _produce(story: Story) -> None:
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


# -- selling -------------------------------------------------------------------------------------------------


def _take_order(story: Story) -> None:
    """A wholesale order by the clerk; one beyond the credit limit stays a draft."""
    customer = story.chance.choice(CUSTOMERS)
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
    try:
        story.to_deliver.append(story.do("lin", order, "confirm"))
    except Refused as refused:
        if refused.code != "sales.over_credit":
            raise


def _deliver_orders(story: Story) -> None:
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


def _supply_shops(story: Story) -> None:
    """On Fridays every shop gets its goods for the week."""
    for shop, _ in SHOPS:
        lines = []
        for good in FINISHED:
            for lot, part in story.take(CENTRAL, good.code, Decimal(story.chance.randint(3, 7) * 10)):
                lines.append({"item": good.code, "quantity": str(part), "lot": lot})
                story.moved(shop, good.code, part, lot)
        if lines:
            story.post(
                "wu",
                "stock.transfer",
                warehouse=CENTRAL,
                to_warehouse=shop,
                lines=lines,
                date=story.day.isoformat(),
            )


def _sell_in_shops(story: Story) -> None:
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


# -- money ---------------------------------------------------------------------------------------------------


def _bill(story: Story) -> None:
    """Invoices that are due to be written; a few purchase prices differ from the order."""
    due = [entry for entry in story.to_bill if entry[0] <= story.day]
    story.to_bill = [entry for entry in story.to_bill if entry[0] > story.day]
    for _, form, source in due:
        invoice = story.make("sun", source, form, date=story.day.isoformat())
        if form == "purchase.invoice" and story.chance.random() < 0.15:
            first = invoice["lines"][0]
            price = (Decimal(first["price"]) * Decimal("1.01")).quantize(Decimal("0.0001"))
            invoice = record.update(
                story.ctx("sun"),
                form,
                invoice["id"],
                {
                    "lines": [
                        {"id": first["id"], "price": str(price)},
                        *({"id": line["id"]} for line in invoice["lines"][1:]),
                    ]
                },
                version=invoice["version"],
            )
        invoice = story.do("sun", invoice, "post")
        if form == "sales.invoice" and story.chance.random() < 0.03:
            _credit(story, invoice)
        partners = CUSTOMERS if form == "sales.invoice" else SUPPLIERS
        code = invoice["customer" if form == "sales.invoice" else "supplier"]["code"]
        partner = next(item for item in partners if item.code == code)
        story.to_pay.append((date.fromisoformat(invoice["due_date"]), form, invoice, partner))


def _credit(story: Story, invoice: Record) -> None:
    """A tenth of the first line is taken off the invoice."""
    line = invoice["lines"][0]
    quantity = max((Decimal(line["quantity"]) / 10).quantize(PIECE), Decimal(1))
    made = story.make(
        "sun",
        invoice,
        "sales.credit_note",
        reason="数量差异",
        date=story.day.isoformat(),
        lines=[{"source_line": line["id"], "quantity": str(quantity)}],
    )
    story.do("sun", made, "post")


def _move_money(story: Story) -> None:
    """What is due is paid: suppliers always, customers as they are; some pay a part first."""
    due = [entry for entry in story.to_pay if entry[0] <= story.day]
    story.to_pay = [entry for entry in story.to_pay if entry[0] > story.day]
    for when, form, invoice, partner in due:
        if form == "sales.invoice" and story.chance.random() >= partner.pays:
            story.to_pay.append((when + timedelta(days=9), form, invoice, partner))
            continue
        body: Record = {"date": story.day.isoformat(), "method": "网银"}
        if form == "sales.invoice" and invoice["id"] not in story.part_paid and story.chance.random() < 0.1:
            story.part_paid.add(invoice["id"])
            half = (Decimal(invoice["gross"]) / 2).quantize(CENT)
            body["amount"] = str(half)
            story.to_pay.append((story.day + timedelta(days=10), form, invoice, partner))
        try:
            story.pass_on("sun", invoice, "finance.payment", **body)
        except Refused as refused:
            if refused.code != "conversion.nothing_open":
                raise


def _close_month(story: Story) -> None:
    """The month before last is closed, after somebody else has looked at the vouchers made by hand."""
    month = months_later(story.day.replace(day=1), -2).strftime("%Y-%m")
    rows = story.ctx("sun").memory.rows("finance.period").items()
    period = next((key for key, row in rows if row["period"] == month and row["state"] == "open"), None)
    if period is not None:
        record.step(story.ctx("sun"), "finance.period", period, "close")


# -- the end -------------------------------------------------------------------------------------------------


def leave_work(story: Story) -> None:
    """What people find open when they look around for the first time."""
    today = story.day.isoformat()
    for customer, item, quantity in (("C001", "F05", "300"), ("C005", "F03", "240"), ("C007", "F08", "9000")):
        order = story.create(
            "lin",
            "sales.order",
            customer=customer,
            date=today,
            delivery_date=today,
            lines=[{"item": item, "quantity": quantity}],
        )
        order = story.do("lin", order, "confirm")
        if item == "F03":
            made = story.make("wu", order, "sales.delivery")
            story.do("wu", made, "post")
    story.create(
        "lin",
        "sales.order",
        customer="C002",
        date=today,
        lines=[{"item": "F01", "quantity": "200"}, {"item": "F04", "quantity": "80"}],
    )
    order = story.create(
        "chen",
        "purchase.order",
        supplier="V001",
        date=today,
        lines=[{"item": "R01", "quantity": "3000", "price": "6.35"}],
    )
    story.do("chen", order, "confirm")
    story.create(
        "sun",
        "finance.voucher",
        date=today,
        summary="计提本月水电费",
        lines=[{"account": "4101", "debit": "18600"}, {"account": "2241", "credit": "18600"}],
    )
