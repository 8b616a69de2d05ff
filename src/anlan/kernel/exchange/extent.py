"""How many cells a workbook would unfold to, told before it is read (attack: sheet bomb).

A sheet is read into one dense block. Two cells in opposite corners, 300 bytes of XML, would be a block of 17,179,869,184
cells; an OpenDocument cell that says "repeat me" needs only one. So the extent is taken from the XML as it streams by:

    A1, XFD1048576                                     →  17179869184
    <table-row rows-repeated=9><cell columns-repeated=9 value=…>   →  81
"""

from __future__ import annotations

import re
import zipfile
from typing import IO, Any
from xml.parsers import expat

__all__ = ["cells_of"]

# Of a cell (`r="AB12"`) or a row (`r="12"`), however its attributes are spelt.
_PLACE = re.compile(rb"\br\s*=\s*[\"']([A-Z]{0,3})([0-9]{1,7})[\"']")
_CHUNK = 1 << 20
_OVERLAP = 64  # bytes: a place may lie across two chunks


def cells_of(archive: zipfile.ZipFile) -> int:
    """The cells of the largest sheet's block; 0 for an archive without sheets. Raises BadZipFile."""
    found = 0
    for name in archive.namelist():
        if name.endswith(".xml") and "worksheets/" in name:
            with archive.open(name) as member:
                found = max(found, _office_open(member))
        elif name == "content.xml":
            with archive.open(name) as member:
                found = max(found, _open_document(member))
    return found


def _office_open(member: IO[bytes]) -> int:
    rows, columns, tail = 0, set[bytes](), b""
    while chunk := member.read(_CHUNK):
        for column, row in _PLACE.findall(tail + chunk):
            columns.add(column)
            rows = max(rows, int(row))
        tail = chunk[-_OVERLAP:]
    return rows * max((_column(one) for one in columns), default=0)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _open_document(member: IO[bytes]) -> int:
    """Repeats of what holds a value; the empty cells that fill a sheet to its edges do not count."""
    rows = cells = width = widest = 0
    repeats = 1

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal repeats, cells, width
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        kind = name.rpartition(":")[2]
        if kind == "table-row":
            repeats, cells, width = _number(local.get("number-rows-repeated")), 0, 0
        elif kind in ("table-cell", "covered-table-cell"):
            cells += _number(local.get("number-columns-repeated"))
            if "value-type" in local:
                width = cells

    def end(name: str) -> None:
        nonlocal rows, widest
        if name.rpartition(":")[2] == "table-row" and width:
            rows += repeats
            widest = max(widest, width)

    parser: Any = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        while chunk := member.read(_CHUNK):
            parser.Parse(chunk)
        parser.Parse(b"", True)
    except expat.ExpatError:
        return 0  # no XML: the reader will say so
    return rows * widest


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
