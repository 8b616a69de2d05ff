"""A real site of a pack that a test declares itself: definitions in, a site with tables, people and contexts out.

    with small_site(address, {"forms/thing.yaml": {"form": "demo.thing", …}}) as made:
        record.create(made.ctx(), "demo.thing", {"code": "A", "name": "a"})
        query.records(made.ctx("clerk"), "demo.thing", Query())

The kernel's own tables are made once a run, in a template database; each site is a copy.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from anlan.kernel import record
from anlan.kernel import site as sites
from anlan.kernel.access import identity
from anlan.kernel.access.caller import Caller, caller_from, system_caller
from anlan.kernel.context import Context
from anlan.kernel.settings import Secret, Settings
from anlan.kernel.site import Site, making
from anlan.kernel.storage import migrate
from anlan.kernel.storage.pool import connect

NOON = datetime.fromisoformat("2026-11-24T12:00:00+08:00")
TEMPLATE = "anlan_kernel_tables"


@dataclass
class Small:
    """The site, where its pack's files are, and short calls."""

    site: Site
    folder: Path
    settings: Settings

    def ctx(self, login: str | None = None, **more: Any) -> Context:
        """A context with all rights, or one of the people's."""
        caller = system_caller(self.site.catalogue.policies) if login is None else self.caller(login)
        return Context(self.site, caller, language="en", **more)

    def caller(self, login: str) -> Caller:
        with self.site.pool.connection() as connection:
            found = identity.load_by_login(connection, login)
        assert found is not None, login
        return caller_from(found, self.site.catalogue.policies)

    def person(self, login: str, *roles: str, company: str | None = "MAIN", companies: Sequence[str] = ()) -> str:
        """Add a user; his id."""
        made = record.create(self.ctx(), "system.user", {
            "code": login, "name": login.title(), "roles": list(roles), "language": "en", "company": company,
            "companies": [{"company": one} for one in companies]})
        return str(made["id"])

    def run(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement, committed."""
        with self.site.pool.connection() as connection:
            cursor = connection.execute(text, params)
            return cursor.fetchall() if cursor.description else []

    def write(self, files: Mapping[str, Any]) -> None:
        """Write files of the pack `demo`; text as it is, everything else as YAML."""
        write_pack(self.folder / "demo", files)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The statements that connections of this process send meanwhile, but for where a transaction begins and ends."""
        seen: list[str] = []
        real = psycopg.Cursor.execute

        def execute(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            if query not in ("BEGIN", "COMMIT"):
                seen.append(str(query))
            return real(cursor, query, *args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", execute)
            yield seen


def write_pack(folder: Path, files: Mapping[str, Any]) -> None:
    """A pack's folder from what its files say."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        file.write_text(text, "utf-8")


def a_pack(files: Mapping[str, Any], *roles: str) -> dict[str, Any]:
    """The files of the pack `demo` with what every pack has."""
    about = {"pack": "demo", "label": "Demo", "version": "1.0.0", "requires": []}
    return {"pack.yaml": about, "roles.yaml": [{"role": one, "label": one.title()} for one in roles], **files}


def document(name: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document of the pack `demo` with the states draft, confirmed, cancelled and the steps between them."""
    states = {"draft": "Draft", "confirmed": "Confirmed", "cancelled": "Cancelled"}
    return {
        "form": f"demo.{name}", "kind": "document", "label": name.title(), "number": {"pattern": f"{name[:1].upper()}{{0000}}"},
        "fields": fields,
        "workflow": {
            "states": {key: {"label": text} for key, text in states.items()},
            "transitions": {
                "confirm": {"from": ["draft"], "to": "confirmed", "label": "Confirm"},
                "cancel": {"from": ["confirmed"], "to": "cancelled", "label": "Cancel"},
                "reopen": {"from": ["confirmed", "cancelled"], "to": "draft", "label": "Reopen"}}},
        **more,
    }


def master(name: str, fields: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A master of the pack `demo` with a code and a name."""
    own = {"code": {"type": "text", "max_length": 40}, "name": {"type": "text", "max_length": 200}}
    return {"form": f"demo.{name}", "kind": "master", "label": name.title(), "fields": own | (fields or {}), **more}


@contextmanager
def small_site(
    address: str, files: Mapping[str, Any], *, people: Mapping[str, Sequence[str]] | None = None, roles: Sequence[str] = ("clerk",),
) -> Iterator[Small]:
    """A site with the pack `demo` of these files; gone at the end.

    There are two companies, MAIN and SIDE; `people` (login → roles) belong to MAIN.
    """
    folder = Path(tempfile.mkdtemp(prefix="anlan-packs-"))
    try:
        write_pack(folder / "demo", a_pack(files, *roles))
        with site_of_packs(address, folder, making.PACKS, people=people) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@contextmanager
def site_of_packs(address: str, folder: Path, package: str, *, people: Mapping[str, Sequence[str]] | None = None) -> Iterator[Small]:
    """A site with all packs of a folder; `package` is what their rules are imported from."""
    home = Path(tempfile.mkdtemp(prefix="anlan-small-"))
    with _database(address) as conninfo, pytest.MonkeyPatch.context() as patch:
        try:
            patch.setattr(making, "packs_folder", lambda: folder)
            patch.setattr(making, "PACKS", package)
            settings = Settings(home=home, database_url=Secret(conninfo), replica_url=None, mode="live", clock=NOON,
                                host="127.0.0.1", port=0, workers=1, pool_size=6, log_level="warning")
            sites.create(settings)
            site = sites.open(settings)
            try:
                made = Small(site, folder, settings)
                for code in ("MAIN", "SIDE"):
                    record.create(made.ctx(), "system.company", {"code": code, "name": code.title()})
                for login, held in (people or {}).items():
                    made.person(login, *held)
                yield made
            finally:
                site.close()
        finally:
            shutil.rmtree(home)


@contextmanager
def _database(address: str) -> Iterator[str]:
    name = f"t_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
            connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            with connect(make_conninfo(address, dbname=TEMPLATE)) as inner:
                migrate.apply(inner)
                inner.commit()
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY wal_log")
    try:
        yield make_conninfo(address, dbname=name)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
