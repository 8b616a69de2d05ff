"""Sheets in and out: a list as a file, an empty sheet to fill in, an import with its preview.

GET  /import/{form}                                  the empty sheet
POST /import/{form}   file                           what a run would do, every fault with its cell
POST /import/{form}   file, run=1[, mode, mapping]   does it, in one transaction
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import quote

from anlan.kernel import exchange
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, wrong_type
from anlan.web.api import params, words
from anlan.web.api.records import list_query
from anlan.web.api.routing import Answer, Call

__all__ = ["MEDIA_TYPES", "export", "import_", "named", "template"]

MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}


def export(call: Call) -> Answer:
    """GET /export/{form}: all rows of a list that the caller may see, as xlsx or csv."""
    kind = cast(Literal["xlsx", "csv"], params.choice(call.query, "format", ("xlsx", "csv"), "xlsx"))
    asked = list_query({name: value for name, value in call.query.items() if name != "format"})
    out = io.BytesIO()
    form = call.path["form"]
    exchange.export_query(call.ctx, form, asked, out, format=kind, paths=asked.fields or None)
    return Answer(content=out.getvalue(), media_type=MEDIA_TYPES[kind], headers=named(f"{form}.{kind}"))


def template(call: Call) -> Answer:
    """GET /import/{form}: the empty sheet, in the caller's language."""
    form = call.path["form"]
    content = exchange.template_of(call.ctx, form)
    return Answer(content=content, media_type=MEDIA_TYPES["xlsx"], headers=named(f"{form}.xlsx"))


def import_(call: Call) -> Answer:
    """POST /import/{form}: multipart; `run` 1 imports, else it is a preview."""
    texts = call.body.texts
    name, source = call.body.file("file")
    ctx, form = call.ctx, call.path["form"]
    ctx.caller.policy.require(form, "import")
    mode = cast(Literal["all", "good"], params.choice(texts, "mode", ("all", "good"), "all"))
    runs = params.switch(texts, "run")
    table = exchange.read(source.read(), name)
    paths = _mapping(texts, len(table.headers))
    if paths is None:
        paths = exchange.propose(ctx, form, table)
    if not runs:
        return Answer(_told(ctx, exchange.preview(ctx, form, table, paths)))
    return Answer(_told(ctx, exchange.run(ctx, form, table, paths, mode=mode, file_name=name)))


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


def _told(ctx: Any, result: Any) -> dict[str, Any]:
    """The result with a sentence beside each fault."""
    say = words.sentences(ctx.site, language_of(ctx.language))
    faults = [
        {"row": one["row"], "column": one["column"], "path": one["path"], "code": one["code"],
         "message": say(one["code"], {"field": one["path"], **one["params"]})}
        for one in result["faults"]
    ]  # fmt: skip
    return {**result, "faults": faults}
