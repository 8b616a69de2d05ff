"""The first name of every column: a field that is renamed keeps its column, one that is dropped keeps it as well.

    renames: {fields.subject: fields.title}      →  (demo.note, title) → column "subject"
    renames: {fields.rows: fields.lines}         →  (demo.note, lines) → table "demo_note__rows"

`physical_name` holds a row per field that has a column, by its owner (a form, or `form.lines`) and key; `retired_at`
says since when no definition has it. A key that comes back gets its column back, and so its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form
from anlan.kernel.storage.pool import Connection

__all__ = ["Columns", "columns_for", "columns_of", "remember"]

Columns = dict[tuple[str, str], str]      # (owner, key) → column; of a lines field: what its table is called after


def columns_of(connection: Connection) -> Columns:
    """Columns that are called otherwise than their field."""
    return {(row[0], row[1]): row[2] for row in connection.execute(
        "SELECT owner, key, column_name FROM physical_name WHERE column_name <> key")}


def columns_for(connection: Connection, definitions: Mapping[str, Any]) -> Columns:
    """As `columns_of`, with the renames that these definitions bring for the first time. Changes nothing."""
    known: Columns = {(row[0], row[1]): row[2] for row in connection.execute("SELECT owner, key, column_name FROM physical_name")}
    for name, entry in definitions.get("form", {}).items():
        own = definitions.get("base", {}).get(f"form:{name}", entry["definition"])      # a merged definition tells no renames
        for old, new in (own.get("renames") or {}).items():
            _rename(known, name, _keys(old), _keys(new))
    return {place: column for place, column in known.items() if column != place[1]}


def _keys(path: str) -> list[str]:
    """`fields.lines.fields.item` → [lines, item]."""
    return [part for place, part in enumerate(path.split(".")) if place % 2]


def _rename(known: Columns, form: str, old: list[str], new: list[str]) -> None:
    if not old or len(old) != len(new) or old[:-1] != new[:-1]:
        return
    owner = ".".join([form, *new[:-1]])
    if (owner, new[-1]) in known or (owner, old[-1]) not in known:
        return      # renamed before, or never there
    known[owner, new[-1]] = known.pop((owner, old[-1]))
    below, target = f"{owner}.{old[-1]}", f"{owner}.{new[-1]}"
    for place in [place for place in known if place[0] == below]:
        known[target, place[1]] = known.pop(place)


def remember(connection: Connection, catalogue: Catalogue, *, at: datetime) -> list[tuple[str, str]]:
    """Write down the columns of a catalogue; the fields that are retired by it, as (owner, key)."""
    now = {place: column for form in catalogue.forms.values() if form.definition.source is None for place, column in _places(form)}
    retired = []
    columns = {(owner, column) for (owner, _), column in now.items()}
    for owner, key, column, since in connection.execute("SELECT owner, key, column_name, retired_at FROM physical_name").fetchall():
        if (owner, key) in now:
            continue
        if (owner, column) in columns:     # its column goes by a new name
            connection.execute("DELETE FROM physical_name WHERE owner = $1 AND key = $2", [owner, key])
        elif since is None:
            connection.execute("UPDATE physical_name SET retired_at = $3 WHERE owner = $1 AND key = $2", [owner, key, at])
            retired.append((owner, key))
    owners, keys, names = [owner for owner, _ in now], [key for _, key in now], list(now.values())
    connection.execute(
        "INSERT INTO physical_name AS p (owner, key, column_name) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) "
        "ON CONFLICT (owner, key) DO UPDATE SET retired_at = NULL, column_name = EXCLUDED.column_name "
        "WHERE p.retired_at IS NOT NULL OR p.column_name <> EXCLUDED.column_name", [owners, keys, names])
    return retired


def _places(form: Form) -> list[tuple[tuple[str, str], str]]:
    stem = f"{form.table.strip(chr(34))}__"
    found = [((form.name, item.key), item.column or "") for item in form.stored if not item.reserved]
    for table in form.lines.values():
        own = table.table.strip('"')
        found.append(((form.name, table.key), own.removeprefix(stem) if own.startswith(stem) else table.key))
        found += [((f"{form.name}.{table.key}", item.key), item.column or "") for item in table.stored]
    return found
