"""Contents on disk, by their hash: `<home>/files/ab/cd/abcd….` A content is written once and never changed.

Steps of a write: 1. into a temporary file beside them, hashing; 2. fsync; 3. rename to its name. Whoever dies
on the way leaves a temporary file, or a content that no row names; `sweep` removes both after a day.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from anlan.kernel.errors import Refused
from anlan.kernel.file.sniff import HEAD_BYTES

__all__ = ["Stored", "path", "put", "remove", "sweep"]

_WHAT = {"zh": "文件", "en": "The file"}
_OLD_SECONDS = 86_400  # longer than any upload takes


class Stored(NamedTuple):
    sha256: str
    size: int
    head: bytes


def put(home: Path, chunks: Iterable[bytes], *, limit: int) -> Stored:
    """Write a content as it comes in; memory holds one chunk.

    Raises Refused 413 at the first byte over `limit`.
    """
    folder = home / "files" / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    digest, size, head = hashlib.sha256(), 0, b""
    handle, name = tempfile.mkstemp(dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise Refused(
                        413, "too_large", params={"label": _WHAT, "limit": f"{limit // 1_000_000} MB"}
                    )
                digest.update(chunk)
                head += chunk[: HEAD_BYTES - len(head)]
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        found = digest.hexdigest()
        target = path(home, found)
        if target.exists():
            os.utime(target)  # the sweep must not take what is about to be used again
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)
    return Stored(found, size, head)


def path(home: Path, sha256: str) -> Path:
    """Where a content lies, whether it is there or not."""
    return home / "files" / sha256[:2] / sha256[2:4] / sha256


def remove(home: Path, sha256: str) -> None:
    """Remove a content; nothing happens when it is gone already."""
    path(home, sha256).unlink(missing_ok=True)


def sweep(home: Path, used: Collection[str]) -> int:
    """Delete what no row names and is older than a day; return how many files went."""
    gone = 0
    before = time.time() - _OLD_SECONDS
    for file in _files(home / "files"):
        if file.name not in used and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
            gone += 1
    return gone


def _files(folder: Path) -> Iterator[Path]:
    return (found for found in folder.rglob("*") if found.is_file())
