"""Which warehouse a document takes that does not say: the company's first."""

from __future__ import annotations

from anlan.kernel.context import Context
from anlan.kernel.rules import Batch

__all__ = ["fill_warehouse", "first_warehouse", "transit_of"]


def first_warehouse(ctx: Context, company: str | None) -> str | None:
    """The active warehouse with the lowest order, then code; None when the company has none."""
    rows = [
        row
        for row in ctx.memory.rows("stock.warehouse").values()
        if row["company"] == company and row["active"] and not row["transit"]
    ]
    first = min(rows, key=lambda row: (row["place"], row["code"]), default=None)
    return first["id"] if first else None


def fill_warehouse(batch: Batch) -> None:
    """Give every document of a batch a warehouse."""
    for document in batch.documents:
        if document.get("warehouse") is None:
            document["warehouse"] = first_warehouse(batch.ctx, document.get("company"))


def transit_of(ctx: Context, company: str | None) -> str | None:
    """The warehouse where a company's goods lie while they travel; None when it has none."""
    rows = ctx.memory.rows("stock.warehouse").values()
    found = [row for row in rows if row["company"] == company and row["active"] and row["transit"]]
    first = min(found, key=lambda row: (row["place"], row["code"]), default=None)
    return first["id"] if first else None
