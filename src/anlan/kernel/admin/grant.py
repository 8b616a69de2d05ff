"""Changing what a role may do with a form: the company's change of the form's definition, in the caller's draft.

    grant(ctx, "clerk", "demo.note", actions=["read", "create"], rows="created_by = USER()")

Nothing holds before the draft is published (kernel/catalogue/change.py); a pack's upgrade keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anlan.kernel.admin.guard import require_admin
from anlan.kernel.admin.roles import BASIC
from anlan.kernel.catalogue import change
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, conflict, invalid, not_found

__all__ = ["grant", "granted"]


def granted(ctx: Context, role: str, form: str) -> dict[str, Any]:
    """The grant as the draft would have it: `actions` (every one by name), `rows`, `fields`. Refused 403, 404."""
    require_admin(ctx)
    _known(ctx, role, form)
    definition = change.get(ctx, "form", form)["definition"] or {}
    found = (definition.get("grants") or {}).get(role) or {}
    actions = found.get("actions") or []
    every = _every(ctx, form)
    return {
        "actions": every if "*" in actions else [one for one in every if one in actions],
        "rows": found.get("rows") or "",
        "fields": dict(found.get("fields") or {}),
    }


def grant(ctx: Context, role: str, form: str, *, actions: Sequence[str], rows: str | None = None) -> None:
    """Let the role do exactly these actions, on the rows of which `rows` is true (None: every row).

    The masks of its fields stay. Refused 403, 404; 409 for a role with all rights; 422 for an unknown action or a
    formula that does not hold.
    """
    require_admin(ctx)
    _known(ctx, role, form)
    if ctx.catalogue.roles[role].all_rights:
        raise conflict("admin.all_rights", role=role)
    every = _every(ctx, form)
    unknown = [one for one in actions if one not in every]
    if unknown:
        raise invalid(Fault("admin.unknown_action", "actions", {"action": one}) for one in unknown)
    shown = change.get(ctx, "form", form)
    part: dict[str, Any] = {"actions": [one for one in every if one in actions]}
    if rows:
        part["rows"] = rows
    kept = ((shown["definition"] or {}).get("grants") or {}).get(role, {}).get("fields")
    if kept:
        part["fields"] = kept
    if shown["base"] is None:  # a form of the company's own: the definition itself is changed
        own = dict(shown["definition"] or {})
        own["grants"] = {**(own.get("grants") or {}), role: part}
        change.put(ctx, "form", form, {"definition": own})
        return
    before = {} if shown["removed"] else dict(shown["draft"] or shown["overlay"] or {})
    place = f"grants.{role}"
    settings = {
        path: value for path, value in (before.get("set") or {}).items()
        if path != place and not path.startswith(place + ".")
    }  # fmt: skip
    change.put(ctx, "form", form, {"overlay": {**before, "set": {**settings, place: part}}})


def _every(ctx: Context, form: str) -> list[str]:
    return [*BASIC, *ctx.catalogue.form(form).transitions]


def _known(ctx: Context, role: str, form: str) -> None:
    if role not in ctx.catalogue.roles:
        raise not_found("roles", role)
    if form not in ctx.catalogue.forms:
        raise not_found(form, "")
