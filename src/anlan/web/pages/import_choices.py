"""What a person chose on the import page: fields of columns, how rows are taken, cells and links put right.

The page sends everything each time; names of inputs are `column` (one a column), `find_by`, `does`, `empty`,
`cell.{row}.{column}` for what was typed over a cell, and for each text that named nothing `link_form`, `link_text`,
`link_do` (`new`, `blank`, `other` or "") and `link_to` (a code).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from anlan.kernel import exchange
from anlan.kernel.exchange import Ways
from anlan.web.pages.sheet import cell_text

__all__ = ["MOST_FIELDS", "UNREAD", "Choices", "Link", "choices_in", "links_shown"]

UNREAD = "?"  # the choice of a column that nobody has recognised yet
MOST_FIELDS = 12_000  # inputs of the page: columns, faulty cells, texts that name nothing


class Choices(NamedTuple):
    """`paths`: one a column, None for not recognised."""

    paths: list[str | None]
    ways: Ways


class Link(NamedTuple):
    """A text that named no record of `form`: what shall become of it, and what it may have meant."""

    form: str
    label: str
    text: str
    rows: list[int]
    do: str
    to: str
    suggestions: list[dict[str, Any]]
    makes: bool  # the person may make a record of that form from this text

    @property
    def mark(self) -> str:
        """Tells its inputs from those of other texts, for as long as the page lives."""
        return f"{crc32(f'{self.form}/{self.text}'.encode()):x}"


def choices_in(given: Any, table: exchange.Table) -> Choices:
    """What the page sent; a form that somebody made up gives choices that mean nothing, and no error."""
    texts = [str(one) for one in given.getlist("column")]
    texts += [UNREAD] * (len(table.headers) - len(texts))
    paths = [None if one == UNREAD else one for one in texts[: len(table.headers)]]
    replace, make = _links(given)
    ways = exchange.ways_of(
        {
            "key": _one_of(given, "find_by", (path for path in paths if path)) or None,
            "does": _one_of(given, "does", ("both", "create", "update")) or "both",
            "empty": _one_of(given, "empty", ("leave", "clear")) or "leave",
            "cells": _cells(given, table),
            "replace": replace,
            "make": make,
        }
    )
    return Choices(paths, ways)


def _one_of(given: Any, name: str, options: Iterable[str]) -> str:
    text = str(given.get(name, ""))
    return text if text in options else ""


def _cells(given: Any, table: exchange.Table) -> list[list[Any]]:
    """What was typed over cells, where it differs from what the file says."""
    was = dict(table.rows)
    found: list[list[Any]] = []
    for name, text in given.multi_items():
        start, _, place = name.partition(".")
        row, _, column = place.partition(".")
        if start != "cell" or not (
            row.isdecimal() and column.isdecimal() and len(row) < 8 and len(column) < 4
        ):
            continue
        cells = was.get(int(row))
        if cells is None or int(column) >= len(cells) or str(text) == cell_text(cells[int(column)]):
            continue
        found.append([int(row), int(column), str(text)])
    return found


def _links(given: Any) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """(replace, make) of the texts that named nothing; a choice without its code is no choice yet."""
    replace: dict[str, dict[str, str]] = {}
    make: dict[str, list[str]] = {}
    lists = [
        [str(one) for one in given.getlist(name)] for name in ("link_form", "link_text", "link_do", "link_to")
    ]
    for form, text, do, to in zip(*lists, strict=False):
        if do == "new" and text:
            make.setdefault(form, []).append(text)
        elif do == "blank":
            replace.setdefault(form, {})[text] = ""
        elif do == "other" and to.strip():
            replace.setdefault(form, {})[text] = to.strip()
    return replace, make


def links_shown(
    unknown: Sequence[Mapping[str, Any]], ways: Ways, labels: Mapping[str, str], makes: Mapping[str, bool]
) -> list[Link]:
    """The texts that name nothing, and those for which something was chosen: the choice may be changed."""
    found: dict[tuple[str, str], Link] = {}
    for form, texts in ways.replace.items():
        for text, to in texts.items():
            found[form, text] = _link(form, text, labels, makes, do="other" if to else "blank", to=to)
    for form, made in ways.make.items():
        for text in made:
            found[form, text] = _link(form, text, labels, makes, do="new")
    for one in unknown:
        key = (one["form"], one["text"])
        before = found.get(key) or _link(*key, labels, makes)
        found[key] = before._replace(rows=one["rows"], suggestions=one["suggestions"])
    return [
        found[key] for key in sorted(found)
    ]  # always the same order: rows keep their place while one works


def _link(
    form: str, text: str, labels: Mapping[str, str], makes: Mapping[str, bool], *, do: str = "", to: str = ""
) -> Link:
    return Link(form, labels.get(form, form), text, [], do, to, [], makes.get(form, False))
