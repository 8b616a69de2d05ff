"""Records: list, create, read, change, delete, steps, conversions, trail. Each handler is one call of the
kernel.
"""

from __future__ import annotations

from typing import Any, Literal, cast
from urllib.parse import quote

from anlan.kernel import comment as comments
from anlan.kernel import query, record
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type
from anlan.web.api import params
from anlan.web.api.problem import fault_shown
from anlan.web.api.routing import Answer, Call
from anlan.web.api.words import in_language, sentences

__all__ = [
    "LIST_PARAMETERS",
    "MOST_RECORDS",
    "RECORD_PARAMETERS",
    "batch",
    "change",
    "comment",
    "copied",
    "copy",
    "create",
    "create_many",
    "delete",
    "deleted",
    "find",
    "links",
    "list_query",
    "make",
    "make_many",
    "mentionable",
    "preview",
    "read",
    "related",
    "restore",
    "step",
    "trail",
]

LIST_PARAMETERS = ("where", "search", "sort", "fields", "limit", "after", "count")
RECORD_PARAMETERS = (*LIST_PARAMETERS, "ids")  # of records, which have ids; movements have not
MOST_ROWS = 500
_COUNTS = ("none", "exact", "estimate")
MOST_RECORDS = 1000
_ROWS = 50


def list_query(values: Any) -> query.Query:
    """The parameters of a list, from the query string (texts) or a JSON body (also lists and numbers).

    Raises Refused 422.
    """
    texts = {
        name: ",".join(value)
        if isinstance(value, list) and all(isinstance(one, str) for one in value)
        else value
        for name, value in values.items()
        if value is not None
    }
    faults = [
        wrong_type(name, TEXT)
        for name, value in texts.items()
        if name != "limit" and not isinstance(value, str)
    ]
    if faults:
        raise invalid(faults)
    if "limit" in texts:
        texts["limit"] = str(texts["limit"])
    return query.Query(
        where=texts.get("where") or None,
        search=texts.get("search") or None,
        sort=params.names(texts, "sort"),
        fields=params.names(texts, "fields"),
        limit=params.whole(texts, "limit", _ROWS, 1, MOST_ROWS),
        after=texts.get("after") or None,
        count=cast(Literal["none", "exact", "estimate"], params.choice(texts, "count", _COUNTS, "none")),
        ids=params.identifiers(texts["ids"]) if "ids" in texts else None,
    )


def find(call: Call) -> Answer:
    """GET /records/{form}, or its parameters as a body by POST /records/{form}/query."""
    values = call.query if call.body is None else params.object_body(call.body, known=RECORD_PARAMETERS)
    return Answer(query.records(call.ctx, call.path["form"], list_query(values)))


def create(call: Call) -> Answer:
    """POST /records/{form}"""
    return _made(record.create(call.ctx, call.path["form"], params.object_body(call.body)))


def create_many(call: Call) -> Answer:
    """POST /records/{form}/batch"""
    body = params.object_body(call.body, known=("records",))
    rows = _rows(body, "records")
    return Answer({"data": record.create_many(call.ctx, call.path["form"], rows)}, 201)


def batch(call: Call) -> Answer:
    """POST /batch"""
    body = params.object_body(call.body, known=("operations",))
    return Answer(record.batch(call.ctx, _rows(body, "operations")))


def _rows(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = body.get(name)
    if not isinstance(rows, list):
        raise invalid([wrong_type(name, LIST)])
    if len(rows) > MOST_RECORDS:
        raise invalid([Fault("too_many", name, {"limit": MOST_RECORDS, "what": name})])
    faults = [
        wrong_type(f"{name}[{index}]", OBJECT) for index, row in enumerate(rows) if not isinstance(row, dict)
    ]
    if faults:
        raise invalid(faults)
    return rows


def preview(call: Call) -> Answer:
    """POST /records/{form}/preview: what the record would be; `id` in the body names the record that is
    being edited.
    """
    values = dict(params.object_body(call.body))
    key = values.pop("id", None)
    if key is not None and not isinstance(key, str):
        raise invalid([wrong_type("id", TEXT)])
    found = record.preview(call.ctx, call.path["form"], values, id=key)
    say = sentences(call.ctx.site, language_of(call.ctx.language))
    return Answer({"record": found["record"], "faults": [fault_shown(one, say) for one in found["faults"]]})


def read(call: Call) -> Answer:
    """GET /records/{form}/{id}"""
    return _one(record.read(call.ctx, call.path["form"], call.path["id"]))


def change(call: Call) -> Answer:
    """PATCH /records/{form}/{id}"""
    version = params.if_match(call.headers)
    values = params.object_body(call.body)
    if version is None:
        # Rights first: 428 would tell a stranger that the record exists.
        record.read(call.ctx, call.path["form"], call.path["id"])
        raise Refused(428, "if_match_required")
    return _one(record.update(call.ctx, call.path["form"], call.path["id"], values, version=version))


def delete(call: Call) -> Answer:
    """DELETE /records/{form}/{id}"""
    record.delete(call.ctx, call.path["form"], call.path["id"])
    return Answer(status=204)


def step(call: Call) -> Answer:
    """POST /records/{form}/{id}/do/{transition}"""
    body = params.object_body(call.body, known=("comment", "values"))
    done = record.step(
        call.ctx,
        call.path["form"],
        call.path["id"],
        call.path["transition"],
        comment=params.text_of(body, "comment"),
        values=body.get("values"),
        version=params.if_match(call.headers),
    )
    if "approval" in done:  # its rounds have labels
        done = done | {"approval": in_language(done["approval"], language_of(call.ctx.language))}
    return _one(done)


def make(call: Call) -> Answer:
    """POST /records/{form}/{id}/make/{target_form}"""
    body = params.object_body(call.body) or None
    return _made(record.make(call.ctx, call.path["form"], call.path["id"], call.path["target_form"], body))


def trail(call: Call) -> Answer:
    """GET /records/{form}/{id}/trail"""
    before = params.whole(call.query, "before", 0, 1, 2**62) or None
    limit = params.whole(call.query, "limit", 200, 1, MOST_ROWS)
    return Answer(
        _data(record.trail(call.ctx, call.path["form"], call.path["id"], limit=limit, before=before))
    )


def comment(call: Call) -> Answer:
    """POST /records/{form}/{id}/comments"""
    body = params.object_body(call.body, known=("text", "mentions"))
    text = params.required_text(body, "text")
    mentions = body.get("mentions") or []
    if not isinstance(mentions, list) or not all(isinstance(one, str) for one in mentions):
        raise invalid([wrong_type("mentions", LIST)])
    return Answer(comments.add(call.ctx, call.path["form"], call.path["id"], text, mentions=mentions), 201)


def mentionable(call: Call) -> Answer:
    """GET /records/{form}/{id}/mentionable?q=: users who may read the record, to be named in a comment."""
    return Answer(_data(comments.mentionable(call.ctx, call.path["form"], call.path["id"], call.query.get("q", ""))))


def related(call: Call) -> Answer:
    """GET /records/{form}/{id}/related: records that link to it, form by form, the newest first."""
    limit = params.whole(call.query, "limit", 5, 1, 50)
    return Answer(_data(query.related(call.ctx, call.path["form"], call.path["id"], limit=limit)))


def copied(call: Call) -> Answer:
    """GET /records/{form}/{id}/copy: the body of a new record like this one; nothing is stored."""
    return Answer(record.copy_of(call.ctx, call.path["form"], call.path["id"]))


def links(call: Call) -> Answer:
    """GET /records/{form}/{id}/links"""
    return Answer(_data(record.links(call.ctx, call.path["form"], call.path["id"])))


def deleted(call: Call) -> Answer:
    """GET /recycle-bin: what the caller could restore; `form` narrows it to one form."""
    return Answer(_data(record.deleted(call.ctx, call.query.get("form") or None)))


def restore(call: Call) -> Answer:
    """POST /recycle-bin/{id}/restore"""
    return _one(record.restore(call.ctx, params.identifier(call.path, "recycle_bin")))


def _data(found: Any) -> Any:
    return found if isinstance(found, dict) else {"data": list(found)}


def _one(found: dict[str, Any]) -> Answer:
    return Answer(found, headers={"ETag": f'"{found["version"]}"'})


def _made(made: dict[str, Any]) -> Answer:
    location = f"/api/v1/records/{quote(made['form'], safe='.')}/{made['id']}"
    return Answer(made, 201, {"Location": location, "ETag": f'"{made["version"]}"'})


def copy(call: Call) -> Answer:
    """A draft like this record; a body says what is to be different."""
    values = call.body if call.body is not None else {}
    if not isinstance(values, dict):
        raise invalid([wrong_type("", OBJECT)])
    return _made(record.copy(call.ctx, call.path["form"], call.path["id"], values))


def make_many(call: Call) -> Answer:
    """One document from several: `ids`, and what else the body says of its head."""
    if not isinstance(call.body, dict):
        raise invalid([wrong_type("", OBJECT)])
    body = dict(call.body)
    ids = body.pop("ids", None)
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise invalid([wrong_type("ids", LIST)])
    return _made(record.make_many(call.ctx, call.path["form"], ids, call.path["target_form"], body))
