"""People, departments, roles, log-ins, tokens: `/admin/people` and what stands beside it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import admin, query, record
from anlan.kernel.access import tokens as access_tokens
from anlan.kernel.access.policy import READING_ACTIONS
from anlan.kernel.admin.guard import require_admin
from anlan.kernel.admin.roles import BASIC
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid, not_found
from anlan.kernel.query import Query
from anlan.web.pages.admin.shared import Form, back, form_labels, shown

__all__ = [
    "act_on_person",
    "add_person",
    "assign_role",
    "departments_page",
    "end_session",
    "end_token",
    "grant_page",
    "make_token",
    "people_page",
    "person_page",
    "role_page",
    "roles_page",
    "save_grant",
    "save_person",
    "sessions_page",
    "tokens_page",
]


def people_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/people?q=`."""
    text = request.query_params.get("q", "")
    return shown(
        request, ctx, "people", people=admin.people(ctx, search=text), text=text, roles=_roles(ctx),
        companies=_companies(ctx), departments=_departments(ctx), typed={}, made=None,
    )  # fmt: skip


def add_person(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/people`: the first password stands on the answer and nowhere else; what was typed stays on an error."""
    typed = {
        name: str(form.get(name, "")).strip()
        for name in ("code", "name", "email", "language", "company", "department")
    }
    roles = [str(one) for one in form.getlist("roles")] if hasattr(form, "getlist") else []
    values = {name: text for name, text in typed.items() if text} | {"roles": roles}
    refused, made = None, None
    try:
        made = admin.invite(ctx, values)
    except Refused as one:
        if one.status == 403:
            raise
        refused = one
    return shown(
        request, ctx, "people", refused=refused, people=admin.people(ctx), text="", roles=_roles(ctx),
        companies=_companies(ctx), departments=_departments(ctx),
        typed={} if made else typed | {"roles": roles}, made=made,
    )  # fmt: skip


def person_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/people/{login}`."""
    return _person(request, ctx, request.path_params["login"])


def save_person(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/people/{login}`: name, address, language, company, department, roles, further companies."""
    login = request.path_params["login"]
    values: dict[str, Any] = {
        name: str(form.get(name, "")).strip() or None
        for name in ("name", "email", "language", "company", "department")
    }
    values["roles"] = [str(one) for one in form.getlist("roles")]  # type: ignore[attr-defined]  # starlette's FormData
    wanted = [str(one) for one in form.getlist("companies")]  # type: ignore[attr-defined]  # starlette's FormData
    version = str(form.get("version", ""))

    def work() -> None:
        found = record.read(ctx, "system.user", login)
        lines = {
            one["company"]["id"]: one["id"] for one in found.get("companies") or () if one.get("company")
        }
        values["companies"] = [
            {"id": lines[one], "company": one} if one in lines else {"company": one} for one in wanted
        ]
        record.update(
            ctx,
            "system.user",
            found["id"],
            values,
            version=int(version) if version.isdecimal() else found["version"],
        )

    try:
        ctx.atomically(work)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _person(request, ctx, login, refused=refused)
    return back(f"/admin/people/{login}")


def act_on_person(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/people/{login}/do`: password, enable, disable, unlock, end-sessions, drop-factor."""
    require_admin(ctx)
    login, do = request.path_params["login"], str(form.get("do", ""))
    try:
        if do == "password":
            return _person(request, ctx, login, password=admin.reset_password(ctx, login))
        if do in ("enable", "disable"):
            admin.set_active(ctx, login, do == "enable")
        elif do == "unlock":
            admin.unlock(ctx, login)
        elif do == "end-sessions":
            admin.end_sessions(ctx, login)
        elif do == "drop-factor":
            admin.drop_second_factor(ctx, login)
        else:
            raise not_found("system.user", do)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _person(request, ctx, login, refused=refused)
    return back(f"/admin/people/{login}")


def _person(
    request: Request, ctx: Context, login: str, *, refused: Refused | None = None, password: str | None = None
) -> Response:
    found = admin.people(ctx, login=login)
    if not found:
        raise not_found("system.user", login)
    one = record.read(ctx, "system.user", found[0]["id"])
    return shown(
        request, ctx, "people", template="admin/person.html", title=found[0]["name"], refused=refused,
        person=found[0], one=one, roles=_roles(ctx), companies=_companies(ctx), departments=_departments(ctx),
        further={line["company"]["id"] for line in one.get("companies") or () if line.get("company")},
        password=password,
        asked=[(form.name, form.definition.label.text(ctx.language)) for form in ctx.catalogue.forms.values()],
    )  # fmt: skip


def departments_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/departments`: the tree, with how many people each has."""
    rows = query.records(
        ctx,
        "system.department",
        Query(fields=["code", "name", "parent", "manager", "active"], sort=["code"], limit=500),
    )["data"]
    heads: dict[str, int] = {}
    for one in admin.people(ctx):
        if one["department"] and one["active"]:
            heads[one["department"]] = heads.get(one["department"], 0) + 1
    return shown(request, ctx, "departments", tree=tree(rows), heads=heads)


def tree(rows: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Rows with their depth, each below its parent; what hangs in a circle stands at the end, so that it is seen.

    >>> [(depth, row["code"]) for depth, row in tree([
    ...     {"id": "1", "code": "A", "parent": None}, {"id": "2", "code": "B", "parent": {"id": "1"}}])]
    [(0, 'A'), (1, 'B')]
    """
    known = {row["id"] for row in rows}
    below: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        parent = (row.get("parent") or {}).get("id")
        below.setdefault(parent if parent in known else None, []).append(row)
    found: list[tuple[int, dict[str, Any]]] = []
    waiting = [(0, row) for row in reversed(below.get(None, []))]
    while waiting:
        depth, row = waiting.pop()
        found.append((depth, row))
        waiting += [(depth + 1, child) for child in reversed(below.get(row["id"], []))]
    placed = {row["id"] for _, row in found}
    return found + [(0, row) for row in rows if row["id"] not in placed]


def roles_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/roles?pack=`: roles across, forms down, one pack at a time."""
    packs = admin.matrix(ctx)["packs"]
    chosen = request.query_params.get("pack", "")
    if chosen not in {one["pack"] for one in packs}:
        chosen = next((one["pack"] for one in packs if one["pack"] != "system"), packs[0]["pack"])
    found = admin.matrix(ctx, pack=chosen)
    used = {role for form in found["forms"] for role in form["grants"]}
    columns = {key: one for key, one in found["roles"].items() if key in used or one["all_rights"]}
    return shown(
        request, ctx, "roles", packs=packs, chosen=chosen, forms=found["forms"], columns=columns,
        every=found["roles"], basic=BASIC, reading=READING_ACTIONS,
    )  # fmt: skip


def role_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/roles/{role}`."""
    return _role(request, ctx, request.path_params["role"])


def assign_role(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/roles/{role}`: who is ticked has it."""
    name = request.path_params["role"]
    try:
        admin.assign(ctx, name, [str(one) for one in form.getlist("people")])  # type: ignore[attr-defined]  # starlette's FormData
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _role(request, ctx, name, refused=refused)
    return back(f"/admin/roles/{name}")


def _role(request: Request, ctx: Context, name: str, *, refused: Refused | None = None) -> Response:
    found = admin.role(ctx, name)
    return shown(
        request, ctx, "roles", template="admin/role.html", title=found["label"], refused=refused, role=found,
        basic=BASIC, others=[
            (key, words_) for key, words_ in form_labels(ctx).items() if key not in {one["form"] for one in found["forms"]}
        ],
    )  # fmt: skip


def grant_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/roles/{role}/grant?form=`: what the role may do with one form, to be changed in the draft."""
    return _grant(request, ctx, request.query_params.get("form", ""))


def save_grant(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/roles/{role}/grant`: into the caller's draft; published at the page of packs and versions."""
    role, name = request.path_params["role"], str(form.get("form", ""))
    actions = [str(one) for one in form.getlist("actions")]  # type: ignore[attr-defined]  # starlette's FormData
    rows = str(form.get("rows", "")).strip()
    try:
        admin.grant(ctx, role, name, actions=actions, rows=rows or None)
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _grant(request, ctx, name, refused=refused, typed={"actions": actions, "rows": rows})
    return back("/admin/catalogue")


def _grant(
    request: Request,
    ctx: Context,
    name: str,
    *,
    refused: Refused | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    role = request.path_params["role"]
    found = admin.granted(ctx, role, name)
    form = ctx.catalogue.form(name)
    labels = {item.path: item.label(ctx.language) for item in form.all_fields()}
    label = ctx.catalogue.roles[role].label.text(ctx.language)
    return shown(
        request, ctx, "roles", template="admin/grant.html", title=f"{label} · {form.label(ctx.language)}",
        refused=refused, grant=found | (typed or {}), role=role, form=name, basic=BASIC, labels=labels,
        steps=[(key, one.label.text(ctx.language)) for key, one in form.transitions.items()],
    )  # fmt: skip


def sessions_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/sessions`: who is logged in, from where."""
    return shown(request, ctx, "sessions", sessions=admin.sessions(ctx))


def end_session(request: Request, ctx: Context) -> Response:
    """`POST /admin/sessions/{id}/end`."""
    admin.end_session(ctx, request.path_params["id"])
    return back("/admin/sessions")


def tokens_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/tokens`."""
    return _tokens(request, ctx)


def make_token(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/tokens`: its text stands on the answer and nowhere else."""
    typed = {name: str(form.get(name, "")).strip() for name in ("user", "name", "addresses", "expires")}
    forms = [str(one) for one in form.getlist("forms")]  # type: ignore[attr-defined]  # starlette's FormData
    actions = [str(one) for one in form.getlist("actions")]  # type: ignore[attr-defined]  # starlette's FormData
    try:
        text = access_tokens.create(
            ctx.site,
            typed["user"],
            typed["name"],
            forms=forms or None,
            actions=actions or None,
            addresses=typed["addresses"].replace(",", " ").replace("，", " ").split() or None,
            expires=_end_of(ctx, typed["expires"]),
            by=ctx.caller,
            via="page",
        )
    except Refused as refused:
        if refused.status == 403:
            raise
        return _tokens(request, ctx, refused=refused, typed=typed | {"forms": forms, "actions": actions})
    return _tokens(request, ctx, made=text)


def end_token(request: Request, ctx: Context) -> Response:
    """`POST /admin/tokens/{id}/end`."""
    admin.end_token(ctx, request.path_params["id"])
    return back("/admin/tokens")


def _tokens(
    request: Request,
    ctx: Context,
    *,
    made: str | None = None,
    refused: Refused | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    forms = [(form.name, form.definition.label.text(ctx.language)) for form in ctx.catalogue.forms.values()]
    return shown(
        request, ctx, "tokens", refused=refused, tokens=admin.tokens(ctx), made=made, typed=typed or {},
        people=[one for one in admin.people(ctx) if one["active"]], forms=forms, basic=BASIC,
        tomorrow=(ctx.today + timedelta(days=1)).isoformat(),
    )  # fmt: skip


def _end_of(ctx: Context, text: str) -> datetime | None:
    """The end of the day that was chosen, in the site's zone."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise invalid([Fault("calendar.bad_instant", "expires", {"value": text[:40]})]) from None
    return datetime.combine(day + timedelta(days=1), time(), ctx.site.zone)


def _roles(ctx: Context) -> list[tuple[str, str, str]]:
    return [
        (key, one.label.text(ctx.language), one.help.text(ctx.language) if one.help else "")
        for key, one in ctx.catalogue.roles.items()
    ]


def _companies(ctx: Context) -> list[tuple[str, str]]:
    return _choices(ctx, "system.company")


def _departments(ctx: Context) -> list[tuple[str, str]]:
    return _choices(ctx, "system.department")


def _choices(ctx: Context, form: str) -> list[tuple[str, str]]:
    rows = query.records(ctx, form, Query(fields=["code", "name"], sort=["code"], limit=500))["data"]
    return [(row["id"], row["name"] or row["code"]) for row in rows]
