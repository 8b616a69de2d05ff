"""A copy: what a new record like an old one begins with, and the draft that is made of it.

    copy_of(ctx, "demo.order", key)  →  {"party": "<id>", "lines": [{"item": "<id>", "quantity": "3"}, …]}

Left out is what the definition calls `copied: false`, what computes itself, what must be unique, and what the caller may
not write. Numbers, states and links between records never come along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import Field
from anlan.kernel.context import Context
from anlan.kernel.record.write import create, read

__all__ = ["copy", "copy_of"]

_NEVER = frozenset({"number", "line", "secret"})


def copy(
    ctx: Context, form_name: str, key: str, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make a record like another one; `values` say what is to be different. Refused 403, 404, 422.

    Defaults fill what is not copied: the date is today's.
    """
    ctx.caller.policy.require(form_name, "create")
    return ctx.atomically(
        lambda: create(ctx, form_name, {**copy_of(ctx, form_name, key), **(values or {})})
    )


def copy_of(ctx: Context, form_name: str, key: str) -> dict[str, Any]:
    """The values of a copy, to be sent to `create` or `preview`; nothing is stored. Refused like reading and creating."""
    ctx.caller.policy.require(form_name, "create")
    found = read(ctx, form_name, key)
    form = ctx.form(form_name)
    access = ctx.caller.policy.fields(form.name)
    values: dict[str, Any] = {}
    for item in form.fields.values():
        content = found.get(item.key)
        if content is None or content == [] or not _copied(item, access):
            continue
        if item.type.is_lines:
            inner = [one for one in form.lines[item.key].fields.values() if _copied(one, access)]
            values[item.key] = [
                {one.key: _plain(line[one.key]) for one in inner if line.get(one.key) is not None}
                for line in content
            ]
        else:
            values[item.key] = _plain(content)
    return values


def _copied(item: Field, access: Mapping[str, str]) -> bool:
    definition = item.definition
    if item.type.is_lines:
        return definition.copied and access.get(item.path, "write") == "write"
    computed = definition.formula or definition.lookup or definition.balance
    own = (item.reserved and item.key != "company") or definition.readonly or definition.unique or item.type.key in _NEVER or not item.typed
    return not (computed or own) and definition.copied and access.get(item.path, "write") == "write"


def _plain(content: Any) -> Any:
    """A link as its id; anything else as it is."""
    if isinstance(content, Mapping) and "id" in content:
        return {"form": content["form"], "id": content["id"]} if "form" in content else content["id"]
    return content
