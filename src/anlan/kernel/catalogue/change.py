"""Changing definitions: a draft per administrator, a plan of what publishing it would do, publishing, going back.

    put(ctx, "form", "demo.note", {"overlay": {"set": {"fields.x_colour": {"type": "text"}}}})
    plan(ctx)      →  {"steps": [...], "failing": [...], "changes": [...]}
    publish(ctx)   →  {"version": 4}

A draft is checked as a whole whenever it changes; nothing live moves before it is published. What the packs say is
taken from the published catalogue, never from files, so that a broken or newer file does not get in the way. A draft
entry remembers the version it was written on: when somebody else published a change of the same definition since, it
must be written again. Going back publishes an older version's changes as a new version; no column is ever dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.build import COMPANY, Definitions, bare, overlaid
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.draft import check_own_keys, read_entry
from anlan.kernel.catalogue.inflight import keep_used_states
from anlan.kernel.catalogue.install import build, install
from anlan.kernel.context import Context
from anlan.kernel.definition.reader import KINDS, Broken
from anlan.kernel.errors import Fault, Refused, conflict, invalid, not_found
from anlan.kernel.storage import server
from anlan.kernel.storage.plan import failing_values, losing, make_plan
from anlan.kernel.storage.pool import Connection, connect

__all__ = ["conflicts", "discard", "drafted", "get", "listing", "plan", "publish", "put", "remove", "rollback", "versions"]

LOCK = 7_311_202_603            # advisory: one publication at a time
REMOVED = {"removed": True}
Key = tuple[str, str]
Entry = Mapping[str, Any]


def _require(ctx: Context) -> None:
    if not ctx.caller.admin:
        raise Refused(403, "forbidden", params={"form": "definitions", "action": "update"})


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise not_found("definitions", kind)
    return kind


@contextmanager
def _looking(ctx: Context) -> Iterator[tuple[Connection, Definitions, dict[Key, Entry]]]:
    """A connection, the published definitions, the caller's draft. Refused 403."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        now = store.definitions_of(connection, store.published_version(connection))
        yield connection, now, dict(store.overlay_of(connection, ctx.caller.user))


def listing(ctx: Context) -> list[dict[str, Any]]:
    """Every definition: kind, name, pack (null: the company's own), label, whether the company or the caller's draft changes it."""
    with _looking(ctx) as (_, now, draft):
        result = overlaid(bare(now), _with_draft(_published(now), draft))
    return [
        {"kind": kind, "name": name, "pack": None if entry["pack"] == COMPANY else entry["pack"], "label": entry["definition"].get("label"),
         "changed": f"{kind}:{name}" in now.get("overlay", {}), "draft": (kind, name) in draft}
        for kind in KINDS for name, entry in result.get(kind, {}).items()]


def get(ctx: Context, kind: str, name: str) -> dict[str, Any]:
    """What the pack says, what the overlay says, what results with the caller's draft. Refused 403, 404."""
    with _looking(ctx) as (_, now, draft):
        return _shown(now, draft, (_known(kind), name))


def _shown(now: Definitions, draft: Mapping[Key, Entry], key: Key) -> dict[str, Any]:
    kind, name = key
    base = bare(now)
    entry = overlaid(base, _with_draft(_published(now), draft)).get(kind, {}).get(name)
    pack, published = base.get(kind, {}).get(name), _published(now).get(key)
    if entry is None and pack is None and published is None:
        raise not_found(kind, name)
    return {"kind": kind, "name": name, "pack": pack["pack"] if pack else None, "base": pack["definition"] if pack else None,
            "overlay": _part(published), "draft": _part(draft.get(key)), "removed": draft.get(key) == REMOVED,
            "definition": entry["definition"] if entry else None}


def _published(now: Definitions) -> dict[Key, Entry]:
    return {(place.partition(":")[0], place.partition(":")[2]): entry for place, entry in now.get("overlay", {}).items()}


def _part(entry: Entry | None) -> Any:
    return None if entry is None else entry.get("overlay", entry.get("definition"))


def put(ctx: Context, kind: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change a definition in the caller's draft; `get` of it. Refused 403, 404, 409, 422 when the draft as a whole would not hold."""
    with _looking(ctx) as (connection, now, draft):
        base = bare(now)
        entry = read_entry(_known(kind), name, body, base)
        if "overlay" in entry:
            check_own_keys(base[kind][name]["definition"], entry["overlay"].get("set") or {})
        draft[kind, name] = entry | {"since": ctx.catalogue.version}
        _built(connection, now, draft)
        _store(connection, ctx, (kind, name), draft[kind, name])
        return _shown(now, draft, (kind, name))


def remove(ctx: Context, kind: str, name: str) -> None:
    """Take the company's change (or definition) away, in the caller's draft. Refused 403, 404, 422."""
    with _looking(ctx) as (connection, now, draft):
        key = (_known(kind), name)
        if key in _published(now):
            draft[key] = REMOVED
            _built(connection, now, draft)
            _store(connection, ctx, key, REMOVED)
        elif draft.pop(key, None) is not None:
            _built(connection, now, draft)
            connection.execute("DELETE FROM overlay WHERE owner = $1 AND kind = $2 AND name = $3", [ctx.caller.user, kind, name])
        else:
            raise not_found(kind, name)


def drafted(ctx: Context) -> list[dict[str, Any]]:
    """What the caller's draft changes: kind, name, whether it takes the company's change away. Refused 403."""
    with _looking(ctx) as (_, _, draft):
        return [{"kind": kind, "name": name, "removed": entry == REMOVED} for (kind, name), entry in draft.items()]


def discard(ctx: Context) -> None:
    """Throw the caller's draft away."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        connection.execute("DELETE FROM overlay WHERE owner = $1", [ctx.caller.user])


def _store(connection: Connection, ctx: Context, key: Key, entry: Entry) -> None:
    connection.execute(
        "INSERT INTO overlay (owner, kind, name, content, updated_at) VALUES ($1, $2, $3, $4::json, $5) "
        "ON CONFLICT (owner, kind, name) DO UPDATE SET content = EXCLUDED.content, updated_at = EXCLUDED.updated_at",
        [ctx.caller.user, *key, orjson.dumps(entry).decode(), ctx.now])


def _with_draft(published: Mapping[Key, Entry], draft: Mapping[Key, Entry]) -> dict[Key, Entry]:
    return {key: entry for key, entry in {**published, **draft}.items() if not entry.get("removed")}


def _built(connection: Connection, now: Definitions, draft: Mapping[Key, Entry]) -> tuple[Definitions, Catalogue]:
    """The draft with everything else, checked. Refused 422 with a fault per sentence."""
    try:
        definitions = keep_used_states(connection, now, overlaid(bare(now), _with_draft(_published(now), draft)))
        return definitions, build(connection, definitions)
    except Broken as broken:
        raise invalid([Fault("definition.broken", fault.path, {"sentence": fault.sentence, "file": fault.file})
                       for fault in broken.faults]) from None


def plan(ctx: Context) -> dict[str, Any]:
    """What publishing the caller's draft would do; nothing is changed.

    `failing`: values that a changed type sets aside (`kept`), or that stand in the way. `retired`: fields that leave the
    screen and keep their column. `blocking`: tables whose writers wait while they are rewritten. Refused 403, 422.
    """
    with _looking(ctx) as (connection, now, draft):
        definitions, catalogue = _built(connection, now, draft)
        steps = make_plan(connection, catalogue)
        in_the_way = [step for step, _ in losing(connection, steps)]
        failing = [
            {"table": step.table, "column": step.column, "to": step.type, "count": found.count, "examples": found.examples,
             "kept": step not in in_the_way}
            for step in steps if (found := failing_values(connection, step)).count]
        return {
            "steps": [{"kind": step.kind, "table": step.table, "column": step.column, "sql": step.sql} for step in steps],
            "tables": [step.table for step in steps if step.kind == "create_table"], "failing": failing,
            "blocking": sorted({step.table for step in steps if step.blocking}), "retired": _retired(ctx.catalogue, catalogue),
            "changes": _changes(now, definitions), "draft": [{"kind": kind, "name": name} for kind, name in draft],
            "overtaken": [{"kind": kind, "name": name} for kind, name in _overtaken(now, draft)],
        }


def _retired(before: Catalogue, after: Catalogue) -> list[dict[str, str]]:
    """Fields whose column nothing uses any more."""
    found = []
    for form in before.forms.values():
        new = after.forms.get(form.name)
        columns = {(item.path.rpartition(".")[0], item.column) for item in new.all_fields()} if new else set()
        found += [{"form": form.name, "field": item.path} for item in form.all_fields()
                  if item.column is not None and (item.path.rpartition(".")[0], item.column) not in columns]
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Leaves that differ, by definition and path."""
    return [
        {"kind": kind, "name": name, "path": path, "old": old, "new": new}
        for kind in KINDS for name in dict.fromkeys((*before.get(kind, {}), *after.get(kind, {})))
        for path, old, new in _leaves("", *(side.get(kind, {}).get(name, {}).get("definition") for side in (before, after)))]


def _leaves(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _leaves(f"{path}.{key}" if path else key, old.get(key), new.get(key))
    elif old != new:
        yield path, old, new


def _overtaken(now: Definitions, draft: Mapping[Key, Entry]) -> list[Key]:
    """What somebody else changed and published after the draft's change was written."""
    published = _published(now)
    return [key for key, entry in draft.items() if published.get(key, {}).get("version", 0) > entry.get("since", 0) and entry != REMOVED]


def publish(ctx: Context, comment: str | None = None) -> dict[str, Any]:
    """Publish the caller's draft: tables first, then the catalogue, at once for new requests. Its version.

    Refused 403; 409 `definition.no_draft`, `definition.overtaken`, `busy`; 422 when the draft does not hold, or the data
    forbids it.
    """
    _require(ctx)
    with _publishing(ctx) as connection:
        now = store.definitions_of(connection, store.published_version(connection))
        draft = dict(store.overlay_of(connection, ctx.caller.user))
        if not draft:
            raise conflict("definition.no_draft")
        overtaken = _overtaken(now, draft)
        if overtaken:
            raise conflict("definition.overtaken", names=", ".join(name for _, name in overtaken))
        version = store.published_version(connection) + 1
        marked = {key: {name: part for name, part in entry.items() if name != "since"} | {"version": version} if entry != REMOVED else entry
                  for key, entry in draft.items()}
        definitions, _ = _built(connection, now, marked)
        return _install(ctx, connection, definitions, comment)


@contextmanager
def _publishing(ctx: Context) -> Iterator[Connection]:
    """A connection of its own that holds the lock of publication; the site sees the new catalogue afterwards."""
    with connect(server.conninfo(ctx.site.settings), autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock($1)", [LOCK]).fetchone()
        if row is None or not row[0]:
            raise Refused(409, "busy", retry_after=5)
        try:
            yield connection
        finally:
            connection.execute("SELECT pg_advisory_unlock($1)", [LOCK])     # closing gives it back as well, but later
    ctx.site.reload()


def _install(ctx: Context, connection: Connection, definitions: Definitions, comment: str | None) -> dict[str, Any]:
    def note(_: Catalogue, version: int) -> None:
        connection.execute("DELETE FROM overlay WHERE owner = $1", [ctx.caller.user])
        connection.execute(
            "INSERT INTO event (form, kind, occurred_at, recorded_at, actor, via, changes, comment, request_id) "
            "VALUES ('system.catalogue', 'publish', $1, $1, $2, $3, $4::json, $5, $6)",
            [ctx.now, ctx.caller.user, ctx.via, orjson.dumps([{"path": "version", "old": version - 1, "new": version}]).decode(),
             comment, ctx.request_id])

    return {"version": install(connection, definitions, at=ctx.now, by=ctx.caller.user, comment=comment, also=note).version}


def versions(ctx: Context) -> list[dict[str, Any]]:
    """Published versions, newest first."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        current = store.published_version(connection)
        rows = connection.execute(
            'SELECT v.version, v.published_at, v.published_by, v.comment, u."name" FROM catalogue_version v '
            'LEFT JOIN "system_user" u ON u.id = v.published_by ORDER BY v.version DESC LIMIT 200').fetchall()
    return [{"version": row[0], "published_at": row[1].isoformat().replace("+00:00", "Z"),
             "published_by": {"id": row[2], "label": row[4]} if row[2] else None, "comment": row[3],
             "current": row[0] == current} for row in rows]


def conflicts(ctx: Context) -> list[dict[str, str]]:
    """Where the company's change and a newer pack disagree, as the last merge left it: kind, name, code, path. Refused 403.

    The company's side is in force until somebody decides: keeping it needs nothing, `remove` takes the pack's.
    """
    with _looking(ctx) as (_, now, draft):
        return [{"kind": kind, "name": name, "code": code, "path": path, "decided": "draft" if (kind, name) in draft else ""}
                for kind, name, code, path in now.get("conflicts", ()) if f"{kind}:{name}" in now.get("overlay", {})]


def rollback(ctx: Context, version: int) -> dict[str, Any]:
    """Publish what the company had changed in an older version, on the packs of today, as a new version.

    The caller's draft is thrown away. Refused 403, 404, 409 `busy`, 422 when it does not go with today's packs or data.
    """
    _require(ctx)
    with _publishing(ctx) as connection:
        row = connection.execute("SELECT definitions FROM catalogue_version WHERE version = $1", [version]).fetchone()
        if row is None:
            raise not_found("catalogue", str(version))
        now = store.definitions_of(connection, store.published_version(connection))
        old = {key: {**entry, "version": store.published_version(connection) + 1} for key, entry in _published(row[0]).items()}
        definitions, _ = _built(connection, now, {**dict.fromkeys(_published(now), REMOVED), **old})
        return _install(ctx, connection, definitions, f"rollback to {version}")
