"""Large imports and exports in the background, in the name of who asked for them.

    id = request_import(ctx, "demo.order", file, paths, mode="good")     a file that was saved by `file.save`
    id = request_export(ctx, "demo.order", Query(where=…), format="xlsx")

`job.state` tells how they ended: an import's result is that of `run`, an export's `{"file", "rows"}`. An
import is done once, however often its worker dies: the job's id is its key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from typing import Literal

from anlan.kernel import file, job
from anlan.kernel.behalf import ask, context_of
from anlan.kernel.context import Context
from anlan.kernel.exchange import importer, listing
from anlan.kernel.exchange.table import read
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
    replace: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Ask for the import of a file that the caller brought; the job's id. Refused 403, 404."""
    ctx.caller.policy.require(form, "import")
    file.open(ctx, file_id)
    wanted = {
        "form": form,
        "file": file_id,
        "paths": list(paths),
        "mode": mode,
        "replace": dict(replace or {}),
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
    table = read(path.read_bytes(), found.name)
    return importer.run(
        ctx,
        wanted["form"],
        table,
        wanted["paths"],
        mode=wanted["mode"],
        replace=wanted["replace"],
        key=f"job:{run.id}",
        file_name=found.name,
    )


@job.task("exchange.export", attempts=3, safe=True)
def run_export(run: job.Run) -> object:
    ctx = context_of(run, via="import")
    wanted = run.payload
    label = ctx.form(wanted["form"]).label(ctx.language)
    with tempfile.TemporaryFile() as out:
        rows = listing.export_query(
            ctx, wanted["form"], Query(**wanted["query"]), out, format=wanted["format"], paths=wanted["paths"]
        )
        out.seek(0)
        saved = file.save(
            ctx,
            file.chunks(out),
            name=f"{label} {ctx.today.isoformat()}.{wanted['format']}",
            limit=_EXPORT_LIMIT,
        )
    return {"file": saved.id, "rows": rows}
