"""What each role may do with each form, in the words of its definition; and who has the role.

matrix(ctx, pack="demo")   → {"packs", "roles", "actions", "forms": [{form, label, grants: {role: {...}}}]}
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from anlan.kernel import record
from anlan.kernel.access.identity import USERS
from anlan.kernel.admin.guard import require_admin
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.definition.model import Grant
from anlan.kernel.errors import Fault, invalid, not_found

__all__ = ["assign", "matrix", "role"]

BASIC = ("read", "create", "update", "delete", "export", "import", "print")


def matrix(ctx: Context, *, pack: str | None = None, role: str | None = None) -> dict[str, Any]:
    """Roles by forms: of one pack, or of one role over all forms. No statement. Refused 403, 404."""
    require_admin(ctx)
    catalogue = ctx.catalogue
    if role is not None and role not in catalogue.roles:
        raise not_found("roles", role)
    packs = list(dict.fromkeys(form.pack for form in catalogue.forms.values()))
    chosen = [form for form in catalogue.forms.values() if (pack is None or form.pack == pack)]
    roles = {
        key: {"label": one.label.text(ctx.language), "all_rights": one.all_rights}
        for key, one in catalogue.roles.items()
        if role is None or key == role
    }
    return {
        "packs": [{"pack": one, "label": _pack_label(ctx, one)} for one in packs],
        "roles": roles,
        "forms": [
            {
                "form": form.name,
                "label": form.definition.label.text(ctx.language),
                "pack": form.pack,
                "grants": {
                    key: shown(ctx, form, grant)
                    for key, grant in form.definition.grants.items()
                    if key in roles
                },
            }
            for form in chosen
        ],
    }


def shown(ctx: Context, form: Form, grant: Grant) -> dict[str, Any]:
    """A grant for people: actions with their labels, the row rule, fields that are masked with their labels."""
    every = [*BASIC, *form.transitions]
    actions = every if "*" in grant.actions else [one for one in every if one in grant.actions]
    labels = {item.path: item.label(ctx.language) for item in form.all_fields()}
    return {
        "actions": actions,
        "steps": {
            one: form.transitions[one].label.text(ctx.language) for one in actions if one in form.transitions
        },
        "rows": grant.rows,
        "fields": [
            {"field": path, "label": labels.get(path, path), "access": access}
            for path, access in grant.fields.items()
        ],
    }


def role(ctx: Context, name: str) -> dict[str, Any]:
    """A role: label, help, what it may do, who has it. One statement. Refused 403, 404."""
    found = matrix(ctx, role=name)
    one = ctx.catalogue.roles[name]
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"SELECT code, name, active, $1 = ANY (roles) FROM {USERS} "
            "WHERE active OR $1 = ANY (roles) ORDER BY code LIMIT 1000",
            [name],
        ).fetchall()
    return {
        "role": name,
        "label": one.label.text(ctx.language),
        "help": one.help.text(ctx.language) if one.help else None,
        "all_rights": one.all_rights,
        "forms": [form for form in found["forms"] if name in form["grants"]],
        "people": [
            {"login": row[0], "name": row[1] or row[0], "active": bool(row[2]), "has": bool(row[3])}
            for row in rows
        ],
    }


def assign(ctx: Context, name: str, logins: Collection[str]) -> int:
    """Exactly these active users have the role afterwards; how many records changed. All or none.

    Refused 403, 404, 422 (the last administrator; an unknown log-in).
    """
    require_admin(ctx)
    people = role(ctx, name)["people"]
    unknown = sorted(set(logins) - {one["login"] for one in people})
    if unknown:
        raise invalid(Fault("admin.unknown_user", "people", {"login": login}) for login in unknown)
    moved = [one["login"] for one in people if one["active"] and one["has"] != (one["login"] in logins)]

    def work() -> None:
        for login in moved:
            found = record.read(ctx, "system.user", login)
            had = list(found.get("roles") or ())
            roles = [one for one in had if one != name] if name in had else [*had, name]
            record.update(ctx, "system.user", found["id"], {"roles": roles}, version=found["version"])

    if moved:
        ctx.atomically(work)
    return len(moved)


def _pack_label(ctx: Context, name: str) -> str:
    found = ctx.catalogue.packs.get(name)
    return found.label.text(ctx.language) if found is not None else name
