"""Money: invoices are written and paid, credit is given, months are closed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from anlan.kernel import record
from anlan.kernel.errors import Refused
from anlan.packs.demo.beginning import months_later
from anlan.packs.demo.company import CUSTOMERS, SUPPLIERS, Partner
from anlan.packs.demo.state import Record, Story
from anlan.packs.demo.supply import PIECE

__all__ = ["bill", "close_month", "move_money"]

CENT = Decimal("0.01")


def bill(story: Story) -> None:
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


def move_money(story: Story) -> None:
    """What is due is paid: suppliers always, customers as they are; some pay a part first."""
    due = [entry for entry in story.to_pay if entry[0] <= story.day]
    story.to_pay = [entry for entry in story.to_pay if entry[0] > story.day]
    for when, form, invoice, partner in due:
        if form == "sales.invoice" and story.chance.random() >= _willing(story, partner):
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


def _willing(story: Story, partner: Partner) -> float:
    """How likely a customer pays what is due; who pays nothing now was only slow half a year ago."""
    if partner.pays == 0 and (story.last - story.day).days > 120:
        return 0.6
    return partner.pays


def close_month(story: Story) -> None:
    """The month before last is closed, after somebody else has looked at the vouchers made by hand."""
    month = months_later(story.day.replace(day=1), -2).strftime("%Y-%m")
    rows = story.ctx("sun").memory.rows("finance.period").items()
    period = next((key for key, row in rows if row["period"] == month and row["state"] == "open"), None)
    if period is not None:
        record.step(story.ctx("sun"), "finance.period", period, "close")
