"""A sheet as the import page shows it: letters and samples of columns, fields to choose, faults in their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from anlan.kernel import exchange
from anlan.kernel.context import Context
from anlan.kernel.exchange.columns import columns_of, header
from anlan.kernel.i18n import language_of
from anlan.web.api.sheets import with_sentences
from anlan.web.pages import show
from anlan.web.pages.frame import words

__all__ = ["Choice", "Faulty", "Seen", "choices", "letter", "repeated", "samples", "seen"]

SAMPLES = 3
MOST_SHOWN = 50  # faulty rows with their cells


class Choice(NamedTuple):
    """A field that a column may be."""

    path: str
    label: str
    required: bool


class Faulty(NamedTuple):
    """A row with faults: `cells` are (text, what is wrong with it or ""), `whole` is about the row."""

    row: int
    cells: list[tuple[str, str]]
    whole: str


class Seen(NamedTuple):
    """What an import would do. `twice`, `missing`: labels of fields chosen for two columns, and of required ones
    that no column is; `looked` rows were looked through of `rows`; `more` faulty rows are not shown.
    """

    rows: int
    looked: int
    creates: int
    updates: int
    bad: int
    twice: list[str]
    missing: list[str]
    faulty: list[Faulty]
    more: int

    @property
    def good(self) -> int:
        return self.creates + self.updates - self.bad


def seen(ctx: Context, form: str, table: exchange.Table, paths: Sequence[str | None], *, most: int) -> Seen:
    """Look through the first `most` rows; nothing is kept."""
    labels = _labels(ctx, form)
    twice = repeated(paths)
    if twice:
        return Seen(len(table.rows), 0, 0, 0, 0, [labels.get(path, path) for path in twice], [], [], 0)
    part = table._replace(rows=table.rows[:most])
    found = with_sentences(ctx, exchange.preview(ctx, form, part, paths))
    faulty = _faulty(part, found["faults"])
    return Seen(
        rows=len(table.rows),
        looked=len(part.rows),
        creates=found["creates"],
        updates=found["updates"],
        bad=found["bad"],
        twice=[],
        missing=[labels.get(path, path) for path in found["missing"]],
        faulty=faulty[:MOST_SHOWN],
        more=max(0, len(faulty) - MOST_SHOWN),
    )


def repeated(paths: Sequence[str | None]) -> list[str]:
    """The fields that more than one column is.

    >>> repeated(["code", "name", "", "", None, "name"])
    ['name']
    """
    named = [path for path in paths if path]
    return [path for path in dict.fromkeys(named) if named.count(path) > 1]


def choices(ctx: Context, form: Mapping[str, Any]) -> list[tuple[str, list[Choice]]]:
    """The fields that a column may be: those of the head without a heading, then those of each table of lines."""
    kind = ctx.form(form["form"])
    columns = columns_of(kind, writable=ctx.caller.policy.fields(kind.name))
    groups: dict[str, list[Choice]] = {"": []}
    if all(one.path != kind.code_column for one in columns):
        text = words().text("importing.number", ctx.language)
        groups[""].append(Choice(kind.code_column, text, False))
    for one in columns:
        heading = show.label(one.lines_label, ctx.language) if one.lines else ""
        label = one.label(language_of(ctx.language))
        groups.setdefault(heading, []).append(Choice(one.path, label, one.required))
    return list(groups.items())


def samples(table: exchange.Table) -> list[tuple[str, str, list[str]]]:
    """For each column its letter, its header, and what stands in its first cells."""
    return [
        (letter(at), text, [_text(cells[at]) for _, cells in table.rows[:SAMPLES]])
        for at, text in enumerate(table.headers)
    ]


def letter(at: int) -> str:
    """What a spreadsheet calls a column that is counted from 0.

    >>> letter(0), letter(25), letter(26), letter(701), letter(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    text = ""
    rest = at + 1
    while rest:
        rest, place = divmod(rest - 1, 26)
        text = chr(ord("A") + place) + text
    return text


def _labels(ctx: Context, form: str) -> dict[str, str]:
    kind = ctx.form(form)
    columns = columns_of(kind)
    named = {one.path: header(one, columns, language_of(ctx.language)) for one in columns}
    return {kind.code_column: words().text("importing.number", ctx.language)} | named


def _faulty(table: exchange.Table, faults: Sequence[Mapping[str, Any]]) -> list[Faulty]:
    """The rows with faults, in the order of the file."""
    told: dict[int, dict[int | None, list[str]]] = {}
    for one in faults:
        told.setdefault(one["row"], {}).setdefault(one["column"], []).append(one["message"])
    return [
        Faulty(
            row,
            [(_text(cell), " ".join(told[row].get(at, []))) for at, cell in enumerate(cells)],
            " ".join(told[row].get(None, [])),
        )
        for row, cells in table.rows
        if row in told
    ]


def _text(cell: Any) -> str:
    """A cell as one reads it in a spreadsheet."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if (cell.hour, cell.minute) == (0, 0) else f"{cell:%Y-%m-%d %H:%M}"
    return cell.isoformat() if isinstance(cell, date) else str(cell)
