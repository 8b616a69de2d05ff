"""People and their ways in: who may log in, who is logged in, which programs act for whom.

    invite(ctx, {"code": "wang", "name": "王芳", "roles": ["clerk"]})   → {"id", "login", "password"}

A first password is in that answer and nowhere else; who has it must choose his own at the first log-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel import record
from anlan.kernel.access import passwords, throttle, totp
from anlan.kernel.access import sessions as access_sessions
from anlan.kernel.access import tokens as access_tokens
from anlan.kernel.access.identity import USERS
from anlan.kernel.access.security_event import Via
from anlan.kernel.access.shape import instant_text
from anlan.kernel.access.vault import open_vault
from anlan.kernel.admin.guard import note, require_admin
from anlan.kernel.context import Context
from anlan.kernel.errors import not_found
from anlan.kernel.storage.pool import transaction

__all__ = [
    "drop_second_factor",
    "end_session",
    "end_sessions",
    "end_token",
    "invite",
    "people",
    "reset_password",
    "sessions",
    "set_active",
    "tokens",
    "unlock",
]

_MOST = 500


def people(ctx: Context, *, search: str = "", login: str | None = None) -> list[dict[str, Any]]:
    """Users with what access knows of them, by log-in name, at most 500.

    Each: `id, login, name, email, language, active, roles, company, department, last_seen, sessions,
    second_factor, has_password, must_change, locked_until`. `search`: a part of log-in, name or e-mail. One
    statement. Refused 403.
    """
    require_admin(ctx)
    like = "%" + search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"""SELECT u.id, u.code, u.name, u.email, u.language, u.active, u.roles, u.company, d.name,
                (SELECT max(s.last_seen) FROM session s WHERE s.user_id = u.id),
                (SELECT count(*) FROM session s
                 WHERE s.user_id = u.id AND s.revoked_at IS NULL AND s.expires_at > $2),
                c.totp_secret IS NOT NULL, c.user_id IS NOT NULL, coalesce(c.must_change, false)
            FROM {USERS} u LEFT JOIN credential c ON c.user_id = u.id
            LEFT JOIN system_department d ON d.id = u.department
            WHERE ($3::text IS NULL OR u.code = $3)
                AND (u.code ILIKE $1 OR u.name ILIKE $1 OR u.email ILIKE $1)
            ORDER BY u.active DESC, u.code LIMIT {_MOST}""",
            [like, ctx.now, login],
        ).fetchall()
        locked = _locked(ctx, [row[1] for row in rows])
    return [
        {
            "id": row[0], "login": row[1], "name": row[2] or row[1], "email": row[3], "language": row[4],
            "active": bool(row[5]), "roles": list(row[6] or ()), "company": _company(ctx, row[7]),
            "department": row[8], "last_seen": instant_text(row[9]), "sessions": row[10],
            "second_factor": bool(row[11]), "has_password": bool(row[12]), "must_change": bool(row[13]),
            "locked_until": locked.get(row[1]),
        }
        for row in rows
    ]  # fmt: skip


def invite(ctx: Context, values: Mapping[str, Any]) -> dict[str, str]:
    """Make a user with a first password. Refused 403, 422 (as the record of `system.user` says)."""
    require_admin(ctx)
    first = passwords.generate()
    made = ctx.atomically(lambda: record.create(ctx, "system.user", dict(values)))
    access_sessions.set_password(ctx.site, made["code"], first, by=ctx.caller.user, via=_via(ctx))
    return {"id": made["id"], "login": made["code"], "password": first}


def reset_password(ctx: Context, login: str) -> str:
    """A new first password; all sessions of the user end, his failed log-ins are forgotten. Refused 403, 404."""
    require_admin(ctx)
    first = passwords.generate()
    access_sessions.set_password(ctx.site, login, first, by=ctx.caller.user, via=_via(ctx))
    _forget_failures(ctx, login)
    return first


def set_active(ctx: Context, login: str, active: bool) -> None:
    """Let a user in, or not any more: then his sessions end and his tokens rest. Refused 403, 404, 422."""
    require_admin(ctx)

    def work() -> str:
        found = record.read(ctx, "system.user", login)
        record.update(ctx, "system.user", found["id"], {"active": active}, version=found["version"])
        return str(found["id"])

    user = ctx.atomically(work)
    if not active:
        access_sessions.revoke_all(ctx.site, user, by=ctx.caller.user, via=_via(ctx))


def unlock(ctx: Context, login: str) -> None:
    """Forget the failed log-ins of a name, also those from addresses that it is known at. Refused 403, 404."""
    require_admin(ctx)
    user = _id_of(ctx, login)
    _forget_failures(ctx, login)
    with ctx.transaction() as tx:
        note(tx.connection, ctx, "unlocked", {"login": login}, form="system.user", record=user)


def end_sessions(ctx: Context, login: str) -> int:
    """End all sessions of a user (of oneself: all others); how many. Refused 403, 404."""
    require_admin(ctx)
    user = _id_of(ctx, login)
    return access_sessions.revoke_all(
        ctx.site, user, by=ctx.caller.user, but=ctx.caller.session if user == ctx.caller.user else None,
        via=_via(ctx),
    )  # fmt: skip


def drop_second_factor(ctx: Context, login: str) -> None:
    """Take the second factor off somebody who lost his phone. Refused 403, 404."""
    require_admin(ctx)
    totp.remove(ctx.site, _id_of(ctx, login), by=ctx.caller.user, via=_via(ctx))


def sessions(ctx: Context) -> list[dict[str, Any]]:
    """Live sessions of everybody, last used first, at most 500. Refused 403."""
    require_admin(ctx)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"""SELECT s.id, u.code, u.name, s.created_at, s.last_seen, s.expires_at, host(s.address), s.agent
            FROM session s JOIN {USERS} u ON u.id = s.user_id
            WHERE s.revoked_at IS NULL AND s.expires_at > $1
            ORDER BY s.last_seen DESC, s.id DESC LIMIT {_MOST}""",
            [ctx.now],
        ).fetchall()
    return [
        {"id": row[0], "login": row[1], "name": row[2] or row[1], "created_at": instant_text(row[3]),
         "last_seen": instant_text(row[4]), "expires_at": instant_text(row[5]), "address": row[6],
         "agent": row[7], "own": row[0] == ctx.caller.session}
        for row in rows
    ]  # fmt: skip


def end_session(ctx: Context, session: str) -> None:
    """End anybody's session. Refused 403, 404."""
    require_admin(ctx)
    user = _owner(ctx, "session", session)
    access_sessions.revoke(ctx.site, user, session, by=ctx.caller.user, via=_via(ctx))


def tokens(ctx: Context) -> list[dict[str, Any]]:
    """Tokens that were not revoked, of everybody, newest first, at most 500; never their text. Refused 403."""
    require_admin(ctx)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"""SELECT t.id, u.code, u.name, u.active, t.name, t.prefix, t.forms, t.actions, t.addresses::text[],
                t.created_at, t.expires_at, t.last_used
            FROM token t JOIN {USERS} u ON u.id = t.user_id WHERE t.revoked_at IS NULL
            ORDER BY t.created_at DESC, t.id DESC LIMIT {_MOST}"""
        ).fetchall()
    return [
        {"id": row[0], "login": row[1], "person": row[2] or row[1], "active": bool(row[3]), "name": row[4],
         "prefix": row[5], "forms": row[6], "actions": row[7], "addresses": row[8],
         "created_at": instant_text(row[9]), "expires_at": instant_text(row[10]),
         "last_used": instant_text(row[11]), "ended": row[10] is not None and row[10] <= ctx.now}
        for row in rows
    ]  # fmt: skip


def end_token(ctx: Context, token: str) -> None:
    """Revoke anybody's token. Refused 403, 404."""
    require_admin(ctx)
    user = _owner(ctx, "token", token)
    access_tokens.revoke(ctx.site, user, token, by=ctx.caller.user, via=_via(ctx))


def _owner(ctx: Context, table: str, key: str) -> str:
    with ctx.transaction() as tx:
        row = tx.connection.execute(
            f"SELECT user_id FROM {table} WHERE id::text = $1 AND revoked_at IS NULL", [key]
        ).fetchone()
    if row is None:
        raise not_found(table, key)
    return str(row[0])


def _id_of(ctx: Context, login: str) -> str:
    with ctx.transaction() as tx:
        row = tx.connection.execute(f"SELECT id FROM {USERS} WHERE code = $1", [login]).fetchone()
    if row is None:
        raise not_found("system.user", login)
    return str(row[0])


def _locked(ctx: Context, logins: list[str]) -> dict[str, str | None]:
    """Until when the names are locked for strangers' addresses. The table has keyed hashes, no names."""
    vault = open_vault(ctx.site.home)
    known = {throttle.subjects(vault, login, None, known=False).own.digest: login for login in logins}
    rows = ctx.connection.execute(
        "SELECT subject, locked_until FROM login_throttle WHERE subject = ANY ($1::bytea[]) AND locked_until > $2",
        [list(known), ctx.now],
    ).fetchall()
    return {known[bytes(subject)]: instant_text(until) for subject, until in rows}


def _forget_failures(ctx: Context, login: str) -> None:
    vault = open_vault(ctx.site.home)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"SELECT DISTINCT host(s.address) FROM session s JOIN {USERS} u ON u.id = s.user_id "
            "WHERE u.code = $1 AND s.address IS NOT NULL LIMIT 100",
            [login],
        ).fetchall()
    attempts = [throttle.subjects(vault, login, None, known=False)]
    attempts += [throttle.subjects(vault, login, row[0], known=True) for row in rows]
    for attempt in attempts:
        own = throttle.Attempt(attempt.own, None)
        transaction(ctx.site.pool, lambda connection, one=own: throttle.give_back(connection, one))  # type: ignore[misc]  # bound now


def _company(ctx: Context, key: str | None) -> str | None:
    if key is None:
        return None
    row = ctx.memory.row("system.company", key)
    return str(row.get("name") or row.get("code") or "")


def _via(ctx: Context) -> Via:
    return "api" if ctx.via == "api" else "page"
