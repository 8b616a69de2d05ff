"""Many records in one PDF, each on a page of its own, in the order of their list."""

from __future__ import annotations

from collections.abc import Callable

from anlan.kernel import describe, paper, record
from anlan.kernel.bulk.chosen import Chosen, rows
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found

__all__ = ["MOST_PRINTED", "MOST_PRINTED_AT_ONCE", "print_chosen"]

MOST_PRINTED_AT_ONCE = 5  # records that a request draws by itself: a quarter of a second
MOST_PRINTED = 1_000  # records of one PDF; about a minute of a worker


def print_chosen(
    ctx: Context, form: str, name: str, chosen: Chosen, *, progress: Callable[[int, int], None] | None = None
) -> tuple[bytes, int]:
    """The PDF and how many records it has. Refused 403, 404, 422 (none, or more than `MOST_PRINTED`)."""
    ctx.caller.policy.require(form, "print")
    definition = ctx.catalogue.prints.get(name)
    if definition is None or definition.form != form:
        raise not_found("print", name)
    found = rows(ctx, form, chosen)
    if not found:
        raise Refused(422, "bulk.none")
    if len(found) > MOST_PRINTED:
        raise Refused(422, "bulk.too_many", params={"count": len(found), "limit": MOST_PRINTED})
    described = describe.form(ctx, form)
    records = []
    for place, row in enumerate(found, 1):
        records.append(record.read(ctx, form, row["id"]))
        if progress is not None and (place % 20 == 0 or place == len(found)):
            progress(place, len(found))
    return paper.render(ctx, definition, described, records), len(found)
