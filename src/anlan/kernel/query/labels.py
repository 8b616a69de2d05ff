"""Codes and labels of the records that a page of a list links to: one statement, however many forms they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from anlan.kernel.access.predicate import sql_text
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.context import Context
from anlan.kernel.ids import id_array

__all__ = ["linked_ids", "shown_labels"]


def _column(form: Form, key: str, alias: str) -> str:
    """The SQL of a form's code or label; a column that is computed when read is none."""
    item = form.fields.get(key)
    return f"{alias}.{quoted(item.column)}" if item is not None and item.column is not None else "NULL"


def _fetch(ctx: Context, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """`{form: {id: {"id", code column: …, label column: …}}}` of some ids by form. One statement."""
    parts, params = [], []
    for name, ids in wanted.items():
        form = ctx.catalogue.forms[name]
        params.append(id_array(ids))
        parts.append(f'SELECT {sql_text(name)}, t."id", {_column(form, form.code_column, "t")}::text, '
                     f'{_column(form, form.label_column, "t")}::text FROM {form.table} t WHERE t."id" = ANY(${len(params)}::uuid[])')
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, key, code, label in ctx.connection.execute(" UNION ALL ".join(parts), params).fetchall() if parts else ():
        form = ctx.catalogue.forms[name]
        found.setdefault(name, {})[key] = {"id": key, form.code_column: code, form.label_column: label}
    return found


@contextmanager
def shown_labels(ctx: Context, links: Iterable[tuple[str | None, Iterable[str | None]]]) -> Iterator[None]:
    """Have `ctx.linked` know codes and labels of the linked records while a page is written.

    `links`: (form, ids) as they come. Settings are in memory. What was fetched is forgotten again: such rows are not
    whole, and a write in the same transaction must not take them for what formulas need.
    """
    wanted: dict[str, set[str]] = {}
    for name, ids in links:
        form = ctx.catalogue.forms.get(name or "")
        if form is None or form.is_setting or form.definition.source is not None:
            continue
        loaded = ctx.rows(form.name)
        missing = {key for key in ids if key is not None and key not in loaded}
        if missing:
            wanted.setdefault(form.name, set()).update(missing)
    fetched = _fetch(ctx, wanted)
    for name, rows in fetched.items():
        ctx.rows(name).update(rows)
    try:
        yield
    finally:
        for name, rows in fetched.items():
            loaded = ctx.rows(name)
            for key in rows:
                loaded.pop(key, None)


def linked_ids(rows: Sequence[Mapping[str, Any]], key: str) -> set[str]:
    """The ids that stand under a key."""
    return {row[key] for row in rows if row.get(key)}
