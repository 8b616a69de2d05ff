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

__all__ = [
    "Cell", "Choice", "Seen", "cell_text", "choices", "guessed", "keys", "letter", "makes", "repeated", "samples", "seen",
]  # fmt: skip

SAMPLES = 3
MOST_SHOWN = 300  # faulty cells to be put right on one page
_KEYS = frozenset({"text", "barcode", "phone", "email"})  # types by whose values a record can be found


class Choice(NamedTuple):
    """A field that a column may be."""

    path: str
    label: str
    required: bool


class Cell(NamedTuple):
    """A cell with a fault, or one that was put right: `column` counts from 0, None is the whole row; `about` is what
    stands in the row's first cells, `was` what the file says where something else was typed.
    """

    row: int
    column: int | None
    letter: str
    header: str
    about: str
    text: str
    was: str
    message: str


class Seen(NamedTuple):
    """What an import would do. `twice`, `missing`: labels of fields chosen for two columns, and of required ones
    that no column is; `looked` rows were looked through of `rows`; `more` faulty cells are not shown. `cells`: those
    with faults; `mended`: those that were put right; `unknown`: texts that name no record.
    """

    rows: int
    looked: int
    creates: int
    updates: int
    bad: int
    twice: list[str]
    missing: list[str]
    cells: list[Cell]
    more: int
    mended: list[Cell]
    unknown: list[dict[str, Any]]

    @property
    def good(self) -> int:
        return self.creates + self.updates - self.bad


def seen(
    ctx: Context,
    form: str,
    table: exchange.Table,
    paths: Sequence[str | None],
    *,
    most: int,
    ways: exchange.Ways | None = None,
) -> Seen:
    """Look through the first `most` rows; nothing is kept."""
    labels = _labels(ctx, form)
    taken = ways or exchange.Ways()
    twice = repeated(paths)
    if twice:
        named = [labels.get(path, path) for path in twice]
        return Seen(len(table.rows), 0, 0, 0, 0, named, [], [], 0, _mended(table, taken, set()), [])
    part = table._replace(rows=table.rows[:most])
    found = with_sentences(ctx, exchange.preview(ctx, form, part, paths, ways=taken))
    cells = _faulty(part, taken, found["faults"])
    return Seen(
        rows=len(table.rows),
        looked=len(part.rows),
        creates=found["creates"],
        updates=found["updates"],
        bad=found["bad"],
        twice=[],
        missing=[labels.get(path, path) for path in found["missing"]],
        cells=cells[:MOST_SHOWN],
        more=max(0, len(cells) - MOST_SHOWN),
        mended=_mended(table, taken, {(one.row, one.column) for one in cells[:MOST_SHOWN]}),
        unknown=found["unknown"],
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


def guessed(ctx: Context, form: str, table: exchange.Table, paths: Sequence[str | None]) -> list[bool]:
    """Which columns have their field only because the names are alike: a person should look."""
    known = exchange.propose(ctx, form, table)
    return [path is not None and bool(path) and sure != path for path, sure in zip(paths, known, strict=True)]


def keys(ctx: Context, form: str, paths: Sequence[str | None]) -> list[Choice]:
    """The fields that have a column and by whose value a record can be found."""
    kind = ctx.form(form)
    labels = _labels(ctx, form)
    return [
        Choice(path, labels.get(path, path), False)
        for path in dict.fromkeys(path for path in paths if path)
        if path == kind.code_column
        or (path in kind.fields and kind.fields[path].type.key in _KEYS and "." not in path)
    ]


def makes(ctx: Context, form: str) -> bool:
    """Whether a record can be made from a code alone, and the caller may make it."""
    kind = ctx.catalogue.forms.get(form)
    if kind is None or kind.is_document or not ctx.caller.policy.can(form, "create"):
        return False
    own = {kind.code_column, kind.label_column}
    writable = {one.path for one in columns_of(kind, writable=ctx.caller.policy.fields(form))}
    return own <= writable and all(
        one.path in own or one.definition.default is not None
        for one in kind.fields.values()
        if one.definition.required and not one.reserved and one.definition.formula is None
    )


def samples(table: exchange.Table) -> list[tuple[str, str, list[str]]]:
    """For each column its letter, its header, and what stands in its first cells."""
    return [
        (letter(at), text, [cell_text(cells[at]) for _, cells in table.rows[:SAMPLES]])
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


def _faulty(table: exchange.Table, ways: exchange.Ways, faults: Sequence[Mapping[str, Any]]) -> list[Cell]:
    """Cells with all that is wrong with each, in the order of the file; texts that name nothing are told once, apart."""
    told: dict[tuple[int, int | None], list[str]] = {}
    for one in faults:
        if one["code"] == "import.unknown_link":
            continue
        told.setdefault((one["row"], one["column"]), []).append(one["message"])
    rows = dict(table.rows)
    return [
        _cell(table, rows[row], (row, column), ways, " ".join(dict.fromkeys(messages)))
        for (row, column), messages in told.items()
        if row in rows
    ]


def _mended(table: exchange.Table, ways: exchange.Ways, shown: set[tuple[int, int | None]]) -> list[Cell]:
    """The cells that were put right and have no fault any more."""
    rows = dict(table.rows)
    return [
        _cell(table, rows[row], (row, column), ways)
        for row, column in sorted(ways.cells)
        if row in rows and column < len(table.headers) and (row, column) not in shown
    ]


def _cell(
    table: exchange.Table,
    cells: Sequence[Any],
    place: tuple[int, int | None],
    ways: exchange.Ways,
    message: str = "",
) -> Cell:
    row, column = place
    about = " · ".join([text for one in cells if (text := cell_text(one))][:2])
    if column is None:
        return Cell(row, None, "", "", about, "", "", message)
    was = cell_text(cells[column])
    text = ways.cells.get((row, column), was)
    return Cell(
        row, column, letter(column), table.headers[column], about, text, "" if text == was else was, message
    )


def cell_text(cell: Any) -> str:
    """A cell as one reads it in a spreadsheet."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.15g}"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if (cell.hour, cell.minute) == (0, 0) else f"{cell:%Y-%m-%d %H:%M}"
    return cell.isoformat() if isinstance(cell, date) else str(cell)
