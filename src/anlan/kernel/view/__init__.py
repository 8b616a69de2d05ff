"""Saved views: how a person, or everybody, wants the list of a form; kept apart from definitions, which packs bring.

    view.create(ctx, "demo.note", {"label": "Big ones", "where": "total > 1000", "sort": ["-date"]})
    view.listing(ctx, "demo.note")   →   {"data": [...], "first": id or key or None, "layout": {...}, "may_share": bool}

A view outlives the fields that it speaks of: what the caller cannot use of it is left out when it is read, and
`left_out` says so.
"""

from anlan.kernel.view.content import KINDS, parts_of
from anlan.kernel.view.store import change, create, delete, listing, remember, restore
from anlan.kernel.view.usable import LeftOut, Usable, usable

__all__ = [
    "KINDS",
    "LeftOut",
    "Usable",
    "change",
    "create",
    "delete",
    "listing",
    "parts_of",
    "remember",
    "restore",
    "usable",
]
