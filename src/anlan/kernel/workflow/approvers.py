"""Who is to approve: the users of roles, named users, the manager of the submitter's department.

Only active users who may see the record's company count. Nobody approves what he submitted himself, unless
there is nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anlan.kernel.access.identity import DEPARTMENTS, USER_COMPANIES, USERS
from anlan.kernel.definition.model import ApprovalStep
from anlan.kernel.storage.pool import Connection

__all__ = ["Approver", "active_users", "find", "find_admins", "superior"]

_MOST_LEVELS = 20  # of departments; a circle among parents ends here too


class Approver(NamedTuple):
    """`through`: the roles that make him one; None for a named user or a manager."""

    user: str
    through: tuple[str, ...] | None


def find(
    connection: Connection,
    definition: ApprovalStep,
    *,
    submitter: str,
    company: str | None,
    department: str | None,
    all_rights: frozenset[str],
) -> list[Approver]:
    """The manager first, then by log-in name. Empty: the definition finds nobody."""
    found: dict[str, Approver] = {}
    if definition.manager and department is not None:
        manager = _manager(connection, department, submitter)
        if manager is not None:
            found[manager] = Approver(manager, None)
    for named in _users(connection, codes=definition.users, roles=(), company=company, all_rights=all_rights):
        found.setdefault(named.user, named._replace(through=None))
    for one in _users(connection, codes=(), roles=definition.roles, company=company, all_rights=all_rights):
        found.setdefault(one.user, one)
    return _separated(list(found.values()), submitter)


def find_admins(
    connection: Connection, *, submitter: str, company: str | None, all_rights: frozenset[str]
) -> list[Approver]:
    """The administrators: who approves when the definition finds nobody."""
    roles = sorted(all_rights)
    return _separated(
        _users(connection, codes=(), roles=roles, company=company, all_rights=all_rights), submitter
    )


def superior(connection: Connection, user: str, *, department: str | None = None) -> Approver | None:
    """The nearest manager at or above a department (absent: the user's own) who is somebody else; None: there is none."""
    if department is None:
        row = connection.execute(f"SELECT department FROM {USERS} WHERE id = $1", [user]).fetchone()
        department = row[0] if row is not None else None
    found = _manager(connection, department, user) if department is not None else None
    return None if found is None or found == user else Approver(found, None)


def active_users(
    connection: Connection,
    *,
    roles: Sequence[str],
    codes: Sequence[str],
    company: str | None,
    all_rights: frozenset[str],
) -> list[str]:
    """The ids of active users who have one of the roles or log-in names and may see the company."""
    found = _users(connection, codes=codes, roles=roles, company=company, all_rights=all_rights)
    return [one.user for one in found]


def _separated(people: list[Approver], submitter: str) -> list[Approver]:
    """All but the submitter; he alone when there is nobody else."""
    others = [one for one in people if one.user != submitter]
    return others or people


def _users(
    connection: Connection,
    *,
    codes: Sequence[str],
    roles: Sequence[str],
    company: str | None,
    all_rights: frozenset[str],
) -> list[Approver]:
    rows = connection.execute(
        "SELECT u.id, ARRAY(SELECT unnest(u.roles) INTERSECT SELECT unnest($2::text[])) "
        f"FROM {USERS} u WHERE u.active AND (u.code = ANY ($1::text[]) OR u.roles && $2::text[]) "
        "AND ($3::uuid IS NULL OR u.company = $3::uuid OR u.roles && $4::text[] OR EXISTS (SELECT "
        f"FROM {USER_COMPANIES} c WHERE c.record = u.id AND c.company = $3::uuid)) ORDER BY u.code",
        [list(codes), list(roles), company, sorted(all_rights)],
    ).fetchall()
    return [Approver(user, tuple(sorted(through))) for user, through in rows]


def _manager(connection: Connection, department: str, submitter: str) -> str | None:
    """The nearest active manager at or above a department, but the submitter only if there is no other."""
    rows = connection.execute(
        f"WITH RECURSIVE up AS (SELECT d.id, d.manager, d.parent, 1 AS level FROM {DEPARTMENTS} d "
        "WHERE d.id = $1 "
        f"UNION ALL SELECT d.id, d.manager, d.parent, up.level + 1 FROM {DEPARTMENTS} d "
        "JOIN up ON d.id = up.parent WHERE up.level < $2) "
        f"SELECT u.id FROM up JOIN {USERS} u ON u.id = up.manager AND u.active ORDER BY up.level",
        [department, _MOST_LEVELS],
    ).fetchall()
    managers = [user for (user,) in rows]
    return next((user for user in managers if user != submitter), managers[0] if managers else None)
