"""Print templates → PDF. A print is data (blocks of fields, tables, totals …); one typst template draws all
of them.

    paper.render(ctx, definition, describe.form(ctx, "demo.order"), [record.read(ctx, "demo.order", id)])  →
    b"%PDF-…"
    paper.print_many(ctx, "demo.order", [id, …], "demo.order_sheet")  →  all of them in one file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anlan.kernel import describe, record
from anlan.kernel.context import Context
from anlan.kernel.definition.model import PrintDefinition
from anlan.kernel.errors import Fault, invalid, not_found
from anlan.kernel.paper.layout import document_data
from anlan.kernel.paper.links import fill
from anlan.kernel.paper.typeset import pdf

__all__ = ["MOST_AT_ONCE", "pdf", "print_many", "print_of", "render"]

MOST_AT_ONCE = 200  # a page takes about 20 ms: what a person waits for, and what one file may hold


def print_of(ctx: Context, form: str, name: str) -> PrintDefinition:
    """The print template of a form. Refused 403 without the grant `print`, 404."""
    ctx.caller.policy.require(form, "print")
    definition = ctx.catalogue.prints.get(name)
    if definition is None or definition.form != form:
        raise not_found("print", name)
    return definition


def print_many(
    ctx: Context, form: str, ids: Sequence[str], print: str, *, language: str | None = None
) -> bytes:
    """Several records of a form in one PDF, in the order of their ids, each beginning on a new page.

    Refused 403 without the grant `print`, 404 for a print or a record that is not there, 422 for no ids or
    more than MOST_AT_ONCE.
    """
    definition = print_of(ctx, form, print)
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise invalid([Fault("out_of_range", "ids", {"field": "ids", "least": 1, "most": MOST_AT_ONCE})])
    found = record.read_many(ctx, form, ids)
    return render(ctx, definition, describe.form(ctx, form), found, language=language)


def render(
    ctx: Context,
    definition: PrintDefinition,
    form: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    *,
    language: str | None = None,
) -> bytes:
    """One PDF of these records, each on a page of its own, in the caller's language or in `language`.

    `form` is what `describe.form` tells, `records` are as `record.read` gives: fields that the caller may
    not see are in neither, and print empty. About 50 ms for a page, 0.3 s for 200 lines.
    Refused 403 without the grant `print`.
    """
    ctx.caller.policy.require(definition.form, "print")
    described, filled = fill(ctx, definition, form, records)
    return pdf(
        document_data(definition, described, filled, language=language or ctx.language, zone=ctx.site.zone)
    )
