"""A sheet comes in: upload, which column is which field, every fault put right in its cell, import, take it back.

The file is kept by the kernel and named in the address; what was chosen and put right is kept with it, so that one
may leave and go on another day. What was chosen for a header is proposed the next time. Sheets of more than
MOST_AT_ONCE rows are imported by a job; of more than MOST_LOOKED only the beginning is looked through before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import describe, exchange, file, job
from anlan.kernel.behalf import own_job
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, forbidden, not_found
from anlan.kernel.exchange.columns import IGNORED
from anlan.kernel.i18n import language_of
from anlan.kernel.ids import uuid7
from anlan.web.api import params
from anlan.web.api.problem import fault_shown
from anlan.web.api.sheets import MOST_AT_ONCE, kept_told, with_sentences
from anlan.web.api.upload import Upload
from anlan.web.api.words import sentences
from anlan.web.pages import show
from anlan.web.pages.errors import said
from anlan.web.pages.frame import render, words
from anlan.web.pages.import_choices import UNREAD, Choices, choices_in, links_shown
from anlan.web.pages.sheet import choices, guessed, keys, makes, repeated, samples, seen

__all__ = [
    "bring", "check", "done_page", "give_up", "import_page", "job_page", "may_bring", "past_page", "run", "stop", "take_back",
]  # fmt: skip

Json = Mapping[str, Any]
MOST_LOOKED = 10_000  # rows that are looked through before: two or three seconds
_FIRST_RUNS = 5  # past imports on the first page


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
    sheet = _sheet(ctx, form, key)
    begun = exchange.begun(ctx, form["form"], sheet.file)
    if begun is not None and len(begun[0]) == len(sheet.table.headers):
        chosen = Choices(*begun)
    else:
        chosen = Choices(exchange.propose(ctx, form["form"], sheet.table, guesses=True), exchange.Ways())
    return _columns(request, ctx, form, sheet, chosen)


def may_bring(request: Request, ctx: Context) -> Response:
    """204 before a file is taken in; refused for who may not import."""
    _form(request, ctx)
    return Response(status_code=204)


def bring(request: Request, ctx: Context, upload: Upload) -> Response:
    """`POST /f/{form}/import`: keeps the file and leads on; one that cannot be read is told at once."""
    form = _form(request, ctx)
    try:
        name, source = upload.file("file")
        table = exchange.read(source.read(), name, heads=exchange.heads(ctx, form["form"]))
        source.seek(0)
        kept = file.save(ctx, file.chunks(source), name=name)
    except Refused as refused:
        return _choose(request, ctx, form, refused=refused)
    proposed = exchange.propose(ctx, form["form"], table, guesses=True)
    exchange.keep(ctx, form["form"], kept.id, proposed, exchange.Ways())
    return RedirectResponse(f"/f/{form['form']}/import?file={kept.id}", 303)


def check(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/check`: what would become of it with these choices, as a fragment; they are kept."""
    form = _form(request, ctx)
    sheet = _sheet(ctx, form, str(given.get("file", "")))
    chosen = choices_in(given, sheet.table)
    exchange.keep(ctx, form["form"], sheet.file, *chosen)
    return render(request, ctx, "part/import_seen.html", title="", **_shown(ctx, form, sheet, chosen))


def run(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/run`: all rows or the good ones; pressed twice it is done once (`key`)."""
    form = _form(request, ctx)
    sheet = _sheet(ctx, form, str(given.get("file", "")))
    chosen = choices_in(given, sheet.table)
    exchange.keep(ctx, form["form"], sheet.file, *chosen)
    asked = str(given.get("run", ""))
    mode: Literal["all", "good"] = "good" if asked == "good" else "all"
    if asked not in ("all", "good"):  # the key Enter in a cell, where there are no scripts
        return _columns(request, ctx, form, sheet, chosen)
    if repeated(chosen.paths):
        return _columns(request, ctx, form, sheet, chosen, status=422)
    if len(sheet.table.rows) > MOST_AT_ONCE:
        key = exchange.request_import(
            ctx, form["form"], sheet.file, chosen.paths, mode=mode, ways=chosen.ways
        )
        exchange.forget(ctx, sheet.file)
        return RedirectResponse(f"/f/{form['form']}/import/job/{key}", 303)
    try:
        done = exchange.run(
            ctx,
            form["form"],
            sheet.table,
            chosen.paths,
            mode=mode,
            ways=chosen.ways,
            key=str(given.get("key", ""))[:100] or None,
            source=exchange.Source(sheet.name, sheet.file),
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        return _columns(request, ctx, form, sheet, chosen, refused=refused)
    exchange.forget(ctx, sheet.file)
    return RedirectResponse(f"/f/{form['form']}/import/done/{done['id']}", 303)


def give_up(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/forget`: what was chosen for a file is not kept any longer."""
    form = _form(request, ctx)
    exchange.forget(ctx, params.identifier({"id": str(given.get("file", ""))}, "system.file"))
    return RedirectResponse(f"/f/{form['form']}/import", 303)


def done_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/import/done/{id}`: what came of an import: figures, its records, what was left out."""
    form = _form(request, ctx)
    return _outcome(request, ctx, form, params.identifier(request.path_params, "import"))


def past_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/import/past`: the imports that were done, the last first."""
    form = _form(request, ctx)
    after = request.query_params.get("after")
    after = None if after is None else params.identifier({"id": after}, "import")
    runs = exchange.history(ctx, form["form"], after=after)
    return render(
        request, ctx, "import_past.html", title=words().text("importing.past", ctx.language), crumbs=_crumbs(ctx, form, deep=True),
        form=form, runs=runs, next=runs[-1]["id"] if len(runs) == 50 else None,
    )  # fmt: skip


def take_back(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/undo`: deletes what the import made and nobody has used since."""
    form = _form(request, ctx)
    key = params.identifier({"id": str(given.get("import", ""))}, "import")
    if exchange.outcome(ctx, key)[0]["form"] != form["form"]:
        raise not_found("import", key)
    gone = kept_told(ctx, exchange.undo(ctx, key))
    return _result(request, ctx, form, gone=gone, again=str(given.get("file", "")))


def job_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/import/job/{id}`: how far a long one is; `part` answers without the frame."""
    form, key = _form(request, ctx), params.identifier(request.path_params, "system.job")
    found = own_job(ctx, key)
    done, error = found["result"], found["error"]
    part = "part" in request.query_params
    if isinstance(done, Mapping):
        return _outcome(request, ctx, form, str(done["id"]), part=part)
    say = sentences(ctx.site, language_of(ctx.language))
    ended = error is not None or found["state"] == "cancelled"
    return _result(
        request,
        ctx,
        form,
        part=part,
        job=found,
        waiting="" if ended else f"/f/{form['form']}/import/job/{key}",
        error=say(*_why(found)) if ended else "",
    )


def stop(request: Request, ctx: Context, given: Any) -> Response:
    """`POST /f/{form}/import/job/{id}/stop`: ask a long one to stop; what it wrote so far is not kept."""
    del given
    form, key = _form(request, ctx), params.identifier(request.path_params, "system.job")
    own_job(ctx, key)
    with ctx.transaction():
        job.stop(ctx.connection, key, now=ctx.now)
    return RedirectResponse(f"/f/{form['form']}/import/job/{key}", 303)


def _why(found: job.State) -> tuple[str, Json]:
    """The code of a job's end without a result, and its parameters."""
    error = found["error"] or {"code": "job.stopped"}
    return (str(error["code"]), error.get("params") or {}) if "code" in error else ("job.died", {})


def _form(request: Request, ctx: Context) -> Json:
    form = describe.form(ctx, request.path_params["form"])
    if "import" not in form["actions"]:
        raise forbidden(form["form"], "import")
    return form


def _sheet(ctx: Context, form: Json, key: str) -> Sheet:
    kept, path = file.open(ctx, params.identifier({"id": key}, "system.file"))
    table = exchange.read(path.read_bytes(), kept.name, heads=exchange.heads(ctx, form["form"]))
    return Sheet(kept.id, kept.name, table)


def _title(ctx: Context, form: Json) -> str:
    return words().text("importing.title", ctx.language, form=show.label(form["label"], ctx.language))


def _crumbs(ctx: Context, form: Json, *, deep: bool = False) -> list[tuple[str, str]]:
    found = [(show.label(form["label"], ctx.language), f"/f/{form['form']}")]
    return [*found, (_title(ctx, form), f"/f/{form['form']}/import")] if deep else found


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
        unfinished=exchange.unfinished(ctx, form["form"]),
        runs=exchange.history(ctx, form["form"], limit=_FIRST_RUNS),
    )


def _columns(
    request: Request,
    ctx: Context,
    form: Json,
    sheet: Sheet,
    chosen: Choices,
    *,
    status: int = 200,
    refused: Refused | None = None,
) -> Response:
    paths = chosen.paths
    marks = guessed(ctx, form["form"], sheet.table, paths)
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
            {"letter": letter, "header": header, "cells": cells, "path": path, "guessed": mark}
            for (letter, header, cells), path, mark in zip(samples(sheet.table), paths, marks, strict=True)
        ],
        groups=choices(ctx, form),
        unknown=UNREAD,
        ignored=IGNORED,
        **_shown(ctx, form, sheet, chosen),
    )


def _first(request: Request, refused: Refused) -> str:
    """Why nothing was imported; its faults stand in their cells below."""
    return said(request, Refused(refused.status, refused.code, params=refused.params))


def _shown(ctx: Context, form: Json, sheet: Sheet, chosen: Choices) -> dict[str, Any]:
    """What the page and its fragment show of the choices and of what would come of them."""
    error, ways = "", chosen.ways
    try:
        found = seen(ctx, form["form"], sheet.table, chosen.paths, most=MOST_LOOKED, ways=ways)
    except (
        Refused
    ) as refused:  # a linked record that cannot be made: told, and the rest looked through without it
        if refused.status not in (403, 404, 409, 422) or not ways.make:
            raise
        say = sentences(ctx.site, language_of(ctx.language))
        faults = refused.faults or (Fault(refused.code, "", refused.params),)
        error = " ".join(dict.fromkeys(fault_shown(one, say)["message"] for one in faults))
        ways = exchange.Ways(ways.key, ways.does, ways.empty, ways.cells, ways.replace, {})
        found = seen(ctx, form["form"], sheet.table, chosen.paths, most=MOST_LOOKED, ways=ways)
    linked = {one["form"] for one in found.unknown} | set(ways.replace) | set(ways.make)
    labels = {
        name: ctx.catalogue.forms[name].label(ctx.language) for name in linked if name in ctx.catalogue.forms
    }
    return {
        "form": form,
        "sheet": sheet,
        "seen": found,
        "ways": ways,
        "keys": keys(ctx, form["form"], chosen.paths),
        "code": ctx.form(form["form"]).code_column,
        "links": links_shown(found.unknown, ways, labels, {name: makes(ctx, name) for name in linked}),
        "link_error": error,
    }


def _outcome(request: Request, ctx: Context, form: Json, key: str, *, part: bool = False) -> Response:
    result, past, made = exchange.outcome(ctx, key)
    if result["form"] != form["form"]:
        raise not_found("import", key)
    return _result(request, ctx, form, part=part, done=with_sentences(ctx, result), past=past, made=made)


def _result(request: Request, ctx: Context, form: Json, *, part: bool = False, **values: Any) -> Response:
    none: dict[str, Any] = {
        "done": None,
        "past": None,
        "made": [],
        "gone": None,
        "error": "",
        "waiting": "",
        "again": "",
        "job": None,
    }
    return render(
        request,
        ctx,
        "part/import_done.html" if part else "import_done.html",
        title=words().text("importing.result", ctx.language),
        crumbs=_crumbs(ctx, form, deep=True),
        form=form,
        **none | values,
    )
