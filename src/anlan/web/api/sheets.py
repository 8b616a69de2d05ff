"""Sheets in and out: a list as a file, an empty sheet to fill in, an import with its preview.

GET  /export/{form}                                  the file at once, of lists that are not too long
POST /export/{form}                                  202 with a job whose result names the file
GET  /import/{form}                                  the empty sheet
POST /import/{form}   file                           what a run would do, every fault with its cell
POST /import/{form}   file, run=1[, mode, mapping, ways]   202 with a job that does it, in one transaction
GET  /imports/{form}                                 the imports that were done, the last first
GET  /imports/{form}/{id}                            what came of one, with its records
POST /imports/{form}/{id}/undo                       what it made and nobody has used since is deleted
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from anlan.kernel import exchange, file, query
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid, not_found
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, OBJECT, wrong_type
from anlan.web.api import params, words
from anlan.web.api.problem import fault_shown
from anlan.web.api.records import RECORD_PARAMETERS, list_query
from anlan.web.api.routing import Answer, Call

__all__ = [
    "EXPORT_PARAMETERS", "MEDIA_TYPES", "export", "import_", "imports", "kept_told", "named", "outcome", "request_export",
    "template", "undo", "with_sentences",
]  # fmt: skip

EXPORT_PARAMETERS = (*RECORD_PARAMETERS, "format")
MOST_AT_ONCE = 2000  # rows; about a second of work. Longer lists are jobs.

MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}


def export(call: Call) -> Answer:
    """GET /export/{form}: all rows of a list that the caller may see, as xlsx or csv."""
    kind, asked = _asked(call.query)
    form = call.path["form"]
    found = query.records(call.ctx, form, asked._replace(fields=("id",), limit=1, count="exact"))
    if found["count"] > MOST_AT_ONCE:
        raise Refused(422, "export_too_long", params={"count": found["count"], "limit": MOST_AT_ONCE})
    out = io.BytesIO()
    exchange.export_query(call.ctx, form, asked, out, format=kind, paths=asked.fields or None)
    return Answer(content=out.getvalue(), media_type=MEDIA_TYPES[kind], headers=named(f"{form}.{kind}"))


def request_export(call: Call) -> Answer:
    """POST /export/{form}: the same parameters as a body."""
    kind, asked = _asked(params.object_body(call.body, known=EXPORT_PARAMETERS))
    form = call.path["form"]
    return _job(exchange.request_export(call.ctx, form, asked, format=kind, paths=asked.fields or None))


def _asked(values: Mapping[str, Any]) -> tuple[Literal["xlsx", "csv"], query.Query]:
    kind = params.choice(values, "format", ("xlsx", "csv"), "xlsx")
    asked = list_query({name: value for name, value in values.items() if name != "format"})
    return cast(Literal["xlsx", "csv"], kind), asked


def template(call: Call) -> Answer:
    """GET /import/{form}: the empty sheet, in the caller's language."""
    form = call.path["form"]
    content = exchange.template_of(call.ctx, form)
    return Answer(content=content, media_type=MEDIA_TYPES["xlsx"], headers=named(f"{form}.xlsx"))


def import_(call: Call) -> Answer:
    """POST /import/{form}: multipart; `run` 1 asks for the import, else it is a preview."""
    texts = call.body.texts
    name, source = call.body.file("file")
    ctx, form = call.ctx, call.path["form"]
    mode = cast(Literal["all", "good"], params.choice(texts, "mode", ("all", "good"), "all"))
    runs = params.switch(texts, "run")
    table = exchange.read(source.read(), name, heads=exchange.heads(ctx, form))
    ways = exchange.ways_of(_json(texts, "ways", dict, OBJECT) or {})
    paths = _mapping(texts, len(table.headers))
    if paths is None:
        paths = exchange.propose(ctx, form, table)
    if not runs:
        return Answer(with_sentences(ctx, exchange.preview(ctx, form, table, paths, ways=ways)))
    source.seek(0)
    saved = file.save(ctx, file.chunks(source), name=name)
    return _job(exchange.request_import(ctx, form, saved.id, paths, mode=mode, ways=ways))


def imports(call: Call) -> Answer:
    """GET /imports/{form}: who brought what and when; `after` is the last id of the page before."""
    limit = params.whole(call.query, "limit", 50, 1, 200)
    after = call.query.get("after")
    if after is not None:
        after = params.identifier({"id": after}, "import")
    return Answer({"data": exchange.history(call.ctx, call.path["form"], limit=limit, after=after)})


def outcome(call: Call) -> Answer:
    """GET /imports/{form}/{id}: its result with a sentence for each fault, and its first records."""
    result, past, made = exchange.outcome(call.ctx, _of_form(call))
    return Answer({**with_sentences(call.ctx, result), **past, "records": made})


def undo(call: Call) -> Answer:
    """POST /imports/{form}/{id}/undo: how many records went, and which stayed for what reason."""
    return Answer(kept_told(call.ctx, exchange.undo(call.ctx, _of_form(call))))


def _of_form(call: Call) -> str:
    """The import that the address names. Refused 404 when it is not one of this form's."""
    key = params.identifier(call.path, "import")
    if exchange.outcome(call.ctx, key)[0]["form"] != call.path["form"]:
        raise not_found("import", key)
    return key


def kept_told(ctx: Context, undone: exchange.Undone) -> dict[str, Any]:
    """An undo's result with a sentence beside each record that was kept."""
    say = words.sentences(ctx.site, language_of(ctx.language))
    kept = [
        {"id": one["id"], "label": one["label"], "code": one["code"],
         "message": fault_shown(Fault(one["code"], "", one["params"]), say)["message"]}
        for one in undone["kept"]
    ]  # fmt: skip
    return {"deleted": undone["deleted"], "kept": kept}


def _job(key: str) -> Answer:
    return Answer({"job": key}, 202, {"Location": f"/api/v1/jobs/{key}"})


def named(name: str) -> dict[str, str]:
    """The header that makes a browser keep the answer as a file of this name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


def _mapping(texts: Mapping[str, str], width: int) -> list[str | None] | None:
    """`mapping`: a JSON list with a field's path, or null, for each column of the sheet."""
    paths = _json(texts, "mapping", list, LIST)
    if paths is None:
        return None
    if not all(one is None or isinstance(one, str) for one in paths):
        raise invalid([wrong_type("mapping", LIST)])
    if len(paths) != width:
        raise invalid([Fault("mapping_width", "mapping", {"columns": width, "count": len(paths)})])
    return cast(list[str | None], paths)


def _json(texts: Mapping[str, str], name: str, kind: type, wanted: Mapping[str, str]) -> Any:
    """A part of the upload that holds JSON of one kind; None when it is absent. Refused 422."""
    given = texts.get(name)
    if not given:
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        raise invalid([wrong_type(name, wanted)]) from None
    if not isinstance(found, kind):
        raise invalid([wrong_type(name, wanted)])
    return found


def with_sentences(ctx: Context, result: Mapping[str, Any]) -> dict[str, Any]:
    """An import's result with a sentence beside each of its faults."""
    say = words.sentences(ctx.site, language_of(ctx.language))
    faults = [
        {"row": one["row"], "column": one["column"], "path": one["path"], "code": one["code"],
         "message": fault_shown(Fault(one["code"], one["path"], one["params"]), say)["message"]}
        for one in result["faults"]
    ]  # fmt: skip
    return {**result, "faults": faults}
