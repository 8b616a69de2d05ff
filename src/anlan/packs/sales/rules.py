"""What sales cannot say as data: rates and warehouses that follow, cost that comes back, closing."""

from __future__ import annotations

from decimal import Decimal

from anlan.kernel import job
from anlan.kernel.context import Context
from anlan.kernel.rules import Batch, compute, rule
from anlan.packs.base.amounts import release
from anlan.packs.base.rates import fill_rate
from anlan.packs.sales.quotations import expire_all, newest_only, replace_older, win
from anlan.packs.stock.costing import Row, nothing_moved, take_back, value_rows
from anlan.packs.stock.warehouses import fill_warehouse

__all__ = [
    "accepted_by_an_order",
    "close_rest",
    "delivered_goods",
    "expire_quotations",
    "newer_version_replaces",
    "only_the_newest",
    "rate_of_document",
    "reopen_rest",
    "returned_goods",
    "warehouse_of_document",
]

ZERO = Decimal(0)


@rule("sales.quotation", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("sales.order", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("sales.delivery", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("sales.invoice", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
@rule("sales.credit_note", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
def rate_of_document(batch: Batch) -> None:
    """A document in another currency takes the rate of its day."""
    fill_rate(batch)


@rule("sales.delivery", "derive", reads=("company",), writes=("warehouse",))
@rule("sales.return", "derive", reads=("company",), writes=("warehouse",))
def warehouse_of_document(batch: Batch) -> None:
    """Goods leave from, and come back to, the company's first warehouse unless another is named."""
    fill_warehouse(batch)


@compute
def delivered_goods(ctx: Context, rows: list[Row]) -> list[Row]:
    """Goods leave at the moving average; what each delivery line cost is remembered for its return."""
    adjustments = value_rows(ctx, (row for row in rows if row["register"] == "stock.cost"))
    for row in rows:
        if row["register"] == "sales.delivery_progress":
            _remember_cost(row)
    return [*rows, *adjustments]


def _remember_cost(row: Row) -> None:
    if row["reversal"]:
        take_back(row)
    elif not row["resources"]["delivered"]:
        nothing_moved(row)
    else:
        row["resources"]["cost"] = -row["carry"]["resources"]["value"] if row["carry"] else ZERO


@compute
def returned_goods(ctx: Context, rows: list[Row]) -> list[Row]:
    """Goods come back at what they cost when they left: the share of the delivery line that is returned.

    Goods of no known delivery come back at the stated cost, or at the current one.
    """
    for row in rows:
        if row["register"] == "sales.delivery_progress":
            _return_cost(row)
    cost = [row for row in rows if row["register"] == "stock.cost"]
    for row in cost:
        if row["carry"] and not row["reversal"]:
            row["resources"]["value"], row["carry"] = -row["carry"]["resources"]["cost"], None
    return [*rows, *value_rows(ctx, cost)]


def _return_cost(row: Row) -> None:
    balance, resources = row["balance"], row["resources"]
    if row["reversal"]:
        take_back(row)
        return
    if not resources["returned"]:
        nothing_moved(row)
        return
    left = balance["delivered"] - balance["returned"]
    resources["cost"] = release(left, balance["cost"], -resources["returned"], ZERO)
    balance["returned"] += resources["returned"]
    balance["cost"] += resources["cost"]


@rule(
    "sales.order",
    "step",
    reads=("lines.base_quantity", "lines.delivered", "lines.unit_value"),
    writes=("lines.closed_quantity", "closed_value"),
    transitions=("close",),
)
def close_rest(batch: Batch) -> None:
    """What was not delivered is given up: it is neither open nor part of the customer's credit any more."""
    for order in batch.documents:
        order["lines"] = [
            line | {"closed_quantity": line["base_quantity"] - line["delivered"]} for line in order["lines"]
        ]
        order["closed_value"] = sum(
            (line["closed_quantity"] * line["unit_value"] for line in order["lines"]), ZERO
        )


@rule("sales.order", "step", writes=("lines.closed_quantity", "closed_value"), transitions=("reopen",))
def reopen_rest(batch: Batch) -> None:
    """A reopened order may be delivered to the end again."""
    for order in batch.documents:
        order["lines"] = [line | {"closed_quantity": ZERO} for line in order["lines"]]
        order["closed_value"] = ZERO


@rule(
    "sales.quotation",
    "check",
    reads=("previous", "edition"),
    codes=("sales.quotation_replaced",),
)
def only_the_newest(batch: Batch) -> None:
    """Of two drafts of a next version only one is sent; and none when the version before was won."""
    newest_only(batch)


@rule("sales.quotation", "posted", transitions=("send",))
def newer_version_replaces(batch: Batch) -> None:
    """What was sent in a new version is not offered in the old one any more; the old one stays readable."""
    replace_older(batch)


@rule("sales.order", "posted", transitions=("confirm",))
def accepted_by_an_order(batch: Batch) -> None:
    """The quotation that an order was made from is won when the order is confirmed."""
    win(batch)


@job.task("sales.expire_quotations", safe=False)
def expire_quotations(run: job.Run) -> int:
    """Every night: quotations whose day has passed are expired; how many."""
    return expire_all(run.site)


job.schedule("sales.expire_quotations", cron="10 0 * * *")
