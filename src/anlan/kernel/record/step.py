"""Workflow steps: from one state to the next, with what must hold, an approval in between, postings, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.definition.model import Transition
from anlan.kernel.errors import Fault, Refused, conflict, invalid, not_found
from anlan.kernel.formula import FAILURES, references
from anlan.kernel.posting import run as posting
from anlan.kernel.record import number
from anlan.kernel.record.compile import CompiledForm, Guard, compiled, guard
from anlan.kernel.record.events import changes
from anlan.kernel.record.load import ask_balances, find, load, load_labels, take_balances
from anlan.kernel.record.output import output, raw_json
from anlan.kernel.record.statements import statements
from anlan.kernel.record.write import (
    apply_values,
    check,
    derive,
    number_lines,
    refuse,
    refuse_while_waiting,
    write_update,
)
from anlan.kernel.rules import Batch
from anlan.kernel.workflow import approval

__all__ = ["holds", "perform", "step", "step_trusted"]

Record = dict[str, Any]
DECISIONS: dict[str, approval.Choice] = {
    "approve": "approve", "reject": "reject", "return": "return", "withdraw": "withdraw"}


def step(
    ctx: Context, form_name: str, key: str, transition: str, *, comment: str | None = None,
    values: Mapping[str, Any] | None = None, version: int | None = None,
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

    def work() -> Record:
        form = ctx.form(form_name)
        ctx.ask_versions()
        found = find(ctx, form, key, transition if action is not None else "read")
        if form.definition.postings and form.has_company:
            posting.hold_periods(ctx, form, [found])
        record = load(ctx, form, [found], lock=True, balances=action is None or reads_balances(ctx, form, action))[0]
        if ctx.tx is not None and record.get("company") and form.definition.postings:
            ctx.tx.locked.add(record["company"])
        if version is not None and record["version"] != version:
            raise Refused(412, "changed_since", params={"version": version, "current": record["version"]})
        if action is None:
            return _decide(ctx, form, record, transition, comment)
        return _take(ctx, form, record, transition, comment, values)

    return ctx.atomically(work)


def reads_balances(ctx: Context, form: Form, name: str) -> bool:
    """Whether a step looks at values that are computed when read, so that they must be loaded before it."""
    def find_out() -> bool:
        virtual = {item.path for item in form.all_fields() if item.column is None and not item.type.is_lines}
        move = form.transitions[name]
        texts = [move.check or "", *(check.keep for check in form.definition.checks.values()),
                 *(item.definition.check or "" for item in form.all_fields())]
        if move.approval is not None:
            texts.append(ctx.catalogue.approvals[move.approval].when or "")
        named = {".".join(path) for text in texts if text for path in references(text)}
        for event in ("derive", "check", "step", "posted"):
            for rule in ctx.catalogue.rules.get((form.name, event), ()):
                named |= set(rule.reads)
        tails = {path.rpartition(".")[2] for path in virtual}
        return any(path in virtual or path.rpartition(".")[2] in tails for path in named)

    return form.part(f"reads balances {name}", find_out)


def _allowed(form: Form, record: Record, name: str) -> Transition:
    move = form.transitions[name]
    if record["state"] not in move.source:
        state = form.states.get(record["state"])
        raise conflict("state_conflict", step=move.label, state=state.label if state else record["state"],
                       number=record.get("number") or "")
    return move


def _take(ctx: Context, form: Form, record: Record, name: str, comment: str | None, values: Mapping[str, Any] | None) -> Record:
    move = _allowed(form, record, name)
    part = compiled(ctx.catalogue, form)
    after = dict(record)
    if values:
        after = apply_values(ctx, form, part, record, values)
    hidden = ctx.caller.policy.fields(form.name)
    refuse_while_waiting(ctx, form, record)
    request = _ask(ctx, form, part, record, after, name, comment, values)
    if request is not None:
        return output(ctx, form, record, hidden) | {"approval": request}
    done = perform(ctx, form, part, record, after, name, comment=comment)
    return output(ctx, form, done, hidden)


def _ask(ctx: Context, form: Form, part: CompiledForm, record: Record, after: Record, name: str,
         comment: str | None, values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Submit the step for approval when its definition wants that; None: take it at once."""
    move = form.transitions[name]
    definition = approval.needed(
        move, ctx.catalogue.approvals,
        lambda text: _holds(guard(ctx.catalogue, form, f"approval.{name}", text), ctx, after))
    if definition is None:
        return None
    faults: list[list[Fault]] = [[]]
    before_step(ctx, form, move, record, after, name, faults)
    if record["state"] == form.start:
        check(ctx, form, part, [after], faults, [record], name)
    refuse(faults, alone=True)
    request = approval.open(ctx, ctx.connection, definition, approval.Submission(
        record=record["id"], form=form.name, transition=name, company=record.get("company"), state=record["state"],
        content=dict(values) if values else None, comment=comment))
    return None if request["status"] == "approved" else request


def _decide(ctx: Context, form: Form, record: Record, decision: str, comment: str | None) -> Record:
    """Approve, reject, return or withdraw the request that waits on the record."""
    waiting = approval.waiting(ctx.connection, [record["id"]]).get(record["id"])
    if waiting is None:
        raise conflict("approval.none_waiting", number=record.get("number") or "")
    outcome = approval.decide(ctx, ctx.connection, waiting["id"], DECISIONS[decision], comment=comment)
    hidden = ctx.caller.policy.fields(form.name)
    if outcome.outcome != "approved":
        return output(ctx, form, record, hidden) | {"approval": outcome.request}
    _allowed(form, record, outcome.transition)
    part = compiled(ctx.catalogue, form)
    after = apply_values(ctx, form, part, record, outcome.content) if outcome.content else dict(record)
    done = perform(ctx, form, part, record, after, outcome.transition, comment=comment)
    return output(ctx, form, done, hidden) | {"approval": outcome.request}


def step_trusted(ctx: Context, form_name: str, ids: list[str], transition: str, *, comment: str | None = None) -> list[Record]:
    """A step that a rule takes for another record; grants are not asked, everything else holds."""
    form = ctx.form(form_name)
    part = compiled(ctx.catalogue, form)
    done = []
    for record in load(ctx, form, ids, lock=True):
        _allowed(form, record, transition)
        done.append(perform(ctx, form, part, record, dict(record), transition, comment=comment))
    return done


def perform(ctx: Context, form: Form, part: CompiledForm, before: Record, after: Record, name: str, *, comment: str | None) -> Record:
    """The step itself: rules, checks, state, postings, what rules do afterwards. The record in flight, as it is now."""
    move = form.transitions[name]
    leaving = before["state"] == form.start and move.to != form.start
    faults: list[list[Fault]] = [[]]
    before_step(ctx, form, move, before, after, name, faults)
    if leaving:
        _complete(ctx, form, part, before, after, faults, name)
    refuse(faults, alone=True)
    after["state"] = move.to
    changed = changes(form, before, after)
    if leaving and form.definition.number is not None and not form.definition.number.gapless and not after.get("number"):
        number.assign(ctx, form, [after])
        changed.append({"path": "number", "old": None, "new": after["number"]})
    _write_step(ctx, form, part, before, after, changed, name, comment)
    movements = posting.post(ctx, form, [after], before=[before["state"]])
    rules = [item for item in ctx.catalogue.rules.get((form.name, "posted"), ())
             if not item.transitions or name in item.transitions]
    if rules:
        batch = Batch(ctx, form, [after], [before], name, movements)
        for item in rules:
            item.function(batch)
    if leaving and form.definition.number is not None and form.definition.number.gapless:
        number.assign_gapless(ctx, form, [after])
    if form.is_setting:
        ctx.settings_changed()
    answers = ask_balances(ctx, form, [after["id"]])
    ctx.settle()
    load_labels(ctx, form, [after])
    take_balances(ctx, form, [after], answers)
    return after


def _complete(ctx: Context, form: Form, part: CompiledForm, before: Record, after: Record, faults: list[list[Fault]], name: str) -> None:
    """What a draft may lack must be there now; defaults fill nothing any more, formulas are as saved."""
    if after is not before and changes(form, before, after):
        derive(ctx, form, part, [after], faults, [before], name)
    check(ctx, form, part, [after], faults, [before], name)


def before_step(ctx: Context, form: Form, move: Transition, before: Record, after: Record, name: str,
                faults: list[list[Fault]]) -> None:
    """The transition's own check, records that stand in the way, `step` rules."""
    if move.check is not None and not _holds(guard(ctx.catalogue, form, f"transitions.{name}.check", move.check), ctx, after):
        code = "check_failed" if move.check_message else "step_not_allowed"
        raise invalid([Fault(code, "", {"message": move.check_message, "step": move.label})])
    if move.unused_by:
        _refuse_used(ctx, form, after, move)
    rules = [item for item in ctx.catalogue.rules.get((form.name, "step"), ())
             if not item.transitions or name in item.transitions]
    if rules:
        batch = Batch(ctx, form, [after], [before], name)
        for item in rules:
            item.function(batch)
        for _, fault in batch.faults:
            faults[0].append(fault)


def _holds(check: Guard, ctx: Context, record: Record) -> bool:
    try:
        return bool(check(record, ctx))
    except FAILURES:
        return False


def _refuse_used(ctx: Context, form: Form, record: Record, move: Transition) -> None:
    rows = ctx.connection.execute(
        "SELECT i.form, i.code, i.id FROM record_link l JOIN record_index i ON i.id = l.target "
        "WHERE l.source = $1 AND l.target_form = ANY($2::text[]) AND i.state IS DISTINCT FROM 'cancelled' ORDER BY i.id LIMIT 5",
        [record["id"], move.unused_by], prepare=True).fetchall()
    if rows:
        first = ctx.catalogue.forms[rows[0][0]].definition.label
        raise Refused(409, "used_by", params={"step": move.label, "form": first, "number": ", ".join(row[1] or "" for row in rows)},
                      data={"records": [{"form": row[0], "id": row[2], "code": row[1]} for row in rows]})


def _write_step(ctx: Context, form: Form, part: CompiledForm, before: Record, after: Record, changed: list[Record],
                name: str, comment: str | None) -> None:
    """The new state; the light statement when nothing else changed."""
    if all(item["path"] in ("state", "number") for item in changed):
        ctx.connection.execute(
            statements(ctx.catalogue, form).step,
            [after["id"], ctx.now, ctx.caller.user, ctx.via, ctx.request_id, name, comment, after["state"], after.get("number"),
             orjson.dumps(changed, default=raw_json).decode()], prepare=True)
        after["version"] = before["version"] + 1
        after["updated_at"], after["updated_by"] = ctx.now, ctx.caller.user
        return
    moved = number_lines(form, before, after)
    write_update(ctx, form, part, after, changed, kind=name, comment=comment, moved=moved)


def holds(ctx: Context, form: Form, place: str, text: str, record: Record) -> bool:
    """Whether a condition of a definition is true for a record; an error value counts as no."""
    return _holds(guard(ctx.catalogue, form, place, text), ctx, record)


