"""The second factor: one-time codes of RFC 6238 (SHA-1, six digits, 30 seconds), as phones make them.

    enrolment = begin(site, caller)        # show enrolment.uri as a QR code, enrolment.secret as text
    confirm(site, caller, "492039")        # a first code proves that the phone has it; log-in asks from now
    on

A code is good for its own step and its neighbours, and works once: the last step that was used is remembered
(RFC 6238, section 5.2). The secret is sealed under the site's key, so a stolen database gives no codes. Steps
are counted by the site's clock: where ANLAN_CLOCK is set, phones disagree with it.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import NamedTuple

import pyotp

from anlan.kernel.access.caller import Caller
from anlan.kernel.access.ports import Site
from anlan.kernel.access.security_event import Via, write
from anlan.kernel.access.vault import Vault, open_vault
from anlan.kernel.errors import Fault, Refused, forbidden, invalid
from anlan.kernel.storage.pool import Connection, transaction

__all__ = ["Enrolment", "begin", "confirm", "is_enrolled", "remove", "use"]

_STEP_SECONDS = 30


class Enrolment(NamedTuple):
    """What a phone needs: the secret as base32 text, and the same as an `otpauth:` address for a QR code."""

    secret: str
    uri: str


def begin(site: Site, caller: Caller) -> Enrolment:
    """Make a secret for the caller; log-in stays as it is until `confirm`. Raises Refused 403 for tokens."""
    _person(caller)
    secret = pyotp.random_base32()
    box = open_vault(site.home).seal(secret.encode(), _purpose(caller.user))

    def put(connection: Connection) -> bool:
        done = connection.execute(
            "UPDATE credential SET totp_pending = $2 WHERE user_id = $1", [caller.user, box]
        )
        return done.rowcount == 1

    if not transaction(site.pool, put):  # somebody who has no password does not log in by one
        raise Refused(409, "access.no_password")
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=caller.login, issuer_name="Anlan"))


def confirm(site: Site, caller: Caller, code: str, *, via: Via = "page") -> None:
    """Use the pending secret now. Raises Refused 422 `access.code_wrong` or 409 `access.not_enrolling`."""
    _person(caller)
    vault, now = open_vault(site.home), site.clock.now()

    def put(connection: Connection) -> None:
        row = connection.execute(
            "SELECT totp_pending FROM credential WHERE user_id = $1 FOR UPDATE", [caller.user]
        ).fetchone()
        if row is None or row[0] is None:
            raise Refused(409, "access.not_enrolling")
        step = _step_of(_secret(vault, row[0], caller.user), code, now)
        if step is None:
            raise invalid([Fault("access.code_wrong", "code")])
        connection.execute(
            "UPDATE credential SET totp_secret = totp_pending, totp_pending = NULL, totp_last_step = $2 "
            "WHERE user_id = $1",
            [caller.user, step],
        )
        write(connection, "second_factor_added", now=now, user=caller.user, actor=caller.user, via=via)

    transaction(site.pool, put)


def remove(site: Site, user: str, *, by: str | None, via: Via) -> None:
    """Take the second factor away: a lost phone. The caller has checked that `by` may do this."""
    now = site.clock.now()

    def put(connection: Connection) -> None:
        done = connection.execute(
            "UPDATE credential SET totp_secret = NULL, totp_pending = NULL, totp_last_step = NULL "
            "WHERE user_id = $1 AND totp_secret IS NOT NULL",
            [user],
        )
        if done.rowcount:
            write(connection, "second_factor_removed", now=now, user=user, actor=by, via=via)

    transaction(site.pool, put)


def is_enrolled(site: Site, user: str) -> bool:
    """Does log-in ask this user for a code?"""
    row = transaction(
        site.pool,
        lambda connection: connection.execute(
            "SELECT totp_secret IS NOT NULL FROM credential WHERE user_id = $1", [user]
        ).fetchone(),
    )
    return row is not None and bool(row[0])


def use(connection: Connection, vault: Vault, user: str, code: str, now: datetime) -> bool:
    """Is the code right, and was it not used yet? Marks it as used; the row's lock lets it win only once."""
    row = connection.execute(
        "SELECT totp_secret, totp_last_step FROM credential WHERE user_id = $1 FOR UPDATE", [user]
    ).fetchone()
    if row is None or row[0] is None:
        return False
    step = _step_of(_secret(vault, row[0], user), code, now)
    if step is None or (row[1] is not None and step <= row[1]):
        return False
    connection.execute("UPDATE credential SET totp_last_step = $2 WHERE user_id = $1", [user, step])
    return True


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The step whose code it is, among the present one and its neighbours."""
    typed = "".join(code.split()).encode()
    current = int(now.timestamp()) // _STEP_SECONDS
    generator = pyotp.TOTP(secret, interval=_STEP_SECONDS)
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), typed):
            return step
    return None


def _secret(vault: Vault, box: bytes, user: str) -> str:
    return vault.open(box, _purpose(user)).decode()


def _purpose(user: str) -> str:
    return f"totp:{user}"


def _person(caller: Caller) -> None:
    """Who holds a token must not be able to change how its owner logs in."""
    if caller.session is None:
        raise forbidden("system.user", "second_factor")
