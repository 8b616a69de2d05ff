"""The recycle bin: a deleted record lies there whole, and comes back under its id."""

from __future__ import annotations

from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.errors import not_found
from anlan.kernel.record.write import create_again

__all__ = ["deleted", "restore"]

MOST = 200


def deleted(ctx: Context, form: str | None = None) -> list[dict[str, Any]]:
    """Deleted records that the caller could restore, newest first: his own, or all for administrators."""

    def work() -> list[dict[str, Any]]:
        rows = ctx.connection.execute(
            'SELECT b.id, b.form, b.content, b.deleted_at, b.deleted_by, u."code", u."name" FROM recycle_bin b '
            'LEFT JOIN "system_user" u ON u.id = b.deleted_by WHERE ($1::text IS NULL OR b.form = $1) '
            f"AND ($2 OR b.deleted_by = $3) ORDER BY b.deleted_at DESC LIMIT {MOST}",
            [form, ctx.caller.admin, ctx.caller.user],
        ).fetchall()
        found = []
        for key, name, content, at, by, login, person in rows:
            kind = ctx.catalogue.forms.get(name)
            if kind is None or not ctx.caller.policy.can(name, "create"):
                continue
            found.append(
                {
                    "id": key,
                    "form": name,
                    "form_label": kind.label(ctx.language),
                    "number": content.get(kind.code_column),
                    "title": content.get(kind.label_column) or content.get("name"),
                    "deleted_at": at.isoformat().replace("+00:00", "Z"),
                    "deleted_by": {"id": by, "code": login, "label": person} if by else None,
                }
            )
        return found

    return ctx.atomically(work)


def restore(ctx: Context, key: str) -> dict[str, Any]:
    """Bring a deleted record back under its id, as a draft (a master: usable). Refused 403, 404, 422."""

    def work() -> dict[str, Any]:
        row = ctx.connection.execute(
            "DELETE FROM recycle_bin WHERE id::text = $1 AND ($2 OR deleted_by = $3) RETURNING form, content, id",
            [key, ctx.caller.admin, ctx.caller.user],
        ).fetchone()
        if row is None:
            raise not_found("recycle_bin", key)
        return create_again(ctx, row[0], row[1], row[2])

    return ctx.atomically(work)
