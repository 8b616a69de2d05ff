"""A sheet comes in: upload, which column is which field, every fault in its cell, import, take it back.

The file is kept by the kernel and named in the address; nothing else is remembered between two pages. What was
chosen for a header is proposed the next time. Sheets of more than MOST_AT_ONCE rows are imported by a job, and
only their beginning is looked through before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe, exchange, file, job
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, forbidden, not_found
from anlan.kernel.exchange.columns import IGNORED
from anlan.kernel.i18n import language_of
from anlan.kernel.ids import uuid7
from anlan.web.api import params
from anlan.web.api.sheets import MOST_AT_ONCE, with_sentences
from anlan.web.api.upload import Upload
from anlan.web.api.words import sentences
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words
from anlan.web.pages.sheet import Choice, Seen, choices, repeated, samples, seen

__all__ = ["bring", "check", "import_page", "job_page", "may_bring", "run", "take_back"]

Json = Mapping[str, Any]
UNREAD = "?"  # the choice of a column that nobody has recognised yet


class Sheet(NamedTuple):
    """The file that was brought, as it is named in addresses, and what is in it."""

    file: str
    name: str
    table: exchange.Table


def import_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/import`: choose a file; with `file=` what is in it, and what would become of it."""
    form = _form(request, ctx)
    key = request.query_params.get("file")
    if key is None:
        return _choose(request, ctx, form)
    sheet = _sheet(ctx, key)
    return _columns(request, ctx, form, sheet, exchange.propose(ctx, form["form"], sheet.table))


def may_bring(request: Request, ctx: Context) -> Response:
    """204 before a file is taken in; refused for who may not import."""
    _form(request, ctx)
    return Response(status_code=204)


def bring(request: Request, ctx: Context, upload: Upload) -> Response:
    """`POST /f/{form}/import`: keeps the file and leads on; one that cannot be read is told at once."""
    form = _form(request, ctx)
    try:
        name, source = upload.file("file")
        exchange.read(source.read(), name)
        source.seek(0)
        kept = file.save(ctx, file.chunks(source), name=name)
    except Refused as refused:
        return _choose(request, ctx, form, refused=refused)
    return RedirectResponse(f"/f/{form['form']}/import?file={kept.id}", 303)


def check(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/check`: what would become of it with these columns, as a fragment."""
    form = _form(request, ctx)
    sheet = _sheet(ctx, str(given.get("file", "")))
    paths = _chosen(given, sheet.table)
    found = seen(ctx, form["form"], sheet.table, paths, most=MOST_AT_ONCE)
    return render(request, ctx, "part/import_seen.html", title="", **_shown(form, sheet, found))


def run(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/run`: all rows or the good ones; pressed twice it is done once (`key`)."""
    form = _form(request, ctx)
    sheet = _sheet(ctx, str(given.get("file", "")))
    paths = _chosen(given, sheet.table)
    mode: Literal["all", "good"] = "good" if given.get("run") == "good" else "all"
    if repeated(paths):
        return _columns(request, ctx, form, sheet, paths, status=422)
    if len(sheet.table.rows) > MOST_AT_ONCE:
        key = exchange.request_import(ctx, form["form"], sheet.file, paths, mode=mode)
        return RedirectResponse(f"/f/{form['form']}/import/job/{key}", 303)
    try:
        done = exchange.run(
            ctx,
            form["form"],
            sheet.table,
            paths,
            mode=mode,
            key=str(given.get("key", ""))[:100] or None,
            file_name=sheet.name,
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        return _columns(request, ctx, form, sheet, paths, refused=refused)
    return _result(request, ctx, form, done=with_sentences(ctx, done), again=sheet.file)


def take_back(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/undo`: deletes what the import made and nobody has touched since."""
    form = _form(request, ctx)
    gone = exchange.undo(ctx, params.identifier({"id": str(given.get("import", ""))}, "import"))
    return _result(request, ctx, form, gone=gone, again=str(given.get("file", "")))


def job_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/import/job/{id}`: how far a long one is; `part` answers without the frame."""
    form, key = _form(request, ctx), params.identifier(request.path_params, "system.job")
    with ctx.transaction():
        found = job.state(ctx.connection, key)
    if found is None or found["owner"] != ctx.caller.user:
        raise not_found("system.job", key)
    done, error = found["result"], found["error"]
    say = sentences(ctx.site, language_of(ctx.language))
    return _result(
        request,
        ctx,
        form,
        part="part" in request.query_params,
        waiting=request.url.path if done is None and error is None else "",
        done=with_sentences(ctx, done) if isinstance(done, Mapping) else None,
        error=say(error["code"], error.get("params") or {}) if error else "",
    )


def _form(request: Request, ctx: Context) -> Json:
    form = describe.form(ctx, request.path_params["form"])
    if "import" not in form["actions"]:
        raise forbidden(form["form"], "import")
    return form


def _sheet(ctx: Context, key: str) -> Sheet:
    kept, path = file.open(ctx, params.identifier({"id": key}, "system.file"))
    return Sheet(kept.id, kept.name, exchange.read(path.read_bytes(), kept.name))


def _chosen(given: Any, table: exchange.Table) -> list[str | None]:
    """The selects of the page, one a column; what is missing was not recognised."""
    texts = [str(one) for one in given.getlist("column")]
    texts += [UNREAD] * (len(table.headers) - len(texts))
    return [None if one == UNREAD else one for one in texts[: len(table.headers)]]


def _title(ctx: Context, form: Json) -> str:
    return words().text("importing.title", ctx.language, form=show.label(form["label"], ctx.language))


def _crumbs(ctx: Context, form: Json) -> list[tuple[str, str]]:
    return [(show.label(form["label"], ctx.language), f"/f/{form['form']}")]


def _choose(request: Request, ctx: Context, form: Json, *, refused: Refused | None = None) -> Response:
    return render(
        request,
        ctx,
        "import.html",
        title=_title(ctx, form),
        crumbs=_crumbs(ctx, form),
        status=refused.status if refused is not None else 200,
        form=form,
        error=said(request, refused) if refused is not None else "",
    )


def _columns(
    request: Request,
    ctx: Context,
    form: Json,
    sheet: Sheet,
    paths: Sequence[str | None],
    *,
    status: int = 200,
    refused: Refused | None = None,
) -> Response:
    found = seen(ctx, form["form"], sheet.table, paths, most=MOST_AT_ONCE)
    groups: Sequence[tuple[str, list[Choice]]] = choices(ctx, form)
    return render(
        request,
        ctx,
        "import_columns.html",
        title=_title(ctx, form),
        crumbs=_crumbs(ctx, form),
        status=refused.status if refused is not None else status,
        error=_first(request, refused) if refused is not None else "",
        key=uuid7(),
        columns=[
            {"letter": letter, "header": header, "cells": cells, "path": path}
            for (letter, header, cells), path in zip(samples(sheet.table), paths, strict=True)
        ],
        groups=groups,
        unknown=UNREAD,
        ignored=IGNORED,
        **_shown(form, sheet, found),
    )


def _first(request: Request, refused: Refused) -> str:
    """Why nothing was imported; its faults stand in their cells below."""
    return said(request, Refused(refused.status, refused.code, params=refused.params))


def _shown(form: Json, sheet: Sheet, found: Seen) -> dict[str, Any]:
    return {"form": form, "sheet": sheet, "seen": found, "most": MOST_AT_ONCE}


def _result(request: Request, ctx: Context, form: Json, *, part: bool = False, **values: Any) -> Response:
    return render(
        request,
        ctx,
        "part/import_done.html" if part else "import_done.html",
        title=_title(ctx, form),
        crumbs=_crumbs(ctx, form),
        form=form,
        **{"done": None, "gone": None, "error": "", "waiting": "", "again": ""} | values,
    )
