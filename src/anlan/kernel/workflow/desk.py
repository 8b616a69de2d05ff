"""An approval as its approver meets it: the card, deciding one or several, and what the worker does when time is up.

    desk.card(ctx, request)                       → who wants what and why, the record, its figures, what the caller may do
    desk.decide(ctx, request, "approve", comment=…)
    desk.decide_many(ctx, [request, …], "approve")     → one result each; one that is refused does not stop the others
    desk.of_record(ctx, form, key)                → every request that a record ever had, the latest first

Whoever asks must be able to read the record; what he may not read of it he does not see here either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from anlan.kernel import describe, record
from anlan.kernel.access.caller import system_caller
from anlan.kernel.access.identity import USER_COMPANIES, USERS
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, conflict, forbidden, invalid, not_found
from anlan.kernel.job.tasks import DUTY, Run, task
from anlan.kernel.job.ticks import schedule
from anlan.kernel.workflow import locked, timing
from anlan.kernel.workflow.request import PersonShown, Request, RequestShown, load, shown

__all__ = ["Card", "Outcome", "card", "colleagues", "decide", "decide_many", "expire_due", "of_record"]

DECISIONS = ("approve", "reject", "return", "withdraw")
MOST_AT_ONCE = 100
_FIGURES = 3
_OWN_REASONS = 4


class Figure(TypedDict):
    """A value of the record that an approver sees first; `path` is a field of its form."""

    path: str
    label: dict[str, str]
    value: Any


class Card(TypedDict):
    """`may`: what the caller can do with it now; `instead_of`: in whose place he would decide."""

    request: RequestShown
    label: dict[str, str]
    form: str
    record: dict[str, Any]
    figures: list[Figure]
    may: list[str]
    instead_of: PersonShown | None
    reasons: list[str]


class Outcome(TypedDict):
    """What became of one of several: `status` of the request, or the `refused` code with its parameters."""

    id: str
    status: str | None
    refused: str | None
    params: Mapping[str, Any]


def card(ctx: Context, request: str) -> Card:
    """Everything that a decision needs. Refused 403, 404 as reading the record. About seven statements."""
    found = _find(ctx, request)
    content = record.read(ctx, found.form, found.record)
    form = describe.form(ctx, found.form)
    with ctx.transaction() as tx:
        may, instead = _may(ctx, found)
        mine = [
            text
            for (text,) in tx.connection.execute(
                "SELECT comment FROM approval_person WHERE decided_by = $1 AND comment IS NOT NULL "
                f"GROUP BY comment ORDER BY max(decided_at) DESC LIMIT {_OWN_REASONS}",
                [ctx.caller.user],
            )
        ]
    definition = found.definition
    given = [one.text(_tag(ctx)) for one in definition.reasons] if definition else []
    return {
        "request": shown(found),
        "label": _words(definition.label) if definition else {"zh": found.approval, "en": found.approval},
        "form": found.form,
        "record": content,
        "figures": _figures(form, content, list(definition.figures) if definition else []),
        "may": may,
        "instead_of": instead,
        "reasons": list(dict.fromkeys([*(one for one in given if one), *mine])),
    }


def decide(ctx: Context, request: str, decision: str, *, comment: str | None = None) -> dict[str, Any]:
    """Approve, reject, return or withdraw. The record as after `record.step`, with `approval`. Refused as there."""
    if decision not in DECISIONS:
        options = ", ".join(DECISIONS)
        raise invalid([Fault("unknown_option", "decision", {"field": "decision", "value": decision[:40], "options": options})])
    found = _find(ctx, request)
    if found.status != "waiting":
        # The record may wait for another request by now: this one was meant.
        with ctx.transaction() as tx:
            locked.locked(tx.connection, request)


    def work() -> dict[str, Any]:
        done = record.step(ctx, found.form, found.record, decision, comment=comment)
        if done["approval"]["id"] != request:  # withdrawn and submitted anew between the look and the lock
            raise conflict("approval.replaced")
        return done

    return ctx.atomically(work)


def decide_many(
    ctx: Context, requests: Sequence[str], decision: str, *, comment: str | None = None
) -> list[Outcome]:
    """The same decision on several, each in a transaction of its own (within a running one: all or none)."""
    if not 0 < len(requests) <= MOST_AT_ONCE:
        raise invalid([Fault("approval.how_many_requests", "requests", {"most": MOST_AT_ONCE})])
    results: list[Outcome] = []
    for one in dict.fromkeys(requests):
        try:
            done = decide(ctx, one, decision, comment=comment)
        except Refused as refused:
            if ctx.tx is not None:
                raise
            first = refused.faults[0] if refused.faults else None
            code, params = (first.code, first.params) if first else (refused.code, refused.params)
            results.append({"id": one, "status": None, "refused": code, "params": params})
        else:
            results.append({"id": one, "status": done["approval"]["status"], "refused": None, "params": {}})
    return results


def of_record(ctx: Context, form: str, key: str) -> list[RequestShown]:
    """Every request of a record that the caller may read, the latest first. Refused 403, 404."""
    content = record.read(ctx, form, key)
    with ctx.transaction() as tx:
        ids = [
            one
            for (one,) in tx.connection.execute(
                "SELECT id FROM approval_request WHERE record = $1", [content["id"]]
            )
        ]
        return [shown(one) for one in reversed(load(tx.connection, ids))]


def colleagues(ctx: Context, text: str = "", *, limit: int = 20) -> list[PersonShown]:
    """Active users who share a company with the caller, by a part of name or log-in: whom one can name as deputy or
    signer. Refused 403 for who has no role at all, and for tokens that are narrowed to other forms."""
    caller = ctx.caller
    scope = caller.token_scope
    if not caller.roles or caller.must_change or (scope is not None and not scope.allows("system.user", "read")):
        raise forbidden("system.user", "read")
    companies = None if caller.companies is None else list(caller.companies)
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"SELECT u.id, u.code, coalesce(u.name, u.code) FROM {USERS} u WHERE u.active AND u.id <> $1 "
            "AND ($2::uuid[] IS NULL OR u.company = ANY ($2) OR EXISTS (SELECT "
            f"FROM {USER_COMPANIES} c WHERE c.record = u.id AND c.company = ANY ($2))) "
            "AND (strpos(lower(u.code), $3) > 0 OR strpos(lower(coalesce(u.name, '')), $3) > 0) "
            "ORDER BY u.name, u.code LIMIT $4",
            [caller.user, companies, text.strip().lower(), limit],
        ).fetchall()
    return [{"id": key, "code": code, "label": name} for key, code, name in rows]


def expire_due(site: Any) -> int:
    """Do what is due because nobody decided in time; returns how many requests were looked at.

    Each in a transaction of its own, through the record path; a second worker finds nothing left to do.
    """
    with site.pool.connection() as connection:
        found = timing.due(connection, site.clock.now())
    for form, key in found:
        ctx = Context(site, system_caller(site.catalogue.policies), via="job")
        try:
            record.step(ctx, form, key, "expire")
        except Refused as refused:
            if refused.code.rpartition(".")[2] in ("none_waiting", "not_found"):  # somebody was quicker
                continue
            _put_off(ctx, form, key, refused)
    return len(found)


def _put_off(ctx: Context, form: str, key: str, refused: Refused) -> None:
    """The step itself was refused (a limit, a closed period): people must look at it; the clock lets go of it."""

    def work() -> None:
        ctx.connection.execute(
            "UPDATE approval_request SET due_at = NULL WHERE record = $1 AND status = 'waiting'", [key]
        )
        sentence = ctx.site.messages.text(
            refused.faults[0].code if refused.faults else refused.code,
            ctx.language,
            **(refused.faults[0].params if refused.faults else refused.params),
        )
        record.comment(ctx, form, key, sentence)

    ctx.atomically(work)


@task("workflow.expire", queue=DUTY, attempts=1)
def _expire(run: Run) -> int:
    """Time-outs of approvals; nothing is decided in a rehearsal (not `safe`)."""
    return expire_due(run.site)


schedule("workflow.expire", every=60)


def _find(ctx: Context, request: str) -> Request:
    with ctx.transaction() as tx:
        row = tx.connection.execute("SELECT id FROM approval_request WHERE id::text = $1", [request]).fetchone()
        found = load(tx.connection, [row[0]]) if row is not None else []
    if not found or not ctx.caller.policy.can(found[0].form, "read"):
        raise not_found("approval", request)
    return found[0]


def _may(ctx: Context, found: Request) -> tuple[list[str], PersonShown | None]:
    """What the caller can do now, in the order of the buttons; and in whose place."""
    if found.status != "waiting":
        return (["copy"], None)
    me = ctx.caller.user
    may: list[str] = []
    instead: PersonShown | None = None
    try:
        one = locked.asked(ctx, ctx.connection, found)
    except Refused:
        pass
    else:
        may += ["approve", "return", "reject", "transfer", "add_signer"]
        instead = one.user if one.user["id"] != me else None
    if found.requested_by["id"] == me or ctx.caller.admin:
        may += ["withdraw", "urge"]
    return ([*may, "copy"] if may or me in {one.user["id"] for one in found.people} else may), instead


def _figures(form: Mapping[str, Any], content: Mapping[str, Any], wanted: Sequence[str]) -> list[Figure]:
    """The fields that the definition names; else the record's title, and its last computed amounts."""
    fields = {key: one for key, one in form["fields"].items() if not one.get("hidden")}
    paths = [path for path in wanted if path in fields]
    if not paths:
        amounts = [key for key, one in fields.items() if one["type"] == "money" and one.get("formula")]
        title = [form["title"]] if form.get("title") in fields else []
        links = [key for key, one in fields.items() if one["type"] == "link" and one.get("required")]
        last = [key for key in amounts if content.get(key) is not None][::-1]
        rest = [key for key in ("date", "due_date") if key in fields]
        paths = list(dict.fromkeys([*last[:1], *(title or links[:1]), *links[:1], *rest, *last[1:]]))[:_FIGURES]
    return [{"path": path, "label": fields[path]["label"], "value": content.get(path)} for path in paths]


def _words(text: Any) -> dict[str, str]:
    words: dict[str, str] = text.model_dump()
    return words


def _tag(ctx: Context) -> str:
    return "en" if ctx.language.startswith("en") else "zh"
