"""A document once more: a draft with what somebody typed into another one.

copy(ctx, "demo.order", "O-0007")   →   a draft with its party and lines, without number, date and state
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import Field
from anlan.kernel.context import Context
from anlan.kernel.record.write import create, read

__all__ = ["copied_values", "copy"]

Record = dict[str, Any]
# What a record is by itself, and what it owes to another one: a copy comes from nowhere.
_OWN = frozenset({"number", "state", "line"})


def copy(ctx: Context, form_name: str, key: str, values: Mapping[str, Any] | None = None) -> Record:
    """Make a record like another one; `values` say what is to be different. Refused 403, 404, 422.

    Left out are fields with `copied: false`, unique ones, what computes itself, what the caller may not write,
    and lines of other documents that a line was made from. Defaults fill what is missing: the date is today's.
    """
    ctx.caller.policy.require(form_name, "create")
    return ctx.atomically(
        lambda: create(ctx, form_name, {**copied_values(ctx, form_name, key), **(values or {})})
    )


def copied_values(ctx: Context, form_name: str, key: str) -> Record:
    """What a copy of a record would be made of, as one sends it. Refused 403, 404."""
    found = read(ctx, form_name, key)
    form = ctx.form(form_name)
    access = ctx.caller.policy.fields(form.name)
    made = {
        name: _sent(found[name])
        for name, item in form.fields.items()
        if name in found and name not in form.lines and _copied(item, access) and found[name] is not None
    }
    for name, table in form.lines.items():
        if name in found and form.fields[name].definition.copied and access.get(name, "write") == "write":
            inner = [item for item in table.fields.values() if _copied(item, access)]
            made[name] = [
                {item.key: _sent(line[item.key]) for item in inner if line.get(item.key) is not None}
                for line in found[name]
            ]
    return made


def _copied(item: Field, access: Mapping[str, str]) -> bool:
    definition = item.definition
    return (
        definition.copied
        and item.typed
        and not (item.reserved and item.key != "company")
        and not definition.readonly
        and not definition.unique
        and item.type.key not in _OWN
        and access.get(item.path, "write") == "write"
    )


def _sent(value: Any) -> Any:
    """A value as it is read in the spelling of a write: links by id."""
    if isinstance(value, Mapping) and "id" in value:
        return value["id"]
    if isinstance(value, list):
        return [_sent(one) for one in value]
    return value
