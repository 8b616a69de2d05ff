"""Logging in and out with a password, and what a browser's cookie stands for.

    token = login(site, "li", "…", address="10.0.0.7", agent="Firefox")     # the cookie's value
    caller = resolve(site, token)                                           # on each request
    logout(site, token)

A session's secret has 256 random bits; the database keeps its SHA-256 (nothing to guess, so nothing to slow
down). It ends after 12 hours without a request, after 14 days in any case, and when it is revoked: at once
in this process, within five seconds in others.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from anlan.kernel.access import identity, passwords, throttle, totp
from anlan.kernel.access import session_store as store
from anlan.kernel.access.cache import ShortMemory
from anlan.kernel.access.caller import Caller, caller_from
from anlan.kernel.access.ports import Site
from anlan.kernel.access.security_event import SecurityEvent, Via, write
from anlan.kernel.access.shape import address_of, instant_text, plain_text
from anlan.kernel.access.vault import open_vault
from anlan.kernel.errors import Fault, Refused, forbidden, invalid, not_found
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection, transaction

__all__ = [
    "change_password",
    "check_password",
    "forget",
    "list_of",
    "login",
    "logout",
    "resolve",
    "revoke",
    "revoke_all",
    "set_password",
]

_AGENT_CHARACTERS = 300
_memory: ShortMemory[store.Live] = ShortMemory()


def login(
    site: Site,
    login: str,
    password: str,
    *,
    address: str | None,
    agent: str | None,
    totp: str | None = None,
) -> str:
    """Check name, password and second factor; return the secret of a new session.

    Takes as long as a password hash. Steps: 1. count the attempt (throttle; 429 `access.locked` while
    locked); 2. verify the password, for an unknown name against a hash of nothing; 3. either write the
    failure and raise 401, or give the attempt back, make the session and write the event, in one transaction.
    A process that dies between 1 and 3 leaves one failure counted. Raises Refused 401: `access.login_failed`
    alike for unknown name, wrong password and inactive user; `access.second_factor_required` when the
    password is right and a code is missing; `access.second_factor_wrong`.
    """
    login, now, place = plain_text(login), site.clock.now(), address_of(address)
    typed = transaction(site.pool, lambda connection: store.look_up(connection, login, place, now))
    attempt = throttle.subjects(open_vault(site.home), login, place, known=typed.address_known)
    locks = transaction(site.pool, lambda connection: throttle.count(connection, attempt, now))
    right = passwords.matches(typed.password_hash, password)
    if typed.identity is None or not right:
        _fail(site, typed, "access.login_failed", now=now, place=place, locks=locks)
    if typed.totp_secret is not None and not totp:
        raise Refused(401, "access.second_factor_required")
    user, secret = typed.identity, secrets.token_urlsafe(32)

    def enter(connection: Connection) -> str | None:
        if not store.is_unchanged(connection, user.user, typed.password_hash):
            return "access.login_failed"
        if typed.totp_secret is not None and not _second_factor(site, connection, user.user, totp or "", now):
            return "access.second_factor_wrong"
        if typed.password_hash is not None and passwords.is_outdated(typed.password_hash):
            stored = passwords.hash_of(password)
            connection.execute(
                "UPDATE credential SET password_hash = $2 WHERE user_id = $1", [user.user, stored]
            )
        throttle.give_back(connection, attempt)
        store.make(
            connection,
            key=uuid7(),
            digest=_digest(secret),
            user=user.user,
            now=now,
            address=place,
            agent=plain_text(agent or "")[:_AGENT_CHARACTERS],
        )
        _note(connection, "login", now=now, user=user.user, actor=user.user, details={"address": place})
        return None

    wrong = transaction(site.pool, enter)
    if wrong is not None:
        _fail(site, typed, wrong, now=now, place=place, locks=locks)
    return secret


def resolve(site: Site, token: str) -> Caller | None:
    """Whose session it is, or None when it is none (any more). At most one query in five seconds each."""
    digest, now = _digest(token), site.clock.now()
    live = _memory.get(site.pool, digest)
    if live is None:
        asked_at = time.monotonic()
        live = transaction(site.pool, lambda connection: store.live(connection, digest, now))
        if live is None:
            return None
        _memory.put(site.pool, digest, live, asked_at=asked_at)
    if live.expires_at <= now:
        return None
    return caller_from(
        live.identity, site.catalogue.policies, must_change=live.must_change, session=live.session
    )


def logout(site: Site, token: str, *, via: Via = "page") -> None:
    """End the session of this secret; nothing happens when it has ended already."""
    now = site.clock.now()

    def end(connection: Connection) -> None:
        row = connection.execute(
            "UPDATE session SET revoked_at = $2 WHERE digest = $1 AND revoked_at IS NULL RETURNING user_id",
            [_digest(token), now],
        ).fetchone()
        if row is not None:
            _note(connection, "logout", now=now, user=row[0], actor=row[0], via=via)

    transaction(site.pool, end)
    _memory.forget(site.pool)


def list_of(site: Site, user: str) -> list[dict[str, Any]]:
    """A user's live sessions, last used first: `id, created_at, last_seen, expires_at, address, agent`."""
    now = site.clock.now()
    rows = transaction(
        site.pool,
        lambda connection: connection.execute(
            "SELECT id, created_at, last_seen, expires_at, host(address), agent FROM session "
            "WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_seen DESC, id DESC",
            [user, now],
        ).fetchall(),
    )
    return [
        {"id": key, "created_at": instant_text(created), "last_seen": instant_text(seen),
         "expires_at": instant_text(expires), "address": address, "agent": agent}
        for key, created, seen, expires, address, agent in rows
    ]  # fmt: skip


def revoke(site: Site, user: str, session: str, *, by: str, via: Via = "page") -> None:
    """End one session of this user; `by` is the acting user's id. Raises Refused 404 if there is none."""
    if not _revoke(site, user, "id::text = $3", session, by=by, via=via):
        raise not_found("session", session)


def revoke_all(site: Site, user: str, *, by: str, but: str | None = None, via: Via = "page") -> int:
    """End all sessions of this user except `but`; return how many."""
    return _revoke(site, user, "($3::uuid IS NULL OR id <> $3::uuid)", but, by=by, via=via)


def set_password(
    site: Site,
    login: str,
    password: str,
    *,
    by: str | None = None,
    must_change: bool = True,
    via: Via = "cli",
) -> None:
    """Give a user a password as an administrator: his sessions end, and the next log-in asks for a new one.

    The caller has checked that `by` may do this. Raises Refused 404 for an unknown or inactive user, 422
    `access.password_*`.
    """
    passwords.check_policy(password, login)
    stored, now = passwords.hash_of(password), site.clock.now()

    def put(connection: Connection) -> str:
        found = identity.load_by_login(connection, login)
        if found is None:
            raise not_found("system.user", login)
        store.store_password(connection, found.user, stored, now, must_change=must_change)
        store.end_sessions(connection, found.user, now, but=None)
        _note(connection, "password_set", now=now, user=found.user, actor=by, via=via)
        return found.user

    transaction(site.pool, put)
    _memory.forget(site.pool)


def change_password(
    site: Site, caller: Caller, old: str, new: str, *, address: str | None, via: Via = "page"
) -> None:
    """Change one's own password; his other sessions end. The old one is asked for, and counted like a log-in.

    Raises Refused 403 for a narrowed token, 429 `access.locked`, 422 `access.old_password_wrong`,
    `access.password_*`.
    """
    if caller.token_scope is not None:
        raise forbidden("system.user", "password")
    now = site.clock.now()
    typed, attempt = _own_password(site, caller, old, address)
    passwords.check_policy(new, caller.login, path="new")
    if new == old:
        raise invalid([Fault("access.password_same", "new")])
    stored = passwords.hash_of(new)

    def put(connection: Connection) -> None:
        if not store.is_unchanged(connection, caller.user, typed.password_hash):
            raise invalid([Fault("access.old_password_wrong", "old")])
        throttle.give_back(connection, attempt)
        store.store_password(connection, caller.user, stored, now, must_change=False)
        store.end_sessions(connection, caller.user, now, but=caller.session)
        _note(connection, "password_changed", now=now, user=caller.user, actor=caller.user, via=via)

    transaction(site.pool, put)
    _memory.forget(site.pool)


def check_password(site: Site, caller: Caller, password: str, *, address: str | None) -> None:
    """Is it really he? Before what a screen that was left open must not do. Counted like a log-in.

    Raises Refused 403 for a token, 429 `access.locked`, 422 `access.old_password_wrong`.
    """
    if caller.session is None:
        raise forbidden("system.user", "password")
    _, attempt = _own_password(site, caller, password, address)
    transaction(site.pool, lambda connection: throttle.give_back(connection, attempt))


def forget(site: Site) -> None:
    """Ask the database again for every session: this process changed users, their roles or companies."""
    _memory.forget(site.pool)


def _own_password(
    site: Site, caller: Caller, password: str, address: str | None
) -> tuple[store.Login, throttle.Attempt]:
    """The caller's log-in when the password is his; the attempt was counted, who goes on gives it back."""
    now, place = site.clock.now(), address_of(address)
    typed = transaction(site.pool, lambda connection: store.look_up(connection, caller.login, place, now))
    attempt = throttle.subjects(open_vault(site.home), caller.login, place, known=typed.address_known)
    transaction(site.pool, lambda connection: throttle.count(connection, attempt, now))
    if not passwords.matches(typed.password_hash, password):
        raise invalid([Fault("access.old_password_wrong", "old")])
    return typed, attempt


def _fail(
    site: Site, typed: store.Login, code: str, *, now: datetime, place: str | None, locks: bool
) -> NoReturn:
    """Write what failed, also for a name that does not exist: it takes as long. Always raises Refused 401."""
    user = None if typed.identity is None else typed.identity.user
    kinds: tuple[SecurityEvent, ...] = ("login_failed", "locked") if locks else ("login_failed",)

    def put(connection: Connection) -> None:
        for kind in kinds:
            _note(connection, kind, now=now, user=user, actor=None, details={"address": place})

    transaction(site.pool, put)
    raise Refused(401, code)


def _second_factor(site: Site, connection: Connection, user: str, code: str, now: datetime) -> bool:
    return totp.use(connection, open_vault(site.home), user, code, now)


def _revoke(site: Site, user: str, which: str, key: str | None, *, by: str, via: Via) -> int:
    now = site.clock.now()

    def end(connection: Connection) -> int:
        ended = connection.execute(
            "UPDATE session SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL "
            f"AND {which} RETURNING id",
            [user, now, key],
        ).fetchall()
        for (session,) in ended:
            _note(
                connection,
                "session_revoked",
                now=now,
                user=user,
                actor=by,
                via=via,
                details={"session": session},
            )
        return len(ended)

    count = transaction(site.pool, end)
    _memory.forget(site.pool)
    return count


def _note(
    connection: Connection,
    kind: SecurityEvent,
    *,
    now: datetime,
    user: str | None,
    actor: str | None,
    via: Via = "page",
    details: Mapping[str, object] | None = None,
) -> None:
    write(connection, kind, now=now, user=user, actor=actor, via=via, details=details)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
