"""Finding things: global search, typeahead, the to-do list, a job's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel import job, query, scan
from anlan.kernel.behalf import own_job
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, OBJECT, wrong_type
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call
from anlan.web.api.sheets import with_sentences
from anlan.web.api.words import in_language, sentences

__all__ = ["hints", "job_state", "scanned", "search", "stop_job", "suggest"]


def search(call: Call) -> Answer:
    """GET /search?q="""
    return Answer(
        {"data": query.search(call.ctx, _asked(call), limit=params.whole(call.query, "limit", 20, 1, 100))}
    )


def scanned(call: Call) -> Answer:
    """GET /scan?code=: the records that a scanned code names, and the parts of a GS1 code."""
    code = call.query.get("code", "")
    found = scan.find(call.ctx, code, form=call.query.get("form") or None)
    found = in_language(found, language_of(call.ctx.language))
    return Answer({"data": found, "parts": scan.parse(code[: scan.LONGEST])._asdict()})


def suggest(call: Call) -> Answer:
    """GET /suggest/{form}?q=: typeahead by code, name, pinyin initials; `only` narrows by a formula."""
    found = query.suggest(
        call.ctx,
        call.path["form"],
        call.query.get("q", ""),
        only=call.query.get("only") or None,
        field=call.query.get("field") or None,
        limit=params.whole(call.query, "limit", 10, 1, 50),
    )
    return Answer({"data": found})


def hints(call: Call) -> Answer:
    """POST /records/{form}/hints: figures beside choices of a link: `{"path", "ids", "values": head fields}`."""
    body = params.object_body(call.body, known=("path", "ids", "values"))
    ids, values = body.get("ids"), body.get("values") or {}
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise invalid([wrong_type("ids", LIST)])
    if not isinstance(values, dict):
        raise invalid([wrong_type("values", OBJECT)])
    path = params.required_text(body, "path")
    return Answer({"data": query.hints(call.ctx, call.path["form"], path, ids, values)})


def job_state(call: Call) -> Answer:
    """GET /jobs/{id}: one's own; administrators see all."""
    key = params.identifier(call.path, "system.job")
    return Answer(_told(call.ctx, own_job(call.ctx, key, administrators=True)))


def stop_job(call: Call) -> Answer:
    """POST /jobs/{id}/stop: one's own (administrators: any) ends where it can, nothing kept; 409 when it has ended."""
    key = params.identifier(call.path, "system.job")
    with call.ctx.transaction():
        own_job(call.ctx, key, administrators=True)
        if not job.stop(call.ctx.connection, key, now=call.ctx.now):
            raise Refused(409, "job.has_ended")
        found = own_job(call.ctx, key, administrators=True)
    return Answer(_told(call.ctx, found))


def _told(ctx: Context, found: Mapping[str, Any]) -> dict[str, Any]:
    """The state with sentences: for the faults of an import's result, and for why a job was refused."""
    told = dict(found)
    result, error = found["result"], found["error"]
    if isinstance(result, dict) and "faults" in result:
        told["result"] = with_sentences(ctx, result)
    if error and "code" in error:
        say = sentences(ctx.site, language_of(ctx.language))
        told["error"] = {**error, "message": say(error["code"], error.get("params") or {})}
    return told


def _asked(call: Call) -> str:
    text = call.query.get("q", "").strip()
    if not text:
        raise invalid([Fault("required", "q", {"field": "q"})])
    return text
