"""Stock cost under the lock of its balances: rows of postings in, rows with their value out.

Packs that move goods call `value_rows` from their own compute functions, so that what else hangs on the cost
of a line (the cost that comes back with a return) is worked out in the same breath.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.packs.base.rates import digits_of
from anlan.packs.stock.engine.valuation import Change, Stock, move

__all__ = ["ADJUSTMENT", "nothing_moved", "settle_row", "stock_of", "take_back", "value_rows"]

Row = dict[str, Any]
ZERO = Decimal(0)
ADJUSTMENT = "adjustment"


def value_rows(ctx: Context, rows: Iterable[Row]) -> list[Row]:
    """Fill in `value` and the remembered rate of rows of `stock.cost`, in their order; rows to write besides.

    A row without a value moves at the current cost; one that carries another row takes over its value, as
    transfers do. Taking back a movement whose cost others have used since may leave value without quantity:
    an adjustment takes it out, because nothing is worth nothing.
    """
    taken_back: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        resources = row["resources"]
        if row["reversal"]:
            take_back(row)
            taken_back[row["key"]] = row
        elif not resources["quantity"]:
            nothing_moved(row)
        else:
            carried = row["carry"]
            value = resources["value"] if carried is None else -carried["resources"]["value"]
            stock = stock_of(ctx, row)
            settle_row(
                row,
                move(
                    stock, resources["quantity"], value, digits=digits_of(ctx, row["dimensions"]["company"])
                ),
            )
    return [
        _adjustment(row)
        for row in taken_back.values()
        if row["balance"]["quantity"] == 0 and row["balance"]["value"]
    ]


def _adjustment(row: Row) -> Row:
    """A movement of value alone that names the document whose reversal caused it."""
    value = -row["balance"]["value"]
    row["balance"]["value"] = ZERO
    return row | {"posting": ADJUSTMENT, "resources": {"quantity": ZERO, "value": value}, "reversal": False}


def stock_of(ctx: Context, row: Row) -> Stock:
    """What is there at a row's key; before any movement the item's standard cost is its last known rate."""
    balance = row["balance"]
    rate = balance["rate"]
    if rate is None:
        rate = ctx.linked("base.item", row["dimensions"]["item"]).get("standard_cost") or ZERO
    return Stock(balance["quantity"], balance["value"], rate)


def settle_row(row: Row, change: Change) -> None:
    """Write a change of stock into its row, and into the balance that rows of the same key share."""
    balance = row["balance"]
    row["resources"]["value"] = change.value
    row["memory"] = {"rate": change.stock.rate}
    balance["quantity"], balance["value"], balance["rate"] = change.stock


def take_back(row: Row) -> None:
    """An earlier posting is reversed with its own figures; only the balance has to know."""
    for key, value in row["resources"].items():
        row["balance"][key] += value or ZERO


def nothing_moved(row: Row) -> None:
    """A saved document that moves no more and no less than before."""
    for key in row["resources"]:
        row["resources"][key] = ZERO
