"""Counting goods: what the books said when it began, and what was found.

    draft --start--> counting (books frozen, unseen when blind) --finish--> counted (differences shown) --post-->

What moves meanwhile does not disturb a count: its difference is against the frozen quantity.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.register import ZERO_VALUES
from anlan.kernel.context import Context
from anlan.kernel.ids import id_array, uuid7
from anlan.kernel.rules import Batch

__all__ = ["freeze", "hide_books", "nothing_left_out", "show_books"]

ZERO = Decimal(0)
Row = dict[str, Any]
Key = tuple[str, str | None]


def freeze(batch: Batch) -> None:
    """Write down what the books say of each line; with scope `all` list all goods that they know there."""
    for count in batch.documents:
        books = _books(batch.ctx, count)
        lines = [line | {"frozen_quantity": books.get(_key(line), ZERO)} for line in count["lines"]]
        if count["scope"] == "all":
            listed = {_key(line) for line in lines}
            missing = {key: found for key, found in books.items() if found and key not in listed}
            lines += _lines(batch, missing)
        count["lines"] = [
            line | {"book_quantity": None if count["blind"] else line["frozen_quantity"]} for line in lines
        ]
        count["frozen_at"] = batch.ctx.now


def show_books(batch: Batch) -> None:
    """Counting is done: the frozen quantities show. Lines that came while counting take the books as they are."""
    for count in batch.documents:
        late = any(line["frozen_quantity"] is None for line in count["lines"])
        books = _books(batch.ctx, count) if late else {}
        count["lines"] = [_shown(line, books) for line in count["lines"]]


def _shown(line: Row, books: Mapping[Key, Decimal]) -> Row:
    frozen = line["frozen_quantity"]
    if frozen is None:
        frozen = books.get(_key(line), ZERO)
    return line | {"frozen_quantity": frozen, "book_quantity": frozen}


def hide_books(batch: Batch) -> None:
    """Count again: a blind count hides the books until it is done."""
    for count in batch.documents:
        if count["blind"]:
            count["lines"] = [line | {"book_quantity": None} for line in count["lines"]]


def nothing_left_out(batch: Batch) -> None:
    """Every line has a figure; nothing there is counted as 0."""
    for count in batch.documents:
        for place, line in enumerate(count["lines"]):
            if line["quantity"] is None:
                item = batch.linked("base.item", line["item"])
                batch.fault(
                    count,
                    "stock.not_counted",
                    f"lines[{place}].quantity",
                    line=place + 1,
                    item=item.get("name") or "",
                )


def _key(line: Row) -> Key:
    return line["item"], line.get("lot")


def _books(ctx: Context, count: Row) -> dict[Key, Decimal]:
    """What is on hand in the count's warehouse, by item and lot, in order of their codes. One statement."""
    forms, table = ctx.catalogue.forms, ctx.catalogue.registers["stock.on_hand"].balance_table
    rows = ctx.connection.execute(
        f"SELECT b.item, b.lot, b.quantity FROM {table} b JOIN {forms['base.item'].table} i ON i.id = b.item "
        f"LEFT JOIN {forms['stock.lot'].table} l ON l.id = b.lot "
        "WHERE b.company = $1 AND b.warehouse = $2 ORDER BY i.code, l.code",
        [count["company"], count["warehouse"]],
    ).fetchall()
    return {(item, None if lot == ZERO_VALUES["link"] else lot): quantity for item, lot, quantity in rows}


def _lines(batch: Batch, books: Mapping[Key, Decimal]) -> list[Row]:
    """Lines to be counted, in their items' stock units. One statement."""
    empty = dict.fromkeys(batch.form.lines["lines"].fields)
    table = batch.ctx.catalogue.forms["base.item"].table
    ids = id_array(sorted({item for item, _ in books}))
    found = batch.ctx.connection.execute(f"SELECT id, unit FROM {table} WHERE id = ANY($1::uuid[])", [ids])
    units: dict[str, str] = dict(found.fetchall())
    return [
        {**empty, "id": uuid7(), "item": item, "lot": lot, "unit": units[item], "frozen_quantity": quantity}
        for (item, lot), quantity in books.items()
    ]
