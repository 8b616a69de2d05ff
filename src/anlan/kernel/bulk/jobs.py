"""Bulk work that takes longer than somebody waits: a job in his name, with progress, which ends as a message."""

from __future__ import annotations

import io
from typing import Any

from anlan.kernel import file, job, message
from anlan.kernel.behalf import ask, context_of
from anlan.kernel.bulk.chosen import Chosen, count
from anlan.kernel.bulk.paper import MOST_PRINTED, print_chosen
from anlan.kernel.bulk.work import Work, checked, run
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found

__all__ = ["request", "request_print"]

_PDF_LIMIT = 500_000_000  # bytes


def request(ctx: Context, form: str, work: Work, chosen: Chosen) -> str:
    """Ask for it; the job's id. Refused 403, 404, 422."""
    checked(ctx, form, work)
    count(ctx, form, chosen)
    return ask(ctx, "bulk.run", {"form": form, "work": work._asdict(), "chosen": chosen._asdict()})


def request_print(ctx: Context, form: str, name: str, chosen: Chosen) -> str:
    """Ask for one PDF of all of them; the job's id. Refused 403, 404, 422."""
    ctx.caller.policy.require(form, "print")
    definition = ctx.catalogue.prints.get(name)
    if definition is None or definition.form != form:
        raise not_found("print", name)
    found = count(ctx, form, chosen)
    if found > MOST_PRINTED:
        raise Refused(422, "bulk.too_many", params={"count": found, "limit": MOST_PRINTED})
    return ask(ctx, "bulk.print", {"form": form, "print": name, "chosen": chosen._asdict()})


@job.task("bulk.run", attempts=5)
def run_bulk(found: job.Run) -> object:
    ctx = context_of(found, via="job")
    wanted = found.payload
    form = wanted["form"]
    work = Work(**wanted["work"])
    told = run(ctx, form, work, Chosen(**wanted["chosen"]), job=found.id, progress=found.progress)
    told["form"] = form
    _end(ctx, found, "bulk.ended", {"form": _label(ctx, form), **told}, told)
    return told


@job.task("bulk.print", attempts=3, safe=True)
def run_print(found: job.Run) -> object:
    ctx = context_of(found, via="job")
    wanted = found.payload
    form, name = wanted["form"], wanted["print"]
    content, records = print_chosen(ctx, form, name, Chosen(**wanted["chosen"]), progress=found.progress)
    title = f"{ctx.form(form).label(ctx.language)} {ctx.today.isoformat()}.pdf"
    saved = file.save(ctx, file.chunks(io.BytesIO(content)), name=title, limit=_PDF_LIMIT)
    told = {"form": form, "file": saved.id, "records": records}
    _end(ctx, found, "bulk.printed", {"form": _label(ctx, form), "count": records}, told)
    return told


def _label(ctx: Context, form: str) -> dict[str, str]:
    label = ctx.form(form).definition.label
    return {"zh": label.zh, "en": label.en}


def _end(ctx: Context, found: job.Run, code: str, params: dict[str, Any], told: dict[str, Any]) -> None:
    """The message and the job's end in one transaction: nobody is told twice."""
    with ctx.transaction() as tx:
        message.notify(tx.connection, [ctx.caller.user], code, params, now=ctx.now, record=(told["form"], found.id))
        found.finish(tx.connection, told)
