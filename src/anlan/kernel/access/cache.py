"""A short memory of who a secret belongs to, so that a page of twenty requests asks the database once.

Entries live at most five seconds: a revoked session or token stops working within that time in every process,
and at once in the one that revoked it.
"""

from __future__ import annotations

import time
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from anlan.kernel.storage.pool import Pool

__all__ = ["SECONDS", "ShortMemory"]

SECONDS = 5.0
_MOST = 10_000  # entries a site and process; more than that is a flood, and then it starts anew

E = TypeVar("E")


class ShortMemory(Generic[E]):
    """Digest → entry, per site (known by its pool). Threads may share it: each step is one dict operation."""

    def __init__(self) -> None:
        self._by_pool: WeakKeyDictionary[Pool, dict[bytes, tuple[float, E]]] = WeakKeyDictionary()

    def get(self, pool: Pool, digest: bytes) -> E | None:
        """The entry, unless it is older than SECONDS."""
        found = self._by_pool.get(pool, {}).get(digest)
        return found[1] if found is not None and time.monotonic() - found[0] < SECONDS else None

    def put(self, pool: Pool, digest: bytes, entry: E, *, asked_at: float) -> None:
        """Remember; `asked_at` is time.monotonic() before the database was asked: age counts from there."""
        entries = self._by_pool.setdefault(pool, {})
        if len(entries) >= _MOST:
            entries.clear()
        entries[digest] = (asked_at, entry)

    def forget(self, pool: Pool) -> None:
        """Forget all of a site, because something was revoked or changed."""
        self._by_pool.pop(pool, None)
