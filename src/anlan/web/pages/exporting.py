"""A list goes out: which columns, which format; short ones at once, long ones by a job that may be left and stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe, exchange, job, query
from anlan.kernel.behalf import own_job
from anlan.kernel.context import Context
from anlan.kernel.errors import forbidden
from anlan.kernel.i18n import language_of
from anlan.web.api import params
from anlan.web.api.records import list_query
from anlan.web.api.sheets import MOST_AT_ONCE
from anlan.web.api.words import sentences
from anlan.web.pages import show
from anlan.web.pages.frame import render, words

__all__ = ["ask", "export_page", "job_page", "stop"]

Json = Mapping[str, Any]
_ASKED = ("where", "search", "sort", "fields")


def export_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/export?where=&search=&sort=&fields=`: how many rows there are, and how they shall be written."""
    form = _form(request, ctx)
    asked = {name: text for name in _ASKED if (text := request.query_params.get(name))}
    return _shown(request, ctx, form, asked=asked, count=_count(ctx, form, asked), most=MOST_AT_ONCE)


def ask(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/export`: the file at once, or a job whose page tells how far it is."""
    form = _form(request, ctx)
    asked = {name: text for name in _ASKED if (text := str(given.get(name, "")))}
    if given.get("columns") == "all":
        asked.pop("fields", None)
    kind: Literal["xlsx", "csv"] = "csv" if given.get("format") == "csv" else "xlsx"
    if _count(ctx, form, asked) <= MOST_AT_ONCE:
        return RedirectResponse(f"/api/v1/export/{form['form']}?{urlencode(asked | {'format': kind})}", 303)
    wanted = list_query(asked)
    key = exchange.request_export(ctx, form["form"], wanted, format=kind, paths=wanted.fields or None)
    return RedirectResponse(f"/f/{form['form']}/export/job/{key}", 303)


def job_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/export/job/{id}`: how far it is, then the file; `part` answers without the frame."""
    form, key = _form(request, ctx), params.identifier(request.path_params, "system.job")
    found = own_job(ctx, key)
    result, error = found["result"], found["error"]
    say = sentences(ctx.site, language_of(ctx.language))
    told = ""
    if error is not None or found["state"] == "cancelled":
        reason = error or {"code": "job.stopped"}
        told = say(str(reason.get("code", "job.died")), reason.get("params") or {})
    waiting = "" if told or isinstance(result, Mapping) else f"/f/{form['form']}/export/job/{key}"
    return _shown(
        request, ctx, form, part="part" in request.query_params, job=found, result=result, error=told, waiting=waiting
    )


def stop(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/export/job/{id}/stop`."""
    del given
    form, key = _form(request, ctx), params.identifier(request.path_params, "system.job")
    own_job(ctx, key)
    with ctx.transaction():
        job.stop(ctx.connection, key, now=ctx.now)
    return RedirectResponse(f"/f/{form['form']}/export/job/{key}", 303)


def _form(request: Request, ctx: Context) -> Json:
    form = describe.form(ctx, request.path_params["form"])
    if "export" not in form["actions"]:
        raise forbidden(form["form"], "export")
    return form


def _count(ctx: Context, form: Json, asked: Mapping[str, str]) -> int:
    wanted = list_query(asked)._replace(fields=("id",), limit=1, count="exact")
    return int(query.records(ctx, form["form"], wanted)["count"])


def _shown(request: Request, ctx: Context, form: Json, *, part: bool = False, **values: Any) -> Response:
    label = show.label(form["label"], ctx.language)
    none: dict[str, Any] = {"asked": None, "count": 0, "most": 0, "job": None, "result": None, "error": "", "waiting": ""}
    return render(
        request,
        ctx,
        "part/export_state.html" if part else "export.html",
        title=words().text("exporting.title", ctx.language, form=label),
        crumbs=[(label, f"/f/{form['form']}")],
        form=form,
        **none | values,
    )
