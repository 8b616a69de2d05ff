"""What is kept of imports: the runs, what they wrote, how headers were understood; taking a run back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypedDict

import psycopg
from psycopg.types.json import Json

from anlan.kernel import record
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import AGAIN, Context, Transaction
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.exchange.columns import columns_of, match, normalised
from anlan.kernel.memory import Memory

__all__ = [
    "Faulty",
    "Result",
    "Run",
    "Undone",
    "Written",
    "begin",
    "end",
    "remember",
    "remembered",
    "savepoint",
    "undo",
    "undone",
]


class Faulty(TypedDict):
    """A fault with its cell: `row` as in the file, `column` from 0 or None; `code` makes the sentence."""

    row: int
    column: int | None
    path: str
    code: str
    params: dict[str, Any]


class Result(TypedDict):
    id: str
    form: str
    created: int
    updated: int
    skipped: int
    faults: list[Faulty]


class Run(NamedTuple):
    """An import as it begins; `key` is the caller's."""

    id: str
    form: str
    file_name: str
    key: str | None


class Written(NamedTuple):
    """A record as the import left it."""

    id: str
    version: int
    created: bool


class Undone(TypedDict):
    """`kept`: ids of what was changed since, is used by others, or was changed by the import and not made."""

    deleted: int
    kept: list[str]


def begin(ctx: Context, run: Run) -> Result | None:
    """Note the run; the result of the earlier one if its key was used. A second caller at once waits here."""
    added = ctx.connection.execute(
        "insert into import_run (id, form, file_name, key, owner, at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict (owner, key) where key is not null do nothing returning id",
        [*run, ctx.caller.user, ctx.now],
    ).fetchone()
    if added is not None:
        return None
    row = ctx.connection.execute(
        "select id, form, created, updated, skipped, faults from import_run where owner = $1 and key = $2",
        [ctx.caller.user, run.key],
    ).fetchone()
    assert row is not None  # the conflict was with this row, which is never deleted
    if row[1] != run.form:
        raise Refused(422, "idempotency_key_reused", params={"key": run.key})
    return Result(id=row[0], form=row[1], created=row[2], updated=row[3], skipped=row[4], faults=row[5])


def end(ctx: Context, result: Result, written: Sequence[Written]) -> None:
    """Note what the run came to."""
    ctx.connection.execute(
        "update import_run set created = $2, updated = $3, skipped = $4, faults = $5 where id = $1",
        [result["id"], result["created"], result["updated"], result["skipped"], Json(result["faults"])],
    )
    ctx.connection.execute(
        "insert into import_record (run, record, version, created)"
        " select $1, r, v, c from unnest($2::uuid[], $3::bigint[], $4::boolean[]) as w (r, v, c)",
        [result["id"], *([one[at] for one in written] for at in range(3))],
    )


def remember(ctx: Context, form: Form, headers: Sequence[str], paths: Sequence[str | None]) -> None:
    """Keep, for this user, what he chose and the headers do not say by themselves."""
    plain = match(form, headers, columns_of(form))
    named = [
        (normalised(text), path, found)
        for text, path, found in zip(headers, paths, plain, strict=False)
        if text and path is not None
    ]
    chosen = {text: path for text, path, found in named if path != found}
    ctx.connection.execute(
        "delete from import_column where owner = $1 and form = $2 and header = any($3)",
        [ctx.caller.user, form.name, [text for text, _, _ in named]],
    )
    ctx.connection.execute(
        "insert into import_column (owner, form, header, path, at) select $1, $2, h, p, $5"
        " from unnest($3::text[], $4::text[]) as c (h, p)",
        [ctx.caller.user, form.name, list(chosen), list(chosen.values()), ctx.now],
    )


def remembered(ctx: Context, form: Form) -> dict[str, str]:
    """What this user chose before, by normalised header."""
    rows = ctx.connection.execute(
        "select header, path from import_column where owner = $1 and form = $2", [ctx.caller.user, form.name]
    ).fetchall()
    return dict(rows)


def undo(ctx: Context, id: str) -> Undone:
    """Delete what an import made, the last first; what was changed since or is in use is kept.

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
            f"select i.record, i.created and h.version = i.version from import_record i"
            f' left join {form.table} h on h."id" = i.record where i.run = $1 order by i.record desc',
            [id],
        ).fetchall()
        kept = [one for one, same in made if not (same and _deleted(ctx, form, one))]
        ctx.connection.execute(
            "update import_run set undone_at = $2, undone_by = $3 where id = $1",
            [id, ctx.now, ctx.caller.user],
        )
        return Undone(deleted=len(made) - len(kept), kept=kept)

    return ctx.atomically(work)


def _deleted(ctx: Context, form: Form, id: str) -> bool:
    """Whether the record could be deleted; a refusal leaves it."""
    try:
        with savepoint(ctx):
            record.delete(ctx, form.name, id)
    except Refused:
        return False
    return True


@contextmanager
def savepoint(ctx: Context) -> Iterator[None]:
    """What is refused inside is undone, and the transaction goes on. Broken constraints raise Refused too.

    Statements are sent in a pipeline, so the end of the block waits for all answers: else a constraint would
    speak up only after the savepoint is gone.
    """
    assert ctx.tx is not None, "a savepoint outside a transaction"
    ctx.settle()
    mark = _Mark.of(ctx.tx)
    try:
        with ctx.connection.transaction():
            try:
                with ctx.connection.pipeline():
                    yield
                    ctx.settle()
            except psycopg.Error as error:
                if error.sqlstate in AGAIN or error.sqlstate is None:
                    raise
                raise ctx.told(error) from error
    except Refused:
        mark.restore(ctx.tx)
        raise


@contextmanager
def undone(ctx: Context) -> Iterator[None]:
    """What happens inside is undone at its end, however it ends."""
    assert ctx.tx is not None, "a savepoint outside a transaction"
    ctx.settle()
    mark = _Mark.of(ctx.tx)
    with ctx.connection.transaction(force_rollback=True):
        yield
    mark.restore(ctx.tx)


class _Mark(NamedTuple):
    """What a transaction knew before a savepoint: what was learnt since is not true after its rollback."""

    after: int
    pending: int
    locked: frozenset[str]
    private: Memory | None

    @classmethod
    def of(cls, tx: Transaction) -> _Mark:
        return cls(len(tx.after), len(tx.pending), frozenset(tx.locked), tx.private)

    def restore(self, tx: Transaction) -> None:
        del tx.after[self.after :], tx.pending[self.pending :]
        tx.locked = set(self.locked)  # locks taken since the savepoint went with it
        tx.private = self.private
        tx.linked.clear()
