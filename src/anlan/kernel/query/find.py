"""Finding records while typing: typeahead within a form, and search over all forms."""

from __future__ import annotations

from typing import Any

from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.index import query_of
from anlan.kernel.query.records import computable
from anlan.kernel.query.scope import filter_sql, rule_sql
from anlan.kernel.query.words import TOP, Found, any_of, found_condition, look_up, typed_text

__all__ = ["recent", "search", "suggest"]

MOST = 50


def suggest(
    ctx: Context, form_name: str, text: str, *, only: str | None = None, limit: int = 10, field: str | None = None,
) -> list[dict[str, Any]]:
    """Records of a form by code, name or pinyin initials, best first: `[{"id", "code", "label"}]`.

    Who may make a record that links to the form may choose from it; `field` (`form/path` of the link) applies its
    `only`. Codes that begin with the text come before names that contain it. Refused 403, 404, 422.
    """
    form = ctx.form(form_name)
    _may_choose(ctx, form, field)
    limit = max(1, min(limit, MOST))

    def work() -> list[dict[str, Any]]:
        ctx.check_versions()
        form = ctx.form(form_name)
        names = names_for(ctx, form)
        rights = predicate(ctx, form, "read", names) if ctx.caller.policy.can(form.name, "read") else _company(ctx, form)
        own = filter_sql(ctx, form, names, only, "only") if only else None
        chosen = rule_sql(ctx, form, names, rule) if field and (rule := _only_of(ctx, form, field)) else None
        conditions = " AND ".join(part for part in (rights, own, chosen) if part) or "true"
        rows = _choices(ctx, form, names, conditions, typed_text(text), limit)
        return [{"id": row[0], "code": row[1], "label": row[2]} for row in rows]

    with computable():
        return ctx.atomically(work)


def _choices(ctx: Context, form: Form, names: FormNames, conditions: str, typed: str, limit: int) -> list[tuple[Any, ...]]:  # noqa: PLR0917
    """Codes that begin with what was typed, as it is or in capitals, then records that have its words. Three statements at most."""
    code = f"h.{quoted(form.code_column)}"
    source = f'SELECT h."id", {code}, h.{quoted(form.label_column)} FROM {form.table} h {names.joins} WHERE {conditions}'
    if not typed:
        return ctx.connection.execute(f"{source} ORDER BY {code} NULLS FIRST LIMIT {limit}").fetchall()
    rows: dict[str, tuple[Any, ...]] = {}
    for beginning in dict.fromkeys((typed, typed.upper())):
        rows |= {row[0]: row for row in ctx.connection.execute(
            f"{source} AND {code} >= $1 AND {code} < $2 ORDER BY {code} NULLS FIRST LIMIT {limit}", [beginning, beginning + TOP]).fetchall()}
    if len(rows) < limit and query_of(typed):
        found = look_up(ctx, typed, form.name)
        words = found_condition(form, typed, Found([], found.words))
        for row in ctx.connection.execute(f"{source} AND {words} ORDER BY {code} NULLS FIRST LIMIT {limit}").fetchall():
            rows.setdefault(row[0], row)
    return list(rows.values())[:limit]


def _company(ctx: Context, form: Form) -> str | None:
    companies = ctx.caller.companies
    if not form.has_company or companies is None:
        return None
    ids = ", ".join(f"'{company}'" for company in companies)
    own = f' OR h."company" IN ({ids})' if ids else ""
    return f'(h."company" IS NULL{own})'


def _may_choose(ctx: Context, form: Form, field: str | None) -> None:
    """Who reads the form may; else who may write the form that has the link."""
    if field is None:
        ctx.caller.policy.require(form.name, "read")
        return
    owner = ctx.form(field.rpartition("/")[0])
    item = owner.field_at(field.rpartition("/")[2])
    if item is None or item.to != form.name:
        raise invalid([Fault("unknown_field", "field", {"field": field[:80], "form": owner.definition.label})])
    if not ctx.caller.policy.can(owner.name, "create"):
        ctx.caller.policy.require(owner.name, "update")


def _only_of(ctx: Context, form: Form, field: str) -> str | None:
    """The filter of the link field that is typed into."""
    item = ctx.form(field.rpartition("/")[0]).field_at(field.rpartition("/")[2])
    return item.definition.only if item is not None and item.to == form.name else None


def search(ctx: Context, text: str, *, limit: int = 20, forms: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Records of all forms that the caller may read: by the beginning of their code, then by words, newest first.

    Three statements at most.
    """
    typed = typed_text(text)
    if not typed:
        return []
    limit = max(1, min(limit, MOST))

    def work() -> list[dict[str, Any]]:
        ctx.check_versions()
        visible = _visible(ctx, forms)
        if visible is None:
            return []
        capitals = typed.upper()
        source = f"SELECT i.form, i.id, i.code, i.title, i.state FROM record_index i WHERE {visible} AND "
        rows = ctx.connection.execute(
            f"{source} i.code >= $1 AND i.code < $2 ORDER BY i.code, i.id DESC LIMIT {limit}", [capitals, capitals + TOP]).fetchall()
        words = query_of(typed)
        if words and len(rows) < limit:
            few = look_up(ctx, typed, None).words
            found = any_of("i.id", few) if few is not None else f"i.tokens @@ {sql_text(words)}::tsquery"
            rows += ctx.connection.execute(f"{source} {found} ORDER BY i.id DESC LIMIT {limit}").fetchall()
        return [_hit(ctx, row) for row in dict.fromkeys(rows)][:limit]

    return ctx.atomically(work)


def _visible(ctx: Context, forms: tuple[str, ...]) -> str | None:
    """Which rows of the record index the caller may see; None: none. Row rules look at the record itself."""
    policy = ctx.caller.policy
    readable = sorted(name for name in policy.forms("read") if name in ctx.catalogue.forms and (not forms or name in forms))
    plain = [name for name in readable if policy.rows(name, "read") is None]
    parts = [f"i.form IN ({', '.join(sql_text(name) for name in plain)})"] if plain else []
    for name in readable:
        if name not in plain:
            form = ctx.catalogue.forms[name]
            names = names_for(ctx, form)
            rule = predicate(ctx, form, "read", names)
            # One value, not EXISTS: asked row by row, where EXISTS would first gather all rows that the rule lets see.
            parts.append(f'(i.form = {sql_text(name)} AND (SELECT {rule} FROM {form.table} h {names.joins} WHERE h."id" = i.id))')
    if not parts:
        return None
    company = ""
    if ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        company = f" AND (i.company IS NULL{f' OR i.company IN ({ids})' if ids else ''})"
    return f"({' OR '.join(parts)}){company}"


def recent(ctx: Context, *, limit: int = 10) -> list[dict[str, Any]]:
    """Records that the caller made or changed last, newest first, as far as he may still see them. Two statements."""
    def work() -> list[dict[str, Any]]:
        ctx.check_versions()
        visible = _visible(ctx, ())
        if visible is None:
            return []
        rows = ctx.connection.execute(
            "SELECT i.form, i.id, i.code, i.title, i.state FROM (SELECT record, max(seq) AS seq FROM (SELECT record, seq FROM event "
            "WHERE actor = $1 AND record IS NOT NULL ORDER BY seq DESC LIMIT 200) e GROUP BY record) e "
            f"JOIN record_index i ON i.id = e.record WHERE {visible} ORDER BY e.seq DESC LIMIT $2", [ctx.caller.user, limit]).fetchall()
        return [_hit(ctx, row) for row in rows]

    return ctx.atomically(work)


def _hit(ctx: Context, row: tuple[Any, ...]) -> dict[str, Any]:
    form = ctx.catalogue.forms[row[0]]
    state = form.states.get(row[4])
    return {"form": row[0], "form_label": form.label(ctx.language), "id": row[1], "number": row[2], "code": row[2], "title": row[3],
            "state": row[4], "state_label": state.label.text(ctx.language) if state else None}
