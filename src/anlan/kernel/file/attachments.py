"""Files of users: bring one, hang it on a record, list a record's, read one.

A file may be read by who brought it, and by whoever may read a record on which it hangs. Hanging one on a
record and taking it off needs the right to change the record, and is an event of the record.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

from psycopg.types.json import Json

from anlan.kernel import describe, record
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, forbidden, not_found
from anlan.kernel.file import store
from anlan.kernel.file.sniff import INLINE, media_type
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection

__all__ = [
    "FILE_LIMIT", "File", "attach", "chunks", "detach", "headers", "list_of", "on_record", "open_file", "save",
]  # fmt: skip

FILE_LIMIT = 50_000_000  # bytes; enough for a scanned contract, little enough for a phone's connection
_CHUNK = 1 << 16
_KEPT = timedelta(days=1)  # that a file may be put back after it was taken off its last record
_NAME_CHARACTERS = 150  # 255 bytes is what file systems take, and a Chinese character is three

_COLUMNS = "f.id, f.name, f.media_type, f.size, f.sha256, f.created_at, f.created_by"


class File(NamedTuple):
    """One file as its row says; `media_type` was told by its content."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    created_by: str | None

    def shown(self) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": self.id,
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "created_at": self.created_at.isoformat().replace("+00:00", "Z"),
        }


def save(
    ctx: Context,
    content: Iterable[bytes],
    *,
    name: str,
    accept: Sequence[str] | None = None,
    limit: int = FILE_LIMIT,
) -> File:
    """Take a file in; the caller may read it, and hang it on records. Streams to disk, then writes one row.

    `accept`: media types that are wanted, such as `image/*`; another one is Refused 415. Over `limit` bytes:
    413.
    """
    stored = store.put(ctx.site.settings.home, content, limit=limit)
    found = media_type(stored.head, name)
    if accept and not any(_matches(found, one) for one in accept):
        raise Refused(415, "unsupported_media_type", params={"expected": ", ".join(accept), "got": found})
    made = File(uuid7(), _safe_name(name), found, stored.size, stored.sha256, ctx.now, ctx.caller.user)
    with ctx.transaction() as tx:
        tx.connection.execute(
            "insert into file (id, name, media_type, size, sha256, created_at, created_by)"
            " values ($1, $2, $3, $4, $5, $6, $7)",
            list(made),
        )
    return made


def chunks(source: BinaryIO) -> Iterable[bytes]:
    """A file-like object in pieces."""
    return iter(lambda: source.read(_CHUNK), b"")


def open_file(ctx: Context, id: str) -> tuple[File, Path]:
    """The row and where the content lies; Refused 404 when there is none or the caller may not know of it."""
    with ctx.transaction() as tx:
        found = _row(tx.connection, id)
        if found is None:
            raise not_found("system.file", id)
        on = tx.connection.execute("select form, record from record_file where file = $1", [id]).fetchall()
        own = tx.connection.execute(
            "select 1 from file where id = $1 and (created_by = $2 or detached_by = $2)", [id, ctx.caller.user]
        ).fetchone()
    if own is None and not any(_readable(ctx, form, key) for form, key in on):
        raise not_found("system.file", id)
    return found, store.path(ctx.site.settings.home, found.sha256)


def headers(file: File) -> dict[str, str]:
    """How a browser must be given the content: nothing that can run script is ever shown in place.

    A stored HTML or SVG file opened on our own address would act with the reader's session (stored XSS).
    """
    kind = "inline" if file.media_type in INLINE else "attachment"
    given = {
        "Content-Type": file.media_type,
        "Content-Length": str(file.size),
        "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    if file.media_type != "application/pdf":  # the browsers' own PDF reader does not start in a sandbox
        given["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return given


def list_of(ctx: Context, form: str, key: str) -> list[File]:
    """The files on a record, oldest first; Refused like reading the record."""
    id = record.read(ctx, form, key)["id"]
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"select {_COLUMNS} from record_file r join file f on f.id = r.file where r.record = $1"
            " order by r.added_at, f.id",
            [id],
        ).fetchall()
    return [File(*row) for row in rows]


def on_record(ctx: Context, form: str, key: str) -> list[dict[str, Any]]:
    """The same as JSON, each with who hung it there and when: `added_by` is {id, code, label} or None."""
    id = record.read(ctx, form, key)["id"]
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f'select {_COLUMNS}, r.added_at, r.added_by, u."code", u."name" from record_file r'
            ' join file f on f.id = r.file left join "system_user" u on u.id = r.added_by where r.record = $1'
            " order by r.added_at, f.id",
            [id],
        ).fetchall()
    return [
        File(*row[:7]).shown()
        | {"added_at": row[7].isoformat().replace("+00:00", "Z"),
           "added_by": {"id": row[8], "code": row[9], "label": row[10] or row[9] or "Anlan"} if row[8] else None}
        for row in rows
    ]  # fmt: skip


def attach(ctx: Context, form: str, key: str, file: str) -> File:
    """Hang a file, which the caller may read, on a record; doing it twice is doing it once."""
    id = _changeable(ctx, form, key)
    found, _ = open_file(ctx, file)
    with ctx.transaction() as tx:
        added = tx.connection.execute(
            "insert into record_file (record, file, form, added_at, added_by) values ($1, $2, $3, $4, $5)"
            " on conflict do nothing returning file",
            [id, file, form, ctx.now, ctx.caller.user],
        ).fetchone()
        if added is not None:
            tx.connection.execute("update file set detached_at = null, detached_by = null where id = $1", [file])
            _event(tx.connection, ctx, (form, id), old=None, new=found)
    return found


def detach(ctx: Context, form: str, key: str, file: str) -> None:
    """Take a file off a record; the trail keeps its hash. Who did it may put it back (`attach`) for a day; then it goes,
    when no record has it any more."""
    id = _changeable(ctx, form, key)
    with ctx.transaction() as tx:
        found = _row(tx.connection, file)
        gone = tx.connection.execute(
            "delete from record_file where record = $1 and file = $2 returning file", [id, file]
        ).fetchone()
        if found is None or gone is None:
            raise not_found("system.file", file)
        _event(tx.connection, ctx, (form, id), old=found, new=None)
        tx.connection.execute(
            "update file set detached_at = $2, detached_by = $3 where id = $1"
            " and not exists (select from record_file where file = $1)",
            [file, ctx.now, ctx.caller.user],
        )


def tidy(connection: Connection, home: Path, *, now: datetime) -> int:
    """Delete files that were taken off their last record a day ago, and contents that no row names; run daily by a job."""
    connection.execute(
        "delete from file f where f.detached_at < $1 and not exists (select from record_file where file = f.id)",
        [now - _KEPT],
    )
    return store.sweep(home, {row[0] for row in connection.execute("select sha256 from file")})


def _row(connection: Connection, id: str) -> File | None:
    row = connection.execute(f"select {_COLUMNS} from file f where f.id = $1", [id]).fetchone()
    return File(*row) if row else None


def _changeable(ctx: Context, form: str, key: str) -> str:
    id: str = record.read(ctx, form, key)["id"]
    if "update" not in describe.form(ctx, form)["actions"]:
        raise forbidden(form, "update")
    return id


def _readable(ctx: Context, form: str, key: str) -> bool:
    try:
        record.read(ctx, form, key)
    except Refused:
        return False
    return True


def _event(
    connection: Connection, ctx: Context, record: tuple[str, str], *, old: File | None, new: File | None
) -> None:
    form, id = record
    kind = "file_attached" if new else "file_detached"
    changes = [{"path": "files", "old": _named(old), "new": _named(new)}]
    connection.execute(
        "insert into event (record, form, kind, occurred_at, recorded_at, actor, via, changes)"
        " values ($1, $2, $3, $4, $4, $5, $6, $7)",
        [id, form, kind, ctx.now, ctx.caller.user, ctx.via, Json(changes)],
    )


def _named(file: File | None) -> dict[str, str] | None:
    return None if file is None else {"id": file.id, "name": file.name, "sha256": file.sha256}


def _matches(found: str, wanted: str) -> bool:
    return found.startswith(wanted[:-1]) if wanted.endswith("/*") else found == wanted


def _safe_name(name: str) -> str:
    """The name without folders and control characters, at most 150 characters, its ending kept.

    >>> _safe_name("../../etc/passwd"), _safe_name("C:\\\\docs\\\\合同.pdf"), _safe_name(" ")
    ('passwd', '合同.pdf', 'file')
    """
    last = re.split(r"[\\\\/]", unicodedata.normalize("NFC", name))[-1]
    # Format characters too: a right-to-left mark makes `exe.pdf` out of `fdp.exe` on screen.
    clean = "".join(one for one in last if unicodedata.category(one) not in ("Cc", "Cf", "Cs")).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    if len(clean) > _NAME_CHARACTERS:
        clean = stem[: _NAME_CHARACTERS - 11] + dot + ending[:10] if dot else clean[:_NAME_CHARACTERS]
    return clean or "file"
