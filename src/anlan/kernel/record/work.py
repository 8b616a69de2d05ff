"""A batch on its way into the database: defaults, formulas, rules, checks; what a caller may change.

These functions take a `Batch` and add what they find wrong to it; `refuse` ends the write when there is anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, conflict, invalid
from anlan.kernel.record.compile import compiled
from anlan.kernel.record.links import load_missing, resolve
from anlan.kernel.record.parse import parse
from anlan.kernel.rules import Batch, Event
from anlan.kernel.workflow.request import waiting

__all__ = ["apply_values", "check", "derive", "refuse", "refuse_while_waiting", "run_rules"]

ERROR_VALUE = "formula_error"
Values = Mapping[str, Any]
Record = dict[str, Any]


def derive(batch: Batch, *, tell_errors: bool = False) -> None:
    """Defaults, formulas, `derive` rules; formulas again where a rule changed what it may write.

    A formula that gives an error value leaves its field empty: a draft may be incomplete, and `required` refuses the rest.
    `tell_errors` adds them to the faults nevertheless (a preview shows them beside the cell).

    A default may bring in a link whose row is not loaded: then it is loaded, and the record computed anew from what
    was sent.
    """
    ctx, form = batch.ctx, batch.form
    part = compiled(ctx.catalogue, form)
    ctx.know_versions()
    load_missing(
        ctx, form, batch.documents
    )  # links that are not looked up by what was sent: lines, trusted ids
    for place, document in enumerate(batch.documents):
        given = {key: document[key] for key in document if key not in form.lines}
        snapshot = [dict(line) for key in form.lines for line in document.get(key) or ()]
        found: list[Fault] = []
        part.compute(document, ctx, found)
        if load_missing(ctx, form, [document]):
            _restore(form, document, given, snapshot)
            found.clear()
            part.compute(document, ctx, found)
        batch.faults += [(place, fault) for fault in found if tell_errors or fault.code != ERROR_VALUE]
    rules = ctx.catalogue.rules.get((form.name, "derive"))
    if rules:
        written = {path for item in rules for path in item.writes}
        before = [_values(document, written) for document in batch.documents]
        run_rules(batch, "derive")
        for place, document in enumerate(batch.documents):
            if _values(document, written) != before[place]:
                found = []
                part.compute(document, ctx, found)
                batch.faults = [one for one in batch.faults if one[0] != place or one[1].code != ERROR_VALUE]
                batch.faults += [
                    (place, fault) for fault in found if tell_errors or fault.code != ERROR_VALUE
                ]


def _values(document: Record, paths: set[str]) -> list[Any]:
    """The values of some paths, columns of lines as lists."""
    found: list[Any] = []
    for path in sorted(paths):
        head, _, rest = path.partition(".")
        found.append([line.get(rest) for line in document.get(head) or ()] if rest else document.get(head))
    return found


def _restore(form: Form, document: Record, given: Record, snapshot: list[Record]) -> None:
    """Back to what was sent, so that defaults see what has been loaded since."""
    for key in [key for key in document if key not in given and key not in form.lines]:
        del document[key]
    document.update(given)
    lines = iter(snapshot)
    for key in form.lines:
        document[key] = [next(lines) for _ in document.get(key) or ()]


def run_rules(batch: Batch, event: Event) -> None:
    """Run the rules of an event that hold for the batch's transition."""
    for item in batch.ctx.catalogue.rules.get((batch.form.name, event), ()):
        if not item.transitions or batch.transition in item.transitions:
            item.function(batch)


def check(batch: Batch) -> None:
    """What must hold outside draft: required fields, checks, `check` rules."""
    part = compiled(batch.ctx.catalogue, batch.form)
    wrong = {place for place, _ in batch.faults}
    for place, document in enumerate(batch.documents):
        if place not in wrong:
            found: list[Fault] = []
            part.validate(document, batch.ctx, found)
            batch.faults += [(place, fault) for fault in found]
    run_rules(batch, "check")


def refuse(batch: Batch) -> None:
    """Raise 422 with all faults found, if any; in a batch of several each names its record."""
    if batch.faults:
        raise invalid(
            fault if batch.alone else fault.under(f"records[{place}]") for place, fault in batch.faults
        )


def refuse_while_waiting(ctx: Context, form: Form, record: Record) -> None:
    """A record that waits for an approval does not change under the approvers' hands."""
    if any(move.approval for move in form.transitions.values()) and waiting(ctx.connection, [record["id"]]):
        raise conflict("approval.waiting", number=record.get("number") or "")


def apply_values(ctx: Context, form: Form, record: Record, values: Values) -> Record:
    """The record with what was sent put into it; fields that its state does not let change are refused.

    Fields and lines that the caller cannot see stay as they are.
    """
    sent, faults, wanted = parse(ctx, form, values)
    if wanted:
        faults += [fault for _, fault in resolve(ctx, wanted)]
    after = {key: value for key, value in record.items() if key not in form.lines}
    for key, value in sent.items():
        if key not in form.lines:
            after[key] = value
    for key in form.lines:
        old = {line["id"]: line for line in record[key]}
        if key not in sent:
            after[key] = [dict(line) for line in record[key]]
            continue
        lines = []
        for position, line in enumerate(sent[key]):
            known = old.get(line.get("id", ""))
            if known is None and "id" in line:
                faults.append(Fault("unknown_line", f"{key}[{position}].id", {"value": line["id"]}))
            lines.append({**known, **line} if known is not None else line)
        after[key] = lines
    faults += _not_editable(form, record, after)
    if faults:
        raise invalid(faults)
    return after


def _not_editable(form: Form, record: Record, after: Record) -> list[Fault]:
    """Faults for fields that changed although the record's state does not let them."""
    if form.start is None or record["state"] == form.start:
        return []
    state = form.states.get(record["state"])
    editable = state.editable if state else []
    if "*" in editable:
        return []
    label = state.label if state else record["state"]
    found = [
        Fault("not_editable", key, {"label": item.definition.label or key, "state": label})
        for key, item in form.fields.items()
        if item.typed
        and not item.reserved
        and not item.type.is_lines
        and key not in editable
        and after.get(key) != record.get(key)
    ]
    for key, table in form.lines.items():
        if key in editable or f"{key}.*" in editable:
            continue
        old = {line["id"]: line for line in record[key]}
        if [line.get("id") for line in after[key]] != list(old):
            found.append(
                Fault("lines_not_editable", key, {"label": table.definition.label or key, "state": label})
            )
            continue
        for position, line in enumerate(after[key]):
            found += [
                Fault(
                    "not_editable",
                    f"{key}[{position}].{item.key}",
                    {"label": item.definition.label or item.key, "state": label},
                )
                for item in table.fields.values()
                if item.typed
                and item.path not in editable
                and line.get(item.key) != old[line["id"]].get(item.key)
            ]
    return found
