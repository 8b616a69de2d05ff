"""A report's values as JSON: links with code and label, figures as text, documents by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from anlan.kernel.catalogue.register import ZERO_VALUES
from anlan.kernel.context import Context
from anlan.kernel.fieldtype.types import plain
from anlan.kernel.formula import Link
from anlan.kernel.ids import id_array
from anlan.kernel.record.links import fetch_linked
from anlan.kernel.record.output import amount
from anlan.kernel.report.layout import Column

__all__ = ["cents", "documents_of", "load_documents", "load_links", "number_text", "writer"]

NONE = frozenset(value for value in ZERO_VALUES.values() if value != "")      # a dimension of none


def link_form(column: Column) -> str:
    """The form that a column's values link to; "" for none, or for a document of any form."""
    return column.type.form if isinstance(column.type, Link) else ""


def load_links(ctx: Context, columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> None:
    """Labels of linked records in a table; one statement per linked form that is no setting, one for documents."""
    for column in columns:
        if column.kind == "line":
            continue
        target = ctx.catalogue.forms.get(link_form(column))
        if target is None:
            if isinstance(column.type, Link):
                load_documents(ctx, {row[column.key] for row in rows if row.get(column.key)})
        elif not target.is_setting:
            ids = {row[column.key] for row in rows if row.get(column.key)} - ctx.rows(target.name).keys() - NONE
            if ids:
                fetch_linked(ctx, target, ids)


DOCUMENTS = "@documents"     # a place of the context's memory, beside the forms'


def load_documents(ctx: Context, ids: Iterable[str]) -> None:
    """Numbers and titles of some documents, into the context's memory. One statement, none when all are there."""
    missing = set(ids) - ctx.rows(DOCUMENTS).keys() - NONE
    if missing:
        for id_, form, code, title in ctx.connection.execute(
                "SELECT id, form, code, title FROM record_index WHERE id = ANY($1::uuid[])", [id_array(missing)]).fetchall():
            ctx.rows(DOCUMENTS)[id_] = {"id": id_, "form": form, "code": code, "label": title}


def document(ctx: Context, id_: Any, form: str | None = None) -> dict[str, Any] | None:
    """A document that was loaded: `{"id", "form", "code", "label"}`; None for none."""
    if id_ is None or id_ in NONE:
        return None
    return dict(ctx.rows(DOCUMENTS).get(id_) or {"id": id_, "form": form, "code": None, "label": None})


def documents_of(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    """Name the document of each row, from its `@d` and `@f`. One statement."""
    load_documents(ctx, {row["@d"] for row in rows if row["@d"]})
    for row in rows:
        row["@document"] = document(ctx, row["@d"], row["@f"])


def number_text(column: Column, value: Any) -> str:
    """A figure as text; money with two places at least."""
    return _number(column)(Decimal(value))


def _number(column: Column) -> Callable[[Decimal], str]:
    if column.kind != "money":
        return plain
    return cents if column.reckoned else amount


def cents(value: Decimal) -> str:
    """Money that was reckoned, as text: at a rate it has more places than money, and is shown to the cent; sums stay exact.

    >>> cents(Decimal("7.1586") * Decimal("3.337")), cents(Decimal("1.5"))
    ('23.89', '1.50')
    """
    return amount(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def writer(ctx: Context, column: Column) -> Callable[[Any], Any]:
    """How a column's values become JSON: one function a column, because a table has thousands of cells."""
    target = ctx.catalogue.forms.get(link_form(column))
    if target is not None:
        name, code, label = target.name, target.code_column, target.label_column

        def link(value: Any) -> Any:
            row = ctx.linked(name, value) if value is not None and value not in NONE else None
            return {"id": value, "form": name, "code": row.get(code), "label": row.get(label)} if row else None

        return link
    if isinstance(column.type, Link) and column.kind != "line":
        return lambda value: document(ctx, value)
    number = _number(column)

    def other(value: Any) -> Any:
        if isinstance(value, Decimal):
            return number(value)
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, date):
            return None if value in NONE else value.isoformat()
        return value

    return other
