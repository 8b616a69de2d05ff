"""What stock cannot say as data: cost under lock, counts, and what is not supported yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.rules import Batch, compute, rule
from anlan.packs.base.rates import digits_of
from anlan.packs.stock.costing import Row, settle_row, stock_of, take_back, value_rows
from anlan.packs.stock.counting import freeze, hide_books, nothing_left_out, show_books
from anlan.packs.stock.engine import valuation
from anlan.packs.stock.warehouses import transit_of

KEPT = ("unit", "tracking", "cost_by_lot")

__all__ = [
    "count_again",
    "counted",
    "each_item_counted_once",
    "every_line_is_counted",
    "goods_arrive",
    "goods_travel",
    "moving_average",
    "only_what_is_supported",
    "start_counting",
    "stop_counting",
    "travel_is_over",
    "what_stock_is_kept_by_stays",
]


@compute
def moving_average(ctx: Context, rows: list[Row]) -> list[Row]:
    """Value of movements at the moving average of their key."""
    return [*rows, *value_rows(ctx, rows)]


@compute
def counted(ctx: Context, rows: list[Row]) -> list[Row]:
    """Counted figures become differences to the books: first the quantity in the warehouse, then its cost.

    A row of `stock.cost` carries the row of `stock.on_hand`; its `value`, if given, is the counted unit cost.
    """
    for row in rows:
        if row["register"] == "stock.on_hand":
            _difference(row, frozen=row["posting"] == "frozen_stock")
    for row in rows:
        if row["register"] == "stock.cost":
            _counted_cost(ctx, row)
    return rows


def _difference(row: Row, *, frozen: bool) -> None:
    """What was counted less the books as they are now; where the books were frozen the row is a difference already."""
    if row["reversal"]:
        take_back(row)
        return
    balance, resources = row["balance"], row["resources"]
    if not frozen:
        resources["quantity"] -= balance["quantity"]
    balance["quantity"] += resources["quantity"]


def _counted_cost(ctx: Context, row: Row) -> None:
    if row["reversal"]:
        take_back(row)
        return
    difference = row["carry"]["resources"]["quantity"]
    change = valuation.counted(
        stock_of(ctx, row),
        difference,
        row["resources"]["value"],
        digits=digits_of(ctx, row["dimensions"]["company"]),
    )
    row["resources"]["quantity"] = difference
    settle_row(row, change)


@rule(
    "base.item",
    "check",
    reads=("valuation", "tracking"),
    codes=("stock.valuation_not_ready", "stock.serial_not_ready"),
)
def only_what_is_supported(batch: Batch) -> None:
    """Cost is kept by moving average, goods are tracked by lot; other choices are refused plainly."""
    for item in batch.documents:
        if item["valuation"] not in (None, "moving_average"):
            label = _option(batch, "valuation", item["valuation"])
            batch.fault(item, "stock.valuation_not_ready", "valuation", item=item["code"], valuation=label)
        if item["tracking"] == "serial":
            batch.fault(item, "stock.serial_not_ready", "tracking", item=item["code"])


@rule("base.item", "check", reads=KEPT, codes=("stock.used_item",))
def what_stock_is_kept_by_stays(batch: Batch) -> None:
    """Unit, tracking and costing of an item do not change under stock that was booked with them."""
    changed: dict[str, tuple[Mapping[str, Any], str]] = {}
    for item, before in zip(batch.documents, batch.before, strict=True):
        field = next((key for key in KEPT if before is not None and before[key] != item[key]), None)
        if field is not None:
            changed[item["id"]] = (item, field)
    for key in _with_balances(batch.ctx, list(changed)):
        found, field = changed[key]
        label = batch.form.definition.fields[field].label
        batch.fault(found, "stock.used_item", field, item=found["code"], field=label)


def _with_balances(ctx: Context, items: list[str]) -> list[str]:
    """Those of some items that stock was ever booked for. One statement, none for no items."""
    if not items:
        return []
    table = ctx.catalogue.register("stock.on_hand").balance_table
    rows = ctx.connection.execute(f"SELECT DISTINCT item FROM {table} WHERE item = ANY($1::uuid[])", [items])
    return [row[0] for row in rows.fetchall()]


def _option(batch: Batch, field: str, key: str) -> Any:
    options = batch.form.definition.fields[field].options or {}
    label = options[key].label
    return {"zh": label.zh, "en": label.en}


@rule("stock.count", "check", reads=("lines.item", "lines.lot"), codes=("stock.counted_twice",))
def each_item_counted_once(batch: Batch) -> None:
    """Two lines for the same goods would each claim to be the whole of them."""
    for count in batch.documents:
        seen: set[tuple[str | None, str | None]] = set()
        for place, line in enumerate(count["lines"]):
            key = (line["item"], line["lot"])
            if key in seen:
                item = batch.linked("base.item", line["item"])
                batch.fault(
                    count,
                    "stock.counted_twice",
                    f"lines[{place}].item",
                    line=place + 1,
                    item=item.get("name"),
                )
            seen.add(key)


@rule("stock.count", "step", writes=("lines", "frozen_at"), transitions=("start",))
def start_counting(batch: Batch) -> None:
    """The books are frozen when counting begins."""
    freeze(batch)


@rule(
    "stock.count",
    "step",
    reads=("lines.quantity",),
    codes=("stock.not_counted", "stock.counted_twice"),
    transitions=("finish", "post"),
)
def every_line_is_counted(batch: Batch) -> None:
    """No line is left without a figure, and no goods stand twice."""
    nothing_left_out(batch)
    if batch.transition == "finish":
        each_item_counted_once(batch)


@rule("stock.count", "step", writes=("lines.book_quantity", "lines.frozen_quantity"), transitions=("finish",))
def stop_counting(batch: Batch) -> None:
    """Counting is done: now the books show."""
    show_books(batch)


@rule("stock.count", "step", writes=("lines.book_quantity",), transitions=("recount",))
def count_again(batch: Batch) -> None:
    """A blind count is blind again."""
    hide_books(batch)


@rule(
    "stock.transfer",
    "step",
    reads=("company",),
    writes=("transit",),
    codes=("stock.no_transit",),
    transitions=("dispatch",),
)
def goods_travel(batch: Batch) -> None:
    """What is dispatched lies in the company's transit warehouse until it arrives."""
    for transfer in batch.documents:
        transfer["transit"] = transit_of(batch.ctx, transfer["company"])
        if transfer["transit"] is None:
            batch.fault(transfer, "stock.no_transit", "two_step")


@rule(
    "stock.transfer",
    "step",
    writes=("received_date", "lines.received_quantity"),
    transitions=("receive",),
)
def goods_arrive(batch: Batch) -> None:
    """What is not said otherwise arrives in full, and today."""
    for transfer in batch.documents:
        if transfer["received_date"] is None:
            transfer["received_date"] = max(batch.ctx.today, transfer["date"])
        transfer["lines"] = [
            line | {"received_quantity": line["quantity"]} if line["received_quantity"] is None else line
            for line in transfer["lines"]
        ]


@rule(
    "stock.transfer",
    "step",
    writes=("received_date", "lines.received_quantity"),
    transitions=("unpost", "recall"),
)
def travel_is_over(batch: Batch) -> None:
    """A transfer that is a draft again has not arrived."""
    for transfer in batch.documents:
        transfer["received_date"] = None
        transfer["lines"] = [line | {"received_quantity": None} for line in transfer["lines"]]
