"""Rows of a table become records: head and lines, each cell converted, each fault with its cell.

    客户   日期         物料  数量
    C001  2026-11-24  A1   2         →  {"party": "C001", "date": "2026-11-24",
                      A2   3               "lines": [{"item": "A1", "quantity": "2"},
                                                    {"item": "A2", "quantity": "3"}]}

A record begins where its head is written. Rows below with a blank head, or with the same head again, are
further lines of it. With a column for the number (of a document) or the code, that alone tells records apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, NamedTuple

from anlan.kernel.errors import Fault
from anlan.kernel.exchange.columns import Column
from anlan.kernel.exchange.convert import cell_value
from anlan.kernel.exchange.table import BLANKS, Cell, Table
from anlan.kernel.fieldtype import Unreadable

__all__ = ["CellFault", "Draft", "assemble"]


class CellFault(NamedTuple):
    """A fault and its cell: the row as in the file, the column counted from 0 (None: the whole row)."""

    row: int
    column: int | None
    fault: Fault


@dataclass
class Draft:
    """One record to be written; `number` is its own, if the file has it; `cells` maps paths to cells."""

    row: int
    number: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[CellFault] = field(default_factory=list)
    unread: bool = False  # a cell of it could not be read

    def cell_of(self, path: str) -> tuple[int, int | None]:
        """The cell of a path, or of what it lies in; else the record's first row."""
        while path:
            if path in self.cells:
                return self.cells[path]
            line = next((cell for one, cell in self.cells.items() if one.startswith(path + ".")), None)
            if line is not None:
                return line[0], None
            path = path.rpartition(".")[0]
        return self.row, None

    def add(self, fault: Fault) -> None:
        """Note a fault that the record path found."""
        self.faults.append(CellFault(*self.cell_of(fault.path), fault))


class _Place(NamedTuple):
    """Where the cells of a column go."""

    at: int
    path: str
    column: Column


def assemble(
    table: Table, paths: Sequence[str | None], columns: Sequence[Column], *, key: str, zone: tzinfo
) -> list[Draft]:
    """The records of a table whose columns mean `paths`. Pure; faults are kept in the drafts.

    `key`: the form's number or code, which tells records apart even where it is computed and not written.
    """
    known = {column.path: column for column in columns}
    places = [_Place(at, path, known[path]) for at, path in enumerate(paths) if path and path in known]
    head = [place for place in places if not place.column.lines]
    lines = [place for place in places if place.column.lines]
    number = next((at for at, path in enumerate(paths) if path == key and key not in known), None)
    identity = number if number is not None else next((one.at for one in head if one.path == key), None)
    drafts: list[Draft] = []
    begun = _Head((), None)
    for row, cells in table.rows:
        here = _Head(
            tuple(_text(cells[place.at]) for place in head),
            _text(cells[identity]) if identity is not None else None,
        )
        if not drafts or not lines or here.begins(begun):
            draft = Draft(row, _text(cells[number]) if number is not None else None)
            _fill(draft, draft.values, head, row=row, cells=cells, prefix="", zone=zone)
            drafts.append(draft)
            begun = here
        else:
            for place, new, old in zip(head, here.written, begun.written, strict=True):
                if new is not None and new != old:
                    fault = Fault(
                        "import.head_differs", place.column.field.key, {"value": new, "first": old or ""}
                    )
                    drafts[-1].faults.append(CellFault(row, place.at, fault))
        if lines:
            _add_line(drafts[-1], lines, row, cells, zone)
    return drafts


class _Head(NamedTuple):
    """What a row says of its head, and the cell that tells records apart, if there is such a column."""

    written: tuple[str | None, ...]
    identity: str | None

    def begins(self, record: _Head) -> bool:
        """Whether this row begins another record than the one at hand."""
        if self.identity is not None:
            return self.identity != record.identity
        return any(self.written) and self.written != record.written


def _add_line(draft: Draft, places: Sequence[_Place], row: int, cells: Sequence[Cell], zone: tzinfo) -> None:
    """The row's line in each sub-table of which it fills a cell."""
    for name in dict.fromkeys(place.column.lines for place in places):
        mine = [place for place in places if place.column.lines == name]
        if name is None or all(_text(cells[place.at]) is None for place in mine):
            continue
        rows = draft.values.setdefault(name, [])
        line: dict[str, Any] = {}
        _fill(draft, line, mine, row=row, cells=cells, prefix=f"{name}[{len(rows)}].", zone=zone)
        rows.append(line)


def _fill(
    draft: Draft,
    target: dict[str, Any],
    places: Sequence[_Place],
    *,
    row: int,
    cells: Sequence[Cell],
    prefix: str,
    zone: tzinfo,
) -> None:
    """Convert the cells of a head or a line. An empty cell is left out: the field's default fills it."""
    for place in places:
        key = place.column.field.key
        path = prefix + key
        draft.cells[path] = (row, place.at)
        try:
            value = cell_value(cells[place.at], place.column.field, zone)
        except Unreadable as error:
            label = place.column.field.definition.label or key
            fault = Fault(error.code, path, {**error.params, "label": label, "field": label})
            draft.faults.append(CellFault(row, place.at, fault))
            draft.unread = True
            continue
        if value is not None:
            target[key] = value


def _text(cell: Cell) -> str | None:
    if cell is None:
        return None
    text = f"{cell:.15g}" if isinstance(cell, float) else str(cell)
    return text.strip(BLANKS) or None
