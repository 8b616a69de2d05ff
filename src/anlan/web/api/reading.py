"""Reading a request's body from the connection, within limits."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from anlan.kernel.errors import Refused
from anlan.web.api.body import LIMIT_BYTES
from anlan.web.api.upload import Upload

__all__ = ["UPLOAD_BYTES", "body", "upload"]

UPLOAD_BYTES = 64 * 1024 * 1024  # a little more than the largest file (kernel/file) in its envelope


async def body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """The whole body. Raises Refused 413, 415.

    A body that is too large is still read (and dropped) up to four times the limit: a client that is cut off
    while sending sees a broken connection, not our answer.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= 4 * LIMIT_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "disconnected")
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= LIMIT_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > LIMIT_BYTES:
        raise _too_large(LIMIT_BYTES)
    if size:
        _check_json(headers)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _check_json(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "")
    media_type, _, rest = given.partition(";")
    media_type = media_type.strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    charset = rest.partition("charset=")[2].strip(' "').lower()
    if (
        not is_json
        or charset not in ("", "utf-8", "utf8")
        or headers.get("content-encoding", "identity") != "identity"
    ):
        raise _wrong_type(headers, "application/json")


async def upload(scope: Scope, receive: Receive, headers: Mapping[str, str]) -> Upload:
    """The parts of a multipart form, files spooled to disk. Raises Refused 400, 413, 415."""
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise _wrong_type(headers, "multipart/form-data")
    try:
        return Upload(await Request(scope, _limited(receive)).form(max_files=20, max_fields=50))
    except HTTPException as error:  # what Starlette makes of a MultiPartException inside an application
        raise Refused(400, "bad_upload", params={"reason": error.detail[:200]}) from None
    except (MultiPartException, ClientDisconnect) as error:
        raise Refused(400, "bad_upload", params={"reason": str(error)[:200]}) from None


def _limited(receive: Receive) -> Receive:
    """The same connection, refused with 413 once more has come than an upload may have."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > UPLOAD_BYTES:
            # What is left is read and dropped, within bounds, as in `body`.
            while message.get("more_body", False) and size <= 4 * UPLOAD_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
            raise _too_large(UPLOAD_BYTES)
        return message

    return counted


def _too_large(limit: int) -> Refused:
    what = {"zh": "请求内容", "en": "The body"}
    return Refused(413, "too_large", params={"label": what, "limit": f"{limit // 2**20} MB"})


def _wrong_type(headers: Mapping[str, str], expected: str) -> Refused:
    got = headers.get("content-type", "")[:80] or {"zh": "未说明的类型", "en": "a type that was not named"}
    return Refused(415, "unsupported_media_type", params={"expected": expected, "got": got})
