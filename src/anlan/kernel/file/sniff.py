"""What a file is, told by its first bytes. The sender's word and the name's ending decide nothing that is
dangerous.

>>> media_type(b"%PDF-1.7 ...", "photo.png"), media_type(b"  <HTML>", "notes.txt")
('application/pdf', 'text/html')
"""

from __future__ import annotations

__all__ = ["HEAD_BYTES", "INLINE", "media_type"]

HEAD_BYTES = 4096

# What a browser may show in place: it cannot run script in them. SVG and HTML can, so they are only ever
# downloaded.
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "application/pdf"})

_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"{\\rtf", "application/rtf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
)
_OFFICE = {
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OLE = {
    "xls": "application/vnd.ms-excel",
    "doc": "application/msword",
    "ppt": "application/vnd.ms-powerpoint",
}
# Elements with which a browser takes a text for HTML (WHATWG MIME Sniffing, section 7.1, and some to spare).
_HTML = (
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a ",
    b"<a>",
    b"<style",
    b"<title",
    b"<b>",
    b"<br",
    b"<p>",
    b"<p ",
    b"<!--",
    b"<img",
    b"<form",
)


def media_type(head: bytes, name: str) -> str:
    """The media type of a file that begins with `head` (up to HEAD_BYTES of it). Never fails."""
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return _inside(found, head, name)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return _text(head, name)


def _inside(found: str, head: bytes, name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    if found == "application/x-ole-storage":
        return _OLE.get(ending, found)
    if found == "application/zip":
        names = _names(head)
        return next(
            (office for start, office in _OFFICE.items() if any(one.startswith(start) for one in names)),
            found,
        )
    return found


def _names(head: bytes) -> list[str]:
    """The first member names of a zip: each local header has its length at 26 and the name at 30."""
    names, at = [], 0
    while (at := head.find(b"PK\x03\x04", at)) >= 0 and at + 30 <= len(head):
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        names.append(head[at + 30 : at + 30 + length].decode("utf-8", "replace"))
        at += 4
    return names


def _text(head: bytes, name: str) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16: markup hides from the search below
        return "application/octet-stream"
    if b"\x00" in head:
        return "application/octet-stream"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<?xml", b"<svg", b"<!doctype svg")) or b"<svg" in start:
        return "image/svg+xml" if b"<svg" in start else "application/xml"
    if start.startswith(_HTML) or b"<script" in start:
        return "text/html"
    if not _readable(head):
        return "application/octet-stream"
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def _readable(head: bytes) -> bool:
    """Text in UTF-8 or GB18030; the last character may be cut off."""
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4):
            try:
                head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return True
    return False
