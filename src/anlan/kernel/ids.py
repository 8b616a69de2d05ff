"""Ids: UUID version 7 (RFC 9562, section 5.7) as lower-case text.

    >>> from anlan.kernel.ids import uuid7
    >>> earlier, later = uuid7(), uuid7()
    >>> earlier < later, earlier[14]
    (True, '7')

The first 48 bits are milliseconds since 1970, the next 12 the fraction of the millisecond (RFC 9562,
section 6.2, method 3), raised by one when the clock has not moved: so ids of one process sort in the order
in which they were made, and new rows land at the right-hand end of an index. The other 62 bits are random.
"""

import os
import threading
from collections.abc import Iterable
from time import time_ns

_RANDOM_BLOCK = 4096  # one read of the system's generator serves 512 ids; a read for each costs 0.4 µs more
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))  # the two top bits of this digit are 10

_lock = threading.Lock()
_last_stamp = 0
_random = ""
_offset = 0


def _forget_random_bits() -> None:
    """A forked child must not hand out the random bits that its parent will use too."""
    global _lock, _random, _offset  # noqa: PLW0603
    _lock = threading.Lock()
    _random, _offset = "", 0


os.register_at_fork(after_in_child=_forget_random_bits)


def uuid7() -> str:
    """Return a new id; later ids of this process are greater, also across threads. Takes about 1.5 µs."""
    global _last_stamp, _random, _offset  # noqa: PLW0603
    now = time_ns()
    milliseconds = now // 1_000_000
    stamp = milliseconds << 12 | (now - milliseconds * 1_000_000 << 12) // 1_000_000
    with _lock:
        if stamp <= _last_stamp:
            stamp = _last_stamp + 1
        _last_stamp = stamp
        start = _offset
        if start == len(_random):
            _random, start = os.urandom(_RANDOM_BLOCK).hex(), 0
        _offset = start + 16
        tail = _random[start : start + 16]
    head = f"{stamp:015x}"
    return f"{head[:8]}-{head[8:12]}-7{head[12:]}-{_VARIANT[tail[0]]}{tail[1:4]}-{tail[4:]}"


def id_array(ids: Iterable[str]) -> str:
    """Ids as the text of a PostgreSQL array, for `$1::uuid[]`: a fifth of the time that psycopg needs for a list.

    >>> id_array(["0190b5a0-0000-7000-8000-000000000000"])
    '{0190b5a0-0000-7000-8000-000000000000}'
    """
    return "{" + ",".join(ids) + "}"
