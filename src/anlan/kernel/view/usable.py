"""What of a view the caller can use now: fields go, are hidden from him, or change their type; the view still opens.

    usable(ctx, form, where='AND(state = "draft", gone > 1)', columns=["number", "cost"])
    →  Usable(where='state = "draft"', columns=["number"], left_out=[LeftOut("filter", "gone", "gone"), LeftOut("column", "hidden", "")])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.context import Context
from anlan.kernel.formula import BOOLEAN, DesignError, Scope
from anlan.kernel.query.scope import visible_scope
from anlan.kernel.view.content import parts_of

__all__ = ["LeftOut", "Usable", "usable"]


class LeftOut(NamedTuple):
    """One thing that was left out. `gone`: no such field any more; `hidden`: not for the caller, then `name` is
    empty; `unfit`: the field is of another kind now."""

    part: Literal["filter", "sort", "column", "total", "by"]
    reason: Literal["gone", "hidden", "unfit"]
    name: str


class Usable(NamedTuple):
    where: str
    sort: list[str]
    columns: list[str]
    totals: list[str]
    by: str
    left_out: list[LeftOut]


def usable(
    ctx: Context,
    form: Form,
    *,
    where: str = "",
    sort: Sequence[str] = (),
    columns: Sequence[str] = (),
    totals: Sequence[str] = (),
    by: str = "",
) -> Usable:
    """The parts that speak only of what there is and what the caller may see. No statement."""
    seen, every = visible_scope(ctx, form), form_scope(ctx.catalogue.forms, form)
    left: list[LeftOut] = []
    kept = []
    for part in parts_of(where):
        reason = _condition(ctx, part, seen, every)
        if reason is None:
            kept.append(part)
        else:
            left.append(LeftOut("filter", *reason))

    def known(paths: Sequence[str], part: Literal["sort", "column", "total", "by"]) -> list[str]:
        found = []
        for path in paths:
            bare = path.lstrip("-+")
            if _has(seen, bare):
                found.append(path)
            else:
                hidden = _has(every, bare)
                left.append(LeftOut(part, "hidden" if hidden else "gone", "" if hidden else bare[:60]))
        return found

    return Usable(
        kept[0] if len(kept) == 1 else f"AND({', '.join(kept)})" if kept else "",
        known(sort, "sort"),
        known(columns, "column"),
        known(totals, "total"),
        next(iter(known([by] if by else [], "by")), ""),
        left,
    )


def _condition(ctx: Context, part: str, seen: Scope, every: Scope) -> tuple[Literal["gone", "hidden", "unfit"], str] | None:
    """Why a condition cannot be used; None when it can."""
    try:
        fits = ctx.catalogue.check(part, seen).type == BOOLEAN
    except DesignError as error:
        if error.code != "unknown_field":
            return "unfit", part[:60]
        try:
            ctx.catalogue.check(part, every)
        except DesignError:
            return "gone", str(error.params.get("field") or error.params.get("name") or part)[:60]
        return "hidden", ""
    return None if fits else ("unfit", part[:60])


def _has(scope: Scope, path: str) -> bool:
    """Whether a path of names leads somewhere."""
    here: Scope | None = scope
    for name in path.split("."):
        symbol = here.lookup(name) if here is not None else None
        if symbol is None:
            return False
        here = symbol.scope
    return True
