"""The rows of a list, drawn at once: what a column needs is found once for the list, not for each of its cells.

A template takes three times as long for the same text, most of it for looking names up and for marking texts as safe.
Whatever comes from a record or a definition goes through `escape` here as it does there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from anlan.web.pages import show
from anlan.web.pages.columns import cell
from anlan.web.pages.frame import icon, words

__all__ = ["drawn_rows"]

Json = Mapping[str, Any]
_WIDE = frozenset({"text", "link", "long_text"})


def drawn_rows(
    form: Json, records: Sequence[Json], *, columns: Sequence[Json], steps: Mapping[str, tuple[str, Any]], language: str, zone: ZoneInfo
) -> Markup:
    """The `tr` of each record: a box to pick it, its cells, what may be done with it.

    `columns`: fields with their `path`, the first is the way to the record. `steps`: state → the step that a row of
    that state offers, and its label.
    """
    said = words()
    place = f'/f/{escape(form["form"])}/'
    pick, no_number = escape(said.text("bulk.pick", language)), escape(said.text("record.no_number", language))
    nothing = f'<span class="quiet">{no_number}</span>'
    first = columns[0]
    first_path, name = first["path"], show.teller(first, language, zone)
    opening = f'  <td class="{_class_of(first)} first"><a href="{place}'
    rest = [(one["path"], f'  <td class="{_class_of(one)}">', show.drawer(one, language, zone)) for one in columns[1:]]
    doing = {state: _step(key, label, language) for state, (key, label) in steps.items()}
    look = escape(said.text("keys.list.peek", language))
    end = (
        f'<button type="button" class="btn btn-quiet btn-icon btn-small" data-peek aria-label="{look}" title="{look}">'
        f"{icon('eye')}</button></span></td>\n</tr>\n"
    )
    told: list[str] = []
    for one in records:
        key, state = escape(one["id"]), one.get("state")
        content = cell(one, first_path)
        called = escape(name(content))
        told += (
            f'<tr data-href="{place}{key}" data-id="{key}"', f' data-state="{escape(state)}">\n' if state else ">\n",
            f'  <td class="pick"><input type="checkbox" class="form-check-input" data-pick aria-label="{pick} ', called or no_number, '"></td>\n',
            opening, key, '">', called if content else nothing, "</a></td>\n",
        )  # fmt: skip
        for path, start, draw in rest:
            told += (start, draw(one[path] if path in one else cell(one, path)), "</td>\n")
        told += ('  <td class="row-act"><span>', doing.get(state, "") if state else "", end)
    return Markup("".join(told))


def _class_of(column: Json) -> str:
    return ("num" if column["type"] in show.NUMERIC else "") + (" wide" if column["type"] in _WIDE else "")


def _step(key: str, label: Any, language: str) -> str:
    told = escape(show.label(label, language))
    return (
        f'<button type="button" class="btn btn-quiet btn-icon btn-small" data-row-step="{escape(key)}" aria-label="{told}" title="{told}">'
        f"{icon('circle-check')}</button>"
    )
