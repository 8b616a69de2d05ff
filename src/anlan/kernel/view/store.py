"""Saved views and layouts in the database. Private ones are their owner's; shared ones are for who may `share`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from psycopg.types.json import Json

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import conflict, forbidden, not_found
from anlan.kernel.ids import uuid7
from anlan.kernel.view.content import LISTS, TEXTS, content_of, first_of, label_of, layout_of
from anlan.kernel.view.usable import usable

__all__ = ["change", "create", "delete", "listing", "remember", "restore"]

MOST_OWN = 50  # views of one person, or shared ones, on one form: more tabs than anybody reads
PARTS = ("kind", *TEXTS, *LISTS)
COLUMNS = "id, owner, shared, label, content"
Saved = dict[str, Any]


def listing(ctx: Context, form_name: str) -> dict[str, Any]:
    """`{"data", "first", "layout", "may_share"}`: shared views, then the caller's own, each as he can use it, and how
    he wants the list. One statement. Refused 403, 404."""
    form = _form(ctx, form_name)

    def work() -> dict[str, Any]:
        rows = ctx.connection.execute(
            f"SELECT {COLUMNS} FROM saved_view WHERE form = $1 AND deleted_at IS NULL AND (shared OR owner = $2)"
            " UNION ALL SELECT NULL, owner, NULL, first_view, layout FROM list_layout WHERE form = $1 AND owner = $2",
            [form.name, ctx.caller.user],
            prepare=True,
        ).fetchall()
        views = [_saved(ctx, form, row) for row in sorted((row for row in rows if row[0]), key=lambda row: (not row[2], row[0]))]
        first, layout = next(((row[3], row[4]) for row in rows if row[0] is None), (None, None))
        return {
            "data": views,
            "first": first,
            "layout": layout or {"widths": {}, "frozen": 0, "columns": {}},
            "may_share": _may_share(ctx, form),
        }

    return ctx.atomically(work)


def create(ctx: Context, form_name: str, values: Mapping[str, Any]) -> Saved:
    """A new view; `shared` needs the right `share`. Refused 403, 404, 409 (too many), 422."""
    form = _form(ctx, form_name)
    label, content, shared = label_of(values), content_of(ctx, form, values), bool(values.get("shared"))
    if shared and not _may_share(ctx, form):
        raise forbidden(form.name, "share")

    def work() -> Saved:
        row = ctx.connection.execute(
            "SELECT count(*) FROM saved_view WHERE form = $1 AND deleted_at IS NULL AND shared = $3 AND (shared OR owner = $2)",
            [form.name, ctx.caller.user, shared],
        ).fetchone()
        if row is not None and row[0] >= MOST_OWN:
            raise conflict("view.too_many", limit=MOST_OWN)
        key = uuid7()
        ctx.connection.execute(
            "INSERT INTO saved_view (id, form, owner, shared, label, content, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            [key, form.name, ctx.caller.user, shared, label, _json(content), ctx.now],
        )
        return _saved(ctx, form, (key, ctx.caller.user, shared, label, content))

    return ctx.atomically(work)


def change(ctx: Context, form_name: str, key: str, values: Mapping[str, Any]) -> Saved:
    """Rename, share, or change what it shows; what is not named stays. Refused 403, 404, 422."""
    form = _form(ctx, form_name)

    def work() -> Saved:
        _, owner, shared, label, content = _editable(ctx, form, key)
        if values.keys() & set(PARTS):
            content = content_of(ctx, form, {**content, **{name: values[name] for name in PARTS if name in values}})
        if "label" in values:
            label = label_of(values)
        if "shared" in values and bool(values["shared"]) != shared:
            if not _may_share(ctx, form):
                raise forbidden(form.name, "share")
            shared = not shared
        ctx.connection.execute(
            "UPDATE saved_view SET shared = $2, label = $3, content = $4, updated_at = $5 WHERE id = $1",
            [key, shared, label, _json(content), ctx.now],
        )
        return _saved(ctx, form, (key, owner, shared, label, content))

    return ctx.atomically(work)


def delete(ctx: Context, form_name: str, key: str) -> None:
    """Take a view away; `restore` brings it back. Refused 403, 404."""
    form = _form(ctx, form_name)

    def work() -> None:
        _editable(ctx, form, key)
        ctx.connection.execute("UPDATE saved_view SET deleted_at = $2 WHERE id = $1", [key, ctx.now])

    ctx.atomically(work)


def restore(ctx: Context, form_name: str, key: str) -> Saved:
    """Bring a deleted view back, as it was. Refused 403, 404."""
    form = _form(ctx, form_name)

    def work() -> Saved:
        row = _editable(ctx, form, key, deleted=True)
        ctx.connection.execute("UPDATE saved_view SET deleted_at = NULL WHERE id = $1", [key])
        return _saved(ctx, form, row)

    return ctx.atomically(work)


def remember(ctx: Context, form_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """How the caller wants the list of a form: `first` (what opens first) and `layout`; what is not named stays.
    Refused 403, 404, 422."""
    form = _form(ctx, form_name)
    first = first_of(values.get("first"))
    layout = layout_of(values["layout"]) if "layout" in values else None

    def work() -> dict[str, Any]:
        row = ctx.connection.execute(
            "INSERT INTO list_layout (owner, form, first_view, layout, at) VALUES ($1, $2, $3, coalesce($4::json, '{}'::json), $5)"
            " ON CONFLICT (owner, form) DO UPDATE SET first_view = CASE WHEN $6::boolean THEN excluded.first_view ELSE list_layout.first_view END,"
            " layout = CASE WHEN $4::json IS NULL THEN list_layout.layout ELSE excluded.layout END, at = excluded.at"
            " RETURNING first_view, layout",
            [ctx.caller.user, form.name, first, None if layout is None else _json(layout), ctx.now, "first" in values],
        ).fetchone()
        assert row is not None
        return {"first": row[0], "layout": row[1] or {"widths": {}, "frozen": 0, "columns": {}}}

    return ctx.atomically(work)


def _form(ctx: Context, name: str) -> Form:
    form = ctx.form(name)
    ctx.caller.policy.require(name, "read")
    return form


def _may_share(ctx: Context, form: Form) -> bool:
    return ctx.caller.policy.can(form.name, "share")


def _editable(ctx: Context, form: Form, key: str, *, deleted: bool = False) -> tuple[Any, ...]:
    """The row, locked; 404 for who may not see it, 403 for who may not change it."""
    row = ctx.connection.execute(
        f"SELECT {COLUMNS} FROM saved_view WHERE id = $1 AND form = $2 AND (deleted_at IS NOT NULL) = $3 AND (shared OR owner = $4) FOR UPDATE",
        [key, form.name, deleted, ctx.caller.user],
    ).fetchone()
    if row is None:
        raise not_found("saved_view", key)
    if row[2] and not _may_share(ctx, form):
        raise forbidden(form.name, "share")
    return tuple(row)


def _saved(ctx: Context, form: Form, row: tuple[Any, ...]) -> Saved:
    """A view as the caller can use it."""
    key, owner, shared, label, content = row
    left = usable(
        ctx,
        form,
        where=content.get("where", ""),
        sort=content.get("sort", ()),
        columns=content.get("columns", ()),
        totals=content.get("totals", ()),
        by=content.get("by", ""),
    )
    return {
        "id": key,
        "label": label,
        "shared": shared,
        "editable": _may_share(ctx, form) if shared else owner == ctx.caller.user,
        "kind": content.get("kind", "list"),
        "where": left.where,
        "search": content.get("search", ""),
        "sort": left.sort,
        "columns": left.columns,
        "totals": left.totals,
        "by": left.by,
        "left_out": [one._asdict() for one in left.left_out],
    }


def _json(content: Any) -> Json:
    return Json(content, dumps=lambda one: orjson.dumps(one).decode())
