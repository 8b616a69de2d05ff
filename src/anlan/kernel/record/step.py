"""Workflow steps: from one state to the next, with what must hold, an approval in between, postings, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context, Later
from anlan.kernel.errors import Fault, Refused, conflict, invalid, not_found
from anlan.kernel.formula import FAILURES, references
from anlan.kernel.posting import run as posting
from anlan.kernel.record import number
from anlan.kernel.record.compile_steps import Guard, guard
from anlan.kernel.record.events import changes
from anlan.kernel.record.load import ask_balances, find, load, load_labels, take_balances
from anlan.kernel.record.output import output, raw_json
from anlan.kernel.record.statements import NUMBER, statements
from anlan.kernel.record.store import number_lines, tell_memories, write_update
from anlan.kernel.record.work import apply_values, check, derive, refuse, refuse_while_waiting, run_rules
from anlan.kernel.rules import Batch
from anlan.kernel.workflow import approval

__all__ = ["holds", "perform", "step", "step_trusted"]

Record = dict[str, Any]
DECISIONS: dict[str, approval.Choice] = {
    "approve": "approve",
    "reject": "reject",
    "return": "return",
    "withdraw": "withdraw",
    "expire": "expire",  # the worker's: nobody decided in time
}


def step(
    ctx: Context,
    form_name: str,
    key: str,
    transition: str,
    *,
    comment: str | None = None,
    values: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Record:
    """Do a step of the record's workflow. Refused 403, 404, 409 (state), 412, 422.

    Where an approval stands in between, the record comes back as it was, with `approval`.
    """
    form = ctx.form(form_name)
    action = transition if transition in form.transitions else None
    if action is None and transition not in DECISIONS:
        ctx.caller.policy.require(form_name, "read")
        raise not_found(form_name, transition)
    if action is not None:
        ctx.caller.policy.require(form_name, transition)

    def work() -> Record | Later[Record]:
        form = ctx.form(form_name)
        found = find(ctx, form, key, transition if action is not None else "read")
        if form.definition.postings and form.has_company:
            posting.hold_periods(ctx, form, [found])
        else:
            ctx.ask_versions()
        wants = Wants(True, True) if action is None else looks_at(ctx, form, action)
        record = load(ctx, form, [found], lock=True, balances=wants.balances, lines=wants.lines)[0]
        if ctx.tx is not None and record.get("company") and form.definition.postings:
            ctx.tx.locked.add(record["company"])
        if version is not None and record["version"] != version:
            raise Refused(412, "changed_since", params={"version": version, "current": record["version"]})
        if action is None:
            return _decide(ctx, form, record, transition, comment)
        return _take(ctx, form, record, transition, comment=comment, values=values)

    return ctx.atomically(work)


class Wants(NamedTuple):
    """What must be loaded before a step: values computed when read, rows of lines that the record names."""

    balances: bool
    lines: bool


def looks_at(ctx: Context, form: Form, name: str) -> Wants:
    """What a step's checks and rules look at beyond the record and what it links to; found out once per catalogue."""

    def find_out() -> Wants:
        move = form.transitions[name]
        texts = [
            move.check,
            *(check.keep for check in form.definition.checks.values()),
            *(item.definition.check for item in form.all_fields()),
            *(item.definition.lookup for item in form.all_fields()),
        ]
        if move.approval is not None:
            wanted = ctx.catalogue.approvals[move.approval]
            texts += [wanted.when, *(one.when for one in wanted.steps.values())]
        named = {path for text in texts if text for path in references(text)}
        for event in ("derive", "check", "step", "posted"):
            for rule in ctx.catalogue.rules.get((form.name, event), ()):
                named |= {tuple(path.split(".")) for path in rule.reads}
        virtual = {item.key for item in form.all_fields() if item.column is None and not item.type.is_lines}
        lines = {item.key for item in form.all_fields() if item.type.key == "line"}
        return Wants(
            any(path[-1] in virtual for path in named),
            any(part in lines for path in named for part in path[:-1]),
        )

    return form.part(f"looks at {name}", find_out)


def _allowed(form: Form, record: Record, name: str) -> None:
    """Refuse a step that the record's state does not know."""
    move = form.transitions[name]
    if record["state"] not in move.source:
        state = form.states.get(record["state"])
        raise conflict(
            "state_conflict",
            step=move.label,
            state=state.label if state else record["state"],
            number=record.get("number") or "",
        )


def _take(
    ctx: Context,
    form: Form,
    record: Record,
    name: str,
    *,
    comment: str | None,
    values: Mapping[str, Any] | None,
) -> Record | Later[Record]:
    """Take a step, or submit it where an approval stands in between."""
    _allowed(form, record, name)
    after = apply_values(ctx, form, record, values) if values else dict(record)
    batch = Batch(ctx, form, [after], [record], name)
    hidden = ctx.caller.policy.fields(form.name)
    refuse_while_waiting(ctx, form, record)
    request = _ask(batch, comment, values)
    if request is not None:
        return output(ctx, form, record, hidden) | {"approval": request}
    done = perform(batch, comment)
    return Later(lambda: output(ctx, form, done.make(), hidden))


def _ask(batch: Batch, comment: str | None, values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Submit the step for approval when its definition wants that; None: take it at once."""
    ctx, form, name, after = batch.ctx, batch.form, batch.transition or "", batch.documents[0]
    definition = approval.needed(
        form.transitions[name],
        ctx.catalogue.approvals,
        lambda text: _holds(guard(ctx.catalogue, form, f"approval.{name}", text), ctx, after),
    )
    if definition is None:
        return None
    _before_step(batch)
    if after["state"] == form.start:
        check(batch)
    refuse(batch)
    request = approval.open(
        ctx,
        ctx.connection,
        definition,
        approval.Submission(
            record=after["id"],
            form=form.name,
            transition=name,
            company=after.get("company"),
            state=after["state"],
            content=dict(values) if values else None,
            comment=comment,
        ),
    )
    return None if request["status"] == "approved" else request


def _decide(
    ctx: Context, form: Form, record: Record, decision: str, comment: str | None
) -> Record | Later[Record]:
    """Approve, reject, return or withdraw the request that waits on the record."""
    waiting = approval.waiting(ctx.connection, [record["id"]]).get(record["id"])
    if waiting is None:
        raise conflict("approval.none_waiting", number=record.get("number") or "")
    outcome = approval.decide(ctx, ctx.connection, waiting["id"], DECISIONS[decision], comment=comment)
    hidden = ctx.caller.policy.fields(form.name)
    if outcome.outcome != "approved":
        return output(ctx, form, record, hidden) | {"approval": outcome.request}
    _allowed(form, record, outcome.transition)
    after = apply_values(ctx, form, record, outcome.content) if outcome.content else dict(record)
    done = perform(Batch(ctx, form, [after], [record], outcome.transition), comment)
    return Later(lambda: output(ctx, form, done.make(), hidden) | {"approval": outcome.request})


def step_trusted(
    ctx: Context, form_name: str, ids: list[str], transition: str, *, comment: str | None = None
) -> list[Record]:
    """A step that a rule takes for another record; grants are not asked, everything else holds."""
    form = ctx.form(form_name)
    done = []
    for record in load(ctx, form, ids, lock=True):
        _allowed(form, record, transition)
        done.append(perform(Batch(ctx, form, [dict(record)], [record], transition), comment))
    ctx.settle()
    return [one.make() for one in done]


def perform(batch: Batch, comment: str | None) -> Later[Record]:
    """The step itself: rules, checks, state, postings, what rules do afterwards. The record in flight, as it is then.

    Statements are sent one after the other; what they refuse is told with the commit.
    """
    ctx, form, name = batch.ctx, batch.form, batch.transition or ""
    before, after, move = batch.before[0] or {}, batch.documents[0], form.transitions[name]
    numbered = form.definition.number
    leaving = before["state"] == form.start and move.to != form.start
    _before_step(batch)
    if changes(form, before, after):
        derive(batch)  # the step or its rules brought values; else formulas are as saved
    if leaving:
        check(batch)  # what a draft may lack must be there now
    refuse(batch)
    after["state"] = move.to
    changed = changes(form, before, after)
    wanting = leaving and numbered is not None and not numbered.gapless and not after.get("number")
    _write_step(batch, changed, comment, numbering=wanting)
    batch.movements = posting.post(ctx, form, [after], before=[before["state"]])
    if batch.ctx.catalogue.rules.get((form.name, "posted")):
        ctx.take_in()
        run_rules(batch, "posted")
        refuse(batch)
    if leaving and numbered is not None and numbered.gapless:
        number.assign_gapless(ctx, form, [after])
    tell_memories(ctx, form)
    load_labels(ctx, form, [after])
    answers = ask_balances(ctx, form, [after["id"]])

    def answer() -> Record:
        take_balances(ctx, form, [after], answers)
        return after

    return Later(answer)


def _before_step(batch: Batch) -> None:
    """The transition's own check, records that stand in the way, `step` rules."""
    ctx, form, name = batch.ctx, batch.form, batch.transition or ""
    move = form.transitions[name]
    if move.check is not None and not holds(
        ctx, form, f"transitions.{name}.check", move.check, batch.documents[0]
    ):
        code = "check_failed" if move.check_message else "step_not_allowed"
        raise invalid([Fault(code, "", {"message": move.check_message, "step": move.label})])
    if move.unused_by:
        _refuse_used(batch)
    run_rules(batch, "step")


def holds(ctx: Context, form: Form, place: str, text: str, record: Record) -> bool:
    """Whether a condition of a definition is true for a record; an error value counts as no."""
    return _holds(guard(ctx.catalogue, form, place, text), ctx, record)


def _holds(check: Guard, ctx: Context, record: Record) -> bool:
    try:
        return bool(check(record, ctx))
    except FAILURES:
        return False


def _refuse_used(batch: Batch) -> None:
    ctx, move = batch.ctx, batch.form.transitions[batch.transition or ""]
    rows = ctx.connection.execute(
        "SELECT i.form, i.code, i.id FROM record_link l JOIN record_index i ON i.id = l.target "
        "WHERE l.source = $1 AND l.target_form = ANY($2::text[]) AND i.state IS DISTINCT FROM 'cancelled' ORDER BY i.id LIMIT 5",
        [batch.documents[0]["id"], move.unused_by],
        prepare=True,
    ).fetchall()
    if rows:
        first = ctx.catalogue.forms[rows[0][0]].definition.label
        raise Refused(
            409,
            "used_by",
            params={"step": move.label, "form": first, "number": ", ".join(row[1] or "" for row in rows)},
            data={"records": [{"form": row[0], "id": row[2], "code": row[1]} for row in rows]},
        )


def _write_step(batch: Batch, changed: list[Record], comment: str | None, *, numbering: bool) -> None:
    """The new state, and the number if there has to be one; the light statements when nothing else changed."""
    ctx, form, name = batch.ctx, batch.form, batch.transition or ""
    before, after = batch.before[0] or {}, batch.documents[0]
    light = all(item["path"] == "state" for item in changed)
    if numbering and not light:
        number.assign(ctx, form, [after])
    if numbering:
        changed.append({"path": "number", "old": None, "new": NUMBER if light else after["number"]})
    if not light:
        moved = number_lines(form, before, after)
        write_update(ctx, form, after, changed, kind=name, comment=comment, moved=moved)
        return
    texts = statements(ctx.catalogue, form)
    values = [after["id"], ctx.now, ctx.caller.user, ctx.via, ctx.request_id, name, comment, after["state"]]
    values.append(orjson.dumps(changed, default=raw_json).decode())
    if numbering:
        values += number.sequence_of(ctx, form, after)
        number.take_later(ctx, after, ctx.connection.execute(texts.step_numbered, values, prepare=True))
    else:
        ctx.connection.execute(texts.step, values, prepare=True)
    after["version"] = before["version"] + 1
    after["updated_at"], after["updated_by"] = ctx.now, ctx.caller.user
