"""Tokens for programs: made once, shown once, acting as their user.

    text = create(site, "li", "Nightly copy", actions=["read"], addresses=["10.1.0.0/16"])   # "anlan_…"
    caller = resolve_token(site, text, address)

A token can be narrowed to forms, actions and addresses, and can end. It has 256 random bits; the database
keeps its SHA-256 and its first characters. It ends with its user, and within five seconds of being revoked.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from anlan.kernel.access import identity
from anlan.kernel.access.cache import ShortMemory
from anlan.kernel.access.caller import Caller, Identity, caller_from
from anlan.kernel.access.policy import TokenScope
from anlan.kernel.access.ports import Site
from anlan.kernel.access.security_event import Via, write
from anlan.kernel.access.shape import address_of, instant_text
from anlan.kernel.errors import Fault, forbidden, invalid, not_found
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection, transaction

__all__ = ["create", "list_of", "resolve_token", "revoke"]

PREFIX = "anlan_"  # scanners of leaked secrets find it by this
_SHOWN = len(PREFIX) + 6
_TOUCH = timedelta(minutes=1)
_NAME_CHARACTERS = 100

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Live(NamedTuple):
    identity: Identity
    scope: TokenScope | None
    networks: tuple[Network, ...] | None
    expires_at: datetime | None


_memory: ShortMemory[_Live] = ShortMemory()


def create(
    site: Site,
    user_login: str,
    name: str,
    *,
    forms: Collection[str] | None = None,
    actions: Collection[str] | None = None,
    addresses: Collection[str] | None = None,
    expires: datetime | None = None,
    by: Caller | None = None,
    via: Via = "cli",
) -> str:
    """Make a token for a user and return its text; it cannot be read again. None narrows nothing.

    `by`: who asks; None is the operator at the command line. Others make tokens for themselves,
    administrators for all, and nobody while he himself came with a narrowed token.
    Raises Refused 403, 404 for an unknown or inactive user, 422 `access.token_*`.
    """
    if by is not None and (
        by.token_scope is not None or by.must_change or not (by.admin or by.login == user_login)
    ):
        raise forbidden("system.user", "token")
    now = site.clock.now()
    networks = _checked(
        site, name, forms=forms, actions=actions, addresses=addresses, expires=expires, now=now
    )
    text = PREFIX + secrets.token_urlsafe(32)

    def put(connection: Connection) -> None:
        user = identity.load_by_login(connection, user_login)
        if user is None:
            raise not_found("system.user", user_login)
        connection.execute(
            "INSERT INTO token (id, user_id, name, digest, prefix, forms, actions, addresses, created_at, "
            "created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text[]::cidr[], $9, $10, $11)",
            [uuid7(), user.user, name.strip(), _digest(text), text[:_SHOWN], _sorted(forms), _sorted(actions),
             networks, now, None if by is None else by.user, expires],
        )  # fmt: skip
        write(
            connection,
            "token_created",
            now=now,
            user=user.user,
            actor=None if by is None else by.user,
            via=via,
            details={"name": name.strip(), "prefix": text[:_SHOWN]},
        )

    transaction(site.pool, put)
    return text


def resolve_token(site: Site, text: str, address: str | None) -> Caller | None:
    """Whose token it is; None when it is none, has ended, or does not come from where it may."""
    if not text.startswith(PREFIX):
        return None
    digest, now = _digest(text), site.clock.now()
    live = _memory.get(site.pool, digest)
    if live is None:
        asked_at = time.monotonic()
        live = transaction(site.pool, lambda connection: _load(connection, digest, now))
        if live is None:
            return None
        _memory.put(site.pool, digest, live, asked_at=asked_at)
    if (live.expires_at is not None and live.expires_at <= now) or not _comes_from(live.networks, address):
        return None
    return caller_from(live.identity, site.catalogue.policies, scope=live.scope)


def list_of(site: Site, user: str) -> list[dict[str, Any]]:
    """A user's tokens that were not revoked, the newest first; never their text."""
    rows = transaction(
        site.pool,
        lambda connection: connection.execute(
            "SELECT id, name, prefix, forms, actions, addresses::text[], created_at, expires_at, last_used "
            "FROM token WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC",
            [user],
        ).fetchall(),
    )
    return [
        {
            **dict(zip(("id", "name", "prefix", "forms", "actions", "addresses"), row[:6], strict=True)),
            **dict(zip(("created_at", "expires_at", "last_used"), map(instant_text, row[6:]), strict=True)),
        }
        for row in rows
    ]


def revoke(site: Site, user: str, token: str, *, by: str | None, via: Via = "page") -> None:
    """End a token of this user. Raises Refused 404 when he has no such token. `by`: the acting user's id."""
    now = site.clock.now()

    def end(connection: Connection) -> None:
        row = connection.execute(
            "UPDATE token SET revoked_at = $3 WHERE id::text = $2 AND user_id = $1 AND revoked_at IS NULL "
            "RETURNING name, prefix",
            [user, token, now],
        ).fetchone()
        if row is None:
            raise not_found("token", token)
        write(connection, "token_revoked", now=now, user=user, actor=by, via=via,
              details={"name": row[0], "prefix": row[1]})  # fmt: skip

    transaction(site.pool, end)
    _memory.forget(site.pool)


def forget(site: Site) -> None:
    """Ask the database again for every token: this process changed users, their roles or companies."""
    _memory.forget(site.pool)


def _load(connection: Connection, digest: bytes, now: datetime) -> _Live | None:
    row = connection.execute(
        f"SELECT {identity.COLUMNS}, "
        "t.id, t.forms, t.actions, t.addresses::text[], t.expires_at, t.last_used "
        f"FROM token t JOIN {identity.USERS} u ON u.id = t.user_id AND u.active "
        "WHERE t.digest = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2)",
        [digest, now],
    ).fetchone()
    if row is None:
        return None
    key, forms, actions, addresses, expires, used = row[8:]
    if used is None or now - used > _TOUCH:
        connection.execute("UPDATE token SET last_used = $2 WHERE id = $1", [key, now])
    narrowed = any(part is not None for part in (forms, actions, addresses, expires))
    scope = TokenScope(
        None if forms is None else frozenset(forms), None if actions is None else frozenset(actions)
    ) if narrowed else None  # fmt: skip
    networks = None if addresses is None else tuple(ipaddress.ip_network(one) for one in addresses)
    return _Live(identity.from_row(row), scope, networks, expires)


def _comes_from(networks: tuple[Network, ...] | None, address: str | None) -> bool:
    """Is the address in one of the networks? One that is not known lies in none."""
    if networks is None:
        return True
    place = address_of(address)
    return place is not None and any(ipaddress.ip_address(place) in network for network in networks)


def _checked(
    site: Site,
    name: str,
    *,
    forms: Collection[str] | None,
    actions: Collection[str] | None,
    addresses: Collection[str] | None,
    expires: datetime | None,
    now: datetime,
) -> list[str] | None:
    """The addresses as networks; raises Refused 422 with all that is wrong. Empty lists narrow to nothing."""
    faults = []
    if not name.strip() or not name.isprintable() or len(name) > _NAME_CHARACTERS:
        faults.append(Fault("access.token_name", "name", {"limit": _NAME_CHARACTERS}))
    for path, given in (("forms", forms), ("actions", actions), ("addresses", addresses)):
        if given is not None and not given:
            faults.append(Fault("access.token_empty", path, {"field": path}))
    for position, one in enumerate(forms or ()):
        if not site.catalogue.policies.knows(one):
            faults.append(Fault("access.token_unknown", f"forms[{position}]", {"value": one}))
    networks: list[str] = []
    for position, one in enumerate(addresses or ()):
        try:
            networks.append(str(ipaddress.ip_network(one.strip(), strict=False)))
        except ValueError:
            faults.append(Fault("access.token_address", f"addresses[{position}]", {"value": one}))
    if expires is not None and expires <= now:
        faults.append(Fault("access.token_expired", "expires"))
    if faults:
        raise invalid(faults)
    return None if addresses is None else networks


def _sorted(names: Collection[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
