"""Which rows a caller may see or change, as SQL: company first, then the row rules of his roles.

Every reader and writer of records asks here, so that list, record, search, report, print and API agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.context import Context
from anlan.kernel.formula import sql_filter
from anlan.kernel.ids import id_array

__all__ = ["names_for", "predicate", "sql_text", "visible_ids"]


def sql_text(value: str) -> str:
    """A text constant in SQL (standard_conforming_strings is on)."""
    return "'" + value.replace("\x00", "").replace("'", "''") + "'"


def names_for(ctx: Context, form: Form, *, head: str = "h", prefix: str = "j") -> FormNames:
    """The places of a form in SQL, with who asks and when as constants."""
    caller = ctx.caller
    return FormNames(
        ctx.catalogue.forms,
        ctx.catalogue.registers,
        form,
        head=head,
        prefix=prefix,
        zone=ctx.site.zone_name,
        functions=ctx.catalogue.functions,
        context={
            ("today",): f"'{ctx.today.isoformat()}'::date",
            ("now",): f"'{ctx.now.isoformat()}'::timestamptz",
            ("user",): f"'{caller.user}'::uuid",
            ("user", "code"): sql_text(caller.login),
            ("dept",): f"'{caller.department}'::uuid" if caller.department else "NULL::uuid",
        },
    )


def predicate(ctx: Context, form: Form, action: str, names: FormNames) -> str | None:
    """The condition on the head's alias that limits the caller to his rows; None when he sees all.

    Joins that row rules need are added to `names`.
    """
    caller = ctx.caller
    alias = names.aliases["head"]
    parts = []
    if form.has_company and caller.companies is not None:
        ids = ", ".join(f"'{company}'" for company in caller.companies)
        parts.append(
            f'({alias}."company" IS NULL OR {alias}."company" IN ({ids}))'
            if ids
            else f'{alias}."company" IS NULL'
        )
    rules = caller.policy.rows(form.name, action)
    if rules is not None:
        scope = form_scope(ctx.catalogue.forms, form)
        allowed = [
            f"({sql_filter(ctx.catalogue.check(rule, scope), names)})" for rule in rules  # NULL is no row either
        ]
        parts.append(f"({' OR '.join(allowed)})" if allowed else "false")
    return " AND ".join(parts) or None


def visible_ids(ctx: Context, form: Form, ids: Iterable[str]) -> set[str]:
    """Those of some records that the caller may read. One statement, none when all may be read."""
    wanted = set(ids)
    if not ctx.caller.policy.can(form.name, "read"):
        return set()
    names = names_for(ctx, form)
    rule = predicate(ctx, form, "read", names)
    if rule is None or not wanted:
        return wanted
    return {row[0] for row in ctx.connection.execute(
        f'SELECT h."id" FROM {form.table} h {names.joins} WHERE h."id" = ANY($1::uuid[]) AND {rule}', [id_array(wanted)]).fetchall()}
