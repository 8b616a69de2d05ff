"""The sizes of paper a print may be on, in millimetres and points.

`241x140` and `241x93` are a half and a third of continuous three-part forms (241 × 279 mm), which dot-matrix
printers pull by holes 12 mm wide at both sides: nothing may be printed there. `240x120` is what books are
bound of, at the left.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SHEETS", "Sheet"]


class Sheet(NamedTuple):
    """Sizes in mm, `size` of the text in points; `row`: space above and below a row of a table; `columns` of
    a block of fields; `plain`: no page number, no rules.
    """

    width: float
    height: float
    side: float
    top: float
    bottom: float
    size: float
    row: float
    columns: int
    plain: bool = False


SHEETS: dict[str, Sheet] = {
    "a4": Sheet(210, 297, 15, 15, 16, 9.5, 1.5, 3),
    "a4-landscape": Sheet(297, 210, 15, 14, 14, 9, 1.3, 4),
    "a5": Sheet(148, 210, 10, 10, 12, 8.5, 1.2, 2),
    "a5-landscape": Sheet(210, 148, 12, 9, 11, 9, 1.2, 3),
    "241x140": Sheet(241, 140, 15, 7, 10, 9, 1.1, 3),
    "241x93": Sheet(241, 93, 15, 5, 8.5, 8.5, 0.9, 3),
    "240x120": Sheet(240, 120, 12, 8, 9, 9, 1.2, 3),
    "label-60x40": Sheet(60, 40, 2.5, 2, 2, 7.5, 0.5, 1, plain=True),
    "label-100x60": Sheet(100, 60, 3, 3, 3, 9, 0.6, 1, plain=True),
}
