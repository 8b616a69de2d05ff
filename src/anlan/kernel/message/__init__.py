"""What a user is told inside the system: the bell.

    message.notify(connection, [user], "approval.wanted", {"record": "SO1"}, record=("demo.order", id),
    now=ctx.now) message.inbox(ctx)   →   [{"id", "text", "form", "record", "created_at", "read"}], newest
    first message.unread(ctx)  →   3
    message.mark_read(ctx, [id])

The row holds code and parameters; the sentence is made where it is shown, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

import orjson
from psycopg.types.json import Json

from anlan.kernel.context import Context
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection

__all__ = ["Told", "inbox", "kinds", "mark_read", "notify", "unread"]

_MOST = 200


class Told(TypedDict):
    """One notification as its reader sees it; `record` is an id, to be opened with `form`; `event` the seq of the event
    of it that is meant, or None."""

    id: str
    code: str
    text: str
    form: str | None
    record: str | None
    event: int | None
    created_at: str
    read: bool


def notify(
    connection: Connection,
    users: Iterable[str],
    code: str,
    params: Mapping[str, Any],
    *,
    now: datetime,
    record: tuple[str, str] | None = None,
    form: str | None = None,
) -> int:
    """Tell users something, in the caller's transaction: nobody is told of what was rolled back.

    `record`: (form, id) of what it is about; `form` where it is about many of its records. Each user is told once, however often he is named; how many
    were, returns.
    """
    people = sorted(set(users))
    form, id = record or (form, None)
    content = Json(dict(params), dumps=lambda one: orjson.dumps(one, default=str))
    connection.execute(
        "insert into message (id, recipient, code, params, form, record, created_at)"
        " select i, u, $3, $4, $5, $6, $7 from unnest($1::uuid[], $2::uuid[]) as told (i, u)",
        [[uuid7() for _ in people], people, code, content, form, id, now],
    )
    return len(people)


def inbox(
    ctx: Context,
    *,
    unread: bool = False,
    limit: int = 50,
    after: str | None = None,
    kind: str | None = None,
) -> list[Told]:
    """The caller's notifications, newest first; `after` is the id of the last one seen, for the next page.

    `kind`: only those with this code.
    """
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "select id, code, params, form, record, created_at, read_at is not null from message"
            " where recipient = $1 and (not $2 or read_at is null) and ($3::uuid is null or id < $3)"
            " and ($5::text is null or code = $5) order by id desc limit $4",
            [ctx.caller.user, unread, after, min(limit, _MOST), kind],
        ).fetchall()
    return [
        Told(
            id=id,
            code=code,
            text=ctx.site.messages.text(code, ctx.language, **params),
            form=form,
            record=record,
            event=params.get("event"),
            created_at=at.isoformat().replace("+00:00", "Z"),
            read=read,
        )
        for id, code, params, form, record, at, read in rows
    ]


def kinds(ctx: Context) -> dict[str, int]:
    """How many notifications of each code the caller has, the most first."""
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "select code, count(*) from message where recipient = $1 group by code order by 2 desc, 1",
            [ctx.caller.user],
        ).fetchall()
    return {code: int(count) for code, count in rows}


def unread(ctx: Context) -> int:
    """How many the caller has not read."""
    with ctx.transaction() as tx:
        row = tx.connection.execute(
            "select count(*) from message where recipient = $1 and read_at is null", [ctx.caller.user]
        ).fetchone()
    return int(row[0]) if row else 0


def mark_read(ctx: Context, ids: Sequence[str] | None = None) -> int:
    """Mark these notifications of the caller, or all, as read; return how many were not before."""
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "update message set read_at = $2 where recipient = $1 and read_at is null"
            " and ($3::uuid[] is null or id = any($3)) returning id",
            [ctx.caller.user, ctx.now, None if ids is None else list(ids)],
        ).fetchall()
    return len(rows)
