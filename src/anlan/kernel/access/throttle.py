"""Lock-out: who fails to log in waits, longer each time.

An attempt is counted before the password is looked at, in a transaction of its own, and given back when it
succeeds: a hundred attempts at the same moment are five attempts and 95 refusals, not a hundred tries.

Counters:
- log-in name, for addresses from which this user has not logged in lately: all of them share one counter, so
  an attacker with many addresses gains nothing;
- log-in name and address, where the user has logged in within 30 days: strangers cannot lock him out of his
  own desk (the idea of OWASP's "device cookies", with the address in the cookie's place);
- address, with a larger allowance: many people sit behind one address, but one that tries many names is
  stopped.
Names that do not exist are counted like those that do.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import NamedTuple

from anlan.kernel.access.vault import Vault
from anlan.kernel.errors import Refused
from anlan.kernel.storage.pool import Connection

__all__ = ["ALLOWED_FAILURES", "Attempt", "count", "give_back", "subjects"]

ALLOWED_FAILURES = 5
_ALLOWED_OF_ADDRESS = 50
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_FORGOTTEN_AFTER = timedelta(days=1)


class Subject(NamedTuple):
    digest: bytes
    allowed: int


class Attempt(NamedTuple):
    """`own`: the counter of the log-in name; `address`: None when no address is known."""

    own: Subject
    address: Subject | None

    def all(self) -> list[Subject]:
        return [self.own] if self.address is None else [self.own, self.address]


def subjects(vault: Vault, login: str, address: str | None, *, known: bool) -> Attempt:
    """The counters of an attempt; `known`: the user has logged in from this address lately."""
    name = login.strip().casefold()
    own = f"login\0{name}\0{address}" if known else f"login\0{name}"
    return Attempt(
        Subject(vault.keyed_hash(own), ALLOWED_FAILURES),
        None
        if address is None
        else Subject(vault.keyed_hash(f"address\0{_neighbourhood(address)}"), _ALLOWED_OF_ADDRESS),
    )


def count(connection: Connection, attempt: Attempt, now: datetime) -> bool:
    """Count an attempt as failed; True when it is the one that locks. Raises Refused 429 while locked.

    Steps: 1. make the rows that are missing; 2. lock all in one order; 3. refuse if one is locked, counting
    nothing (so the lock does end); 4. count, and lock for what comes after. The caller commits before he
    verifies anything.
    """
    allowed = {subject.digest: subject.allowed for subject in attempt.all()}
    connection.execute("DELETE FROM login_throttle WHERE last_failed < $1", [now - _FORGOTTEN_AFTER])
    connection.execute(
        "INSERT INTO login_throttle (subject, failed, last_failed) "
        "SELECT one, 0, $2 FROM unnest($1::bytea[]) AS t(one) ORDER BY one ON CONFLICT DO NOTHING",
        [list(allowed), now],
    )
    rows = connection.execute(
        "SELECT subject, failed, locked_until FROM login_throttle WHERE subject = ANY ($1::bytea[]) "
        "ORDER BY subject FOR UPDATE",
        [list(allowed)],
    ).fetchall()
    latest = max((until for _, _, until in rows if until is not None), default=now)
    if latest > now:
        seconds = int((latest - now).total_seconds()) + 1
        raise Refused(429, "access.locked", params={"seconds": seconds}, retry_after=seconds)
    locks = False
    for subject, failed, _ in rows:
        wait = _wait(failed + 1 - allowed[subject])
        locks = locks or (wait is not None and subject == attempt.own.digest)
        connection.execute(
            "UPDATE login_throttle SET failed = failed + 1, last_failed = $2, locked_until = $3 "
            "WHERE subject = $1",
            [subject, now, None if wait is None else now + wait],
        )
    return locks


def give_back(connection: Connection, attempt: Attempt) -> None:
    """The attempt succeeded: forget the failures of the name, and take this one off the address."""
    connection.execute(
        "UPDATE login_throttle SET failed = 0, locked_until = NULL WHERE subject = $1", [attempt.own.digest]
    )
    if attempt.address is not None:
        connection.execute(
            "UPDATE login_throttle SET failed = greatest(failed - 1, 0), "
            "locked_until = CASE WHEN failed > $2 THEN locked_until END WHERE subject = $1",
            list(attempt.address),
        )


def _neighbourhood(address: str) -> str:
    """What one attacker has: a single IPv4 address, a whole /64 of IPv6."""
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


def _wait(over: int) -> timedelta | None:
    """How long to lock after the allowance was used up (0) or exceeded; doubles each time."""
    if over < 0:
        return None
    doubled: timedelta = _FIRST_WAIT * 2 ** min(over, 16)
    return min(doubled, _LONGEST_WAIT)
