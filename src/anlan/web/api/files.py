"""Files: bring one, read one, hang it on a record; printed records as PDF."""

from __future__ import annotations

from typing import Any

from anlan.kernel import file
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = ["attach", "detach", "of_record", "put_back", "read", "save"]


def save(call: Call) -> Answer:
    """POST /files: multipart, part `file`; the answer's id may be sent as a file field's value."""
    return Answer(_saved(call).shown(), 201)


def read(call: Call) -> Answer:
    """GET /files/{id}"""
    found, path = file.open(call.ctx, params.identifier(call.path, "system.file"))
    headers = file.headers(found)
    media_type = headers.pop("Content-Type")
    headers.pop("Content-Length")
    return Answer(headers=headers, media_type=media_type, file=str(path))


def of_record(call: Call) -> Answer:
    """GET /records/{form}/{id}/files"""
    return Answer({"data": file.on_record(call.ctx, call.path["form"], call.path["id"])})


def attach(call: Call) -> Answer:
    """POST /records/{form}/{id}/files: multipart, part `file`."""
    saved = _saved(call)
    return Answer(file.attach(call.ctx, call.path["form"], call.path["id"], saved.id).shown(), 201)


def put_back(call: Call) -> Answer:
    """PUT /records/{form}/{id}/files/{file}: a file that the caller may read, such as one he has just taken off."""
    key = params.identifier({"id": call.path["file"]}, "system.file")
    return Answer(file.attach(call.ctx, call.path["form"], call.path["id"], key).shown())


def detach(call: Call) -> Answer:
    """DELETE /records/{form}/{id}/files/{file}"""
    key = params.identifier({"id": call.path["file"]}, "system.file")
    file.detach(call.ctx, call.path["form"], call.path["id"], key)
    return Answer(status=204)


def _saved(call: Call) -> Any:
    name, source = call.body.file("file")
    return file.save(call.ctx, file.chunks(source), name=name)
