"""Encryption under the site's key, which lies beside the database and never in it.

    vault = open_vault(site.home)
    box = vault.seal(b"secret", "totp:<user id>")
    vault.open(box, "totp:<user id>")             → b"secret"

Boxes are AES-256-GCM: one byte of format, 12 bytes of nonce, the text with its tag. The purpose is
authenticated: a box that is moved to another row does not open. The key is `<home>/keys/site.key`, 32 bytes,
mode 0600; a backup without it restores everything but what was sealed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anlan.kernel.settings import OperatorError, Words

__all__ = ["Vault", "VaultError", "open_vault"]

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class VaultError(OperatorError):
    """What was sealed cannot be opened: the key of this home is not the one that sealed it."""


class Vault:
    """Seals and opens with one key; its repr shows nothing of it."""

    def __init__(self, key: bytes) -> None:
        # One key a purpose, so that a keyed hash tells nothing about the key of the boxes.
        self._box = AESGCM(hmac.digest(key, b"anlan box", "sha256"))
        self._hash_key = hmac.digest(key, b"anlan keyed hash", "sha256")

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Encrypt for a purpose, such as `totp:<user id>`."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._box.encrypt(nonce, content, purpose.encode())

    def open(self, box: bytes, purpose: str) -> bytes:
        """Decrypt; raises VaultError for another key, another purpose, or a changed box."""
        try:
            if box[:1] != _FORMAT:
                raise InvalidTag
            return self._box.decrypt(box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :], purpose.encode())
        except InvalidTag:
            raise VaultError(
                Words("加密的内容打不开：密钥与数据不符", "a sealed secret does not open with this key"),
                Words(
                    "请把备份中的 keys/site.key 放回站点目录",
                    "put keys/site.key of your backup into the home",
                ),
            ) from None

    def keyed_hash(self, text: str) -> bytes:
        """32 bytes that stand for a text; nobody without the key can try guesses against them."""
        return hmac.digest(self._hash_key, text.encode(), hashlib.sha256)


@lru_cache(maxsize=64)  # sites a process; tests open many
def open_vault(home: Path) -> Vault:
    """Return the vault of a home; reads its key, and makes one at the first call ever."""
    file = home / "keys" / "site.key"
    if not file.exists():
        _make_key(file)
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise VaultError(
            Words(f"{file} 不是密钥", f"{file} is no key"),
            Words("请从备份中恢复它", "restore it from your backup"),
        )
    return Vault(key)


def _make_key(file: Path) -> None:
    """Make the key beside its name and link it there: of two processes one wins, both read the same key."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(os.urandom(_KEY_BYTES))
            fresh.flush()
            os.fsync(fresh.fileno())
        os.link(name, file)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
