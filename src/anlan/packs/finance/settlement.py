"""What a payment settles: which invoices its lines mean, and how much of an open item a line clears."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.record.load import load
from anlan.kernel.rules import Batch
from anlan.packs.base.amounts import release
from anlan.packs.base.rates import digits_of

__all__ = ["account_of", "check_line", "name_invoices", "settle_invoice"]

Row = dict[str, Any]
ZERO = Decimal(0)


def settle_invoice(ctx: Context, row: Row, place: int) -> None:
    balance, amount = row["balance"], row["resources"]["amount"]
    left = balance["amount"] + amount
    if balance["amount"] == 0 or (left != 0 and (left > 0) != (balance["amount"] > 0)):
        invoice = ctx.connection.execute(
            "SELECT code FROM record_index WHERE id = $1", [row["dimensions"]["invoice"]]
        ).fetchone()
        raise invalid(
            [
                Fault(
                    "finance.over_allocated",
                    f"lines[{place}].amount",
                    {
                        "line": place + 1,
                        "invoice": invoice[0] if invoice else "",
                        "open": abs(balance["amount"]),
                        "amount": abs(amount),
                    },
                )
            ]
        )
    cleared = release(
        balance["amount"],
        balance["base_amount"],
        amount,
        ZERO,
        digits=digits_of(ctx, row["dimensions"]["company"]),
    )
    row["resources"]["base_amount"] = cleared
    balance["amount"], balance["base_amount"] = left, balance["base_amount"] + cleared


def account_of(ctx: Context, role: str) -> str | None:
    accounts = ctx.memory.rows("finance.account").items()
    return next((key for key, account in accounts if account["role"] == role and account["active"]), None)


def name_invoices(ctx: Context, payment: Row) -> None:
    """From the reference of each line to the link of its kind; due dates come along."""
    for line in payment["lines"]:
        named = ctx.rows("").get(line.get("invoice") or "", {}).get("form")
        if named in ("sales.invoice", "purchase.invoice"):
            line["sales_invoice"] = line["invoice"] if named == "sales.invoice" else None
            line["purchase_invoice"] = line["invoice"] if named == "purchase.invoice" else None
    for form, key in (("sales.invoice", "sales_invoice"), ("purchase.invoice", "purchase_invoice")):
        wanted = {
            line[key]: line for line in payment["lines"] if line.get(key) and line.get("due_date") is None
        }
        if wanted:
            for invoice in load(ctx, ctx.form(form), list(wanted), balances=False):
                for line in payment["lines"]:
                    if line.get(key) == invoice["id"]:
                        line["due_date"] = invoice["due_date"]


def check_line(batch: Batch, payment: Row, place: int, invoice: Row | None, side: str) -> None:
    path, line = f"lines[{place}].invoice", payment["lines"][place]
    if invoice is None or invoice["state"] != "posted":
        known = batch.ctx.rows("").get(line.get("invoice") or "", {})
        batch.fault(payment, "finance.not_an_invoice", path, line=place + 1, record=known.get("code") or "")
    elif invoice[side] != payment["party"]:
        party = batch.linked("base.party", invoice[side])
        batch.fault(
            payment,
            "finance.wrong_party",
            path,
            line=place + 1,
            invoice=invoice["number"],
            party=party.get("name") or "",
        )
    elif invoice["currency"] != payment["currency"]:
        currency = batch.linked("base.currency", invoice["currency"])
        batch.fault(
            payment,
            "finance.wrong_currency",
            path,
            line=place + 1,
            invoice=invoice["number"],
            currency=currency.get("code"),
        )
