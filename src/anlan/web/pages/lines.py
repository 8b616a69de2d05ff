"""The lines of a record as text, drawn at once as the rows of a list are (rows.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from anlan.web.pages import show

__all__ = ["drawn_lines"]

Json = Mapping[str, Any]
Draw = Callable[[Any], str]


def drawn_lines(field: Json, rows: Sequence[Json], *, order: Sequence[str], language: str, zone: ZoneInfo) -> Markup:
    """The `tr` of each line of a `lines` field, as text; `order`: the fields of a line that are shown.

    The first column of a line tells the code of what it links to, the others only its name.
    """
    cells: list[tuple[str, str, Draw, Draw]] = []
    for name in order:
        one = field["fields"][name]
        label_ = escape(show.label(one.get("label"), language) or name)
        draw: Draw = show.drawer(one, language, zone)
        start = f'<td class="{"num" if one["type"] in show.NUMERIC else ""}" data-label="{label_}">'
        cells.append((name, start, draw, _named(one, language, zone) if cells else draw))
    told: list[str] = []
    for number, row in enumerate(rows, 1):
        told.append(f'<tr aria-rowindex="{number + 1}"><td class="row-no">{number}</td>\n')
        for name, start, value, linked in cells:
            content = row.get(name)
            told += (start, (linked if isinstance(content, Mapping) else value)(content), "</td>")
        told.append("</tr>\n")
    return Markup("".join(told))


def _named(field: Json, language: str, zone: ZoneInfo) -> Draw:
    tell = show.teller(field, language, zone)
    return lambda content: escape(tell(content))
