"""Several records read at once, as one reads one: rows, masks and labels of the caller, a few statements in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import not_found
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.ids import id_array
from anlan.kernel.record.load import load
from anlan.kernel.record.output import output

__all__ = ["read_many"]


def read_many(ctx: Context, form_name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The records of some ids with their lines, in the order of the ids. Refused 403; 404 for the first id that
    is not there or that the caller may not see."""
    ctx.caller.policy.require(ctx.form(form_name).name, "read")

    def work() -> list[dict[str, Any]]:
        ctx.check_versions()
        form = ctx.form(form_name)
        wanted = list(dict.fromkeys(key.lower() for key in ids))
        for key in wanted:
            if UUID.fullmatch(key) is None:
                raise not_found(form_name, key)
        _only_seen(ctx, form, wanted)
        hidden = ctx.caller.policy.fields(form.name)
        return [output(ctx, form, found, hidden) for found in load(ctx, form, wanted)] if wanted else []

    return ctx.atomically(work)


def _only_seen(ctx: Context, form: Form, ids: Sequence[str]) -> None:
    """404 for an id that a row rule hides; one statement where there is a rule."""
    names = names_for(ctx, form)
    rule = predicate(ctx, form, "read", names)
    if rule is None or not ids:
        return
    text = f'SELECT h."id" FROM {form.table} h {names.joins} WHERE h."id" = ANY($1::uuid[]) AND {rule}'
    seen = {row[0] for row in ctx.connection.execute(text, [id_array(ids)]).fetchall()}
    for key in ids:
        if key not in seen:
            raise not_found(form.name, key)
