"""What each document did, as facts for its voucher: company-currency amounts by the keys of posting rules.

Cost and cleared amounts come from the movements just written under lock, all else from the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.packs.base.amounts import rounded
from anlan.packs.base.rates import digits_of
from anlan.packs.finance.engine.vouchers import Fact, exchange_result

__all__ = ["FACTS", "Facts", "variant_of"]

Row = Mapping[str, Any]
Facts = Callable[[Context, Row, Sequence[Row]], list[Fact]]
ZERO = Decimal(0)
OPENING = "opening"  # the case of what was there before the books began


def _moved(movements: Iterable[Row], register: str, resource: str) -> list[tuple[Row, Decimal]]:
    return [(row, row["resources"][resource] or ZERO) for row in movements if row["register"] == register]


def _cost(movements: Iterable[Row], sign: int) -> list[Fact]:
    return [
        Fact("cost", sign * value, item=row["dimensions"]["item"])
        for row, value in _moved(movements, "stock.cost", "value")
    ]


def _total(facts: Iterable[Fact]) -> Decimal:
    return sum((fact.value for fact in facts), ZERO)


def delivery(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Cost of what left."""
    return _cost(movements, -1)


def sales_return(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Cost of what came back; the rule books it in red."""
    return _cost(movements, 1)


def sales_invoice(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Gross in the document's currency too, net and tax in company currency."""
    return [
        Fact("gross", document["base_gross"], document["gross"]),
        Fact("net", document["base_net"]),
        Fact("tax", document["base_tax"]),
    ]


def purchase_receipt(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Goods are an estimated payable at their worth; the variance of negative stock goes into cost."""
    cost = _cost(movements, 1)
    goods = [line for line in document["lines"] if _is_goods(ctx, line)]
    estimate = sum((line["value"] or ZERO for line in goods), ZERO)
    return [*cost, Fact("estimate", estimate), Fact("difference", estimate - _total(cost))]


def purchase_return(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Goods leave at current cost, the estimate falls by what they were received at."""
    cost = _cost(movements, -1)
    cleared = -sum((value for _, value in _moved(movements, "purchase.receipt_progress", "open_value")), ZERO)
    free = sum(
        (
            line["value"] or ZERO
            for line in document["lines"]
            if line["source_line"] is None and _is_goods(ctx, line)
        ),
        ZERO,
    )
    estimate = cleared + free
    return [*cost, Fact("estimate", estimate), Fact("difference", _total(cost) - estimate)]


def purchase_invoice(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """The estimate is cleared at its own value; what the invoice says more is a price difference.

    Input tax of a small-scale taxpayer cannot be deducted (增值税暂行条例 art. 11) and stays in cost.
    """
    digits = digits_of(ctx, document["company"])
    deductible = ctx.linked("system.company", document["company"]).get("taxpayer") != "small_scale"
    column, total = ("net", document["base_net"]) if deductible else ("gross", document["base_gross"])
    rate = document["exchange_rate"]
    goods = [line for line in document["lines"] if _is_goods(ctx, line)]
    service = (
        total
        if not goods
        else sum(
            (rounded(line[column] * rate, digits) for line in document["lines"] if not _is_goods(ctx, line)),
            ZERO,
        )
    )
    cleared = abs(
        sum((value for _, value in _moved(movements, "purchase.receipt_progress", "open_value")), ZERO)
    )
    unseen = sum(
        (rounded(line["net"] * rate, digits) for line in goods if line["receipt_line"] is None), ZERO
    )
    estimate = cleared + unseen
    return [
        Fact("estimate", estimate),
        Fact("difference", total - service - estimate),
        Fact("service", service),
        Fact("tax", document["base_tax"] if deductible else ZERO),
        Fact("gross", document["base_gross"], document["gross"]),
    ]


def payment(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Money, what it settled at the rates of the invoices, and the exchange difference between them."""
    register = "finance.receivable" if document["party_kind"] == "customer" else "finance.payable"
    cleared = abs(sum((value for _, value in _moved(movements, register, "base_amount")), ZERO))
    digits = digits_of(ctx, document["company"])
    write_off = sum((line["write_off"] for line in document["lines"]), ZERO)
    base_write_off = rounded(write_off * document["exchange_rate"], digits)
    settled = cleared + document["base_unallocated"]
    result = exchange_result(
        document["base_amount"], settled, base_write_off, incoming=document["direction"] == "in"
    )
    return [
        Fact("money", document["base_amount"], document["amount"], account=document["account"]),
        Fact("settled", settled, document["amount"] + write_off),
        Fact("write_off", base_write_off),
        *(Fact(key, value) for key, value in result.items()),
    ]


def stock_receipt(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """What came in against the counter account; the variance of goods that had left before goes into cost."""
    cost = _cost(movements, 1)
    moved = {(row["document"], row["line"]): value for row, value in _moved(movements, "stock.cost", "value")}
    worth = sum(
        (
            line["value"] if line["value"] is not None else moved.get((document["id"], line["id"]), ZERO)
            for line in document["lines"]
        ),
        ZERO,
    )
    return [
        *cost,
        Fact("gross", worth, account=document["account"]),
        Fact("difference", worth - _total(cost)),
    ]


def stock_issue(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Cost of what left; the counter account has a key of its own: the document may name it."""
    cost = _cost(movements, -1)
    return [*cost, Fact("gross", _total(cost), account=document["account"])]


def count(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """Surplus and shortage apart."""
    values = [(row["dimensions"]["item"], value) for row, value in _moved(movements, "stock.cost", "value")]
    return [Fact("gain" if value > 0 else "loss", abs(value), item=item) for item, value in values]


def transfer(ctx: Context, document: Row, movements: Sequence[Row]) -> list[Fact]:
    """What did not arrive, at its cost; a transfer that arrives in full changes no account."""
    return [
        Fact("loss", -(row["resources"]["value"] or ZERO), item=row["dimensions"]["item"])
        for row in movements
        if row["posting"] == "cost_lost"
    ]


def _is_goods(ctx: Context, line: Row) -> bool:
    return bool(ctx.linked("base.item", line["item"]).get("kind") == "goods")


def variant_of(form: str, document: Row) -> str:
    """Which of a form's posting rules fits best: a payment's direction and partner, a reason, what was open
    before."""
    if form == "finance.payment":
        return f"{document['direction']}.{document['party_kind']}"
    if form in ("sales.invoice", "purchase.invoice"):
        return OPENING if document.get("opening") else ""
    return str(document.get("reason") or "") if form in ("stock.receipt", "stock.issue") else ""


FACTS: dict[str, Facts] = {
    "sales.delivery": delivery,
    "sales.return": sales_return,
    "sales.invoice": sales_invoice,
    "sales.credit_note": sales_invoice,
    "purchase.receipt": purchase_receipt,
    "purchase.return": purchase_return,
    "purchase.invoice": purchase_invoice,
    "purchase.credit_note": purchase_invoice,
    "finance.payment": payment,
    "stock.receipt": stock_receipt,
    "stock.issue": stock_issue,
    "stock.count": count,
    "stock.transfer": transfer,
}
