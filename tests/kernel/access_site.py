"""A small site for the tests of access and workflow: the kernel's tables, users, four roles, one form.

The tables of system.user and system.department are what the catalogue makes of these forms, cut to
what is read.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from anlan.kernel.access import identity
from anlan.kernel.access.caller import Caller, caller_from
from anlan.kernel.access.policy import Policies
from anlan.kernel.clock import TestClock
from anlan.kernel.definition.model import FormDefinition, RegisterDefinition, ReportDefinition, RoleDefinition
from anlan.kernel.ids import uuid7
from anlan.kernel.storage import migrate
from anlan.kernel.storage.pool import Pool, connect

TABLES = """
CREATE TABLE "system_user" (id uuid PRIMARY KEY, code text UNIQUE, name text, email text, language text,
    active boolean, company uuid, department uuid, roles text[]);
CREATE TABLE system_user__companies (id uuid PRIMARY KEY, record uuid, position int, company uuid);
CREATE TABLE system_department (id uuid PRIMARY KEY, code text, name text, manager uuid, parent uuid);
"""
NEEDED = ("001_kernel", "003_access", "004_workflow", "012_message", "020_approvals")


def note(grants: dict[str, Any], **more: Any) -> FormDefinition:
    """The form demo.note with these grants: a subject, and lines with a text and a cost."""
    return FormDefinition.model_validate({
        "form": "demo.note", "kind": "document", "label": "Note", "grants": grants,
        "fields": {"subject": {"type": "text"}, "lines": {"type": "lines", "fields": {
            "text": {"type": "text"}, "cost": {"type": "money"}}}}, **more,
    })  # fmt: skip


def policies(
    *,
    forms: Sequence[FormDefinition] = (),
    registers: Sequence[RegisterDefinition] = (),
    reports: Sequence[ReportDefinition] = (),
    roles: Sequence[str] = ("clerk", "manager", "reader"),
) -> Policies:
    """Policies over these definitions; the role `admin` has all rights."""
    return Policies(
        forms={one.form: one for one in forms},
        registers={one.register_name: one for one in registers},
        reports={one.report: one for one in reports},
        roles={
            "admin": RoleDefinition(role="admin", label=label("Admin"), all_rights=True),
            **{one: RoleDefinition(role=one, label=label(one)) for one in roles},
        },
    )


def label(text: str) -> Any:
    return {"zh": text, "en": text}


@dataclass
class SmallCatalogue:
    policies: Policies


@dataclass
class SmallSite:
    pool: Pool
    home: Path
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    clock: TestClock = field(default_factory=lambda: TestClock("2026-11-24T02:00:00Z"))
    catalogue: SmallCatalogue = field(
        default_factory=lambda: SmallCatalogue(
            policies(forms=[note({"clerk": {"actions": ["read", "create"]}, "manager": {"actions": ["*"]}})])
        )
    )

    def user(self, login: str = "", *, roles: Sequence[str] = ("clerk",), **columns: Any) -> str:
        """Add a user and return his id; without a log-in name he gets one that nobody else has."""
        key = uuid7()
        login = login or f"u{uuid4().hex[:10]}"
        values = {"id": key, "code": login, "name": login.title(), "language": "en", "active": True}
        self.insert("system_user", {**values, "roles": list(roles), **columns})
        return key

    def insert(self, table: str, values: dict[str, Any]) -> None:
        places = ", ".join(f"${position}" for position in range(1, len(values) + 1))
        with self.pool.connection() as connection:
            connection.execute(
                f'INSERT INTO "{table}" ({", ".join(values)}) VALUES ({places})', list(values.values())
            )

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def deactivate(self, user: str) -> None:
        with self.pool.connection() as connection:
            connection.execute('UPDATE "system_user" SET active = false WHERE id = $1', [user])

    def login_of(self, user: str) -> str:
        return str(self.rows('SELECT code FROM "system_user" WHERE id = $1', user)[0][0])

    def kinds(self, record: str) -> list[str]:
        """The kinds of the events of a record, in order."""
        return [
            kind for (kind,) in self.rows("SELECT kind FROM event WHERE record = $1 ORDER BY seq", record)
        ]


@dataclass
class Ctx:
    """What workflow needs of a Context."""

    site: SmallSite
    caller: Caller
    via: str = "page"
    request_id: str | None = None

    @property
    def catalogue(self) -> SmallCatalogue:
        return self.site.catalogue

    @property
    def now(self) -> datetime:
        return self.site.clock.now()


def acting(site: SmallSite, user: str) -> Ctx:
    """A context of this user as he is now."""
    with site.pool.connection() as connection:
        found = identity.load_by_login(connection, site.login_of(user))
    assert found is not None
    return Ctx(site, caller_from(found, site.catalogue.policies))


@contextmanager
def empty_database(address: str) -> Iterator[str]:
    """The conninfo of a database of its own, which ends with it."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield make_conninfo(address, dbname=name)
    finally:
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def small_site(address: str, home: Path) -> Iterator[SmallSite]:
    """A site on a database of its own, which ends with it."""
    with empty_database(address) as conninfo:
        with connect(conninfo, autocommit=True) as connection:
            migrate.apply(connection, given=[step for step in migrate.steps() if step.name in NEEDED])
            connection.execute(TABLES)
        with Pool(conninfo, max_size=8) as pool:
            yield SmallSite(pool, home)
