"""A report's table as a file: Excel, CSV or PDF.

    report_file(ctx, Sheet("库存余额", columns, rows, totals), format="pdf")  →  b"%PDF-…"

`rows` and `totals` hold JSON-ready values by column key: decimals as text, links as `{id, code, label}`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from anlan.kernel.context import Context
from anlan.kernel.exchange.export import Out, out_cell, sink_of
from anlan.kernel.i18n import language_of
from anlan.kernel.paper.layout import page_words, table_data
from anlan.kernel.paper.sheets import SHEETS
from anlan.kernel.paper.typeset import pdf
from anlan.kernel.paper.values import is_number, shown

__all__ = ["ReportColumn", "ReportTable", "report_file"]

_UPRIGHT_COLUMNS = 6  # more lie across the paper


class ReportColumn(NamedTuple):
    """`kind` is a field type; `options` what the keys of a choice are called."""

    key: str
    label: str
    kind: str
    options: Mapping[str, Any] | None = None


class ReportTable(NamedTuple):
    """`notes` stand above the table: (label, value), such as the period. `totals` by column key."""

    title: str
    columns: Sequence[ReportColumn]
    rows: Sequence[Mapping[str, Any]]
    totals: Mapping[str, Any] = {}
    notes: Sequence[tuple[str, str]] = ()
    company: str = ""


def report_file(ctx: Context, table: ReportTable, *, format: Literal["xlsx", "csv", "pdf"]) -> bytes:
    """The file's bytes, in the caller's language."""
    if format == "pdf":
        return pdf(_document(ctx, table))
    out = io.BytesIO()
    sink = sink_of(out, format, title=table.title)
    sink.head([column.label for column in table.columns], [column.kind for column in table.columns])
    for row in table.rows:
        sink.row([_cell(ctx, column, row.get(column.key)) for column in table.columns])
    if table.totals:
        sink.row([_cell(ctx, column, table.totals.get(column.key)) for column in table.columns], strong=True)
    sink.close()
    return out.getvalue()


def _cell(ctx: Context, column: ReportColumn, value: Any) -> Out:
    if isinstance(value, (Mapping, list)) or column.options:
        return _shown(ctx, column, value) or None
    return out_cell(column.kind, value, ctx.site.zone)


def _shown(ctx: Context, column: ReportColumn, value: Any) -> str:
    return shown({"type": column.kind, "options": column.options or {}}, value, ctx.language, ctx.site.zone)


def _document(ctx: Context, table: ReportTable) -> dict[str, Any]:
    language = language_of(ctx.language)
    sheet = SHEETS["a4" if len(table.columns) <= _UPRIGHT_COLUMNS else "a4-landscape"]
    notes = [{"label": label, "value": value, "wide": False} for label, value in table.notes]
    blocks = [
        {"kind": "title", "text": table.title, "items": notes, "company": table.company},
        table_data(
            [column.label for column in table.columns],
            [[_shown(ctx, column, row.get(column.key)) for column in table.columns] for row in table.rows],
            [_shown(ctx, column, table.totals.get(column.key)) for column in table.columns],
            right=[is_number({"type": column.kind}) for column in table.columns],
            sheet=sheet,
            language=language,
        ),
    ]
    return page_words(table.title, language, sheet) | {"documents": [{"foot": table.title, "blocks": blocks}]}
