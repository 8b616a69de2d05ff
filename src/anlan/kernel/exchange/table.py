"""A file that a user brings becomes a table of cells: Excel (xlsx, xls, ods), CSV in UTF-8 or GBK, pasted
text.

    read(b"...", "a.xlsx")  →  Table(headers=("编码", "名称"), rows=((2, ("A1", "螺钉")), …), sheet="Sheet1")

Row numbers are those that the user sees in his file.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.exchange.extent import cells_of

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "Cell", "Table", "read"]

Cell = str | float | int | bool | date | datetime | time | timedelta | None

MAX_ROWS = 100_000
MAX_COLUMNS = 300
_UNPACKED = 1_000_000_000  # bytes that a workbook may unpack to: a zip bomb of 50 MB would fill the memory
_CELLS = 10_000_000  # of a sheet, from its first to its last: read as one block of about 60 bytes each
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class Table(NamedTuple):
    """`rows` are (row number in the file, cells), as many cells as headers; blank rows are left out."""

    headers: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    sheet: str = ""


def read(content: bytes, name: str = "", *, sheet: str | None = None) -> Table:
    """Read a file or pasted text. Refused: 415 when it is neither, 422 when it is empty, 413 when too large.

    The first row with two filled cells (or the first filled one) holds the headers; what stands above is a
    title. `sheet`: the sheet of a workbook; else the first that holds anything.
    """
    rows: Sequence[Sequence[Cell]]
    if content.startswith(_WORKBOOKS):
        title, rows = _workbook(content, name, sheet)
    else:
        title, rows = "", list(_text(content))
    filled = [(number, row) for number, row in enumerate(rows, 1) if any(not _blank(cell) for cell in row)]
    if not filled:
        raise invalid([Fault("import.empty")])
    if len(filled) > MAX_ROWS:
        raise Refused(413, "import.too_many_rows", params={"count": len(filled), "limit": MAX_ROWS})
    start = next((at for at, (_, row) in enumerate(filled) if _count(row) > 1), 0)
    headers = _headers(filled[start][1])
    if len(headers) > MAX_COLUMNS:
        raise Refused(413, "import.too_many_columns", params={"count": len(headers), "limit": MAX_COLUMNS})
    width = len(headers)
    body = tuple((number, _fitted(row, width)) for number, row in filled[start + 1 :])
    return Table(headers, tuple(one for one in body if _count(one[1])), title)


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
    beginning = text[:5000]
    delimiter = max("\t,;", key=beginning.count)  # the first of equals: a pasted table has tabs
    csv.field_size_limit(1_000_000)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise Refused(415, "import.unreadable", params={"name": "CSV", "reason": str(error)}) from error


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


def _headers(row: Sequence[Cell]) -> tuple[str, ...]:
    texts = ["" if _blank(cell) else str(cell).strip() for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _fitted(row: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    return tuple(row[:width]) + (None,) * (width - len(row))


def _count(row: Sequence[Cell]) -> int:
    return sum(1 for cell in row if not _blank(cell))


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
