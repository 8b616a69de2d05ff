"""Changing definitions: a draft per administrator, a plan of what publishing it would do, publishing, going back.

    put(ctx, "form", "demo.note", {"overlay": {"set": {"fields.x_colour": {"type": "text"}}}})
    plan(ctx)      →  {"steps": [...], "failing": [...], "changes": [...]}
    publish(ctx)   →  {"version": 4}

A draft is checked as a whole whenever it changes; nothing live moves before it is published. Going back publishes an
older version's definitions as a new version; no column is ever dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.build import Definitions, assemble, build_catalogue
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.context import Context
from anlan.kernel.definition.model import KEY
from anlan.kernel.definition.reader import KINDS, Broken
from anlan.kernel.errors import Fault, Refused, conflict, invalid, not_found
from anlan.kernel.storage.plan import apply_plan, failing_values, make_plan
from anlan.kernel.storage.pool import Connection, connect

__all__ = ["discard", "get", "listing", "plan", "publish", "put", "remove", "rollback", "versions"]

LOCK = 7_311_202_603            # advisory: one publication at a time
COMPANY_PREFIX = "x_"
REMOVED = {"removed": True}


def _require(ctx: Context) -> None:
    if not ctx.caller.admin:
        raise Refused(403, "forbidden", params={"form": "definitions", "action": "update"})


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise not_found("definitions", kind)
    return kind


def listing(ctx: Context) -> list[dict[str, Any]]:
    """Every definition: kind, name, pack, and whether the company or the caller's draft changes it."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        now = store.definitions_of(connection, ctx.catalogue.version)
        published = store.overlay_of(connection)
        draft = store.overlay_of(connection, ctx.caller.user)
    return [
        {"kind": kind, "name": name, "pack": entry["pack"], "label": entry["definition"].get("label"),
         "changed": (kind, name) in published, "draft": (kind, name) in draft}
        for kind in KINDS for name, entry in now.get(kind, {}).items()]


def get(ctx: Context, kind: str, name: str) -> dict[str, Any]:
    """What the pack says, what the overlay says, what results (with the caller's draft). Refused 403, 404."""
    _require(ctx)
    key = (_kind(kind), name)
    with ctx.site.pool.connection() as connection:
        base = assemble(_sources(ctx, connection))
        published, draft = store.overlay_of(connection), store.overlay_of(connection, ctx.caller.user)
        result = assemble(_sources(ctx, connection), _with_draft(published, draft))
    entry = result.get(kind, {}).get(name)
    pack = base.get(kind, {}).get(name)
    if entry is None and pack is None:
        raise not_found(kind, name)
    return {"kind": kind, "name": name, "pack": pack["pack"] if pack else None, "base": pack["definition"] if pack else None,
            "overlay": _part(published.get(key)), "draft": draft.get(key), "definition": entry["definition"] if entry else None}


def _part(entry: Mapping[str, Any] | None) -> Any:
    return None if entry is None else entry.get("overlay", entry.get("definition"))


def put(ctx: Context, kind: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Change a definition in the caller's draft. Refused 422 when the draft as a whole would not hold."""
    _require(ctx)
    _kind(kind)
    entry = _entry(ctx, kind, name, body)
    with ctx.site.pool.connection() as connection:
        draft = dict(store.overlay_of(connection, ctx.caller.user))
        draft[kind, name] = entry
        _built(ctx, connection, draft)
        _store(connection, ctx.caller.user, kind, name, entry, ctx.now)
    return get(ctx, kind, name)


def _entry(ctx: Context, kind: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    if set(body) == {"definition"} and isinstance(body["definition"], Mapping):
        definition = dict(body["definition"])
        definition.setdefault(kind, name)
        if definition[kind] != name:
            raise invalid([Fault("definition.other_name", f"definition.{kind}", {"name": name})])
        with ctx.site.pool.connection() as connection:
            if name in assemble(_sources(ctx, connection)).get(kind, {}):
                raise conflict("definition.of_a_pack", name=name)
        return {"definition": definition}
    if set(body) == {"overlay"} and isinstance(body["overlay"], Mapping):
        unknown = set(body["overlay"]) - {"set", "unset", "lists"}
        if unknown:
            raise invalid([Fault("unknown_field", f"overlay.{key}", {"field": key, "form": "overlay"}) for key in sorted(unknown)])
        _check_keys(ctx, kind, name, body["overlay"].get("set") or {})
        return {"overlay": dict(body["overlay"])}
    raise invalid([Fault("definition.body", "", {})])


def _check_keys(ctx: Context, kind: str, name: str, changes: Mapping[str, Any]) -> None:
    """What the company adds carries its prefix, so that no pack's later key collides with it."""
    with ctx.site.pool.connection() as connection:
        base = assemble(_sources(ctx, connection)).get(kind, {}).get(name)
    if base is None:
        raise not_found(kind, name)
    faults = []
    for path in changes:
        tree: Any = base["definition"]
        parts = path.split(".")
        for place, part in enumerate(parts):
            known = isinstance(tree, Mapping) and part in tree
            added = place > 0 and parts[place - 1] in ("fields", "states", "transitions", "options", "views", "postings", "conversions")
            if not known and added and not part.startswith(COMPANY_PREFIX) and re.fullmatch(KEY, part):
                faults.append(Fault("definition.prefix", f"overlay.set.{path}", {"key": part, "prefix": COMPANY_PREFIX}))
            tree = tree[part] if known else {}
    if faults:
        raise invalid(faults)


def remove(ctx: Context, kind: str, name: str) -> None:
    """Take the company's change (or definition) away, in the caller's draft."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        published, draft = store.overlay_of(connection), dict(store.overlay_of(connection, ctx.caller.user))
        key = (_kind(kind), name)
        if key not in published and key not in draft:
            raise not_found(kind, name)
        if key in published:
            draft[key] = REMOVED
            _built(ctx, connection, draft)
            _store(connection, ctx.caller.user, kind, name, REMOVED, ctx.now)
        else:
            connection.execute("DELETE FROM overlay WHERE owner = $1 AND kind = $2 AND name = $3", [ctx.caller.user, kind, name])


def discard(ctx: Context) -> None:
    """Throw the caller's draft away."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        connection.execute("DELETE FROM overlay WHERE owner = $1", [ctx.caller.user])


def _store(connection: Connection, owner: str, kind: str, name: str, entry: Mapping[str, Any], at: Any) -> None:
    connection.execute(
        "INSERT INTO overlay (owner, kind, name, content, updated_at) VALUES ($1, $2, $3, $4::json, $5) "
        "ON CONFLICT (owner, kind, name) DO UPDATE SET content = EXCLUDED.content, updated_at = EXCLUDED.updated_at",
        [owner, kind, name, orjson.dumps(entry).decode(), at])


def _sources(ctx: Context, connection: Connection) -> list[store.Source]:
    from anlan.kernel.site.making import PACKS, packs_folder

    installed = [name for name in store.definitions_of(connection, ctx.catalogue.version)["packs"] if name != "system"]
    return store.pack_sources(packs_folder(), PACKS, installed)


def _with_draft(published: Mapping[Any, Any], draft: Mapping[Any, Any]) -> dict[Any, Any]:
    merged = {**published, **draft}
    return {key: entry for key, entry in merged.items() if not entry.get("removed")}


def _built(ctx: Context, connection: Connection, draft: Mapping[Any, Any]) -> tuple[Definitions, Catalogue]:
    """The draft with everything else, checked. Refused 422 with a fault per sentence."""
    overlay = _with_draft(store.overlay_of(connection), draft)
    try:
        definitions = assemble(_sources(ctx, connection), overlay)
        definitions["overlay"] = {f"{kind}:{name}": entry for (kind, name), entry in overlay.items()}
        catalogue = build_catalogue(definitions, version=ctx.catalogue.version + 1, columns=store.columns_of(connection))
    except Broken as broken:
        raise invalid([Fault("definition.broken", fault.path, {"sentence": fault.sentence, "file": fault.file})
                       for fault in broken.faults]) from None
    return definitions, catalogue


def plan(ctx: Context) -> dict[str, Any]:
    """What publishing the caller's draft would do; nothing is changed."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        draft = store.overlay_of(connection, ctx.caller.user)
        definitions, catalogue = _built(ctx, connection, draft)
        steps = make_plan(connection, catalogue)
        failing = []
        for step in steps:
            if step.kind == "change_type":
                count, first = failing_values(connection, step)
                failing.append({"table": step.table, "column": step.column, "to": step.type, "count": count, "examples": first})
        before = store.definitions_of(connection, ctx.catalogue.version)
    return {
        "steps": [{"kind": step.kind, "table": step.table, "column": step.column, "sql": step.sql} for step in steps],
        "tables": [step.table for step in steps if step.kind == "create_table"], "failing": failing,
        "changes": _changes(before, definitions), "draft": [{"kind": kind, "name": name} for kind, name in draft],
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Leaves that differ, by definition and path."""
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        old, new = before.get(kind, {}), after.get(kind, {})
        for name in dict.fromkeys((*old, *new)):
            _leaves(kind, name, "", old.get(name, {}).get("definition"), new.get(name, {}).get("definition"), found)
    return found


def _leaves(kind: str, name: str, path: str, old: Any, new: Any, found: list[dict[str, Any]]) -> None:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            _leaves(kind, name, f"{path}.{key}" if path else key, old.get(key), new.get(key), found)
        return
    found.append({"kind": kind, "name": name, "path": path, "old": old, "new": new})


def publish(ctx: Context, comment: str | None = None) -> dict[str, Any]:
    """Publish the caller's draft: tables first, then the catalogue, at once for new requests. Its version.

    Refused 409 `definition.no_draft`, `busy`; 422 when the draft does not hold.
    """
    _require(ctx)
    with connect(ctx.site.pool.conninfo, autocommit=True) as connection:
        draft = store.overlay_of(connection, ctx.caller.user)
        if not draft:
            raise conflict("definition.no_draft")
        definitions, catalogue = _built(ctx, connection, draft)
        version = _apply(ctx, connection, definitions, catalogue, comment, draft)
    ctx.site.reload()
    return {"version": version}


def _apply(ctx: Context, connection: Connection, definitions: Definitions, catalogue: Catalogue, comment: str | None,
           draft: Mapping[Any, Any] | None) -> int:
    row = connection.execute("SELECT pg_try_advisory_lock($1)", [LOCK]).fetchone()
    if row is None or not row[0]:
        raise Refused(409, "busy", retry_after=5)
    try:
        apply_plan(connection, make_plan(connection, catalogue))
        with connection.transaction():
            for (kind, name), entry in (draft or {}).items():
                connection.execute("DELETE FROM overlay WHERE owner = $1 AND kind = $2 AND name = $3", [store.PUBLISHED, kind, name])
                if not entry.get("removed"):
                    _store(connection, store.PUBLISHED, kind, name, entry, ctx.now)
            connection.execute("DELETE FROM overlay WHERE owner = $1", [ctx.caller.user])
            version = store.publish(connection, definitions, at=ctx.now, by=ctx.caller.user, comment=comment)
            connection.execute(
                "INSERT INTO event (form, kind, occurred_at, recorded_at, actor, via, changes, comment, request_id) "
                "VALUES ('system.catalogue', 'publish', $1, $1, $2, $3, $4::json, $5, $6)",
                [ctx.now, ctx.caller.user, ctx.via, orjson.dumps([{"path": "version", "old": ctx.catalogue.version, "new": version}]).decode(),
                 comment, ctx.request_id])
        return version
    finally:
        connection.execute("SELECT pg_advisory_unlock($1)", [LOCK])


def versions(ctx: Context) -> list[dict[str, Any]]:
    """Published versions, newest first."""
    _require(ctx)
    with ctx.site.pool.connection() as connection:
        rows = connection.execute(
            'SELECT v.version, v.published_at, v.published_by, v.comment, u."name" FROM catalogue_version v '
            'LEFT JOIN "system_user" u ON u.id = v.published_by ORDER BY v.version DESC LIMIT 200').fetchall()
    return [{"version": row[0], "published_at": row[1].isoformat().replace("+00:00", "Z"),
             "published_by": {"id": row[2], "label": row[4]} if row[2] else None, "comment": row[3],
             "current": row[0] == ctx.catalogue.version} for row in rows]


def rollback(ctx: Context, version: int) -> dict[str, Any]:
    """Publish an older version's definitions again, as a new version. Refused 404."""
    _require(ctx)
    with connect(ctx.site.pool.conninfo, autocommit=True) as connection:
        row = connection.execute("SELECT definitions FROM catalogue_version WHERE version = $1", [version]).fetchone()
        if row is None:
            raise not_found("catalogue", str(version))
        definitions: Definitions = row[0]
        try:
            catalogue = build_catalogue(definitions, version=ctx.catalogue.version + 1, columns=store.columns_of(connection))
        except Broken as broken:
            raise invalid([Fault("definition.broken", fault.path, {"sentence": fault.sentence, "file": fault.file})
                           for fault in broken.faults]) from None
        old = {tuple(key.split(":", 1)): entry for key, entry in definitions.get("overlay", {}).items()}
        draft: dict[Any, Any] = {key: REMOVED for key in store.overlay_of(connection) if key not in old}
        draft |= old
        made = _apply(ctx, connection, definitions, catalogue, f"rollback to {version}", draft)
    ctx.site.reload()
    return {"version": made}


