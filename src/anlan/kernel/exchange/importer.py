"""Import: preview what a table would do, do it, take it back.

    paths   = propose(ctx, form, table)                        which field each column is
    seen    = preview(ctx, form, table, paths)                 every fault with its cell; nothing is kept
    done    = run(ctx, form, table, paths, mode="all", key=k)  one transaction: all rows, or the good ones
    gone    = runs.undo(ctx, done["id"])                       what it made and nobody has changed since

A row whose code (a document's: number) names a record changes that record: empty cells leave it as it is, its
lines are those of the file. Records go the way of all records: `record.create_many` and `record.update`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from anlan.kernel import record
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.exchange import runs
from anlan.kernel.exchange.assemble import Draft, assemble
from anlan.kernel.exchange.columns import Column, columns_of, match
from anlan.kernel.exchange.lookup import Unknown, existing, name_links
from anlan.kernel.exchange.runs import Faulty, Result, Run, Written, savepoint, undone
from anlan.kernel.exchange.table import Table
from anlan.kernel.ids import uuid7

__all__ = ["Preview", "preview", "propose", "run"]

Paths = Sequence[str | None]
Replace = Mapping[str, Mapping[str, str]]

_CHUNK = 500  # records in one call; a fault sends the good ones of its chunk through once more
_ROUNDS = 6  # faults come in layers: cells, links, required fields, the rules of the form
_COMPLETED = 200  # records with bad cells that are looked through for what else is wrong
_TOLD = 1000  # faults that are told


class Preview(TypedDict):
    """What a run would do. `unmatched`: columns that mean nothing; `missing`: paths that must be there."""

    columns: list[str | None]
    unmatched: list[int]
    missing: list[str]
    records: int
    creates: int
    updates: int
    bad: int
    faults: list[Faulty]
    unknown: list[dict[str, Any]]


@dataclass
class _Plan:
    """The drafts of a table; `changes` are those that change a record, with what that is now."""

    form: Form
    drafts: list[Draft]
    unknown: list[Unknown]
    changes: list[tuple[Draft, dict[str, Any]]] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)

    @property
    def bad(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.faults]


def propose(ctx: Context, form_name: str, table: Table) -> list[str | None]:
    """The field of each column by its header and by what was chosen before; None for not recognised."""
    form = ctx.form(form_name)
    with ctx.transaction():
        remembered = runs.remembered(ctx, form)
    return match(form, table.headers, _columns(ctx, form), remembered=remembered)


def preview(
    ctx: Context, form_name: str, table: Table, paths: Paths | None = None, *, replace: Replace | None = None
) -> Preview:
    """All faults of a table and what it would do: written in a transaction that is undone. Refused 403."""
    ctx.caller.policy.require(form_name, "import")
    chosen = list(paths) if paths is not None else propose(ctx, form_name, table)

    def work() -> tuple[_Plan, list[Column]]:
        with undone(ctx):
            form = ctx.form(form_name)
            columns = _columns(ctx, form)
            plan = _plan(ctx, form, table, chosen, columns=columns, replace=replace or {})
            _write(ctx, plan)
            _complete(ctx, plan)
        return plan, columns

    plan, columns = ctx.atomically(work)
    changes = len(plan.changes)
    return Preview(
        columns=chosen,
        unmatched=[at for at, path in enumerate(chosen) if path is None and table.headers[at]],
        missing=[
            column.path
            for column in columns
            if column.required
            and column.path not in chosen
            and (column.lines is None or any(path and path.startswith(f"{column.lines}.") for path in chosen))
        ],
        records=len(plan.drafts),
        creates=len(plan.drafts) - changes,
        updates=changes,
        bad=len(plan.bad),
        faults=_told(plan),
        unknown=[one._asdict() for one in plan.unknown],
    )


def run(
    ctx: Context,
    form_name: str,
    table: Table,
    paths: Paths,
    *,
    mode: Literal["all", "good"] = "all",
    replace: Replace | None = None,
    key: str | None = None,
    file_name: str = "",
) -> Result:
    """Import a table in one transaction. `all`: a single fault refuses everything (422 with
    `data["faults"]`);
    `good`: rows with faults are left out and told. With a `key` that was used before, that import's result.

    Also remembers which field the caller chose for each header.
    """
    ctx.caller.policy.require(form_name, "import")

    def work() -> Result:
        form = ctx.form(form_name)
        id = uuid7()
        before = runs.begin(ctx, Run(id, form.name, file_name, key))
        if before is not None:
            return before
        plan = _plan(ctx, form, table, paths, columns=_columns(ctx, form), replace=replace or {})
        _write(ctx, plan)
        faults = _told(plan)
        if plan.bad and mode == "all":
            found = [Fault(one["code"], f"rows[{one['row']}].{one['path']}", one["params"]) for one in faults]
            raise Refused(
                422, "import.refused", found, params={"count": len(plan.bad)}, data={"faults": faults}
            )
        runs.remember(ctx, form, table.headers, paths)
        result = Result(
            id=id,
            form=form.name,
            created=sum(1 for one in plan.written if one.created),
            updated=sum(1 for one in plan.written if not one.created),
            skipped=len(plan.bad),
            faults=faults,
        )
        runs.end(ctx, result, plan.written)
        return result

    return ctx.atomically(work)


def _columns(ctx: Context, form: Form) -> list[Column]:
    return columns_of(form, writable=ctx.caller.policy.fields(form.name))


def _plan(
    ctx: Context, form: Form, table: Table, paths: Paths, *, columns: Sequence[Column], replace: Replace
) -> _Plan:
    """Cells converted, links named, records that exist found."""
    drafts = assemble(table, paths, columns, key=form.code_column, zone=ctx.site.zone)
    unknown = name_links(ctx, drafts, columns, replace)
    plan = _Plan(form, drafts, unknown)
    codes = {code: draft for draft in drafts if (code := _code(form, draft))}
    found = existing(ctx, form, codes)
    seen: dict[str, int] = {}
    for draft in drafts:
        code = _code(form, draft)
        if code is None:
            continue
        if form.code_column == "code" and code in seen:
            draft.add(Fault("import.twice", "code", {"value": code, "row": seen[code]}))
        seen.setdefault(code, draft.row)
        if code in found:
            plan.changes.append((draft, found[code]))
    return plan


def _code(form: Form, draft: Draft) -> str | None:
    return draft.number or draft.values.get(form.code_column)


def _write(ctx: Context, plan: _Plan) -> None:
    """Write every draft without a fault; what the record path refuses becomes the faults of its draft."""
    changing = {id(draft) for draft, _ in plan.changes}
    fresh = [draft for draft in plan.drafts if id(draft) not in changing and not draft.faults]
    for start in range(0, len(fresh), _CHUNK):
        _create(ctx, plan, fresh[start : start + _CHUNK])
    for draft, now in plan.changes:
        if draft.faults:
            continue
        with _refusals(ctx, [draft]):
            changed = record.update(
                ctx, plan.form.name, now["id"], _changed(plan.form, draft, now), version=None
            )
            plan.written.append(Written(changed["id"], changed["version"], False))


def _complete(ctx: Context, plan: _Plan) -> None:
    """Find what else is wrong with records that bad cells kept from the record path: one look shows all."""
    changing = {id(draft) for draft, _ in plan.changes}
    held = [draft for draft in plan.drafts if draft.unread and id(draft) not in changing]
    if plan.form.is_document:  # a draft need not be complete
        return
    for draft in held[:_COMPLETED]:
        known = {one.fault.path for one in draft.faults}
        with _refusals(ctx, [draft]):
            for fault in record.preview(ctx, plan.form.name, draft.values)["faults"]:
                if fault.path not in known:
                    draft.add(fault)


def _create(ctx: Context, plan: _Plan, drafts: list[Draft]) -> None:
    """Create the drafts of a chunk that can be, in as few calls as the layers of their faults ask for."""
    for _ in range(_ROUNDS):
        good = [draft for draft in drafts if not draft.faults]
        if not good:
            return
        with _refusals(ctx, good):
            made = record.create_many(ctx, plan.form.name, [draft.values for draft in good])
            plan.written += [Written(one["id"], one["version"], True) for one in made]
            return
    for draft in drafts:  # faults that do not say whose they are: one at a time
        if not draft.faults:
            with _refusals(ctx, [draft]):
                made = record.create_many(ctx, plan.form.name, [draft.values])
                plan.written += [Written(one["id"], one["version"], True) for one in made]


def _changed(form: Form, draft: Draft, now: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an update: the file's lines take the ids of the record's, one by one in their order."""
    values = dict(draft.values)
    for key in form.lines:
        if key in values:
            old = now.get(key) or []
            values[key] = [
                {"id": old[at]["id"], **line} if at < len(old) else line
                for at, line in enumerate(values[key])
            ]
    return values


@contextmanager
def _refusals(ctx: Context, drafts: Sequence[Draft]) -> Iterator[None]:
    """A savepoint: a refusal inside undoes what was written since, and goes to the drafts that it names."""
    try:
        with savepoint(ctx):
            yield
    except Refused as refused:
        _blame(drafts, refused)


def _blame(drafts: Sequence[Draft], refused: Refused) -> None:
    """Give the faults of a refusal to their drafts; one that names none to a draft that is alone."""
    faults = refused.faults or (Fault(refused.code, "", refused.params),)
    for fault in faults:
        start, _, rest = fault.path.partition("].")
        if start.startswith("records["):
            drafts[int(start.removeprefix("records[").removesuffix("]"))].add(fault._replace(path=rest))
        elif len(drafts) == 1:
            drafts[0].add(fault)


def _told(plan: _Plan) -> list[Faulty]:
    faults = [one for draft in plan.drafts for one in draft.faults]
    faults.sort(key=lambda one: (one.row, -1 if one.column is None else one.column))
    return [
        Faulty(
            row=one.row,
            column=one.column,
            path=one.fault.path,
            code=one.fault.code,
            params=_plain(one.fault.params),
        )
        for one in faults[:_TOLD]
    ]


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON: labels as {zh, en}, numbers and texts as they are, all else as text."""
    return {
        key: value.model_dump()
        if hasattr(value, "model_dump")
        else value
        if isinstance(value, (str, int, float, dict, type(None)))
        else str(value)
        for key, value in params.items()
    }
