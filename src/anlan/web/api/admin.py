"""What administrators look at and decide: the same calls as the administrator's pages (kernel/admin)."""

from __future__ import annotations

from datetime import date

from anlan.kernel import admin
from anlan.kernel.catalogue import change
from anlan.kernel.errors import Fault, invalid
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = [
    "EVENT_PARAMETERS",
    "activate",
    "assign",
    "conflicts",
    "drop_factor",
    "end_session",
    "end_sessions",
    "end_token",
    "events",
    "export",
    "grant",
    "granted",
    "health",
    "invite",
    "jobs",
    "password",
    "people",
    "role",
    "roles",
    "sessions",
    "settle",
    "tokens",
    "unlock",
    "verify",
]

EVENT_PARAMETERS = ("who", "form", "kind", "record", "start", "end", "before", "limit")
_USER_FIELDS = ("code", "name", "email", "language", "company", "department", "companies", "roles")


def health(call: Call) -> Answer:
    """GET /admin/health"""
    return Answer({"data": [one._asdict() for one in admin.health(call.ctx)]})


def people(call: Call) -> Answer:
    """GET /admin/people"""
    return Answer({"data": admin.people(call.ctx, search=call.query.get("q", ""))})


def invite(call: Call) -> Answer:
    """POST /admin/people: the password is in this answer and nowhere else."""
    body = params.object_body(call.body, known=_USER_FIELDS)
    made = admin.invite(call.ctx, body)
    return Answer(made, 201, kept={**made, "password": None})


def password(call: Call) -> Answer:
    """POST /admin/people/{login}/password: the new first one, in this answer and nowhere else."""
    login = call.path["login"]
    first = admin.reset_password(call.ctx, login)
    return Answer({"login": login, "password": first}, kept={"login": login, "password": None})


def activate(call: Call) -> Answer:
    """POST /admin/people/{login}/activate"""
    body = params.object_body(call.body, known=("active",))
    wanted = body.get("active")
    if not isinstance(wanted, bool):
        raise invalid([Fault("admin.active_missing", "active")])
    admin.set_active(call.ctx, call.path["login"], wanted)
    return Answer(status=204)


def unlock(call: Call) -> Answer:
    """POST /admin/people/{login}/unlock"""
    admin.unlock(call.ctx, call.path["login"])
    return Answer(status=204)


def end_sessions(call: Call) -> Answer:
    """DELETE /admin/people/{login}/sessions"""
    admin.end_sessions(call.ctx, call.path["login"])
    return Answer(status=204)


def drop_factor(call: Call) -> Answer:
    """DELETE /admin/people/{login}/second-factor"""
    admin.drop_second_factor(call.ctx, call.path["login"])
    return Answer(status=204)


def roles(call: Call) -> Answer:
    """GET /admin/roles"""
    return Answer(admin.matrix(call.ctx, pack=call.query.get("pack") or None))


def role(call: Call) -> Answer:
    """GET /admin/roles/{role}"""
    return Answer(admin.role(call.ctx, call.path["role"]))


def assign(call: Call) -> Answer:
    """PUT /admin/roles/{role}/members: exactly these have it afterwards."""
    body = params.object_body(call.body, known=("people",))
    people = params.texts_of(body, "people")
    if people is None:
        raise invalid([Fault("required", "people", {"field": "people"})])
    return Answer({"changed": admin.assign(call.ctx, call.path["role"], people)})


def granted(call: Call) -> Answer:
    """GET /admin/roles/{role}/grants/{name}: as the caller's draft would have it."""
    return Answer(admin.granted(call.ctx, call.path["role"], call.path["name"]))


def grant(call: Call) -> Answer:
    """PUT /admin/roles/{role}/grants/{name}: into the caller's draft."""
    body = params.object_body(call.body, known=("actions", "rows"))
    actions = params.texts_of(body, "actions")
    if actions is None:
        raise invalid([Fault("required", "actions", {"field": "actions"})])
    admin.grant(
        call.ctx, call.path["role"], call.path["name"], actions=actions, rows=params.text_of(body, "rows")
    )
    return Answer(status=204)


def sessions(call: Call) -> Answer:
    """GET /admin/sessions"""
    return Answer({"data": admin.sessions(call.ctx)})


def end_session(call: Call) -> Answer:
    """DELETE /admin/sessions/{session}"""
    admin.end_session(call.ctx, call.path["session"])
    return Answer(status=204)


def tokens(call: Call) -> Answer:
    """GET /admin/tokens"""
    return Answer({"data": admin.tokens(call.ctx)})


def end_token(call: Call) -> Answer:
    """DELETE /admin/tokens/{token}"""
    admin.end_token(call.ctx, call.path["token"])
    return Answer(status=204)


def jobs(call: Call) -> Answer:
    """GET /admin/jobs"""
    group = call.query.get("group") or "failed"
    limit = params.whole(call.query, "limit", default=100, low=1, high=500)
    return Answer({"data": admin.jobs(call.ctx, group=group, limit=limit), "counts": admin.summary(call.ctx)})


def settle(call: Call) -> Answer:
    """POST /admin/jobs/{job}/{decision}"""
    admin.settle(call.ctx, call.path["job"], call.path["decision"])
    return Answer(status=204)


def events(call: Call) -> Answer:
    """GET /admin/events"""
    asked = call.query
    before = asked.get("before")
    return Answer(
        {
            "data": admin.events(
                call.ctx,
                who=asked.get("who") or None,
                form=asked.get("form") or None,
                kind=asked.get("kind") or None,
                record=asked.get("record") or None,
                start=_day(asked.get("start"), "start"),
                end=_day(asked.get("end"), "end"),
                before=params.whole(asked, "before", default=0, low=1, high=10**17) if before else None,
                limit=params.whole(asked, "limit", default=100, low=1, high=500),
            )
        }
    )


def verify(call: Call) -> Answer:
    """POST /admin/events/verify: reads every event once."""
    return Answer(admin.verify(call.ctx))


def export(call: Call) -> Answer:
    """GET /admin/events/export"""
    first = params.whole(call.query, "first", default=1, low=1, high=10**17)
    last = params.whole(call.query, "last", default=10**17, low=1, high=10**17)
    return Answer(content=admin.export(call.ctx, first=first, last=last), media_type="application/zip")


def conflicts(call: Call) -> Answer:
    """GET /catalogue/conflicts"""
    return Answer({"data": change.conflicts(call.ctx)})


def _day(text: str | None, path: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid([Fault("calendar.bad_instant", path, {"value": text[:40]})]) from None
