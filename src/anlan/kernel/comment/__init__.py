"""What people say about a record, and whom they call to it.

    comment.add(ctx, "demo.order", key, "@王芳 请看", mentions=[user])   →  the event; 王芳 is told, with the way to it
    comment.mentionable(ctx, "demo.order", key, "wf")                   →  [{"id", "code", "label"}]

Only who may read the record can be called to it: his roles, his companies and his row rules are asked, not the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from anlan.kernel import message, record
from anlan.kernel.access.caller import Caller, caller_from
from anlan.kernel.access.identity import COLUMNS, USERS, from_row
from anlan.kernel.access.predicate import visible_ids
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.ids import id_array
from anlan.kernel.index import query_of
from anlan.kernel.record.load import find

__all__ = ["MOST_MENTIONS", "add", "mentionable"]

MOST_MENTIONS = 20
_MOST_ASKED = 40  # people whose rights are looked at for one question
_EXCERPT = 80  # characters of a comment that a message repeats


def add(ctx: Context, form_name: str, key: str, text: str, *, mentions: Sequence[str] = ()) -> dict[str, Any]:
    """Say something about a record; `mentions` are ids of users, who are told. The event, as in the trail.

    Refused 422 `comment.cannot_read` for somebody who may not read the record, and like `record.comment`.
    """
    wanted = list(dict.fromkeys(one.lower() for one in mentions))
    if len(wanted) > MOST_MENTIONS:
        raise invalid([Fault("too_many", "mentions", {"limit": MOST_MENTIONS, "what": "mentions"})])
    wrong = [Fault("comment.unknown_user", f"mentions[{at}]", {"value": one[:40]})
             for at, one in enumerate(wanted) if UUID.fullmatch(one) is None]  # fmt: skip
    if wrong:
        raise invalid(wrong)

    def work() -> dict[str, Any]:
        event = record.comment(ctx, form_name, key, text)
        if wanted:
            form = ctx.form(form_name)
            _tell(ctx, form, find(ctx, form, key), wanted, event)
        return event

    return ctx.atomically(work)


def _tell(ctx: Context, form: Form, id: str, wanted: list[str], event: dict[str, Any]) -> None:
    rows = ctx.connection.execute(
        f"SELECT {COLUMNS} FROM {USERS} u WHERE u.active AND u.id = ANY ($1::uuid[])", [id_array(wanted)]
    ).fetchall()
    people = {one.user: one for one in _callers(ctx, rows)}
    faults = []
    for at, user in enumerate(wanted):
        person = people.get(user)
        if person is None:
            faults.append(Fault("comment.unknown_user", f"mentions[{at}]", {"value": user}))
        elif not _may_read(ctx, person, form, id):
            faults.append(Fault("comment.cannot_read", f"mentions[{at}]", {"who": person.name}))
    if faults:
        raise invalid(faults)
    told = event["comment"]
    excerpt = told if len(told) <= _EXCERPT else told[:_EXCERPT] + "…"
    params = {"who": ctx.caller.name, "record": _name(ctx, form, id), "comment": excerpt, "event": event["seq"]}
    others = [user for user in wanted if user != ctx.caller.user]
    message.notify(ctx.connection, others, "comment.mentioned", params, now=ctx.now, record=(form.name, id))


def mentionable(ctx: Context, form_name: str, key: str, text: str, *, limit: int = 8) -> list[dict[str, Any]]:
    """Active users whose log-in, name or pinyin initials fit and who may read the record, by log-in.

    Refused like reading the record.
    """
    ctx.caller.policy.require(form_name, "read")

    def work() -> list[dict[str, Any]]:
        form = ctx.form(form_name)
        id = find(ctx, form, key)
        if id not in visible_ids(ctx, form, [id]):
            return []
        typed = text.replace("\x00", "").strip()[:60]
        words = query_of(typed)
        like = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        rows = ctx.connection.execute(
            f"SELECT {COLUMNS} FROM {USERS} u WHERE u.active AND u.id <> $1 AND ($2 = '' OR u.code ILIKE $3 OR u.name ILIKE $3"
            " OR ($4::text IS NOT NULL AND EXISTS (SELECT FROM record_index i WHERE i.id = u.id AND i.tokens @@ $4::tsquery)))"
            " ORDER BY u.code LIMIT $5",
            [ctx.caller.user, typed, like, words, _MOST_ASKED],
        ).fetchall()
        found: list[dict[str, Any]] = []
        for person in _callers(ctx, rows):
            if len(found) == limit:
                break
            if _may_read(ctx, person, form, id):
                found.append({"id": person.user, "code": person.login, "label": person.name})
        return found

    return ctx.atomically(work)


def _callers(ctx: Context, rows: Iterable[Sequence[Any]]) -> Iterator[Caller]:
    return (caller_from(from_row(row), ctx.site.catalogue.policies) for row in rows)


def _may_read(ctx: Context, person: Caller, form: Form, id: str) -> bool:
    """Whether somebody else may read a record; in the caller's transaction. One statement at most."""
    other = Context(ctx.site, person, via=ctx.via, now=ctx.now)
    other.tx = ctx.tx
    return id in visible_ids(other, form, [id])


def _name(ctx: Context, form: Form, id: str) -> str:
    """What people call the record; a draft without number and title goes by its form."""
    row = ctx.connection.execute("SELECT coalesce(code, title) FROM record_index WHERE id = $1", [id]).fetchone()
    return str(row[0]) if row is not None and row[0] is not None else form.label(ctx.language)
