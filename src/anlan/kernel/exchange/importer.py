"""Import: preview what a table would do, do it, take it back.

    paths   = propose(ctx, form, table)                        which field each column is
    seen    = preview(ctx, form, table, paths)                 every fault with its cell; nothing is kept
    done    = run(ctx, form, table, paths, mode="all", key=k)  one transaction: all rows, or the good ones
    gone    = runs.undo(ctx, done["id"])                       what it made and nobody has changed since

A row whose code (a document's: number) names a record changes that record: empty cells leave it as it is, its
lines are those of the file; `Ways` say it otherwise. Records go the way of all records: `record.create_many` and
`record.update`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from anlan.kernel import record
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.exchange import runs
from anlan.kernel.exchange.assemble import Draft, assemble
from anlan.kernel.exchange.columns import Column, columns_of, guess, known_names, match
from anlan.kernel.exchange.faults import refusals, told
from anlan.kernel.exchange.lookup import Unknown, existing, name_links
from anlan.kernel.exchange.runs import NO_SOURCE, Faulty, Result, Run, Source, Written, undone
from anlan.kernel.exchange.table import Table
from anlan.kernel.exchange.ways import Ways, mended
from anlan.kernel.ids import uuid7

__all__ = ["Preview", "heads", "preview", "propose", "run"]

Paths = Sequence[str | None]
Progress = Callable[[int, int], None]  # records done, of how many; what it raises ends the import

_CHUNK = 500  # records in one call; a fault sends the good ones of its chunk through once more
_TELL = 100  # changed records between two reports of progress
_ROUNDS = 6  # faults come in layers: cells, links, required fields, the rules of the form
_COMPLETED = 200  # records with bad cells that are looked through for what else is wrong


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
    ways: Ways
    drafts: list[Draft]
    unknown: list[Unknown]
    changes: list[tuple[Draft, dict[str, Any]]] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)

    @property
    def bad(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.faults]


def propose(ctx: Context, form_name: str, table: Table, *, guesses: bool = False) -> list[str | None]:
    """The field of each column by its header and by what was chosen before; None for not recognised.

    `guesses`: a header that only resembles a field's name is taken for it, to be looked at by a person.
    """
    form = ctx.form(form_name)
    with ctx.transaction():
        remembered = runs.remembered(ctx, form)
    columns = _columns(ctx, form)
    found = match(form, table.headers, columns, remembered=remembered)
    return guess(table.headers, columns, found) if guesses else found


def heads(ctx: Context, form_name: str) -> frozenset[str]:
    """What a row of headers of this form is known by, for `read`."""
    form = ctx.form(form_name)
    return known_names(form, _columns(ctx, form))


def preview(
    ctx: Context, form_name: str, table: Table, paths: Paths | None = None, *, ways: Ways | None = None
) -> Preview:
    """All faults of a table and what it would do: written in a transaction that is undone. Refused 403."""
    ctx.caller.policy.require(form_name, "import")
    chosen = list(paths) if paths is not None else propose(ctx, form_name, table)

    def work() -> tuple[_Plan, list[Column]]:
        with undone(ctx):
            form = ctx.form(form_name)
            columns = _columns(ctx, form)
            plan = _plan(ctx, form, table, chosen, columns=columns, ways=ways or Ways())
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
        faults=told(plan.drafts),
        unknown=[one._asdict() for one in plan.unknown],
    )


def run(
    ctx: Context,
    form_name: str,
    table: Table,
    paths: Paths,
    *,
    mode: Literal["all", "good"] = "all",
    ways: Ways | None = None,
    key: str | None = None,
    source: Source = NO_SOURCE,
    progress: Progress | None = None,
) -> Result:
    """Import a table in one transaction. `all`: a single fault refuses everything (422 with
    `data["faults"]`);
    `good`: rows with faults are left out and told. With a `key` that was used before, that import's result.

    Also remembers which field the caller chose for each header. `progress` is told after every few hundred records.
    """
    ctx.caller.policy.require(form_name, "import")

    def work() -> Result:
        form = ctx.form(form_name)
        id = uuid7()
        before = runs.begin(ctx, Run(id, form.name, key, source))
        if before is not None:
            return before
        plan = _plan(ctx, form, table, paths, columns=_columns(ctx, form), ways=ways or Ways())
        _write(ctx, plan, progress)
        faults = told(plan.drafts)
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
    ctx: Context, form: Form, table: Table, paths: Paths, *, columns: Sequence[Column], ways: Ways
) -> _Plan:
    """Cells converted, links named, records that exist found."""
    key = ways.key or form.code_column
    if ways.key is not None and ways.key not in paths:
        raise invalid([Fault("import.not_ways", "key", {"field": ways.key})])
    drafts = assemble(mended(table, ways), paths, columns, key=key, zone=ctx.site.zone)
    _make_links(ctx, ways)
    unknown = name_links(ctx, drafts, columns, ways.replace)
    plan = _Plan(form, ways, drafts, unknown)
    found = existing(ctx, form, key, {value for draft in drafts if (value := _key_of(draft, key))})
    alone = key != form.code_column or key == "code"  # rows with the same number are lines of one document
    seen: dict[str, int] = {}
    for draft in drafts:
        value = _key_of(draft, key)
        if value is None:
            if ways.does == "update":
                draft.add(Fault("import.no_key", key))
            continue
        if alone and value in seen:
            draft.add(Fault("import.twice", key, {"value": value, "row": seen[value]}))
        seen.setdefault(value, draft.row)
        records = found.get(value, [])
        if len(records) > 1:
            draft.add(Fault("import.several", key, {"value": value, "count": len(records)}))
        elif records and ways.does == "create":
            draft.add(Fault("import.exists", key, {"value": value}))
        elif not records and ways.does == "update":
            draft.add(Fault("import.not_there", key, {"value": value}))
        elif records:
            plan.changes.append((draft, records[0]))
    return plan


def _make_links(ctx: Context, ways: Ways) -> None:
    """Make the linked records that the user asked for: the text is code and name. Refused as their form says."""
    for name, texts in ways.make.items():
        form = ctx.form(name)
        known = existing(ctx, form, form.code_column, texts)
        values = [
            {form.code_column: text, form.label_column: text}
            for text in dict.fromkeys(texts)
            if text not in known
        ]
        if values:
            record.create_many(ctx, name, values)


def _key_of(draft: Draft, key: str) -> str | None:
    value = draft.number or draft.values.get(key)
    return None if value is None else str(value)


def _write(ctx: Context, plan: _Plan, progress: Progress | None = None) -> None:
    """Write every draft without a fault; what the record path refuses becomes the faults of its draft."""
    tell = progress or (lambda done, total: None)
    changing = {id(draft) for draft, _ in plan.changes}
    fresh = [draft for draft in plan.drafts if id(draft) not in changing and not draft.faults]
    total = len(fresh) + len(plan.changes)
    for start in range(0, len(fresh), _CHUNK):
        tell(start, total)
        _create(ctx, plan, fresh[start : start + _CHUNK])
    for at, (draft, now) in enumerate(plan.changes):
        if at % _TELL == 0:
            tell(len(fresh) + at, total)
        if draft.faults:
            continue
        with refusals(ctx, [draft]):
            changed = record.update(ctx, plan.form.name, now["id"], _changed(plan, draft, now), version=None)
            plan.written.append(Written(changed["id"], changed["version"], False))


def _complete(ctx: Context, plan: _Plan) -> None:
    """Find what else is wrong with records that bad cells kept from the record path: one look shows all."""
    changing = {id(draft) for draft, _ in plan.changes}
    held = [draft for draft in plan.drafts if draft.unread and id(draft) not in changing]
    if plan.form.is_document:  # a draft need not be complete
        return
    for draft in held[:_COMPLETED]:
        known = {one.fault.path for one in draft.faults}
        with refusals(ctx, [draft]):
            for fault in record.preview(ctx, plan.form.name, draft.values)["faults"]:
                if fault.path not in known:
                    draft.add(fault)


def _create(ctx: Context, plan: _Plan, drafts: list[Draft]) -> None:
    """Create the drafts of a chunk that can be, in as few calls as the layers of their faults ask for."""
    for _ in range(_ROUNDS):
        good = [draft for draft in drafts if not draft.faults]
        if not good:
            return
        with refusals(ctx, good):
            made = record.create_many(ctx, plan.form.name, [draft.values for draft in good])
            plan.written += [Written(one["id"], one["version"], True) for one in made]
            return
    for draft in drafts:  # faults that do not say whose they are: one at a time
        if not draft.faults:
            with refusals(ctx, [draft]):
                made = record.create_many(ctx, plan.form.name, [draft.values])
                plan.written += [Written(one["id"], one["version"], True) for one in made]


def _changed(plan: _Plan, draft: Draft, now: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an update: the file's lines take the ids of the record's, one by one in their order."""
    values = dict(draft.values)
    if plan.ways.empty == "clear":
        values |= {path: None for path in draft.cells if "." not in path and path not in values}
        values.pop(plan.ways.key or plan.form.code_column, None)
    for key in plan.form.lines:
        if key in values:
            old = now.get(key) or []
            blank = _blank_cells(draft, key) if plan.ways.empty == "clear" else {}
            values[key] = [
                {**({"id": old[at]["id"]} if at < len(old) else {}), **blank.get(at, {}), **line}
                for at, line in enumerate(values[key])
            ]
    return values


def _blank_cells(draft: Draft, table: str) -> dict[int, dict[str, None]]:
    """The cells of a sub-table's columns by line, as nothing: what the line has itself goes over them."""
    found: dict[int, dict[str, None]] = {}
    for path in draft.cells:
        start, _, key = path.partition("].")
        if start.startswith(f"{table}["):
            found.setdefault(int(start.removeprefix(f"{table}[")), {})[key] = None
    return found
