"""Which rows of a sheet are its headers: below titles, in one row or in two with merged groups.

    物件清单                                  title
    客户    日期        明细                     group row: 明细 stands over two columns (merged)
                      物料      数量             →  headers ("客户", "日期", "物料", "数量")
    C001   2026-3-1  A1       2

Pure. A row is known by the names that a form's columns have; without them, the first row of two filled cells is it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from anlan.kernel.exchange.columns import normalised

__all__ = ["Heads", "find_heads"]

_LOOKED = 30  # rows from the top that may be headers
Row = tuple[int, Sequence[object]]


class Heads(NamedTuple):
    """The headers, one a column, and at which of the filled rows the data begin."""

    texts: tuple[str, ...]
    begin: int


def find_heads(filled: Sequence[Row], known: Collection[str]) -> Heads:
    """The headers of a sheet's filled rows (number, cells). `known`: normalised names of columns, may be empty."""
    usual = next((at for at, (_, row) in enumerate(filled) if len(_texts(row)) > 1), 0)
    best, most = usual, _known_in(_row(filled, usual), known)
    for at in range(min(_LOOKED, len(filled))):
        count = _known_in(_row(filled, at), known)
        if count > most and (count > 1 or len(_texts(filled[at][1])) == 1):
            best, most = at, count
    upper = _row(filled, best)
    for above, below in ((best, best + 1), (best - 1, best)):
        joined = _joined(filled, above, below, known)
        if joined is not None and _known_in(joined, known) > most:
            return Heads(_trimmed(joined), below + 1)
    return Heads(_trimmed(upper), best + 1)


def _joined(filled: Sequence[Row], above: int, below: int, known: Collection[str]) -> list[str] | None:
    """Two rows as one: the lower text where there is one, its group's before it where the form says it so."""
    if above < 0 or below >= len(filled) or filled[below][0] != filled[above][0] + 1:
        return None
    cells = filled[below][1]
    if any(cell is not None and not isinstance(cell, str) for cell in cells):
        return None  # figures and dates are data
    upper, lower = _row(filled, above), _row(filled, below)
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    found: list[str] = []
    group = ""
    for high, low in zip(upper, lower, strict=True):
        group = high or group
        full = f"{group}.{low}"
        found.append((full if normalised(full) in known else low) if low else high)
    return found


def _known_in(texts: Sequence[str], known: Collection[str]) -> int:
    return len({name for text in texts if text and (name := normalised(text)) in known})


def _row(filled: Sequence[Row], at: int) -> list[str]:
    """The texts of a row; figures and dates are no headers, but they keep their place."""
    return ["" if cell is None else str(cell).strip() for cell in filled[at][1]] if at < len(filled) else []


def _texts(row: Sequence[object]) -> list[str]:
    return [text for cell in row if cell is not None and (text := str(cell).strip())]


def _trimmed(texts: Sequence[str]) -> tuple[str, ...]:
    """Without blanks at the end, and each on one line (Excel breaks headers inside a cell)."""
    found = [" ".join(text.split()) for text in texts]
    while found and not found[-1]:
        found.pop()
    return tuple(found)
