"""One thing done to many records, and many records on paper.

POST /bulk/{form}   {"action": "step", "transition": "confirm", "ids": […]}   200 with what became of each
POST /bulk/{form}   {"action": "set", "values": {…}, "where": "…"}            more than 100: 202 with a job
GET  /bulk/{form}/{id}                                                        what became of the job's records
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from anlan.kernel import bulk
from anlan.kernel.behalf import own_job
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.i18n import language_of
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type
from anlan.web.api import params
from anlan.web.api.problem import fault_shown
from anlan.web.api.routing import Answer, Call
from anlan.web.api.words import sentences

__all__ = ["CHOSEN", "chosen_of", "print_chosen", "request_print", "results", "run", "with_reasons", "work_of"]

CHOSEN = ("ids", "where", "search", "sort")


def run(call: Call) -> Answer:
    """POST /bulk/{form}"""
    body = params.object_body(call.body, known=("action", "transition", "comment", "values", *CHOSEN))
    ctx, form = call.ctx, call.path["form"]
    work, chosen = work_of(body), chosen_of(body)
    if bulk.count(ctx, form, chosen) > bulk.AT_ONCE:
        return _job(bulk.request(ctx, form, work, chosen))
    told = bulk.run(ctx, form, work, chosen)
    return Answer({**told, "data": [with_reasons(ctx, one) for one in told["data"]]})


def results(call: Call) -> Answer:
    """GET /bulk/{form}/{id}: the records of one's own job that were refused or wait for an approval."""
    key = params.identifier(call.path, "system.job")
    found = own_job(call.ctx, key)
    return Answer({"state": found["state"], "data": [with_reasons(call.ctx, one) for one in bulk.results(call.ctx, key)]})


def print_chosen(call: Call) -> Answer:
    """GET /print/{form}: some records in one PDF, at once."""
    ctx, form = call.ctx, call.path["form"]
    chosen = bulk.Chosen(ids=params.identifiers(call.query.get("ids", "")), sort=params.names(call.query, "sort"))
    if len(chosen.ids or ()) > bulk.MOST_PRINTED_AT_ONCE:
        raise Refused(422, "bulk.too_many", params={"count": len(chosen.ids or ()), "limit": bulk.MOST_PRINTED_AT_ONCE})
    content, _ = bulk.print_chosen(ctx, form, call.query.get("print", ""), chosen)
    title = f"{ctx.form(form).label(ctx.language)} {ctx.today.isoformat()}.pdf"
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(title, safe='')}"}
    return Answer(content=content, media_type="application/pdf", headers=headers)


def request_print(call: Call) -> Answer:
    """POST /print/{form}: 202 with a job whose result names the file."""
    body = params.object_body(call.body, known=("print", *CHOSEN))
    return _job(bulk.request_print(call.ctx, call.path["form"], params.required_text(body, "print"), chosen_of(body)))


def work_of(body: Mapping[str, Any]) -> bulk.Work:
    """What a body wants done. Raises Refused 422."""
    values = body.get("values") or {}
    if not isinstance(values, Mapping):
        raise invalid([wrong_type("values", OBJECT)])
    return bulk.Work(
        params.required_text(body, "action"), params.text_of(body, "transition") or "", params.text_of(body, "comment"), values
    )


def chosen_of(body: Mapping[str, Any]) -> bulk.Chosen:
    """Which records a body names: `ids` (a list), or `where` and `search`. Raises Refused 422."""
    ids = body.get("ids")
    if ids is not None:
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise invalid([wrong_type("ids", LIST)])
        ids = params.identifiers(",".join(ids))
    sort = body.get("sort") or []
    if isinstance(sort, str):
        sort = params.names({"sort": sort}, "sort")
    if not isinstance(sort, list) or not all(isinstance(one, str) for one in sort):
        raise invalid([wrong_type("sort", TEXT)])
    return bulk.Chosen(ids, params.text_of(body, "where"), params.text_of(body, "search"), sort)


def with_reasons(ctx: Context, told: Mapping[str, Any]) -> dict[str, Any]:
    """An outcome with the sentences of its refusal: `message` for each fault, or for the whole."""
    refusal = told["refusal"]
    shown = {name: told[name] for name in ("id", "title", "outcome")}
    if refusal is None:
        return {**shown, "messages": []}
    say = sentences(ctx.site, language_of(ctx.language))
    faults = [Fault(one["code"], one["path"], one["params"]) for one in refusal["faults"]]
    faults = faults or [Fault(refusal["code"], "", refusal["params"])]
    messages = list(dict.fromkeys(fault_shown(one, say)["message"] for one in faults))
    return {**shown, "code": refusal["code"], "messages": messages}


def _job(key: str) -> Answer:
    return Answer({"job": key}, 202, {"Location": f"/api/v1/jobs/{key}"})
