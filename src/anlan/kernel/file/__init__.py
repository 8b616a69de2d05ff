"""Attachments: contents on disk by their hash, rows that name them, links to records.

See docs/internals/files.md.
"""

from anlan.kernel.file.attachments import (
    FILE_LIMIT,
    File,
    attach,
    chunks,
    detach,
    headers,
    on_record,
    save,
)
from anlan.kernel.file.attachments import list_of as list  # file.list reads as what it does
from anlan.kernel.file.attachments import open_file as open  # likewise
from anlan.kernel.file.sniff import INLINE, media_type

__all__ = [
    "FILE_LIMIT",
    "INLINE",
    "File",
    "attach",
    "chunks",
    "detach",
    "headers",
    "list",
    "media_type",
    "on_record",
    "open",
    "save",
]
