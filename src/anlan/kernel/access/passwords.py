"""Hashing passwords with argon2id, and which passwords are good enough.

Parameters: RFC 9106, section 4, second recommendation (64 MiB, 3 passes, 4 lanes). A password is normalised
(NFKC) first, so that the same keys typed on another system give the same text (NIST SP 800-63B, 5.1.1.2).
"""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from anlan.kernel.errors import Fault, invalid

__all__ = ["LONGEST", "SHORTEST", "check_policy", "generate", "hash_of", "is_outdated", "matches"]

SHORTEST = 10
LONGEST = 256  # a body of megabytes would keep the hash busy

_HASHER = PasswordHasher(
    time_cost=3, memory_cost=65536, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
)
# The hash of nothing that anybody knows: verified when there is no such user, so that the answer takes as
# long.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$qn1MWI+/rNNYWOkqi/ysWQ$QE2z2J2Qt3Gdmx0HzrXXx1mBPeGIGg7wfPecI6yNJus"
# Each hash takes 64 MiB and a core: a flood of log-ins must not take all of a process's memory.
_AT_ONCE = threading.BoundedSemaphore(4)
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike
# Long enough, and still the first that are tried. Those of few different characters are refused by that
# alone.
_COMMON = frozenset({
    "1234567890", "12345678910", "123456789a", "0123456789", "0987654321", "1q2w3e4r5t", "1qaz2wsx3edc",
    "qwertyuiop", "qwerty12345", "password123", "password1234", "admin12345", "administrator", "abcd123456",
    "woaini1314", "a123456789", "iloveyou123", "changeme123", "letmein123", "welcome123",
})  # fmt: skip


def hash_of(password: str) -> str:
    """Return the argon2id text of a password; takes some tens of milliseconds and 64 MiB."""
    with _AT_ONCE:
        return _HASHER.hash(_bytes(password))


def matches(stored: str | None, password: str) -> bool:
    """Is it the password of this hash? Without a hash the answer is no, after the same time."""
    if len(password) > LONGEST:
        return False
    with _AT_ONCE:
        try:
            _HASHER.verify(stored or _NOBODY, _bytes(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError:  # a row that was written by hand; nobody logs in with it
            return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Was it hashed with other parameters than today's?"""
    return _HASHER.check_needs_rehash(stored)


def check_policy(password: str, login: str, *, path: str = "password") -> None:
    """Raise Refused 422 unless this user may have it: long enough, not the log-in, not a common one."""
    plain = _normal(password).casefold()
    if len(password) < SHORTEST:
        raise invalid([Fault("access.password_short", path, {"limit": SHORTEST})])
    if len(password) > LONGEST:
        raise invalid([Fault("access.password_long", path, {"limit": LONGEST})])
    if plain.strip() == _normal(login).casefold():
        raise invalid([Fault("access.password_is_login", path)])
    if len(set(plain)) < 4 or plain in _COMMON:
        raise invalid([Fault("access.password_common", path)])


def generate() -> str:
    """Return a new password of 16 characters (93 bits), in groups that can be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")  # a half pair fits nobody's, and is no defect
