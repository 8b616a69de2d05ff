"""Bulk work from a list: what became of each record, a job's progress, the input for one field of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import bulk, describe
from anlan.kernel.behalf import own_job
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.i18n import language_of
from anlan.web.api import params
from anlan.web.api.body import parse
from anlan.web.api.bulk import chosen_of, with_reasons, work_of
from anlan.web.api.words import sentences
from anlan.web.pages import show
from anlan.web.pages.columns import column
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words

__all__ = ["field_input", "job_page", "run", "writable"]

Json = Mapping[str, Any]


def writable(form: Json, language: str) -> list[tuple[str, str]]:
    """Fields that can be changed in many records at once, `(path, label)`."""
    if "update" not in form["actions"]:
        return []
    fields = [column(form, path, language) for path in form.get("order") or form["fields"]]
    return [(one["path"], one["label"]) for one in fields if _typed(one)]


def _typed(field: Json) -> bool:
    computed = any(field.get(reason) for reason in ("formula", "balance", "lookup", "readonly", "hidden"))
    return not computed and field.get("access") == "write" and field["type"] not in {"lines", "file", "image", "secret", "number", "state"}


def field_input(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/field?field=`: the input of one field."""
    form = describe.form(ctx, request.path_params["form"])
    name = request.query_params.get("field", "")
    if name not in dict(writable(form, ctx.language)):
        raise invalid([Fault("unknown_field", "field", {"field": name[:60], "form": form["label"]})])
    return render(request, ctx, "part/bulk_field.html", title="", form=form, field=column(form, name, ctx.language))


def run(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/bulk`: `body` is what the API's /bulk or /print takes. What became of it, as a fragment; of more
    than a hundred records, or pages, the progress of a job."""
    form = describe.form(ctx, request.path_params["form"])
    body = params.object_body(parse(str(given.get("body", "{}")).encode()))
    name, chosen = form["form"], chosen_of(body)
    try:
        if "print" in body:
            key = bulk.request_print(ctx, name, str(body["print"]), chosen)
        else:
            work = work_of(body)
            if bulk.count(ctx, name, chosen) <= bulk.AT_ONCE:
                told = bulk.run(ctx, name, work, chosen)
                counts = {one: told[one] for one in ("done", "waiting", "refused")}
                return _told(request, ctx, form, counts=counts, rows=[with_reasons(ctx, one) for one in told["data"]], deleted=work.action == "delete")
            key = bulk.request(ctx, name, work, chosen)
    except Refused as refused:
        return _told(request, ctx, form, error=said(request, refused))
    return _job(request, ctx, form, key)


def job_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/bulk/{id}`: how far a job is, and how it ended; `part` answers without the frame."""
    form = describe.form(ctx, request.path_params["form"])
    return _job(request, ctx, form, params.identifier(request.path_params, "system.job"), alone="part" not in request.query_params)


def _job(request: Request, ctx: Context, form: Json, key: str, *, alone: bool = False) -> Response:
    found = own_job(ctx, key)
    result, error = found["result"], found["error"]
    values: dict[str, Any] = {"key": key}
    if error:
        say = sentences(ctx.site, language_of(ctx.language))
        values["error"] = say(error["code"], error.get("params") or {}) if "code" in error else words().text("bulk.failed", ctx.language)
    elif isinstance(result, Mapping):
        if "file" in result:
            values["file"], values["records"] = result["file"], result.get("records") or result.get("rows")
        else:
            values["counts"] = result
            values["rows"] = [with_reasons(ctx, one) for one in bulk.results(ctx, key)]
    else:
        values["waiting"], values["progress"] = True, found.get("progress")
    return _told(request, ctx, form, alone=alone, **values)


def _told(request: Request, ctx: Context, form: Json, *, alone: bool = False, **values: Any) -> Response:
    known: dict[str, Any] = {"counts": None, "rows": [], "error": "", "waiting": False, "progress": None, "file": None, "records": 0, "deleted": False, "key": ""}
    label = show.label(form["label"], ctx.language)
    return render(
        request,
        ctx,
        "bulk.html" if alone else "part/bulk.html",
        title=words().text("bulk.title", ctx.language),
        crumbs=[(label, f"/f/{form['form']}")],
        form=form,
        **known | values,
    )
