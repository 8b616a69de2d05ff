"""Which records: some that were ticked, or all of a filter, as the caller may see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from anlan.kernel import query
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query

__all__ = ["MOST", "Chosen", "count", "rows"]

MOST = 20_000  # records of one bulk action: an hour of work for a worker
_PAGE = 500


class Chosen(NamedTuple):
    """`ids`, or with None all that `where` and `search` find; `sort` is the order of the work and of the pages."""

    ids: Sequence[str] | None = None
    where: str | None = None
    search: str | None = None
    sort: Sequence[str] = ()

    def query(self) -> Query:
        """As a list's query."""
        return Query(where=self.where, search=self.search, sort=self.sort, ids=self.ids)


def count(ctx: Context, form: str, chosen: Chosen) -> int:
    """How many they are; of ids, as many as were named. Refused 403, 404, 422 (more than `MOST`)."""
    if chosen.ids is not None:
        ctx.caller.policy.require(form, "read")
        found = len(set(chosen.ids))
    else:
        found = query.records(ctx, form, chosen.query()._replace(fields=("id",), limit=1, count="exact"))["count"]
    if found > MOST:
        raise Refused(422, "bulk.too_many", params={"count": found, "limit": MOST})
    return int(found)


def rows(ctx: Context, form_name: str, chosen: Chosen) -> list[dict[str, Any]]:
    """`{"id", "version", "title"}` (number or code, and whom it is for) of each that the caller sees, in order; what he does not see is not in it."""
    form = ctx.form(form_name)
    hidden = ctx.caller.policy.fields(form_name)
    link = next((key for key in form.definition.order or form.definition.fields if form.fields[key].type.key == "link"), None)
    named = [
        key
        for key in dict.fromkeys((form.code_column, form.label_column, link))
        if key in form.fields and hidden.get(key) != "none"
    ]
    return [
        {"id": row["id"], "version": row.get("version"), "title": " ".join(filter(None, (_text(row.get(key)) for key in named)))}
        for row in _pages(ctx, form_name, chosen.query()._replace(fields=("id", "version", *named)))
    ]


def _text(value: Any) -> str:
    """A number as it is, a link by its label."""
    return str((value.get("label") or value.get("code") or "") if isinstance(value, dict) else value or "")


def _pages(ctx: Context, form: str, asked: Query) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = query.records(ctx, form, asked._replace(limit=_PAGE, after=after))
        yield from page["data"]
        after = page["next"]
        if after is None:
            return
