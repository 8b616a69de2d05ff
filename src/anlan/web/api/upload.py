"""A multipart upload: its files (spooled to disk by the parser) and its text fields."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from starlette.datastructures import FormData, UploadFile

from anlan.kernel.errors import Fault, invalid

__all__ = ["Upload"]

_CHUNK_BYTES = 1 << 16


class Upload:
    """The parts of one multipart body, readable in a worker thread."""

    def __init__(self, form: FormData) -> None:
        self._form = form
        self.files: dict[str, UploadFile] = {}
        self.texts: dict[str, str] = {}
        for name, part in form.multi_items():
            if isinstance(part, UploadFile):
                self.files[name] = part
            else:
                self.texts[name] = part

    def file(self, name: str) -> tuple[str, BinaryIO]:
        """The file of a part and the name it was sent under. Raises Refused 422 when the part is missing."""
        part = self.files.get(name)
        if part is None:
            raise invalid([Fault("required", name, {"field": name})])
        part.file.seek(0)
        return part.filename or "file", part.file

    async def close(self) -> None:
        """Delete what was spooled."""
        await self._form.close()

    def fingerprint(self) -> bytes:
        """What stands for the whole body in an Idempotency-Key: names and contents, not the boundary."""
        digest = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            digest.update(f"{name}={text}\n".encode())
        for name, part in sorted(self.files.items()):
            digest.update(f"{name} {part.filename}\n".encode())
            part.file.seek(0)
            for chunk in _pieces(part.file):
                digest.update(chunk)
        return digest.digest()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK_BYTES), b"")
