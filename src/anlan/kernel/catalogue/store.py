"""Published catalogues in the database: reading, publishing, rolling back.

A published version holds the assembled definitions as json. A process builds its catalogue from there, never from
files, so that all processes of a site run the same; files are read when a pack is installed or upgraded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from anlan.kernel.catalogue.build import Definitions, Overlay, assemble, build_catalogue, overlaid
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.columns import columns_of
from anlan.kernel.definition.merge import merge
from anlan.kernel.definition.reader import Source, read_pack
from anlan.kernel.storage.pool import Connection

__all__ = [
    "PUBLISHED", "assemble_site", "definitions_of", "digest_of", "keep_overlay", "load_published", "load_version", "overlay_of", "pack_sources", "publish", "published_version",
    "system_source",
]

PUBLISHED = "00000000-0000-0000-0000-000000000000"      # owner of the published overlay


def system_source() -> Source:
    """The kernel's own forms, as a pack that is always there."""
    return read_pack(Path(__file__).parent.parent / "system", module="anlan.kernel.access.rules")


def pack_sources(folder: Path, module: str, names: Iterable[str] | None = None) -> list[Source]:
    """The packs of a folder, all or those named with what they require. Reads files; raises Broken."""
    available = {path.parent.name: path.parent for path in sorted(folder.glob("*/pack.yaml"))}
    wanted = list(available if names is None else names)
    sources: dict[str, Source] = {"system": system_source()}
    while wanted:
        name = wanted.pop(0)
        if name in sources or name not in available:
            continue
        has_rules = (available[name] / "rules.py").exists()
        sources[name] = read_pack(available[name], module=f"{module}.{name}.rules" if has_rules else None)
        wanted += sources[name].pack.get("requires", [])
    return list(sources.values())


def digest_of(folder: Path, names: Iterable[str]) -> str:
    """A digest of the packs' files: equal digests mean that nothing has to be read and assembled again."""
    found = hashlib.sha256()
    system = Path(__file__).parent.parent / "system"
    for root in (system, *(folder / name for name in sorted(names))):
        for path in sorted(root.rglob("*.yaml")):
            found.update(str(path.relative_to(root.parent)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def published_version(connection: Connection) -> int:
    """The version that is published; 0 when none is."""
    row = connection.execute("SELECT catalogue FROM site_version", prepare=True).fetchone()
    return int(row[0]) if row else 0


def load_published(connection: Connection) -> Catalogue:
    """The catalogue that is published."""
    return load_version(connection, published_version(connection))


def load_version(connection: Connection, version: int) -> Catalogue:
    """The catalogue of a version."""
    return build_catalogue(definitions_of(connection, version), version=version, columns=columns_of(connection))


def definitions_of(connection: Connection, version: int) -> Definitions:
    """The assembled definitions of a version."""
    row = connection.execute("SELECT definitions FROM catalogue_version WHERE version = $1", [version]).fetchone()
    definitions: Definitions = row[0] if row else {"packs": {}, "files": {}}
    return definitions


def overlay_of(connection: Connection, owner: str = PUBLISHED) -> Overlay:
    """What the company changed (or an administrator is changing), by (kind, name)."""
    return {(row[0], row[1]): row[2] for row in connection.execute(
        "SELECT kind, name, content FROM overlay WHERE owner = $1 ORDER BY kind, name", [owner])}


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two sets of definitions say the same, files aside."""
    def text(definitions: Mapping[str, Any]) -> bytes:
        return orjson.dumps({key: value for key, value in definitions.items() if key not in ("files", "digest", "conflicts")})

    return text(first) == text(second)


def publish(connection: Connection, definitions: Definitions, *, at: datetime, by: str | None, comment: str | None = None) -> int:
    """Store a new version and make it the one that holds; its number. The tables must be there already."""
    row = connection.execute("SELECT coalesce(max(version), 0) + 1 FROM catalogue_version").fetchone()
    version = int(row[0]) if row else 1
    connection.execute(
        "INSERT INTO catalogue_version (version, published_at, published_by, comment, definitions) VALUES ($1, $2, $3, $4, $5::json)",
        [version, at, by, comment, orjson.dumps(definitions).decode()])
    connection.execute("UPDATE site_version SET catalogue = $1, settings = settings + 1", [version])
    return version


def keep_overlay(connection: Connection, overlay: Mapping[str, Mapping[str, Any]], *, at: datetime) -> None:
    """Make `overlay` ("kind:name" → entry) the published one."""
    connection.execute("DELETE FROM overlay WHERE owner = $1", [PUBLISHED])
    for place, entry in overlay.items():
        kind, _, name = place.partition(":")
        connection.execute("INSERT INTO overlay (owner, kind, name, content, updated_at) VALUES ($1, $2, $3, $4::json, $5)",
                           [PUBLISHED, kind, name, orjson.dumps(entry).decode(), at])


def assemble_site(sources: Iterable[Source], connection: Connection) -> Definitions:
    """What the packs and the company's published overlay say together. Raises Broken.

    Where a pack says something else than when the company changed it, the two are merged three ways; `conflicts` of the
    result lists what somebody should look at, as [kind, name, code, path].
    """
    fresh = assemble(sources)
    bases = definitions_of(connection, published_version(connection)).get("base", {})
    overlay: dict[tuple[str, str], Mapping[str, Any]] = {}
    conflicts: list[list[str]] = []
    for (kind, name), entry in overlay_of(connection).items():
        overlay[kind, name] = entry
        old, new = bases.get(f"{kind}:{name}"), fresh.get(kind, {}).get(name)
        if "overlay" in entry and old is not None and new is not None and old != new["definition"]:
            merged = merge(old, entry["overlay"], new["definition"])
            overlay[kind, name] = {**entry, "overlay": merged.overlay}
            conflicts += [[kind, name, code, path] for code, path in merged.conflicts]
    return overlaid(fresh, overlay) | {"conflicts": conflicts}
