"""One document made from several of one form: what is open of all of them becomes the lines of one draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.definition.model import Conversion
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.record.convert import conversion_of, link_records, refuse_state, values_of
from anlan.kernel.record.load import find, load
from anlan.kernel.record.write import create

__all__ = ["MOST_SOURCES", "make_many"]

MOST_SOURCES = 200
Record = dict[str, Any]


def make_many(
    ctx: Context,
    form_name: str,
    keys: Sequence[str],
    target_name: str,
    body: Mapping[str, Any] | None = None,
) -> Record:
    """Make one document from several of a form, as a draft: their open lines, one after the other.

    What the conversion copies into the head must be the same for all, unless `body` says it. Records of which
    nothing is open are left out. Refused 403, 404, 409 `conversion.nothing_open` (of none of them anything is),
    409 `conversion.wrong_state`, 422 `conversion.heads_differ`.
    """
    given = dict(body or {})
    ctx.caller.policy.require(form_name, "read")
    ctx.caller.policy.require(target_name, "create")
    if not 1 <= len(keys) <= MOST_SOURCES:
        raise invalid([Fault("out_of_range", "ids", {"field": "ids", "least": 1, "most": MOST_SOURCES})])

    def work() -> Record:
        ctx.ask_versions()
        form = ctx.form(form_name)
        name, conversion = conversion_of(form, target_name)
        ids = list(dict.fromkeys(find(ctx, form, key) for key in keys))
        load(
            ctx, form, sorted(ids), lock=True, balances=False, lines=False
        )  # locked in one order by everybody
        sources = load(ctx, form, ids)
        values = _together(ctx, form, conversion, name=name, sources=sources, given=given)
        made = create(ctx, conversion.to, values)
        for source in sources:
            link_records(ctx, (form_name, source["id"]), (made["form"], made["id"]), name)
        return made

    return ctx.atomically(work)


def _together(
    ctx: Context, form: Form, conversion: Conversion, *, name: str, sources: list[Record], given: Record
) -> Record:
    """The values of the new document; sources of which nothing is open are taken out of the list."""
    lines_key = conversion.target or conversion.each
    head: Record = {}
    lines: list[Record] = []
    first: Record | None = None
    for source in list(sources):
        refuse_state(form, conversion, source)
        try:
            values = values_of(ctx, form, name, source, {})
        except Refused as refused:
            if refused.code != "conversion.nothing_open" or len(sources) == 1:
                raise
            sources.remove(source)
            continue
        if lines_key is not None:
            lines += values.pop(lines_key, [])
        if first is None:
            head, first = values, values
        else:
            _same_head(ctx, conversion, head, values, given)
    if lines_key is not None and lines_key not in given:
        head[lines_key] = lines
    return {**head, **given}


def _same_head(ctx: Context, conversion: Conversion, head: Record, other: Record, given: Record) -> None:
    """422 for a value of the head that two sources disagree about and that the caller does not say."""
    fields = ctx.form(conversion.to).fields
    differ = [
        key
        for key in dict.fromkeys([*head, *other])
        if key not in given and head.get(key) != other.get(key) and key in fields
    ]
    if differ:
        label = fields[differ[0]].definition.label or differ[0]
        params = {"field": label, "step": conversion.label}
        raise invalid([Fault("conversion.heads_differ", differ[0], params)])
