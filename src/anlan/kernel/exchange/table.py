"""A file that a user brings becomes a table of cells: Excel (xlsx, xls, ods), CSV in UTF-8 or GBK, pasted
text.

    read(b"...", "a.xlsx")  →  Table(headers=("编码", "名称"), rows=((2, ("A1", "螺钉")), …), sheet="Sheet1")

Row numbers are those that the user sees in his file.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.exchange.extent import cells_of
from anlan.kernel.exchange.heads import find_heads
from anlan.kernel.exchange.strangers import refuse_strangers

__all__ = ["BLANKS", "MAX_COLUMNS", "MAX_ROWS", "Cell", "Table", "read"]

Cell = str | float | int | bool | date | datetime | time | timedelta | None

MAX_ROWS = 100_000
MAX_COLUMNS = 300
_UNPACKED = 1_000_000_000  # bytes that a workbook may unpack to: a zip bomb of 50 MB would fill the memory
_CELLS = 10_000_000  # of a sheet, from its first to its last: read as one block of about 60 bytes each
BLANKS = (
    " \t\r\n\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"  # spaces that a sheet brings along, seen and unseen
)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class Table(NamedTuple):
    """`rows` are (row number in the file, cells), as many cells as headers; blank rows are left out."""

    headers: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    sheet: str = ""


def read(content: bytes, name: str = "", *, sheet: str | None = None, heads: Collection[str] = ()) -> Table:
    """Read a file or pasted text. Refused: 415 when it is neither, 422 when it is empty, 413 when too large.

    The row that names most columns of a form (`heads`, of `exchange.heads`) holds the headers, or two rows with
    groups; without `heads` the first row with two filled cells. What stands above is a title. Rows that repeat the
    headers (as printed sheets do on each page) are left out. `sheet`: of a workbook; else the first that holds anything.
    """
    rows: Sequence[Sequence[Cell]]
    refuse_strangers(content, name)
    if content.startswith(_WORKBOOKS):
        title, rows = _workbook(content, name, sheet)
    else:
        title, rows = "", list(_text(content))
    filled = [(number, row) for number, row in enumerate(rows, 1) if any(not _blank(cell) for cell in row)]
    if not filled:
        raise invalid([Fault("import.empty")])
    if len(filled) > MAX_ROWS:
        raise Refused(413, "import.too_many_rows", params={"count": len(filled), "limit": MAX_ROWS})
    headers, begin = find_heads(filled, heads)
    if len(headers) > MAX_COLUMNS:
        raise Refused(413, "import.too_many_columns", params={"count": len(headers), "limit": MAX_COLUMNS})
    width = len(headers)
    body = ((number, _fitted(row, width)) for number, row in filled[begin:])
    return Table(
        headers, tuple(one for one in body if not _blank_row(one[1]) and not _repeats(one[1], headers)), title
    )


def _workbook(content: bytes, name: str, sheet: str | None) -> tuple[str, Sequence[Sequence[Cell]]]:
    _check_size(content, name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if sheet is not None and sheet not in book.sheet_names:
            raise invalid(
                [Fault("import.no_sheet", "", {"sheet": sheet, "sheets": ", ".join(book.sheet_names)})]
            )
        for title in [sheet] if sheet is not None else book.sheet_names:
            rows = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
            if rows:
                return title, rows
    except (CalamineError, OSError) as error:
        raise Refused(415, "import.unreadable", params={"name": name, "reason": str(error)[:200]}) from error
    return "", []


def _check_size(content: bytes, name: str) -> None:
    if not content.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
            cells = cells_of(archive) if unpacked <= _UNPACKED else 0
    except zipfile.BadZipFile as error:
        raise Refused(415, "import.unreadable", params={"name": name, "reason": str(error)}) from error
    if unpacked > _UNPACKED:
        raise Refused(413, "too_large", params={"label": name, "limit": f"{_UNPACKED // 10**9} GB"})
    if cells > _CELLS:
        raise Refused(413, "import.too_many_cells", params={"count": cells, "limit": _CELLS})


def _text(content: bytes) -> Iterator[Sequence[Cell]]:
    """CSV with commas, semicolons or tabs; UTF-8 with or without mark, else GB18030 (Chinese Excel)."""
    text = _decoded(content)
    delimiter = _delimiter(text[:20_000])
    csv.field_size_limit(1_000_000)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise Refused(415, "import.unreadable", params={"name": "CSV", "reason": str(error)}) from error


def _delimiter(beginning: str) -> str:
    """The sign that stands most often outside quotes; the first of equals: a pasted table has tabs."""
    outside = "".join(beginning.split('"')[::2])
    return max("\t,;", key=outside.count)


def _decoded(content: bytes) -> str:
    for encoding in (
        ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    ):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise Refused(415, "import.unreadable", params={"name": "CSV", "reason": "UTF-8, GBK"})


def _fitted(row: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    return tuple(row[:width]) + (None,) * (width - len(row))


def _blank_row(row: Sequence[Cell]) -> bool:
    return all(_blank(cell) for cell in row)


def _repeats(row: Sequence[Cell], headers: Sequence[str]) -> bool:
    """Whether the row says the headers once more: two at least, and nothing else."""
    said = [
        (" ".join(str(cell).split()), head)
        for cell, head in zip(row, headers, strict=True)
        if not _blank(cell)
    ]
    return len(said) > 1 and all(text == head for text, head in said)


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip(BLANKS))
