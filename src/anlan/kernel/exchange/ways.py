"""How a table is taken: which records it changes, what blank cells mean, cells and links that were put right.

Ways()                                            a code that exists changes its record, blank cells leave it
Ways(key="barcode", does="update", empty="clear")   the barcode finds the record, none is made, blank cells clear
Ways(cells={(4, 2): "12.50"})                     row 4 of the file, its third column: read as if this stood there
Ways(replace={"base.unit": {"个": "PCS"}})         what the file calls 个 is the unit PCS ("": left blank)
Ways(make={"base.unit": ("HE",)})                 the unit HE is made, with its code as its name
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from anlan.kernel.errors import Fault, invalid
from anlan.kernel.exchange.table import Table

__all__ = ["Does", "Empty", "Ways", "mended", "stored", "ways_of"]

Does = Literal["both", "create", "update"]
Empty = Literal["leave", "clear"]

_DOES = ("both", "create", "update")
_EMPTY = ("leave", "clear")
_MOST = 20_000  # cells put right by hand, and texts of links


@dataclass(frozen=True)
class Ways:
    """`key`: the path of the column that finds records, None for the code or number. `cells` by (row of the file,
    column from 0); `replace` and `make` by linked form. All texts are as the user wrote them.
    """

    key: str | None = None
    does: Does = "both"
    empty: Empty = "leave"
    cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    make: Mapping[str, Sequence[str]] = field(default_factory=dict)


def mended(table: Table, ways: Ways) -> Table:
    """The table with the cells that were put right; a text stands as a CSV file would have it."""
    if not ways.cells:
        return table
    by_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in ways.cells.items():
        by_row.setdefault(row, []).append((column, text))
    rows = []
    for number, cells in table.rows:
        changed = list(cells)
        for column, text in by_row.get(number, ()):
            if 0 <= column < len(changed):
                changed[column] = text
        rows.append((number, tuple(changed)))
    return table._replace(rows=tuple(rows))


def stored(ways: Ways) -> dict[str, Any]:
    """As JSON, for a job or a page: the shape that `ways_of` reads."""
    return {
        "key": ways.key,
        "does": ways.does,
        "empty": ways.empty,
        "cells": [[row, column, text] for (row, column), text in ways.cells.items()],
        "replace": {form: dict(texts) for form, texts in ways.replace.items()},
        "make": {form: list(texts) for form, texts in ways.make.items()},
    }


def ways_of(given: Mapping[str, Any]) -> Ways:
    """Ways from JSON that a caller sent. Refused 422 with the place of what is not understood."""
    for name in given:
        _demand(name in Ways.__dataclass_fields__, name[:60])
    does, empty, key = given.get("does", "both"), given.get("empty", "leave"), given.get("key")
    _demand(does in _DOES, "does")
    _demand(empty in _EMPTY, "empty")
    _demand(key is None or isinstance(key, str), "key")
    cells, replace, make = given.get("cells", []), given.get("replace", {}), given.get("make", {})
    _demand(isinstance(cells, list) and len(cells) <= _MOST and all(_is_cell(one) for one in cells), "cells")
    _demand(isinstance(replace, Mapping) and all(_are_texts(one) for one in replace.values()), "replace")
    _demand(isinstance(make, Mapping) and all(_is_list(one) for one in make.values()), "make")
    return Ways(key, does, empty, {(row, column): text for row, column, text in cells}, replace, make)


def _demand(holds: bool, path: str) -> None:
    if not holds:
        raise invalid([Fault("import.not_ways", path, {"field": path})])


def _is_cell(one: Any) -> bool:
    return (
        isinstance(one, list)
        and len(one) == 3
        and all(type(place) is int and place >= 0 for place in one[:2])
        and isinstance(one[2], str)
    )


def _are_texts(one: Any) -> bool:
    return (
        isinstance(one, Mapping) and len(one) <= _MOST and all(isinstance(text, str) for text in one.values())
    )


def _is_list(one: Any) -> bool:
    return isinstance(one, list) and len(one) <= _MOST and all(isinstance(text, str) and text for text in one)
