"""Files that are no sheet, told apart by their first bytes, so that a person hears what to do instead.

%PDF-1.7 …                         →  415 import.is_pdf
PK … word/document.xml             →  415 import.is_document
D0 CF 11 E0 … EncryptedPackage     →  415 import.is_locked    (a workbook with a password)
<html> … (a system's ".xls")       →  415 import.is_web_page
"""

from __future__ import annotations

from anlan.kernel.errors import Refused

__all__ = ["refuse_strangers"]

_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_WIDE = "EncryptedPackage".encode("utf-16-le")  # a stream's name in the directory of such a file
_LOCKED = "EncryptionInfo".encode("utf-16-le")
_BEGINNING = 4096


def refuse_strangers(content: bytes, name: str) -> None:
    """Refused 415 with a sentence for what people send instead of a sheet."""
    found = _code(content)
    if found is not None:
        raise Refused(415, found, params={"name": name})


def _code(content: bytes) -> str | None:
    start = content[:_BEGINNING]
    if start.startswith(b"%PDF"):
        return "import.is_pdf"
    if start.startswith(_IMAGES) and b"\x00" in start:
        return "import.is_image"
    if start.startswith(_ARCHIVES):
        return "import.is_archive"
    if start.startswith(_OLD_OFFICE):
        if _WIDE in content or _LOCKED in content:
            return "import.is_locked"
        return "import.is_document" if "WordDocument".encode("utf-16-le") in content else None
    if start.startswith(b"PK\x03\x04"):
        return _inside(content)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    return "import.is_web_page" if text.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")) else None


def _inside(content: bytes) -> str | None:
    """What a zip holds, by the names in it: only a workbook is one."""
    if b"xl/" in content or b"opendocument.spreadsheet" in content[:_BEGINNING] or b"content.xml" in content:
        return "import.is_document" if b"opendocument.text" in content[:_BEGINNING] else None
    if b"word/" in content or b"ppt/" in content:
        return "import.is_document"
    return "import.is_archive"
