"""Reading users: the columns that access needs, in one query whatever the way in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anlan.kernel.access.caller import Identity
from anlan.kernel.storage.pool import Connection

__all__ = ["COLUMNS", "DEPARTMENTS", "USERS", "USER_COMPANIES", "from_row", "load_by_login"]

# The tables that the catalogue makes of the forms system.user and system.department.
USERS = '"system_user"'  # quoted: SYSTEM_USER is a word of SQL
USER_COMPANIES = "system_user__companies"
DEPARTMENTS = "system_department"
# Over USERS AS u; as many columns as Identity has fields.
COLUMNS = (
    "u.id, u.code, u.name, u.language, u.company, ARRAY("
    f"SELECT c.company FROM {USER_COMPANIES} c WHERE c.record = u.id AND c.company IS NOT NULL "
    "ORDER BY c.position), u.department, u.roles"
)


def from_row(row: Sequence[Any]) -> Identity:
    """An Identity from the first columns of a row that was selected with COLUMNS."""
    user, login, name, language, company, companies, department, roles = row[:8]
    return Identity(
        user, login, name or login, language, company, tuple(companies), department, frozenset(roles or ())
    )


def load_by_login(connection: Connection, login: str) -> Identity | None:
    """Load an active user by log-in name; None when there is none."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {USERS} u WHERE u.code = $1 AND u.active", [login.strip()]
    ).fetchone()
    return None if row is None else from_row(row)
