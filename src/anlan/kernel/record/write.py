"""Creating, changing, reading and deleting records.

The steps of a write, each once for the whole batch: read what was sent → find linked records → defaults and formulas
→ rules → checks → one statement for heads, lines, index and events → postings → what the rules do afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context, Later
from anlan.kernel.errors import Refused, forbidden
from anlan.kernel.ids import id_array, uuid7
from anlan.kernel.posting import run as posting
from anlan.kernel.record import number
from anlan.kernel.record.compile import compiled
from anlan.kernel.record.events import changes
from anlan.kernel.record.links import Wanted, resolve
from anlan.kernel.record.load import ask_balances, find, load, load_labels, take_balances
from anlan.kernel.record.output import output, raw_json
from anlan.kernel.record.parse import parse
from anlan.kernel.record.statements import statements
from anlan.kernel.record.store import insert, number_lines, tell_memories, write_update
from anlan.kernel.record.work import apply_values, check, derive, refuse, refuse_while_waiting, run_rules
from anlan.kernel.rules import Batch

__all__ = [
    "create",
    "create_again",
    "create_many",
    "create_trusted",
    "creating",
    "delete",
    "preview",
    "read",
    "update",
]

Values = Mapping[str, Any]
Record = dict[str, Any]


def create(ctx: Context, form_name: str, values: Values) -> Record:
    """Make one record: a document as draft, a master usable at once. Refused 403, 422."""
    return create_many(ctx, form_name, [values], alone=True)[0]


def create_many(ctx: Context, form_name: str, many: Sequence[Values], *, alone: bool = False) -> list[Record]:
    """Make several records of one form, all or none; paths of faults begin with `records[i]`."""
    return ctx.atomically(lambda: creating(ctx, form_name, many, alone=alone))


def creating(
    ctx: Context,
    form_name: str,
    many: Sequence[Values],
    *,
    ids: Sequence[str] = (),
    alone: bool = False,
) -> Later[list[Record]]:
    """`create_many` inside a transaction: everything is sent, and the answer can be put together. `ids` of the records,
    when the caller has chosen them."""
    ctx.caller.policy.require(ctx.form(form_name).name, "create")
    ctx.ask_versions()
    form = ctx.form(form_name)
    batch = Batch(ctx, form, [], [None] * len(many), alone=alone)
    _read_in(batch, many)
    for document, key in zip(batch.documents, ids, strict=False):
        document["id"] = key
    _make(batch, form.start)
    _check_rows(ctx, form, "create", [document["id"] for document in batch.documents])
    load_labels(ctx, form, batch.documents)
    part, hidden = compiled(ctx.catalogue, form), ctx.caller.policy.fields(form.name)

    def answer() -> list[Record]:
        for document in batch.documents:
            part.view(document, ctx)
        return [output(ctx, form, document, hidden) for document in batch.documents]

    return Later(answer)


def create_again(ctx: Context, form_name: str, content: Values, key: str) -> Record:
    """Make a record that was deleted again, under its old id; what computes itself is computed anew."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "create")
    batch = Batch(ctx, form, [], [None])
    _read_in(batch, [_as_sent(form, content)])
    batch.documents[0]["id"] = key
    _make(batch, form.start, kind="restore")
    _check_rows(ctx, form, "create", [key])
    load_labels(ctx, form, batch.documents)
    compiled(ctx.catalogue, form).view(batch.documents[0], ctx)
    return output(ctx, form, batch.documents[0], ctx.caller.policy.fields(form.name))


def _as_sent(form: Form, content: Values) -> Record:
    """A stored record in the spelling of a caller: only what may be typed."""
    sent = {key: value for key, value in content.items() if key in form.fields and key not in form.lines}
    for key, table in form.lines.items():
        sent[key] = [
            {name: value for name, value in line.items() if name in table.fields}
            for line in content.get(key) or ()
        ]
    return sent


def create_trusted(
    ctx: Context, form_name: str, documents: list[Record], *, state: str | None = None
) -> list[Record]:
    """Make records from Python values that a rule has put together, at once in `state`; the records in flight.

    The caller's grants are not asked: the rule acts for the document that he was allowed to post.
    """
    form = ctx.form(form_name)
    batch = Batch(ctx, form, documents, [None] * len(documents))
    _make(batch, state or form.start)
    return documents


def _read_in(batch: Batch, many: Sequence[Values]) -> None:
    """What was sent, as documents of the batch; links of all of them are looked up together."""
    ctx, form = batch.ctx, batch.form
    wanted: Wanted = []
    for place, values in enumerate(many):
        document, faults, wants = parse(ctx, form, values, document=place)
        batch.documents.append(document)
        batch.faults += [(place, fault) for fault in faults]
        wanted += wants
        for key in form.lines:
            for line in document.get(key) or ():
                line.pop("id", None)
    if wanted:
        batch.faults += resolve(ctx, wanted)


def _make(batch: Batch, state: str | None, *, kind: str = "create") -> None:
    """Complete, check and insert the documents of a batch, in `state`, with postings when it is no draft."""
    ctx, form = batch.ctx, batch.form
    user, definition = ctx.caller.user, form.definition
    draft = form.is_document and state == form.start
    for document in batch.documents:
        document.setdefault("id", uuid7())
        document["version"] = 1
        document["created_at"] = document["updated_at"] = ctx.now
        document["created_by"] = document["updated_by"] = user
        if form.start is not None:
            document["state"] = state
            document["workflow_version"] = ctx.catalogue.version
        if "number" in form.fields:
            document.setdefault("number", None)
    derive(batch)
    if not draft:
        check(batch)
    refuse(batch)
    _check_companies(ctx, form, batch.documents)
    for document in batch.documents:
        number_lines(form, document, document)
    if not draft and definition.number is not None and not definition.number.gapless:
        number.assign(ctx, form, batch.documents)
    insert(batch, kind)
    if draft:
        return
    batch.movements = posting.post(ctx, form, batch.documents, before=[None] * len(batch.documents))
    run_rules(batch, "posted")
    refuse(batch)
    if definition.number is not None and definition.number.gapless:
        number.assign_gapless(ctx, form, batch.documents)


def _check_companies(ctx: Context, form: Form, documents: list[Record]) -> None:
    allowed = ctx.caller.companies
    if not form.has_company or allowed is None or ctx.via == "rule":
        return
    for document in documents:
        if document.get("company") is not None and document["company"] not in allowed:
            raise forbidden(form.name, "company")


def _check_rows(ctx: Context, form: Form, action: str, ids: Sequence[str]) -> None:
    """A row rule holds for what is written too: what the caller made or changed must be his afterwards."""
    if ctx.caller.policy.rows(form.name, action) is None:
        return
    names = names_for(ctx, form)
    rule = predicate(ctx, form, action, names)
    row = ctx.connection.execute(
        f'SELECT count(*) FROM {form.table} h {names.joins} WHERE h."id" = ANY($1::uuid[]) AND {rule}',
        [id_array(ids)],
    ).fetchone()
    if row is None or row[0] != len(ids):
        raise forbidden(form.name, action)


def read(ctx: Context, form_name: str, key: str) -> Record:
    """One record with its lines, by id, number or code. Refused 403, 404."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "read")

    def work() -> Record:
        ctx.ask_versions()
        found = find(ctx, form, key)
        return output(ctx, form, load(ctx, form, [found])[0], ctx.caller.policy.fields(form.name))

    return ctx.atomically(work)


def update(ctx: Context, form_name: str, key: str, values: Values, *, version: int | None) -> Record:
    """Change a record; `version` is the one that the caller has read. Refused 403, 404, 409, 412, 422."""
    ctx.caller.policy.require(form_name, "update")

    def work() -> Later[Record]:
        form = ctx.form(form_name)
        found = find(ctx, form, key, "update")
        if form.definition.postings and form.has_company:
            posting.hold_periods(ctx, form, [found])
        else:
            ctx.ask_versions()
        record = load(ctx, form, [found], lock=True)[0]
        if version is not None and record["version"] != version:
            raise Refused(
                412,
                "changed_since",
                params={"version": version, "current": record["version"]},
                data={"current": output(ctx, form, record, ctx.caller.policy.fields(form.name))},
            )
        refuse_while_waiting(ctx, form, record)
        after = apply_values(ctx, form, record, values)
        return _save(ctx, form, record, after)

    return ctx.atomically(work)


def _save(ctx: Context, form: Form, before: Record, after: Record) -> Later[Record]:
    """Write a changed record and what follows from it; its JSON. Nothing is written when nothing changed."""
    batch = Batch(ctx, form, [after], [before], alone=True)
    outside_draft = form.start is None or before["state"] != form.start
    derive(batch)
    if outside_draft:
        check(batch)
    refuse(batch)
    _check_companies(ctx, form, [after])
    moved = number_lines(form, before, after)
    changed = changes(form, before, after)
    hidden = ctx.caller.policy.fields(form.name)
    if not changed and not moved:
        return Later(lambda: output(ctx, form, before, hidden))
    write_update(ctx, form, after, changed, kind="update", moved=moved)
    if form.start is not None:
        batch.movements = posting.post(ctx, form, [after], before=[before["state"]])
    _check_rows(ctx, form, "update", [after["id"]])
    if outside_draft:
        run_rules(batch, "posted")
        refuse(batch)
    load_labels(ctx, form, [after])
    answers = ask_balances(ctx, form, [after["id"]])

    def answer() -> Record:
        take_balances(ctx, form, [after], answers)
        return output(ctx, form, after, hidden)

    return Later(answer)


def delete(ctx: Context, form_name: str, key: str) -> None:
    """Delete what was never posted and nothing links to; it goes to the recycle bin whole. Refused 403, 404, 409."""
    ctx.caller.policy.require(form_name, "delete")

    def work() -> None:
        ctx.ask_versions()
        form = ctx.form(form_name)
        found = find(ctx, form, key, "delete")
        record = load(ctx, form, [found], lock=True, balances=False)[0]
        refuse_while_waiting(ctx, form, record)
        if form.start is not None and record["state"] != form.start:
            raise Refused(409, "not_draft", params={"state": form.states[record["state"]].label})
        used = ctx.connection.execute(
            "SELECT i.form, i.code FROM record_link l JOIN record_index i ON i.id = l.target WHERE l.source = $1 "
            "AND i.state IS DISTINCT FROM 'cancelled' LIMIT 1",
            [found],
        ).fetchone()
        if used is not None:
            raise Refused(409, "still_referenced", params={"table": f"{used[0]} {used[1] or ''}".strip()})
        content = orjson.dumps(record, default=raw_json).decode()
        connection = ctx.connection
        connection.execute(statements(ctx.catalogue, form).delete, [found])
        connection.execute("DELETE FROM record_index WHERE id = $1", [found])
        connection.execute("DELETE FROM record_link WHERE target = $1 OR source = $1", [found])
        connection.execute(
            "INSERT INTO recycle_bin (id, form, deleted_at, deleted_by, content) VALUES ($1, $2, $3, $4, $5::json)",
            [found, form.name, ctx.now, ctx.caller.user, content],
        )
        connection.execute(
            "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id) "
            "VALUES ($1, $2, 'delete', $3, $3, $4, $5, $6::json, $7)",
            [found, form.name, ctx.now, ctx.caller.user, ctx.via, content, ctx.request_id],
        )
        tell_memories(ctx, form)

    ctx.atomically(work)


def preview(ctx: Context, form_name: str, values: Values, *, id: str | None = None) -> dict[str, Any]:
    """What the record would be, with what is wrong with it; nothing is stored. A new one unless `id` is given."""
    ctx.caller.policy.require(ctx.form(form_name).name, "update" if id else "create")

    def work() -> dict[str, Any]:
        ctx.check_versions()
        form = ctx.form(form_name)
        batch = Batch(ctx, form, [], [None], alone=True)
        if id is None:
            _read_in(batch, [values])
            batch.documents[0] |= {"version": 0, "state": form.start}
        else:
            batch.documents.append(
                apply_values(ctx, form, load(ctx, form, [find(ctx, form, id, "update")])[0], values)
            )
        derive(batch, tell_errors=True)
        part, document = compiled(ctx.catalogue, form), batch.documents[0]
        faults = [fault for _, fault in batch.faults]
        if not faults:
            part.validate(document, ctx, faults)
        part.view(document, ctx)
        return {"record": output(ctx, form, document, ctx.caller.policy.fields(form.name)), "faults": faults}

    return ctx.atomically(work)
