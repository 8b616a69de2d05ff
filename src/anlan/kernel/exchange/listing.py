"""A list as a file: the rows that a query finds and the caller may see, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal

from anlan.kernel import query
from anlan.kernel.context import Context
from anlan.kernel.exchange.export import export, export_columns
from anlan.kernel.exchange.template import template
from anlan.kernel.query import Query

__all__ = ["export_query", "template_of"]

_PAGE = 500


def export_query(
    ctx: Context,
    form_name: str,
    asked: Query,
    out: BinaryIO,
    *,
    format: Literal["xlsx", "csv"],
    paths: Sequence[str] | None = None,
    names: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write all rows of a query (not only its page) to `out`; return how many rows of data.

    `paths`: the columns, such as those of a view; all that can be imported without them. Refused 403, 422.
    `progress` is told the records written so far, of how many there were at the start.
    Pages are read one after the other, each as it is then: a list that changes meanwhile is no snapshot.
    """
    ctx.caller.policy.require(form_name, "export")
    form = ctx.form(form_name)
    columns = export_columns(
        form, ctx.language, paths=paths, names=names, hidden=ctx.caller.policy.fields(form.name)
    )
    fields = list(dict.fromkeys(column.path.partition(".")[0] for column in columns))
    return export(
        out,
        form,
        columns,
        _all(ctx, form.name, asked._replace(fields=fields), progress),
        format=format,
        language=ctx.language,
        zone=ctx.site.zone,
    )


def template_of(ctx: Context, form_name: str) -> bytes:
    """The empty import file of a form, in the caller's language, of what he may write. Refused 403."""
    ctx.caller.policy.require(form_name, "import")
    labels = {name: form.label(ctx.language) for name, form in ctx.catalogue.forms.items()}
    return template(
        ctx.form(form_name), ctx.language, labels=labels, writable=ctx.caller.policy.fields(form_name)
    )


def _all(
    ctx: Context, form: str, asked: Query, progress: Callable[[int, int], None] | None
) -> Iterator[dict[str, Any]]:
    after, done, total = None, 0, 0
    if progress is not None:
        total = query.records(ctx, form, asked._replace(fields=("id",), limit=1, count="exact"))["count"]
    while True:
        page = query.records(ctx, form, asked._replace(limit=_PAGE, after=after, count="none"))
        yield from page["data"]
        done += len(page["data"])
        if progress is not None:
            progress(min(done, total), total)
        after = page["next"]
        if after is None:
            return
