"""What the operator does with users at the command line. Their records go through the record path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from anlan.kernel import record
from anlan.kernel.access import passwords, sessions, throttle, totp
from anlan.kernel.access.caller import SYSTEM_USER, system_caller
from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.access.vault import open_vault
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid, not_found
from anlan.kernel.site.site import Site
from anlan.kernel.storage.pool import Connection, transaction

__all__ = ["UserShown", "add", "id_of", "list_of", "lock", "reset_password", "set_roles", "unlock"]


class UserShown(TypedDict):
    """One user; `last_login` is the newest session's."""

    login: str
    name: str
    email: str | None
    active: bool
    roles: list[str]
    last_login: str | None
    second_factor: bool


def add(
    site: Site,
    login: str,
    name: str,
    *,
    roles: Sequence[str] = (),
    company: str | None = None,
    email: str | None = None,
    language: str | None = None,
    password: str | None = None,
) -> str:
    """Make a user and return his first password, which he must change; a generated one unless it is given.

    Raises Refused 422 for an unknown role, a taken log-in, a weak password.
    """
    first = passwords.generate() if password is None else password
    passwords.check_policy(first, login)
    _known_roles(site, roles)
    values = {
        "code": login,
        "name": name,
        "roles": list(roles),
        "company": company,
        "email": email,
        "language": language,
    }
    ctx = _operator(site)
    ctx.atomically(
        lambda: record.create(
            ctx, "system.user", {key: value for key, value in values.items() if value is not None}
        )
    )
    sessions.set_password(site, login, first)
    return first


def list_of(site: Site) -> list[UserShown]:
    """All users by log-in name."""
    rows = transaction(
        site.pool,
        lambda connection: connection.execute(
            "SELECT u.code, u.name, u.email, u.active, u.roles, c.totp_secret IS NOT NULL, "
            "(SELECT max(s.created_at) FROM session s WHERE s.user_id = u.id) "
            f"FROM {USERS} u LEFT JOIN credential c ON c.user_id = u.id ORDER BY u.code"
        ).fetchall(),
    )
    return [
        {
            "login": login,
            "name": name or login,
            "email": email,
            "active": bool(active),
            "roles": list(roles or ()),
            "last_login": instant_text(last),
            "second_factor": bool(factor),
        }
        for login, name, email, active, roles, factor, last in rows
    ]


def set_roles(site: Site, login: str, roles: Sequence[str]) -> None:
    """Give a user exactly these roles. Raises Refused 404, 422 (unknown role, the last administrator)."""
    _known_roles(site, roles)
    _change(site, login, {"roles": list(roles)})


def reset_password(
    site: Site, login: str, *, password: str | None = None, drop_second_factor: bool = False
) -> str:
    """Give a user a password that he must change, end his sessions, forget his failed log-ins; return it."""
    first = passwords.generate() if password is None else password
    sessions.set_password(site, login, first)
    _forget_failures(site, login)
    if drop_second_factor:
        totp.remove(site, id_of(site, login), by=None, via="cli")
    return first


def lock(site: Site, login: str) -> None:
    """Do not let a user in any more: he is inactive, his sessions end, his tokens rest. Refused 404, 422."""
    user = id_of(site, login)
    _change(site, login, {"active": False})
    sessions.revoke_all(site, user, by=SYSTEM_USER, via="cli")


def unlock(site: Site, login: str) -> None:
    """Let a user in again, also one who failed too often. His password is the old one."""
    _change(site, login, {"active": True})
    _forget_failures(site, login)


def _change(site: Site, login: str, values: dict[str, Any]) -> None:
    ctx = _operator(site)

    def work() -> None:
        found = record.read(ctx, "system.user", login)
        record.update(ctx, "system.user", found["id"], values, version=found["version"])

    ctx.atomically(work)
    sessions.forget(site)


def _operator(site: Site) -> Context:
    return Context(site, system_caller(site.catalogue.policies), via="cli")


def _known_roles(site: Site, roles: Sequence[str]) -> None:
    unknown = [role for role in roles if role not in site.catalogue.roles]
    if unknown:
        raise invalid(Fault("access.unknown_role", "roles", {"role": role}) for role in unknown)


def _forget_failures(site: Site, login: str) -> None:
    """The counter of all strangers' addresses; those of known addresses end by themselves within the hour."""
    attempt = throttle.subjects(open_vault(site.home), login, None, known=False)
    transaction(site.pool, lambda connection: throttle.give_back(connection, attempt))


def id_of(site: Site, login: str) -> str:
    """The id behind a log-in name, also of an inactive user; Refused 404."""

    def find(connection: Connection) -> str | None:
        row = connection.execute(f"SELECT u.id FROM {USERS} u WHERE u.code = $1", [login]).fetchone()
        return None if row is None else str(row[0])

    found = transaction(site.pool, find)
    if found is None:
        raise not_found("system.user", login)
    return found
