"""What linked records are called, for a trail: its events keep ids, people read names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.record.links import fetch_linked

__all__ = ["names_of"]

Json = Mapping[str, Any]
LINKS = ("link", "user", "department", "company")


def names_of(ctx: Context, form: Json, events: Iterable[Json]) -> dict[str, str]:
    """The label of every record that a change of these events links to, by its id. One statement a form."""
    wanted: dict[str, set[str]] = {}
    for event in events:
        for target, key in _links(form, event.get("changes") or []):
            wanted.setdefault(target, set()).add(key)
    names: dict[str, str] = {}
    for target, keys in wanted.items():
        kind = ctx.catalogue.forms.get(target)
        if kind is None:
            continue
        with ctx.transaction():
            fetch_linked(ctx, kind, sorted(keys))
            rows = ctx.rows(target)
            for key in keys & rows.keys():
                row = rows[key]
                names[key] = str(row.get(kind.label_column) or row.get(kind.code_column) or key)
    return names


def _links(form: Json, changes: Iterable[Json]) -> Iterator[tuple[str, str]]:
    """(form, id) of what stands in link fields: of the head, of one cell of a line, of a whole line."""
    for change in changes:
        head, _, tail = change["path"].partition(".")
        field = form["fields"].get(head.partition("[")[0])
        if field is None:
            continue
        inner = field.get("fields") or {}
        for content in (change.get("old"), change.get("new")):
            if isinstance(content, Mapping):
                cells = [(inner[key], content[key]) for key in inner.keys() & content.keys()]
            else:
                cells = [(inner.get(tail, {}) if tail else field, content)]
            for one, value in cells:
                if one.get("type") in LINKS and isinstance(value, str):
                    yield one.get("to") or f"system.{one['type']}", value
