"""What purchasing cannot say as data: rates and warehouses that follow from others, estimates, closing."""

from __future__ import annotations

from decimal import Decimal

from anlan.kernel.context import Context
from anlan.kernel.rules import Batch, compute, rule
from anlan.packs.base.amounts import release
from anlan.packs.base.rates import fill_rate
from anlan.packs.stock.costing import Row, nothing_moved, take_back
from anlan.packs.stock.warehouses import fill_warehouse

__all__ = [
    "clear_estimate",
    "close_request",
    "close_rest",
    "rate_of_document",
    "reopen_request",
    "reopen_rest",
    "warehouse_of_document",
]

ZERO = Decimal(0)


@rule("purchase.order", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("purchase.receipt", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("purchase.invoice", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("purchase.credit_note", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
def rate_of_document(batch: Batch) -> None:
    """A document in another currency takes the rate of its day."""
    fill_rate(batch)


@rule("purchase.receipt", "derive", reads=("company",), writes=("warehouse",))
@rule("purchase.return", "derive", reads=("company",), writes=("warehouse",))
def warehouse_of_document(batch: Batch) -> None:
    """Goods come to, and go back from, the company's first warehouse unless another is named."""
    fill_warehouse(batch)


@compute
def clear_estimate(ctx: Context, rows: list[Row]) -> list[Row]:
    """What an invoice, a return or a credit note takes out of (or puts back into) the estimated payable.

    Of what is open it takes the share of its quantity, the last piece the rest to the cent; beyond that
    its own value.
    """
    for row in rows:
        balance, resources = row["balance"], row["resources"]
        if row["reversal"]:
            take_back(row)
        elif not resources["open"]:
            nothing_moved(row)
        else:
            resources["open_value"] = release(
                balance["open"], balance["open_value"], resources["open"], resources["open_value"] or ZERO
            )
            balance["open"] += resources["open"]
            balance["open_value"] += resources["open_value"]
    return rows


@rule(
    "purchase.order",
    "step",
    reads=("lines.base_quantity", "lines.delivered"),
    writes=("lines.closed_quantity",),
    transitions=("close",),
)
def close_rest(batch: Batch) -> None:
    """What was not received is given up."""
    for order in batch.documents:
        order["lines"] = [
            line | {"closed_quantity": line["base_quantity"] - line["delivered"]} for line in order["lines"]
        ]


@rule("purchase.order", "step", writes=("lines.closed_quantity",), transitions=("reopen",))
def reopen_rest(batch: Batch) -> None:
    """A reopened order may be received to the end again."""
    for order in batch.documents:
        order["lines"] = [line | {"closed_quantity": ZERO} for line in order["lines"]]


@rule(
    "purchase.requisition",
    "step",
    reads=("lines.base_quantity", "lines.ordered"),
    writes=("lines.closed_quantity",),
    transitions=("close",),
)
def close_request(batch: Batch) -> None:
    """What was not ordered is not wanted any more."""
    for request in batch.documents:
        request["lines"] = [
            line | {"closed_quantity": line["base_quantity"] - line["ordered"]} for line in request["lines"]
        ]


@rule("purchase.requisition", "step", writes=("lines.closed_quantity",), transitions=("reopen",))
def reopen_request(batch: Batch) -> None:
    """A reopened requisition may be ordered to the end again."""
    for request in batch.documents:
        request["lines"] = [line | {"closed_quantity": ZERO} for line in request["lines"]]
