"""Background work as its administrator sees it: what waits, runs, failed; and letting it run again or giving it up.

jobs(ctx, group="failed")           the newest jobs of a group
settle(ctx, id, "retry")            dead or failed: all its attempts again
"""

from __future__ import annotations

from typing import Any

from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.admin.guard import note, require_admin
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.job import outbox

__all__ = ["GROUPS", "jobs", "settle", "summary"]

GROUPS: dict[str, tuple[str, ...]] = {
    "running": ("running",),
    "waiting": ("waiting", "queued", "retrying"),
    "failed": ("dead", "failed"),
    "done": ("done", "cancelled"),
}
DECISIONS = ("retry", "cancel", "discard")


def summary(ctx: Context) -> dict[str, int]:
    """How many jobs each group has; `done` without the ticks of duties. Refused 403."""
    require_admin(ctx)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "SELECT state, count(*) FROM outbox WHERE state NOT IN ('done', 'cancelled') "
            "OR key IS NULL OR key NOT LIKE 'tick:%' GROUP BY state"
        ).fetchall()
    found: dict[str, int] = dict(rows)
    return {group: sum(found.get(state, 0) for state in states) for group, states in GROUPS.items()}


def jobs(
    ctx: Context, *, group: str = "failed", limit: int = 100, ticks: bool = False
) -> list[dict[str, Any]]:
    """The newest jobs of a group (running, waiting, failed, done), with who asked for them.

    `ticks`: also what the kernel's schedules started and ended well. The payload is not shown: it may hold what
    the asker alone may see. Refused 403, 404 for an unknown group.
    """
    require_admin(ctx)
    if group not in GROUPS:
        raise not_found("jobs", group)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            "SELECT o.id, o.task, o.key, o.state, u.name, o.run_at, o.created_at, o.started_at, o.finished_at, "
            f"o.attempts, o.progress, o.error FROM outbox o LEFT JOIN {USERS} u ON u.id = o.owner "
            "WHERE o.state = ANY ($1::text[]) AND ($3 OR o.key IS NULL OR o.key NOT LIKE 'tick:%' OR $4) "
            "ORDER BY o.id DESC LIMIT $2",
            [list(GROUPS[group]), min(limit, 500), ticks, group != "done"],
        ).fetchall()
    return [
        {"id": row[0], "task": row[1], "key": row[2], "state": row[3], "owner": row[4],
         "run_at": instant_text(row[5]), "created_at": instant_text(row[6]), "started_at": instant_text(row[7]),
         "finished_at": instant_text(row[8]), "attempts": row[9], "progress": row[10],
         "error": _sentence(ctx, row[11]), "may": _may(row[3])}
        for row in rows
    ]  # fmt: skip


def settle(ctx: Context, id: str, decision: str) -> None:
    """Retry a dead or failed job, cancel one that waits, discard a dead one; with an event.

    Refused 403, 404; 409 `admin.job_moved_on` when its state does not allow it (any more).
    """
    require_admin(ctx)
    if decision not in DECISIONS:
        raise not_found("jobs", decision)

    def work() -> None:
        connection = ctx.connection
        found = connection.execute("SELECT id, task FROM outbox WHERE id::text = $1", [id]).fetchone()
        if found is None:
            raise not_found("jobs", id)
        key, task = str(found[0]), found[1]
        act = {"retry": outbox.retry, "cancel": outbox.cancel, "discard": outbox.discard}[decision]
        if not act(connection, key, now=ctx.now):
            raise Refused(409, "admin.job_moved_on", params={"task": task})
        note(connection, ctx, f"job_{decision}", {"task": task, "job": key}, form="system.job")

    ctx.atomically(work)


def _may(state: str) -> list[str]:
    return {"dead": ["retry", "discard"], "failed": ["retry"], "waiting": ["cancel"]}.get(state, [])


def _sentence(ctx: Context, error: Any) -> str | None:
    """What went wrong, in words: a refusal by its code's sentence, anything else as it was raised."""
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    if isinstance(code, str):
        faults = error.get("faults") or []
        told = [
            ctx.site.messages.text(one["code"], ctx.language, **(one.get("params") or {}))
            for one in faults if isinstance(one, dict) and isinstance(one.get("code"), str)
        ]  # fmt: skip
        return " ".join(told) or ctx.site.messages.text(code, ctx.language, **(error.get("params") or {}))
    return f"{error.get('type', '')}: {error.get('message', '')}".strip(": ")
