"""Jobs in somebody's name: what a request asks for runs later with the rights that the person has then.

    key = ask(ctx, "demo.task", {"form": "demo.note"})      in the request
    ctx = context_of(run, via="job")                        in the task
    state = own_job(ctx, key)                               in a later request
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel import job
from anlan.kernel.access import identity
from anlan.kernel.access.caller import SYSTEM_USER, Caller, caller_from, system_caller
from anlan.kernel.access.policy import TokenScope
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.site import Site

__all__ = ["ask", "context_of", "own_job"]


def ask(ctx: Context, task: str, wanted: Mapping[str, Any]) -> str:
    """Put a job into the outbox with who asked; its id. His token's scope narrows the job too."""
    scope = ctx.caller.token_scope
    narrowed = (
        None
        if scope is None
        else {
            "forms": None if scope.forms is None else sorted(scope.forms),
            "actions": None if scope.actions is None else sorted(scope.actions),
        }
    )
    payload = {**wanted, "language": ctx.language, "scope": narrowed}
    with ctx.transaction() as tx:
        return job.enqueue(tx.connection, task, payload, now=ctx.now, owner=ctx.caller.user)


def context_of(run: job.Run, *, via: str) -> Context:
    """The context of who asked, with the rights that he has now. Refused 403 when he is gone."""
    site: Site = run.site
    return Context(site, _caller(site, run), language=run.payload["language"], via=via)


def own_job(ctx: Context, key: str, *, administrators: bool = False) -> job.State:
    """The state of a job that the caller has asked for; `administrators` see everybody's. Refused 404."""
    with ctx.transaction():
        found = job.state(ctx.connection, key)
    if found is None or not (found["owner"] == ctx.caller.user or (administrators and ctx.caller.admin)):
        raise not_found("system.job", key)
    return found


def _caller(site: Site, run: job.Run) -> Caller:
    policies = site.catalogue.policies
    if run.owner == SYSTEM_USER:
        return system_caller(policies)
    with site.pool.connection() as connection:
        row = connection.execute(
            f"select {identity.COLUMNS} from {identity.USERS} u where u.id = $1 and u.active", [run.owner]
        ).fetchone()
    if row is None:
        raise Refused(403, "forbidden", params={"form": run.payload["form"], "action": "read"})
    told = run.payload["scope"]
    scope = None
    if told is not None:
        forms, actions = (None if told[key] is None else frozenset(told[key]) for key in ("forms", "actions"))
        scope = TokenScope(forms, actions)
    return caller_from(identity.from_row(row), policies, scope=scope)
