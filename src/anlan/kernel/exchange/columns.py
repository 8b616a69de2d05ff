"""Which columns a form has for files, what they are called, and which column of a file is which field.

    columns_of(form)                       →  [Column("party"), …, Column("lines.item"), …]
    header(column, columns, "zh")          →  "物料", or "明细.备注" where the head has such a field too
    match(form, ("*客户", "物料", "??"))     →  ["party", "lines.item", None]

Pure: knows forms, not records.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.i18n import LANGUAGES

__all__ = ["IGNORED", "Column", "columns_of", "guess", "header", "known_names", "match", "normalised"]

IGNORED = ""  # a column that is known and not wanted, such as the name beside a code

# What people call a master's own code and name, whatever the form calls them.
_HABITS = {"code": ("编码", "代码", "编号", "code", "no."), "name": ("名称", "名字", "name")}

_BRACKETS = re.compile(r"[(\[【〔].*?[)\]】〕]")  # a unit or a remark: 单价(元), Price [CNY]
_ALIKE = 0.75  # below it 数量 would be taken for 重量

# What no file can say: secrets, files, ids of other records' lines.
_UNSAID = frozenset({"secret", "file", "image", "line", "lines", "reference"})


@dataclass(frozen=True)
class Column:
    """One field as a column; `lines` is the sub-table that it belongs to, None for the head."""

    path: str
    field: Field
    lines: str | None
    lines_label: Mapping[str, str]

    @property
    def required(self) -> bool:
        return self.field.definition.required and self.field.definition.default is None

    def label(self, language: str) -> str:
        return self.field.label(language)

    def full_label(self, language: str) -> str:
        """The label with its sub-table's before it, for a line's field."""
        return f"{self.lines_label[language]}.{self.label(language)}" if self.lines else self.label(language)


def columns_of(form: Form, *, writable: Mapping[str, str] | None = None) -> list[Column]:
    """The columns that can be imported, in the form's order; `writable` maps masked paths to their access."""
    masked = writable or {}
    found = []
    for field in form.fields.values():
        table = form.lines.get(field.key)
        if table is None:
            if _sayable(field) and field.path not in masked:
                found.append(Column(field.path, field, None, {}))
            continue
        definition = table.definition
        label = {
            language: definition.label.text(language) if definition.label else table.key
            for language in LANGUAGES
        }
        found += [
            Column(inner.path, inner, table.key, label)
            for inner in table.fields.values()
            if _sayable(inner) and inner.path not in masked and field.path not in masked
        ]
    return found


def _sayable(field: Field) -> bool:
    definition = field.definition
    return (
        field.typed
        and not field.reserved
        and field.type.key not in _UNSAID
        and not definition.readonly
        and not definition.hidden
    )


def header(column: Column, columns: Sequence[Column], language: str) -> str:
    """What the column is called in a file: its label, its sub-table's before it where that is ambiguous.

    The label of a sub-table's field may also be what another field is called by its key: that one would be read.
    """
    label = column.label(language)
    same = [one for one in columns if one.label(language) == label]
    if column.lines and any(
        one.lines is None and normalised(one.path) == normalised(label) for one in columns
    ):
        return column.full_label(language)
    return (
        label if len(same) == 1 or (not column.lines and same[0] is column) else column.full_label(language)
    )


def match(
    form: Form,
    headers: Sequence[str],
    columns: Sequence[Column],
    *,
    remembered: Mapping[str, str] | None = None,
) -> list[str | None]:
    """The path of each column by its header: None for not recognised, IGNORED for known and not wanted.

    What a user once chose for a header (`remembered`, by normalised header) wins; then labels in both
    languages, keys and paths. A field is given to the first column that names it.
    """
    known = _names(form, columns)
    paths = {column.path for column in columns} | {form.code_column, IGNORED}
    taken: set[str] = set()
    found: list[str | None] = []
    for text in headers:
        name = normalised(text)
        path = (remembered or {}).get(name)
        if path is None or path not in paths:
            path = known.get(name)
        if path and path in taken:
            path = None
        if path:
            taken.add(path)
        found.append(path)
    return found


def guess(headers: Sequence[str], columns: Sequence[Column], paths: Sequence[str | None]) -> list[str | None]:
    """`paths` with a field for the headers that only resemble its name: without a bracket (单价(元)), as a part of it
    where no other field has that part (商品名称), or with a few letters changed.
    """
    free = {column.path: column for column in columns if column.path not in paths}
    found = list(paths)
    for at, text in enumerate(headers):
        if found[at] is not None or not text:
            continue
        path = _resembling(_BRACKETS.sub("", normalised(text)), free)
        if path is not None:
            found[at] = path
            del free[path]
    return found


def _resembling(name: str, columns: Mapping[str, Column]) -> str | None:
    """The one field whose name is most alike; None where two are, or none."""
    scored: list[tuple[float, str]] = []
    for path, column in columns.items():
        spelt = {normalised(column.label(one)) for one in LANGUAGES} | {column.field.key}
        scored.append((max(_likeness(name, _BRACKETS.sub("", one)) for one in spelt), path))
    scored.sort(reverse=True)
    if not scored or scored[0][0] < _ALIKE or (len(scored) > 1 and scored[1][0] == scored[0][0]):
        return None
    return scored[0][1]


def _likeness(one: str, other: str) -> float:
    """From 0 to 1; a name within the other counts when it is at least half of it."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if len(short) >= 2 and short in long and 2 * len(short) >= len(long):
        return 0.9
    return SequenceMatcher(None, one, other).ratio() if len(short) >= 3 else 0.0


def known_names(form: Form, columns: Sequence[Column]) -> frozenset[str]:
    """Every spelling of every column, normalised: what a row of headers is known by."""
    return frozenset(_names(form, columns))


def _names(form: Form, columns: Sequence[Column]) -> dict[str, str]:
    """Every spelling of every column; on a tie the first one (the head's) has the short name."""
    known: dict[str, str] = {}
    for column in columns:
        for spelling in (column.path, *(column.full_label(language) for language in LANGUAGES)):
            known.setdefault(normalised(spelling), column.path)
    for column in columns:
        for spelling in (column.field.key, *(column.label(language) for language in LANGUAGES)):
            known.setdefault(normalised(spelling), column.path)
    for column in columns:
        if column.field.type.is_link:
            for language in LANGUAGES:
                known.setdefault(
                    normalised(name_header(header(column, columns, language), language)), IGNORED
                )
    for key, spellings in _HABITS.items():
        if any(column.path == key for column in columns):
            for spelling in spellings:
                known.setdefault(normalised(spelling), key)
    key = form.code_column  # a number or computed code is not written, but tells which rows are one record
    if key in form.fields and key not in known.values():
        for spelling in (key, *(form.fields[key].label(language) for language in LANGUAGES)):
            known.setdefault(normalised(spelling), key)
    for field in form.fields.values():  # what an export shows beside: computed, reserved
        if field.key != key:
            for spelling in (field.path, *(field.label(language) for language in LANGUAGES)):
                known.setdefault(normalised(spelling), IGNORED)
    for table in form.lines.values():
        for field in table.fields.values():
            for spelling in (field.path, *(field.label(language) for language in LANGUAGES)):
                known.setdefault(normalised(spelling), IGNORED)
    return known


def name_header(label: str, language: str) -> str:
    """The header of the column that shows a linked record's name beside its code."""
    return f"{label} name" if language == "en" else f"{label}名称"


def normalised(text: str) -> str:
    """A header without what differs by habit: width, case, spaces, the star of a required field.

    >>> normalised("＊ 单价 （含税）"), normalised("Unit Price*")
    ('单价(含税)', 'unitprice')
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in plain if not one.isspace() and one != "*")
