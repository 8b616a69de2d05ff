"""The caller himself, users, roles, sessions, tokens. Users are records of `system.user`: they are changed
there.
"""

from __future__ import annotations

from datetime import UTC, datetime

from anlan.kernel import admin, message, query
from anlan.kernel.access import profile as access_profile
from anlan.kernel.access import sessions
from anlan.kernel.access import tokens as access_tokens
from anlan.kernel.errors import Fault, forbidden, invalid
from anlan.web.api import params
from anlan.web.api.records import list_query
from anlan.web.api.routing import Answer, Call

__all__ = [
    "change_password",
    "change_profile",
    "create_token",
    "end_session",
    "end_token",
    "mark_read",
    "me",
    "messages",
    "own_sessions",
    "profile",
    "roles",
    "tokens",
    "users",
    "why",
]

_USER_FIELDS = ["code", "name", "email", "language", "active", "company", "department", "roles"]


def me(call: Call) -> Answer:
    """GET /me"""
    caller = call.ctx.caller
    return Answer(
        {
            "id": caller.user,
            "login": caller.login,
            "name": caller.name,
            "language": caller.language,
            "company": caller.company,
            "companies": None if caller.companies is None else list(caller.companies),
            "department": caller.department,
            "roles": sorted(caller.roles),
            "admin": caller.admin,
            "must_change": caller.must_change,
        }
    )


def change_password(call: Call) -> Answer:
    """POST /me/password"""
    body = params.object_body(call.body, known=("old", "new"))
    old, new = (params.required_text(body, name) for name in ("old", "new"))
    sessions.change_password(call.ctx.site, call.ctx.caller, old, new, address=call.address, via="api")
    return Answer(status=204)


def profile(call: Call) -> Answer:
    """GET /me/profile"""
    return Answer(access_profile.read(call.ctx))


def change_profile(call: Call) -> Answer:
    """PATCH /me/profile"""
    body = params.object_body(call.body, known=("name", "language", "company"))
    access_profile.save(
        call.ctx,
        name=params.required_text(body, "name"),
        language=params.required_text(body, "language"),
        company=params.text_of(body, "company"),
    )
    return Answer(status=204)


def messages(call: Call) -> Answer:
    """GET /messages"""
    after = call.query.get("after")
    found = message.inbox(
        call.ctx,
        unread=params.switch(call.query, "unread"),
        kind=call.query.get("kind") or None,
        limit=params.whole(call.query, "limit", default=50, low=1, high=200),
        after=params.identifier({"id": after}, "message") if after else None,
    )
    return Answer({"data": found, "unread": message.unread(call.ctx)})


def mark_read(call: Call) -> Answer:
    """POST /messages/read: those that are named, all when none is."""
    body = params.object_body(call.body, known=("ids",))
    ids = params.texts_of(body, "ids")
    named = None if ids is None else [params.identifier({"id": one}, "message") for one in ids]
    return Answer({"read": message.mark_read(call.ctx, named)})


def why(call: Call) -> Answer:
    """GET /why/{form}"""
    asked = call.query
    return Answer(
        admin.why(
            call.ctx,
            call.path["form"],
            asked.get("action") or "read",
            login=asked.get("login") or None,
            key=asked.get("key") or None,
        )
    )


def own_sessions(call: Call) -> Answer:
    """GET /me/sessions"""
    return Answer({"data": sessions.list_of(call.ctx.site, call.ctx.caller.user)})


def end_session(call: Call) -> Answer:
    """DELETE /me/sessions/{id}"""
    caller = call.ctx.caller
    sessions.revoke(call.ctx.site, caller.user, call.path["id"], by=caller.user, via="api")
    return Answer(status=204)


def users(call: Call) -> Answer:
    """GET /users: the list of `system.user`, with what a directory needs."""
    asked = list_query(call.query)
    return Answer(query.records(call.ctx, "system.user", asked._replace(fields=asked.fields or _USER_FIELDS)))


def roles(call: Call) -> Answer:
    """GET /roles"""
    ctx = call.ctx
    ctx.caller.policy.require("system.user", "read")
    return Answer(
        {
            "data": [
                {
                    "role": key,
                    "label": role.label.text(ctx.language),
                    "help": role.help.text(ctx.language) if role.help else None,
                    "all_rights": role.all_rights,
                }
                for key, role in sorted(ctx.catalogue.roles.items())
            ]
        }
    )


def tokens(call: Call) -> Answer:
    """GET /tokens: the caller's own."""
    return Answer({"data": access_tokens.list_of(call.ctx.site, call.ctx.caller.user)})


def create_token(call: Call) -> Answer:
    """POST /tokens: the text is in this answer and nowhere else; an Idempotency-Key does not keep it
    either.
    """
    body = params.object_body(call.body, known=("name", "forms", "actions", "addresses", "expires", "user"))
    caller = call.ctx.caller
    name = params.required_text(body, "name")
    text = access_tokens.create(
        call.ctx.site,
        params.text_of(body, "user") or caller.login,
        name,
        forms=params.texts_of(body, "forms"),
        actions=params.texts_of(body, "actions"),
        addresses=params.texts_of(body, "addresses"),
        expires=_expiry(params.text_of(body, "expires")),
        by=caller,
        via="api",
    )
    return Answer({"name": name, "token": text}, 201, kept={"name": name, "token": None})


def end_token(call: Call) -> Answer:
    """DELETE /tokens/{id}"""
    caller = call.ctx.caller
    if caller.token_scope is not None:
        raise forbidden("system.user", "token")
    access_tokens.revoke(call.ctx.site, caller.user, call.path["id"], by=caller.user, via="api")
    return Answer(status=204)


def _expiry(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise invalid([Fault("calendar.bad_instant", "expires", {"value": text[:40]})]) from None
    if instant.tzinfo is None:
        raise invalid([Fault("calendar.bad_instant", "expires", {"value": text[:40]})])
    return instant.astimezone(UTC)
