"""Why somebody may, or may not, see or do something: which grant, row rule, company or mask decides.

    why(ctx, "demo.note", "read", login="wang", key="N-1")
        → {"allowed": False, "steps": [{"part": "grant", "holds": True, "roles": [...]},
                                       {"part": "rows", "holds": False, "rules": [...]}], ...}

Everybody may ask about himself, administrators about everybody. The answer says which rule decides and never
what is in the record: to who may not see it, a record that is hidden reads exactly like one that is not there.
"""

from __future__ import annotations

from typing import Any

from anlan.kernel.access import identity
from anlan.kernel.access.caller import Caller, caller_from
from anlan.kernel.access.predicate import visible_ids
from anlan.kernel.admin.guard import require_admin
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import not_found

__all__ = ["caller_for", "why"]


def caller_for(ctx: Context, login: str) -> Caller:
    """The rights of an active user as his own session would have them. Refused 403, 404."""
    require_admin(ctx)
    with ctx.transaction() as tx:
        found = identity.load_by_login(tx.connection, login)
    if found is None:
        raise not_found("system.user", login)
    return caller_from(found, ctx.catalogue.policies)


def why(
    ctx: Context, form_name: str, action: str = "read", *, login: str | None = None, key: str | None = None
) -> dict[str, Any]:
    """Who is asked about, whether it is allowed, and the steps that decide. Refused 403, 404 (form, user).

    `steps`, in the order in which they are asked, until one fails: `grant` (roles that grant it; `would`: roles
    that would), `company` (the form's records belong to companies; which of them he works for), `rows` (row
    rules, of which one must hold; none: all rows), `record` (only with `key`), then `masks` (fields that are
    hidden or only shown). `holds` is None where it depends on the record. What a record says about itself is
    only told to an administrator.
    """
    asked = ctx.caller if login in (None, ctx.caller.login) else caller_for(ctx, login or "")
    form = ctx.catalogue.forms.get(form_name)
    # Who may do nothing with a form is told of it only what its name and its roles are.
    if form is None:
        raise not_found(form_name, "")
    steps = [_grant(ctx, asked, form, action)]
    if steps[-1]["holds"]:
        steps.append(_company(ctx, asked, form))
        steps.append(_rows(asked, form, action))
        if key:
            steps.append(_record(ctx, asked, form, key))
        steps.append(_masks(ctx, asked, form))
    return {
        "person": {"login": asked.login, "name": asked.name, "roles": _labels(ctx, sorted(asked.roles))},
        "form": {"form": form.name, "label": form.definition.label.text(ctx.language)},
        "action": action,
        "key": key,
        "allowed": all(step["holds"] is not False for step in steps),
        "steps": steps,
    }


def _grant(ctx: Context, asked: Caller, form: Form, action: str) -> dict[str, Any]:
    found = asked.policy.explain(form.name, action)
    return {
        "part": "grant",
        "holds": found.allowed,
        "reason": found.reason,
        "roles": _labels(ctx, found.roles),
        "would": _labels(ctx, (*found.would_grant, *sorted(ctx.catalogue.policies.all_rights)))
        if not found.allowed and found.reason == "not_granted"
        else [],
    }


def _company(ctx: Context, asked: Caller, form: Form) -> dict[str, Any]:
    if not form.has_company or asked.companies is None:
        return {"part": "company", "holds": True, "every": True, "companies": []}
    names = []
    for key in asked.companies:
        row = ctx.memory.row("system.company", key)
        names.append(str(row.get("name") or row.get("code") or ""))
    return {"part": "company", "holds": None if names else False, "every": False, "companies": names}


def _rows(asked: Caller, form: Form, action: str) -> dict[str, Any]:
    rules = asked.policy.rows(form.name, action)
    return {"part": "rows", "holds": True if rules is None else None, "rules": list(rules or ())}


def _record(ctx: Context, asked: Caller, form: Form, key: str) -> dict[str, Any]:
    """Whether he sees it. A record that is not there is `holds: False` as well; only an administrator learns which."""
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "SELECT id FROM record_index WHERE form = $1 AND (id::text = $2 OR code = $2) LIMIT 1",
            [form.name, key],
        ).fetchall()
        found = str(rows[0][0]) if rows else None
        other = Context(ctx.site, asked, language=ctx.language, via=ctx.via, request_id=ctx.request_id)
        other.tx = ctx.tx
        seen = found is not None and found in visible_ids(other, form, [found])
        deciding = None
        if ctx.caller.admin and found is not None and not seen:
            deciding = "rows" if _in_companies(ctx, asked, form, found) else "company"
    exists = (found is not None) if ctx.caller.admin else None
    return {"part": "record", "holds": seen, "exists": exists, "deciding": deciding}


def _in_companies(ctx: Context, asked: Caller, form: Form, found: str) -> bool:
    if not form.has_company or asked.companies is None:
        return True
    row = ctx.connection.execute(
        f'SELECT "company" IS NULL OR "company" = ANY ($2::uuid[]) FROM {form.table} WHERE id = $1',
        [found, list(asked.companies)],
    ).fetchone()
    return bool(row and row[0])


def _masks(ctx: Context, asked: Caller, form: Form) -> dict[str, Any]:
    labels = {item.path: item.label(ctx.language) for item in form.all_fields()}
    restricted = asked.policy.fields(form.name)
    return {
        "part": "masks",
        "holds": True,
        "hidden": [labels.get(path, path) for path, access in restricted.items() if access == "none"],
        "shown": [labels.get(path, path) for path, access in restricted.items() if access == "read"],
    }


def _labels(ctx: Context, roles: tuple[str, ...] | list[str]) -> list[dict[str, str]]:
    return [
        {"role": one, "label": ctx.catalogue.roles[one].label.text(ctx.language)}
        for one in dict.fromkeys(roles) if one in ctx.catalogue.roles
    ]  # fmt: skip
