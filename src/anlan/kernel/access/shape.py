"""Small shapes of the answers of this room and of workflow."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

__all__ = ["address_of", "instant_text", "plain_text"]


def instant_text(instant: datetime | None) -> str | None:
    """RFC 3339 in UTC: `2026-11-24T01:30:00Z`."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def address_of(text: str | None) -> str | None:
    """A network address in its one spelling (`::ffff:10.0.0.1` is `10.0.0.1`); None for what is none."""
    if text is None:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:  # a Unix socket's peer, a test client's name
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def plain_text(typed: str) -> str:
    """Text that a database column can hold: no NUL, no half of a surrogate pair, no space around it."""
    return typed.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8").strip()
