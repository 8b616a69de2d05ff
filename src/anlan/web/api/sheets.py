"""Sheets in and out: a list as a file, an empty sheet to fill in, an import with its preview.

GET  /export/{form}                                  the file at once, of lists that are not too long
POST /export/{form}                                  202 with a job whose result names the file
GET  /import/{form}                                  the empty sheet
POST /import/{form}   file                           what a run would do, every fault with its cell
POST /import/{form}   file, run=1[, mode, mapping]   202 with a job that does it, in one transaction
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from anlan.kernel import exchange, file, query
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, wrong_type
from anlan.web.api import params, words
from anlan.web.api.problem import fault_shown
from anlan.web.api.records import RECORD_PARAMETERS, list_query
from anlan.web.api.routing import Answer, Call

__all__ = [
    "EXPORT_PARAMETERS", "MEDIA_TYPES", "export", "import_", "named", "request_export", "template", "with_sentences",
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
    table = exchange.read(source.read(), name)
    paths = _mapping(texts, len(table.headers))
    if paths is None:
        paths = exchange.propose(ctx, form, table)
    if not runs:
        return Answer(with_sentences(ctx, exchange.preview(ctx, form, table, paths)))
    source.seek(0)
    saved = file.save(ctx, file.chunks(source), name=name)
    return _job(exchange.request_import(ctx, form, saved.id, paths, mode=mode))


def _job(key: str) -> Answer:
    return Answer({"job": key}, 202, {"Location": f"/api/v1/jobs/{key}"})


def named(name: str) -> dict[str, str]:
    """The header that makes a browser keep the answer as a file of this name."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


def _mapping(texts: Mapping[str, str], width: int) -> list[str | None] | None:
    """`mapping`: a JSON list with a field's path, or null, for each column of the sheet."""
    given = texts.get("mapping")
    if not given:
        return None
    try:
        paths = json.loads(given)
    except (ValueError, RecursionError):
        raise invalid([wrong_type("mapping", LIST)]) from None
    if not isinstance(paths, list) or not all(one is None or isinstance(one, str) for one in paths):
        raise invalid([wrong_type("mapping", LIST)])
    if len(paths) != width:
        raise invalid([Fault("mapping_width", "mapping", {"columns": width, "count": len(paths)})])
    return paths


def with_sentences(ctx: Context, result: Mapping[str, Any]) -> dict[str, Any]:
    """An import's result with a sentence beside each of its faults."""
    say = words.sentences(ctx.site, language_of(ctx.language))
    faults = [
        {"row": one["row"], "column": one["column"], "path": one["path"], "code": one["code"],
         "message": fault_shown(Fault(one["code"], one["path"], one["params"]), say)["message"]}
        for one in result["faults"]
    ]  # fmt: skip
    return {**result, "faults": faults}
