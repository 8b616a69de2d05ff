"""The imports of a form that were done: their list, what came of one, taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from anlan.kernel import query, record
from anlan.kernel.access.identity import USERS
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, not_found
from anlan.kernel.exchange.runs import Result, plain_params, savepoint
from anlan.kernel.query import Query

__all__ = ["Kept", "Made", "Past", "Undone", "history", "outcome", "undo"]

_MOST_RUNS = 200
_SHOWN = 100  # records of a run with their names


class Kept(TypedDict):
    """A record that an undo left, and why: `code` makes the sentence."""

    id: str
    label: str
    code: str
    params: dict[str, Any]


class Undone(TypedDict):
    """`kept`: what was changed since, is used by others, or was changed by the import and not made."""

    deleted: int
    kept: list[Kept]


class Past(TypedDict):
    """An import that was done; `mine`: the caller may see its result and take it back."""

    id: str
    at: datetime
    owner: str
    file_name: str
    created: int
    updated: int
    skipped: int
    undone_at: datetime | None
    mine: bool


class Made(TypedDict):
    """A record that an import made (`created`) or changed, as the caller may see it now."""

    id: str
    code: str
    label: str
    created: bool


def history(ctx: Context, form_name: str, *, limit: int = 50, after: str | None = None) -> list[Past]:
    """The imports of a form, the last first; `after` is the id of the last one seen. Refused 403.

    Whoever may import sees who brought which file; the result is shown to him and to administrators.
    """
    ctx.caller.policy.require(form_name, "import")
    with ctx.transaction():
        rows = ctx.connection.execute(
            "select r.id, r.at, coalesce(u.name, u.code, ''), r.file_name, r.created, r.updated, r.skipped, r.undone_at,"
            f" r.owner = $2 or $3 from import_run r left join {USERS} u on u.id = r.owner"
            " where r.form = $1 and ($4::uuid is null or r.id < $4) order by r.id desc limit $5",
            [form_name, ctx.caller.user, ctx.caller.admin, after, max(1, min(limit, _MOST_RUNS))],
        ).fetchall()
    return [Past(**dict(zip(Past.__annotations__, row, strict=True))) for row in rows]  # type: ignore[typeddict-item]  # keys are its own


def outcome(ctx: Context, id: str) -> tuple[Result, Past, list[Made]]:
    """The result of an import with its first records, as far as the caller may see them. Refused 403, 404."""
    with ctx.transaction():
        row = ctx.connection.execute(
            "select r.form, r.created, r.updated, r.skipped, r.faults, r.at, coalesce(u.name, u.code, ''), r.file_name,"
            f" r.undone_at from import_run r left join {USERS} u on u.id = r.owner"
            " where r.id = $1 and (r.owner = $2 or $3)",
            [id, ctx.caller.user, ctx.caller.admin],
        ).fetchone()
        if row is None or row[0] not in ctx.catalogue.forms:
            raise not_found("import", id)
        form, created, updated, skipped, faults, at, owner, name, undone_at = row
        ctx.caller.policy.require(form, "import")
        written = ctx.connection.execute(
            "select record, created from import_record where run = $1 order by created desc, record limit $2",
            [id, _SHOWN],
        ).fetchall()
    result = Result(id=id, form=form, created=created, updated=updated, skipped=skipped, faults=faults)
    past = Past(
        id=id, at=at, owner=owner, file_name=name, created=created, updated=updated, skipped=skipped,
        undone_at=undone_at, mine=True,
    )  # fmt: skip
    return result, past, _named(ctx, ctx.form(form), dict(written))


def _named(ctx: Context, form: Form, written: Mapping[str, bool]) -> list[Made]:
    """Code and name of those that are still there and the caller may see."""
    if not written or not ctx.caller.policy.can(form.name, "read"):
        return []
    wanted = ", ".join(f'"{one}"' for one in written)
    page = query.records(
        ctx, form.name, Query(where=f"IN(id, {wanted})", fields=_titles(form), limit=_SHOWN, sort=["id"])
    )
    return [_made(form, row, written[row["id"]]) for row in page["data"]]


def _titles(form: Form) -> list[str]:
    return list(dict.fromkeys([form.code_column, form.label_column]))


def _made(form: Form, row: Mapping[str, Any], created: bool) -> Made:
    """The record with what it is called: drafts have no number yet."""
    code = str(row.get(form.code_column) or "")
    label = row.get(form.label_column)
    label = label.get("label") if isinstance(label, Mapping) else label
    text = "" if label is None or str(label) == code else str(label)
    return Made(id=row["id"], code=code, label=text, created=created)


def undo(ctx: Context, id: str) -> Undone:
    """Delete what an import made, the last first; what was changed since or is in use is kept, and told why.

    Only who ran it, or an administrator, may. Refused 403, 404, 409.
    """

    def work() -> Undone:
        row = ctx.connection.execute(
            "select form, owner, undone_at from import_run where id = $1 for update", [id]
        ).fetchone()
        if row is None or (row[1] != ctx.caller.user and not ctx.caller.admin):
            raise not_found("import", id)
        if row[2] is not None:
            raise Refused(409, "import.undone_before", params={"at": row[2]})
        form = ctx.form(row[0])
        ctx.caller.policy.require(form.name, "delete")
        made = ctx.connection.execute(
            f"select i.record, i.created, h.version = i.version, h.id is null, coalesce(x.code, x.title, '')"
            f" from import_record i left join {form.table} h on h.id = i.record"
            " left join record_index x on x.id = i.record where i.run = $1 order by i.record desc",
            [id],
        ).fetchall()
        kept: list[Kept] = []
        deleted = 0
        for one, created, same, gone, label in made:
            why = (
                None
                if gone
                else Fault("import.kept_updated")
                if not created
                else Fault("import.kept_changed")
                if not same
                else _why_kept(ctx, form, one)
            )
            deleted += why is None and not gone
            if why is not None:
                kept.append(Kept(id=one, label=label, code=why.code, params=plain_params(why.params)))
        ctx.connection.execute(
            "update import_run set undone_at = $2, undone_by = $3 where id = $1",
            [id, ctx.now, ctx.caller.user],
        )
        return Undone(deleted=deleted, kept=kept)

    return ctx.atomically(work)


def _why_kept(ctx: Context, form: Form, id: str) -> Fault | None:
    """Delete the record; what refuses it, where something does."""
    try:
        with savepoint(ctx):
            record.delete(ctx, form.name, id)
    except Refused as refused:
        return refused.faults[0] if refused.faults else Fault(refused.code, "", refused.params)
    return None
