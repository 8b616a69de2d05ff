"""Large imports and exports in the background, in the name of who asked for them.

    id = request_import(ctx, "demo.order", file, paths, mode="good")     a file that was saved by `file.save`
    id = request_export(ctx, "demo.order", Query(where=…), format="xlsx")

`job.state` tells how they ended: an import's result is that of `run`, an export's `{"file", "rows"}`. An
import is done once, however often its worker dies: the job's id is its key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from anlan.kernel import file, job, message
from anlan.kernel.access.caller import SYSTEM_USER
from anlan.kernel.behalf import ask, context_of
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.exchange import importer, listing
from anlan.kernel.exchange.importer import heads
from anlan.kernel.exchange.runs import Result, Source
from anlan.kernel.exchange.table import read
from anlan.kernel.exchange.ways import Ways, stored, ways_of
from anlan.kernel.query import Query

__all__ = ["request_export", "request_import"]

_EXPORT_LIMIT = 1_000_000_000  # bytes; what a sheet of a million rows may take


def request_import(
    ctx: Context,
    form: str,
    file_id: str,
    paths: Sequence[str | None],
    *,
    mode: Literal["all", "good"] = "all",
    ways: Ways | None = None,
) -> str:
    """Ask for the import of a file that the caller brought; the job's id. Refused 403, 404.

    It tells its progress, can be stopped (`job.stop`), and tells who asked when it has ended.
    """
    ctx.caller.policy.require(form, "import")
    file.open(ctx, file_id)
    wanted = {
        "form": form,
        "file": file_id,
        "paths": list(paths),
        "mode": mode,
        "ways": stored(ways or Ways()),
    }
    return ask(ctx, "exchange.import", wanted)


def request_export(
    ctx: Context,
    form: str,
    asked: Query,
    *,
    format: Literal["xlsx", "csv"],
    paths: Sequence[str] | None = None,
) -> str:
    """Ask for a list as a file; the job's id. Refused 403."""
    ctx.caller.policy.require(form, "export")
    query = {"where": asked.where, "search": asked.search, "sort": list(asked.sort), "ids": asked.ids}
    wanted = {"form": form, "query": query, "format": format, "paths": None if paths is None else list(paths)}
    return ask(ctx, "exchange.export", wanted)


@job.task("exchange.import", attempts=3)
def run_import(run: job.Run) -> object:
    ctx = context_of(run, via="import")
    wanted = run.payload
    found, path = file.open(ctx, wanted["file"])

    def work() -> Result:
        table = read(path.read_bytes(), found.name, heads=heads(ctx, wanted["form"]))
        done = importer.run(
            ctx,
            wanted["form"],
            table,
            wanted["paths"],
            mode=wanted["mode"],
            ways=ways_of(wanted["ways"]),
            key=f"job:{run.id}",
            source=Source(found.name, found.id, run.id),
            progress=run.progress,
        )
        figures = {name: done[name] for name in ("created", "updated", "skipped")}
        _tell(ctx, run, "import.ended", {"file": found.name, **figures})
        return done

    try:
        return ctx.atomically(work)
    except Refused as refused:
        stopped = refused.code == "job.stopped"
        with ctx.transaction():
            _tell(ctx, run, "import.was_stopped" if stopped else "import.was_refused", {"file": found.name})
        raise


def _tell(ctx: Context, run: job.Run, code: str, params: Mapping[str, Any]) -> None:
    if run.owner is not None and run.owner != SYSTEM_USER:
        message.notify(ctx.connection, [run.owner], code, params, now=ctx.now, form=run.payload["form"])


@job.task("exchange.export", attempts=3, safe=True)
def run_export(run: job.Run) -> object:
    ctx = context_of(run, via="import")
    wanted = run.payload
    label = ctx.form(wanted["form"]).label(ctx.language)
    with tempfile.TemporaryFile() as out:
        rows = listing.export_query(
            ctx,
            wanted["form"],
            Query(**wanted["query"]),
            out,
            format=wanted["format"],
            paths=wanted["paths"],
            progress=run.progress,
        )
        out.seek(0)
        saved = file.save(
            ctx,
            file.chunks(out),
            name=f"{label} {ctx.today.isoformat()}.{wanted['format']}",
            limit=_EXPORT_LIMIT,
        )
    with ctx.transaction():
        _tell(ctx, run, "export.ended", {"file": saved.name, "rows": rows})
    return {"file": saved.id, "rows": rows}
