"""Finding records while typing: typeahead within a form, and search over all forms."""

from __future__ import annotations

from typing import Any

from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.index import query_of
from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.query.records import filter_sql

__all__ = ["recent", "search", "suggest"]

MOST = 50
TOP = "\U0010ffff"       # above every text: the end of a prefix's range


def suggest(
    ctx: Context, form_name: str, text: str, *, only: str | None = None, limit: int = 10, field: str | None = None,
) -> list[dict[str, Any]]:
    """Records of a form by code, name or pinyin initials, best first: `[{"id", "code", "label"}]`.

    Who may make a record that links to the form may choose from it; `field` (`form.path` of the link) applies its
    `only`. Codes that begin with the text come before names that contain it. One statement.
    """
    form = ctx.form(form_name)
    if field is None:
        ctx.caller.policy.require(form.name, "read")
    else:
        only = _only_of(ctx, form, field)

    def work() -> list[dict[str, Any]]:
        names = names_for(ctx, form)
        conditions = [part for part in (
            predicate(ctx, form, "read", names) if ctx.caller.policy.can(form.name, "read") else _company(ctx, form),
            filter_sql(ctx, form, names, only, "only") if only else None) if part]
        code, label = f"h.{quoted(form.code_column)}", f"h.{quoted(form.label_column)}"
        typed = text.strip().replace("\x00", "")[:100]
        params: list[Any] = []
        order = f"{code}"
        if typed:
            params = [typed, typed + TOP]
            words = query_of(typed)
            found = f"({code} >= $1 AND {code} < $2) OR ({code} >= upper($1) AND {code} < upper($2))"
            if words:
                found += f' OR h."id" IN (SELECT i.id FROM record_index i WHERE i.form = {sql_text(form.name)} AND i.tokens @@ {sql_text(words)}::tsquery LIMIT 500)'
            conditions.append(f"({found})")
            order = f"{code} <> upper($1), NOT ({code} >= upper($1) AND {code} < upper($2)), {code}"
        where = " AND ".join(conditions) or "true"
        rows = ctx.connection.execute(
            f'SELECT h."id", {code}, {label} FROM {form.table} h {names.joins} WHERE {where} ORDER BY {order} LIMIT {max(1, min(limit, MOST))}',
            params).fetchall()
        return [{"id": row[0], "code": row[1], "label": row[2]} for row in rows]

    return ctx.atomically(work)


def _company(ctx: Context, form: Form) -> str | None:
    companies = ctx.caller.companies
    if not form.has_company or companies is None:
        return None
    ids = ", ".join(f"'{company}'" for company in companies)
    own = f' OR h."company" IN ({ids})' if ids else ""
    return f'(h."company" IS NULL{own})'


def _only_of(ctx: Context, form: Form, field: str) -> str | None:
    """The filter of the link field that is typed into; the caller must be able to write that form."""
    owner_name, _, path = field.rpartition("/")
    owner = ctx.form(owner_name)
    item = owner.field_at(path)
    if item is None or item.to != form.name:
        raise invalid([Fault("unknown_field", "field", {"field": path, "form": owner.definition.label})])
    if not ctx.caller.policy.can(owner.name, "create"):
        ctx.caller.policy.require(owner.name, "update")
    return item.definition.only


def search(ctx: Context, text: str, *, limit: int = 20, forms: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Records of all forms that the caller may read, by words or the beginning of a number, newest first."""
    words = query_of(text)
    typed = text.strip().replace("\x00", "")[:100]
    if not typed:
        return []

    def work() -> list[dict[str, Any]]:
        readable = [name for name in ctx.caller.policy.forms("read") if name in ctx.catalogue.forms and (not forms or name in forms)]
        plain = [name for name in readable if ctx.caller.policy.rows(name, "read") is None]
        parts = []
        if plain:
            parts.append(f"i.form IN ({', '.join(sql_text(name) for name in plain)})")
        for name in readable:
            if name not in plain:      # row rules look at the record itself
                form = ctx.catalogue.forms[name]
                names = names_for(ctx, form)
                rule = predicate(ctx, form, "read", names)
                parts.append(f'(i.form = {sql_text(name)} AND EXISTS (SELECT 1 FROM {form.table} h {names.joins} WHERE h."id" = i.id AND {rule}))')
        if not parts:
            return []
        company = ""
        if ctx.caller.companies is not None:
            ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
            company = f" AND (i.company IS NULL{f' OR i.company IN ({ids})' if ids else ''})"
        found = "(i.code >= upper($1) AND i.code < upper($2))" + (f" OR i.tokens @@ {sql_text(words)}::tsquery" if words else "")
        rows = ctx.connection.execute(
            f"SELECT i.form, i.id, i.code, i.title, i.state FROM record_index i WHERE ({found}) AND ({' OR '.join(parts)}){company} "
            f"ORDER BY i.code IS NOT DISTINCT FROM upper($1) DESC, i.updated_at DESC LIMIT {max(1, min(limit, MOST))}",
            [typed, typed + TOP]).fetchall()
        return [_hit(ctx, row) for row in rows]

    return ctx.atomically(work)


def recent(ctx: Context, *, limit: int = 10) -> list[dict[str, Any]]:
    """Records that the caller made or changed last, newest first."""
    def work() -> list[dict[str, Any]]:
        rows = ctx.connection.execute(
            "SELECT i.form, i.id, i.code, i.title, i.state FROM (SELECT record, max(seq) AS seq FROM (SELECT record, seq FROM event "
            "WHERE actor = $1 AND record IS NOT NULL ORDER BY seq DESC LIMIT 200) e GROUP BY record) e "
            "JOIN record_index i ON i.id = e.record ORDER BY e.seq DESC LIMIT $2", [ctx.caller.user, limit * 2]).fetchall()
        readable = ctx.caller.policy.forms("read")
        return [_hit(ctx, row) for row in rows if row[0] in readable and row[0] in ctx.catalogue.forms][:limit]

    return ctx.atomically(work)


def _hit(ctx: Context, row: tuple[Any, ...]) -> dict[str, Any]:
    form = ctx.catalogue.forms[row[0]]
    state = form.states.get(row[4])
    return {"form": row[0], "form_label": form.label(ctx.language), "id": row[1], "number": row[2], "code": row[2], "title": row[3],
            "state": row[4], "state_label": state.label.text(ctx.language) if state else None}
