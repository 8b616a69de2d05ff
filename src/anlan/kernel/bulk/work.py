"""What is done to each record, and what became of it.

A job writes the outcome of a record in the transaction that did it (`bulk_result`); when it is run again after its
worker died, records that have an outcome are passed over. A refusal is written by itself: nothing else was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import orjson
from psycopg.types.json import Json

from anlan.kernel import record
from anlan.kernel.bulk.chosen import Chosen, rows
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid

__all__ = ["AT_ONCE", "Work", "checked", "results", "run", "summary"]

AT_ONCE = 100  # records that a request does by itself; more are a job
MOST_TOLD = 500  # refusals that a result lists; a person mends the first ones and asks again
Outcome = Literal["done", "waiting", "refused"]
Progress = Callable[[int, int], None]


class Work(NamedTuple):
    """`action`: `step` (with `transition`, perhaps `comment`), `set` (with `values`), `delete`."""

    action: str
    transition: str = ""
    comment: str | None = None
    values: Mapping[str, Any] = {}


def checked(ctx: Context, form_name: str, work: Work) -> Work:
    """The same, if the caller may do it to some record at all. Refused 403, 404, 422."""
    form = ctx.form(form_name)
    policy = ctx.caller.policy
    policy.require(form_name, "read")
    if work.action == "step":
        if work.transition not in form.transitions:
            raise invalid([Fault("unknown_option", "transition", {"field": "transition", "value": work.transition[:40], "options": ", ".join(form.transitions)})])
        policy.require(form_name, work.transition)
    elif work.action == "set":
        if not work.values:
            raise invalid([Fault("required", "values", {"field": "values"})])
        policy.require(form_name, "update")
    elif work.action == "delete":
        policy.require(form_name, "delete")
    else:
        raise invalid([Fault("unknown_option", "action", {"field": "action", "value": work.action[:40], "options": "step, set, delete"})])
    return work


def run(
    ctx: Context, form: str, work: Work, chosen: Chosen, *, job: str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Do it to each: `{"data", "done", "waiting", "refused"}`; in `data` each record with its `outcome`, and where it
    was refused why (`refusal`: status, code, params, faults). With `job`, outcomes are kept and not told in `data`.
    Refused 403, 404, 422 only for the whole.
    """
    checked(ctx, form, work)
    found = rows(ctx, form, chosen._replace(sort=("id",)))  # the oldest first: numbers are given in that order
    missing = [] if chosen.ids is None else [key for key in dict.fromkeys(chosen.ids) if key not in {row["id"] for row in found}]
    every = [*found, *({"id": key, "version": None, "title": ""} for key in missing)]
    known = _known(ctx, job) if job else set()
    told = []
    for place, row in enumerate(every):
        if row["id"] not in known:
            told.append(_one(ctx, form, work, row, job))
        if progress is not None and (place % 20 == 19 or place + 1 == len(every)):
            progress(place + 1, len(every))
    if job is not None:
        return summary(ctx, job)
    counts = {name: sum(one["outcome"] == name for one in told) for name in ("done", "waiting", "refused")}
    return {"data": told, **counts}


def _one(ctx: Context, form: str, work: Work, row: Mapping[str, Any], job: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"id": row["id"], "title": row["title"], "outcome": "done", "refusal": None}

    def act() -> None:
        told["outcome"] = _act(ctx, form, work, row)
        if job is not None:
            _keep(ctx, job, told)

    try:
        ctx.atomically(act)
    except Refused as refused:
        faults = [{"code": one.code, "path": one.path, "params": dict(one.params)} for one in refused.faults]
        told |= {"outcome": "refused", "refusal": {"status": refused.status, "code": refused.code, "params": dict(refused.params), "faults": faults}}
        if job is not None:
            ctx.atomically(lambda: _keep(ctx, job, told))
    return told


def _act(ctx: Context, form: str, work: Work, row: Mapping[str, Any]) -> Outcome:
    if work.action == "delete":
        record.delete(ctx, form, row["id"])
    elif work.action == "set":
        record.update(ctx, form, row["id"], work.values, version=row["version"])
    else:
        after = record.step(ctx, form, row["id"], work.transition, comment=work.comment)
        return "waiting" if after.get("approval") else "done"
    return "done"


def _keep(ctx: Context, job: str, told: Mapping[str, Any]) -> None:
    refusal = None if told["refusal"] is None else Json(told["refusal"], dumps=_dumps)
    ctx.connection.execute(
        "INSERT INTO bulk_result (job, record, outcome, title, refusal, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        [job, told["id"], told["outcome"], told["title"], refusal, ctx.now],
    )


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> Any:
    """A label of a definition in both languages; decimals and days as their text."""
    return {"zh": value.zh, "en": value.en} if hasattr(value, "zh") and hasattr(value, "en") else str(value)


def _known(ctx: Context, job: str) -> set[str]:
    with ctx.transaction() as tx:
        return {row[0] for row in tx.connection.execute("SELECT record FROM bulk_result WHERE job = $1", [job]).fetchall()}


def summary(ctx: Context, job: str) -> dict[str, Any]:
    """`{"done", "waiting", "refused", "total"}` of a job, as far as it is. One statement."""
    with ctx.transaction() as tx:
        found: dict[str, int] = dict(tx.connection.execute("SELECT outcome, count(*) FROM bulk_result WHERE job = $1 GROUP BY outcome", [job]).fetchall())
    counts = {name: int(found.get(name, 0)) for name in ("done", "waiting", "refused")}
    return {**counts, "total": sum(counts.values())}


def results(ctx: Context, job: str, *, outcomes: Sequence[str] = ("refused", "waiting")) -> list[dict[str, Any]]:
    """Records of a job by outcome, at most 500, as they were done; `{"id", "title", "outcome", "refusal"}`. Who asks must
    be whom the job belongs to: the caller of this looks at that."""
    with ctx.transaction() as tx:
        found = tx.connection.execute(
            f"SELECT record, title, outcome, refusal FROM bulk_result WHERE job = $1 AND outcome = ANY($2) ORDER BY outcome, record LIMIT {MOST_TOLD}",
            [job, list(outcomes)],
        ).fetchall()
    return [{"id": row[0], "title": row[1], "outcome": row[2], "refusal": row[3]} for row in found]
