"""Style and scripts: kept by browsers for a year, and sent packed to whoever takes that.

    GET /static/anlan.css?v=3f2a…   accept-encoding: gzip   →  cache-control: public, immutable; content-encoding: gzip
    GET /static/base.js             (asked for by a module, without a version)  →  no-cache, 304 when it is the same

A file is packed once a process, at its best, and the packed text is kept in memory: all of them together are small.
"""

from __future__ import annotations

import gzip
import os
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["KeptFiles"]

_PACKED = (".css", ".js", ".svg", ".json")
_LEAST = 1024  # bytes: below, the header costs what packing saves


class KeptFiles(StaticFiles):
    """Static files: with a version in the address (`?v=`) they may be kept for a year, else they are asked for anew
    (modules import each other without one).
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if isinstance(answer, FileResponse) and answer.status_code == 200:
            answer = _packed_answer(answer, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        answer.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        answer.headers["vary"] = "accept-encoding"
        return answer


def _packed_answer(answer: FileResponse, scope: Scope) -> Response:
    """The same answer packed, where the file is text, the client takes it and wants all of it."""
    asked = Headers(scope=scope)
    taken = {part.partition(";")[0].strip() for part in asked.get("accept-encoding", "").split(",")}
    file = os.fspath(answer.path)
    if "gzip" not in taken or "range" in asked or scope["method"] != "GET" or not file.endswith(_PACKED):
        return answer
    status = os.stat(file)
    if status.st_size < _LEAST:
        return answer
    headers = {"content-encoding": "gzip", "last-modified": answer.headers["last-modified"]}
    # The tag is weak: it says that the content is the same, whether packed or not.
    headers["etag"] = f"W/{answer.headers['etag']}"
    return Response(_packed(file, status.st_mtime_ns), headers=headers, media_type=answer.media_type)


@lru_cache(maxsize=128)
def _packed(file: str, changed: int) -> bytes:
    """The file packed; `changed` makes it another one when it is written anew. Reads the file."""
    del changed
    with open(file, "rb") as source:
        return gzip.compress(source.read(), 9, mtime=0)
