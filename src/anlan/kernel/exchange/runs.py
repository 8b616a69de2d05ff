"""What is kept of imports: the runs, what they wrote, how headers were understood; savepoints for their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypedDict

import psycopg
from psycopg.types.json import Json

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import AGAIN, Context, Transaction
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.columns import columns_of, match, normalised
from anlan.kernel.memory import Memory

__all__ = [
    "NO_SOURCE",
    "Faulty",
    "Result",
    "Run",
    "Source",
    "Written",
    "begin",
    "end",
    "plain_params",
    "remember",
    "remembered",
    "savepoint",
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


class Source(NamedTuple):
    """Where a run comes from: the file's name, the file where it is kept, the job that does it."""

    name: str = ""
    file: str | None = None
    job: str | None = None


NO_SOURCE = Source()


class Run(NamedTuple):
    """An import as it begins; `key` is the caller's."""

    id: str
    form: str
    key: str | None
    source: Source


class Written(NamedTuple):
    """A record as the import left it."""

    id: str
    version: int
    created: bool


def begin(ctx: Context, run: Run) -> Result | None:
    """Note the run; the result of the earlier one if its key was used. A second caller at once waits here."""
    added = ctx.connection.execute(
        "insert into import_run (id, form, key, file_name, file, job, owner, at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict (owner, key) where key is not null do nothing returning id",
        [run.id, run.form, run.key, *run.source, ctx.caller.user, ctx.now],
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


def plain_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON: labels as {zh, en}, numbers and texts as they are, all else as text."""
    return {
        key: value.model_dump()
        if hasattr(value, "model_dump")
        else value
        if isinstance(value, (str, int, float, dict, type(None)))
        else str(value)
        for key, value in params.items()
    }


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
