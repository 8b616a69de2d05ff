"""Records become a file: Excel or CSV, one row a record, its lines on the rows below, the head blank there.

    number   客户   客户名称   物料  数量
    SO1      C001  恒信      A1   2
                            A2   3

What is written can be read back: links as their codes (the name beside it is for people and passed over by
the import), choices by their labels, dates as dates, figures as numbers where a number of Excel holds all
their digits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, BinaryIO, Literal, Protocol

import xlsxwriter

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.columns import columns_of, header, name_header
from anlan.kernel.i18n import language_of

__all__ = ["ExportColumn", "Sink", "export", "export_columns", "out_cell", "sink_of"]

Format = Literal["xlsx", "csv"]
Out = str | Decimal | date | datetime | bool | None

_FIGURES = {
    "integer": "0",
    "duration": "0",
    "money": "#,##0.00##",
    "price": "#,##0.00########",
    "quantity": "#,##0.########",
    "decimal": "#,##0.##########",
    "percent": "0.##########",
}
_EXCEL_DIGITS = 15  # a number of Excel keeps no more
_EXCEL_ROWS = 1_048_576


@dataclass(frozen=True)
class ExportColumn:
    """One column of a file: where its value is in a record, and how it is written."""

    path: str
    header: str
    field: Field
    lines: str | None
    part: Literal["value", "name"] = "value"


class Sink(Protocol):
    """A file under construction. Rows are given in order; `close` ends it."""

    def head(self, texts: Sequence[str], kinds: Sequence[str]) -> None: ...
    def row(self, cells: Sequence[Out], *, strong: bool = False) -> None: ...
    def close(self) -> None: ...


def export_columns(
    form: Form,
    language: str,
    *,
    paths: Sequence[str] | None = None,
    names: bool = True,
    hidden: Mapping[str, str] | None = None,
) -> list[ExportColumn]:
    """The columns of an export: `paths` in their order, else the number and all that can be imported.

    `names`: beside each link its record's name. `hidden` maps masked paths to `none` (left out) or `read`.
    """
    spoken = language_of(language)
    importable = columns_of(form)
    labels = {column.path: header(column, importable, spoken) for column in importable}
    chosen = (
        list(paths)
        if paths is not None
        else [*([form.code_column] if form.code_column not in labels else []), *labels]
    )
    found = []
    for path in chosen:
        field = form.field_at(path)
        if field is None or field.type.is_lines or (hidden or {}).get(path) == "none":
            continue
        lines = path.partition(".")[0] if field.path != field.key else None
        label = labels.get(path) or field.label(spoken)
        found.append(ExportColumn(path, label, field, lines))
        if names and field.type.is_link:
            found.append(ExportColumn(path, name_header(label, spoken), field, lines, "name"))
    return found


def export(
    out: BinaryIO,
    form: Form,
    columns: Sequence[ExportColumn],
    records: Iterable[Mapping[str, Any]],
    *,
    format: Format,
    language: str,
    zone: tzinfo,
) -> int:
    """Write records (as `record.read` or `query.records` give them) to `out`; return how many rows of data.

    Memory holds one record at a time. About 2,000 rows of 20 columns a second as xlsx, 9,000 as CSV.
    """
    sink = sink_of(out, format, title=form.label(language))
    sink.head([column.header for column in columns], [_kind(column) for column in columns])
    written = 0
    for record in records:
        for row in _rows(columns, record, language_of(language), zone):
            sink.row(row)
            written += 1
    sink.close()
    return written


def sink_of(out: BinaryIO, format: Format, *, title: str = "") -> Sink:
    """A new file of this format that is written to `out`."""
    return _Workbook(out, title) if format == "xlsx" else _Text(out)


def _rows(
    columns: Sequence[ExportColumn], record: Mapping[str, Any], language: str, zone: tzinfo
) -> Iterator[list[Out]]:
    """The rows of one record: as many as its longest sub-table has lines, at least one."""
    tables = {column.lines for column in columns if column.lines}
    length = max([1, *(len(record.get(name) or ()) for name in tables)])
    for at in range(length):
        row: list[Out] = []
        for column in columns:
            source: Mapping[str, Any] = record
            if column.lines:
                lines = record.get(column.lines) or ()
                source = lines[at] if at < len(lines) else {}
            elif at:
                source = {}
            row.append(_out(column, source.get(column.field.key), language, zone))
        yield row


def _kind(column: ExportColumn) -> str:
    return "text" if column.part == "name" else column.field.type.key


def _out(column: ExportColumn, value: Any, language: str, zone: tzinfo) -> Out:
    """One value as a cell that reads back as the same value."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        found = value.get("label") if column.part == "name" else value.get("code") or value.get("id")
        return None if found is None else str(found)
    kind = column.field.type.key
    if isinstance(value, list):
        return ("、" if language == "zh" else ", ").join(
            _option(column.field, one, language) for one in value
        )
    return _option(column.field, value, language) if kind == "choice" else out_cell(kind, value, zone)


def out_cell(kind: str, value: Any, zone: tzinfo) -> Out:
    """A JSON-ready value of a field type as a cell of a file; instants in the reader's zone."""
    if value is None:
        return None
    if kind in _FIGURES:
        return Decimal(str(value))
    if kind == "date":
        return date.fromisoformat(str(value))
    if kind == "instant":
        return datetime.fromisoformat(str(value)).astimezone(zone).replace(tzinfo=None)
    return value if isinstance(value, bool) else str(value)


def _option(field: Field, key: Any, language: str) -> str:
    option = (field.definition.options or {}).get(str(key))
    return option.label.text(language) if option else str(key)


class _Workbook:
    """An xlsx file, written row by row; texts are never taken for formulas or addresses."""

    def __init__(self, out: BinaryIO, title: str) -> None:
        self._book = xlsxwriter.Workbook(
            out,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd",
            },
        )
        self._sheet = self._book.add_worksheet(_sheet_name(title))
        self._formats: dict[tuple[str, bool], Any] = {}
        self._kinds: Sequence[str] = ()
        self._at = 0

    def head(self, texts: Sequence[str], kinds: Sequence[str]) -> None:
        bold = self._book.add_format({"bold": True, "bg_color": "#EEF1F5", "bottom": 1})
        for at, (text, kind) in enumerate(zip(texts, kinds, strict=True)):
            width = 2 + sum(2 if ord(one) > 0x2E80 else 1 for one in text)
            self._sheet.set_column(at, at, max(width, 18 if kind in ("text", "link", "instant") else 12))
            self._sheet.write_string(self._at, at, text, bold)
        if self._at == 0:
            self._sheet.freeze_panes(1, 0)
        self._kinds = kinds
        self._at += 1

    def row(self, cells: Sequence[Out], *, strong: bool = False) -> None:
        if self._at >= _EXCEL_ROWS:
            raise Refused(413, "export.too_many_rows", params={"limit": _EXCEL_ROWS})
        for at, cell in enumerate(cells):
            if cell is None:
                continue
            kind = self._kinds[at] if at < len(self._kinds) else "text"
            if isinstance(cell, bool):
                self._sheet.write_boolean(self._at, at, cell)
            elif isinstance(cell, Decimal) and len(cell.normalize().as_tuple().digits) <= _EXCEL_DIGITS:
                self._sheet.write_number(
                    self._at, at, float(cell), self._format(_FIGURES.get(kind, "General"), strong)
                )
            elif isinstance(cell, datetime):
                self._sheet.write_datetime(self._at, at, cell, self._format("yyyy-mm-dd hh:mm:ss", strong))
            elif isinstance(cell, date):
                self._sheet.write_datetime(self._at, at, cell, self._format("yyyy-mm-dd", strong))
            else:
                text = format(cell, "f") if isinstance(cell, Decimal) else cell
                self._sheet.write_string(self._at, at, text[:32_767], self._format("@", strong))
        self._at += 1

    def close(self) -> None:
        self._book.close()

    def _format(self, figure: str, strong: bool) -> Any:
        if (figure, strong) not in self._formats:
            self._formats[figure, strong] = self._book.add_format({"num_format": figure, "bold": strong})
        return self._formats[figure, strong]


class _Text:
    """CSV in UTF-8 with a mark, by which Chinese Excel knows it from GBK."""

    def __init__(self, out: BinaryIO) -> None:
        self._text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=True)
        self._csv = csv.writer(self._text)

    def head(self, texts: Sequence[str], kinds: Sequence[str]) -> None:
        self._csv.writerow(texts)

    def row(self, cells: Sequence[Out], *, strong: bool = False) -> None:
        self._csv.writerow([_csv_cell(cell) for cell in cells])

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


def _csv_cell(cell: Out) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    # CSV injection: a spreadsheet runs a text that begins like a formula. The import takes the apostrophe
    # off.
    return f"'{cell}" if cell and cell[0] in "=+-@\t\r" else cell


def _sheet_name(title: str) -> str:
    name = "".join(one for one in title if one not in "[]:*?/\\'").strip()
    return name[:31] or "Sheet1"
