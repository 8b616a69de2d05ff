"""Imports that are not finished: what somebody chose and put right for a file, kept until it is imported or given up.

keep(ctx, "demo.thing", file, paths, ways)     again and again, the last one counts
begun(ctx, "demo.thing", file)                 (paths, ways), None where nothing is kept
unfinished(ctx, "demo.thing")                  the caller's own, the last first
forget(ctx, file)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg.types.json import Json

from anlan.kernel.context import Context
from anlan.kernel.exchange.ways import Ways, stored, ways_of

__all__ = ["Unfinished", "begun", "forget", "keep", "unfinished"]

_DAYS = 30  # what was left for longer is not gone on with
_MOST = 5


class Unfinished(NamedTuple):
    """A file that was looked at and not imported."""

    file: str
    name: str
    at: datetime


def keep(ctx: Context, form: str, file: str, paths: Sequence[str | None], ways: Ways) -> None:
    """Remember what the caller chose so far for his file. Refused 403."""
    ctx.caller.policy.require(form, "import")
    with ctx.transaction():
        ctx.connection.execute(
            "insert into import_draft (file, owner, form, paths, ways, at) values ($1, $2, $3, $4, $5, $6)"
            " on conflict (file) do update set form = excluded.form, paths = excluded.paths, ways = excluded.ways,"
            " at = excluded.at where import_draft.owner = excluded.owner",
            [file, ctx.caller.user, form, Json(list(paths)), Json(stored(ways)), ctx.now],
        )


def begun(ctx: Context, form: str, file: str) -> tuple[list[str | None], Ways] | None:
    """What the caller chose before for this file and form."""
    with ctx.transaction():
        row = ctx.connection.execute(
            "select paths, ways from import_draft where file = $1 and owner = $2 and form = $3",
            [file, ctx.caller.user, form],
        ).fetchone()
    return None if row is None else (row[0], ways_of(row[1]))


def unfinished(ctx: Context, form: str) -> list[Unfinished]:
    """The caller's files of the last month that wait to be imported into this form."""
    with ctx.transaction():
        rows = ctx.connection.execute(
            "select d.file, f.name, d.at from import_draft d join file f on f.id = d.file"
            f" where d.owner = $1 and d.form = $2 and d.at > $3::timestamptz - interval '{_DAYS} days'"
            f" order by d.at desc limit {_MOST}",
            [ctx.caller.user, form, ctx.now],
        ).fetchall()
    return [Unfinished(*row) for row in rows]


def forget(ctx: Context, file: str) -> None:
    """It is imported, or given up."""
    with ctx.transaction():
        ctx.connection.execute(
            "delete from import_draft where file = $1 and owner = $2", [file, ctx.caller.user]
        )
