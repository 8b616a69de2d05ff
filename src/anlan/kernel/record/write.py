"""Creating, changing and deleting records.

The steps of a write, each once for the whole batch: read what was sent → find linked records → defaults and formulas
→ rules → checks → one statement for heads, lines, index and events → postings → what the rules do afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, conflict, forbidden, invalid
from anlan.kernel.ids import uuid7
from anlan.kernel.index import tokens_of
from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.posting import run as posting
from anlan.kernel.record import number
from anlan.kernel.record.compile import CompiledForm, compiled
from anlan.kernel.record.events import changes
from anlan.kernel.record.links import Wanted, load_missing, resolve
from anlan.kernel.record.load import find, load, load_balances, load_labels
from anlan.kernel.record.output import output, raw_json
from anlan.kernel.record.parse import parse
from anlan.kernel.record.statements import statements
from anlan.kernel.rules import Batch
from anlan.kernel.workflow.request import waiting

__all__ = ["create", "create_many", "create_trusted", "delete", "derive", "index_words", "preview", "read", "update"]

Values = Mapping[str, Any]
Record = dict[str, Any]


def create(ctx: Context, form_name: str, values: Values) -> Record:
    """Make one record: a document as draft, a master usable at once. Refused 403, 422."""
    return create_many(ctx, form_name, [values], alone=True)[0]


def create_many(ctx: Context, form_name: str, many: Sequence[Values], *, alone: bool = False) -> list[Record]:
    """Make several records of one form, all or none; paths of faults begin with `records[i]`."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "create")

    def work() -> list[Record]:
        ctx.ask_versions()
        part = compiled(ctx.catalogue, ctx.form(form_name))
        documents, faults = _read_in(ctx, ctx.form(form_name), part, many)
        return _insert(ctx, ctx.form(form_name), part, documents, faults, alone=alone)

    return ctx.atomically(work)


def create_trusted(ctx: Context, form_name: str, documents: list[Record], *, state: str | None = None) -> list[Record]:
    """Make records from Python values that a rule has put together, at once in `state`; the records in flight.

    The caller's grants are not asked: the rule acts for the document that he was allowed to post.
    """
    form = ctx.form(form_name)
    part = compiled(ctx.catalogue, form)
    faults: list[list[Fault]] = [[] for _ in documents]
    return _make(ctx, form, part, documents, faults, state=state, kind="create")


def _read_in(
    ctx: Context, form: Form, part: CompiledForm, many: Sequence[Values]
) -> tuple[list[Record], list[list[Fault]]]:
    restricted = ctx.caller.policy.fields(form.name)
    documents: list[Record] = []
    faults: list[list[Fault]] = []
    for values in many:
        found: list[Fault] = []
        wanted: Wanted = []
        documents.append(parse(ctx, form, values, found, wanted, restricted=restricted))
        if wanted:
            resolve(ctx, wanted, found)
        for key in form.lines:
            for line in documents[-1].get(key) or ():
                line.pop("id", None)
        faults.append(found)
    return documents, faults


def derive(ctx: Context, form: Form, part: CompiledForm, documents: list[Record], faults: list[list[Fault]],
           before: Sequence[Values | None], transition: str | None = None) -> None:
    """Defaults, `derive` rules, formulas; again when a default brought in a link whose row was not loaded."""
    rules = ctx.catalogue.rules.get((form.name, "derive"))
    ctx.know_versions()
    load_missing(ctx, form, documents)      # links that are not looked up by what was sent: lines, trusted ids
    for document, found in zip(documents, faults, strict=True):
        given = {key: document[key] for key in document if key not in form.lines}
        mark = len(found)
        snapshot = [dict(line) for key in form.lines for line in document.get(key) or ()]
        part.compute(document, ctx, found)
        if load_missing(ctx, form, [document]):
            _restore(form, document, given, snapshot)
            del found[mark:]
            part.compute(document, ctx, found)
    if rules:
        batch = Batch(ctx, form, documents, before, transition)
        for item in rules:
            item.function(batch)
        _take_faults(batch, faults)
        for document, found in zip(documents, faults, strict=True):
            part.compute(document, ctx, found)


def _restore(form: Form, document: Record, given: Record, snapshot: list[Record]) -> None:
    """Back to what was sent, so that defaults see what has been loaded since."""
    for key in [key for key in document if key not in given and key not in form.lines]:
        del document[key]
    document.update(given)
    lines = iter(snapshot)
    for key in form.lines:
        document[key] = [next(lines) for _ in document.get(key) or ()]


def _take_faults(batch: Batch, faults: list[list[Fault]]) -> None:
    for place, fault in batch.faults:
        faults[place].append(fault)
    batch.faults.clear()


def check(ctx: Context, form: Form, part: CompiledForm, documents: list[Record], faults: list[list[Fault]],
          before: Sequence[Values | None], transition: str | None = None) -> None:
    """What must hold outside draft: required fields, checks, `check` rules."""
    for document, found in zip(documents, faults, strict=True):
        if not found:
            part.validate(document, ctx, found)
    rules = ctx.catalogue.rules.get((form.name, "check"))
    if rules:
        batch = Batch(ctx, form, documents, before, transition)
        for item in rules:
            item.function(batch)
        _take_faults(batch, faults)


def refuse(faults: list[list[Fault]], *, alone: bool) -> None:
    """Raise 422 with all faults found, if any."""
    if any(faults):
        raise invalid(
            fault if alone else fault.under(f"records[{place}]")
            for place, found in enumerate(faults) for fault in found)


def _insert(ctx: Context, form: Form, part: CompiledForm, documents: list[Record], faults: list[list[Fault]], *,
            alone: bool) -> list[Record]:
    made = _make(ctx, form, part, documents, faults, state=form.start, kind="create", alone=alone)
    _check_rows(ctx, form, "create", [document["id"] for document in made])
    load_labels(ctx, form, made)
    hidden = ctx.caller.policy.fields(form.name)
    for document in made:
        part.view(document, ctx)
    return [output(ctx, form, document, hidden) for document in made]


def _make(ctx: Context, form: Form, part: CompiledForm, documents: list[Record], faults: list[list[Fault]], *,
          state: str | None, kind: str, alone: bool = True) -> list[Record]:
    before: list[Values | None] = [None] * len(documents)
    user = ctx.caller.user
    for document in documents:
        document.setdefault("id", uuid7())
        document["version"] = 1
        document["created_at"] = document["updated_at"] = ctx.now
        document["created_by"] = document["updated_by"] = user
        if form.start is not None:
            document["state"] = state or form.start
            document["workflow_version"] = ctx.catalogue.version
        if "number" in form.fields:
            document.setdefault("number", None)
    derive(ctx, form, part, documents, faults, before)
    if not form.is_document or state != form.start:
        check(ctx, form, part, documents, faults, before)
    refuse(faults, alone=alone)
    _check_companies(ctx, form, documents)
    for document in documents:
        for key in form.lines:
            for position, line in enumerate(document[key]):
                line["position"] = position
                line["record"] = document["id"]
                if "id" not in line:
                    line["id"] = uuid7()
    if state != form.start and form.definition.number is not None and not form.definition.number.gapless:
        number.assign(ctx, form, documents)
    heads = [_head(form, document, part.title(document, ctx), kept(form, document)) for document in documents]
    _execute(ctx, statements(ctx.catalogue, form).insert, heads, kind, *(
        _json([line for document in documents for line in document[key]]) for key in form.lines))
    if form.is_setting:
        ctx.settings_changed()
    if not form.is_document or state != form.start:
        posting.post(ctx, form, documents, before=[None] * len(documents))
        if form.definition.number is not None and form.definition.number.gapless:
            number.assign_gapless(ctx, form, documents)
    rules = ctx.catalogue.rules.get((form.name, "posted"))
    if rules and (not form.is_document or state != form.start):
        batch = Batch(ctx, form, documents, before, None)
        for item in rules:
            if not item.transitions:
                item.function(batch)
    return documents


def _json(value: Any) -> str:
    return orjson.dumps(value, default=raw_json).decode()


def _head(form: Form, document: Record, title: Any, event: Any) -> Record:
    """The head of a record as a write sends it, with title, search tokens and what its event keeps."""
    head = {key: value for key, value in document.items() if key not in form.lines}
    head["_title"], head["_tokens"], head["_event"] = title, index_words(form, document), event
    return head


def kept(form: Form, document: Record) -> Record:
    """What the trail keeps of a new record: every value that is stored and not empty."""
    head, lines = form.part("kept", lambda: (
        [item.key for item in form.stored if not item.reserved],
        {key: ["id", *(item.key for item in table.stored)] for key, table in form.lines.items()}))
    content = {key: value for key in head if (value := document[key]) is not None}
    for key, keys in lines.items():
        content[key] = [{name: value for name in keys if (value := line[name]) is not None} for line in document[key]]
    return content


def _execute(ctx: Context, text: str, head: Any, kind: str, *more: Any) -> None:
    ctx.connection.execute(text, [_json(head), ctx.now, ctx.caller.user, ctx.via, ctx.request_id, kind, *more], prepare=True)


def index_words(form: Form, document: Record) -> list[str]:
    """The search tokens of a record: code, name, title fields, and fields with `search: true`."""
    plan = form.part("words", lambda: _word_plan(form))
    texts = [document.get(key) for key in plan[0]]
    for lines, key in plan[1]:
        texts += [line.get(key) for line in document.get(lines) or ()]
    names = [document.get("name")] if "name" in form.fields and not form.is_document else ()
    return tokens_of((text for text in texts if isinstance(text, str)), names=names)


def _word_plan(form: Form) -> tuple[list[str], list[tuple[str, str]]]:
    head = [key for key, item in form.fields.items()
            if item.column and item.type.sql == "text" and not item.reserved and item.type.key != "secret"
            and (item.definition.search or key in ("code", "name"))]
    lines = [(key, item.key) for key, table in form.lines.items() for item in table.fields.values()
             if item.column and item.definition.search and item.type.sql == "text"]
    return head, lines


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
        f'SELECT count(*) FROM {form.table} h {names.joins} WHERE h."id" = ANY($1::uuid[]) AND {rule}', [list(ids)]).fetchone()
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

    def work() -> Record:
        ctx.ask_versions()
        form = ctx.form(form_name)
        part = compiled(ctx.catalogue, form)
        found = find(ctx, form, key, "update")
        if form.definition.postings and form.has_company:
            posting.hold_periods(ctx, form, [found])
        record = load(ctx, form, [found], lock=True)[0]
        if version is not None and record["version"] != version:
            raise Refused(412, "changed_since", params={"version": version, "current": record["version"]},
                          data={"current": output(ctx, form, record, ctx.caller.policy.fields(form.name))})
        refuse_while_waiting(ctx, form, record)
        after = apply_values(ctx, form, part, record, values)
        return save(ctx, form, part, record, after)

    return ctx.atomically(work)


def refuse_while_waiting(ctx: Context, form: Form, record: Record) -> None:
    """A record that waits for an approval does not change under the approvers' hands."""
    if any(move.approval for move in form.transitions.values()) and waiting(ctx.connection, [record["id"]]):
        raise conflict("approval.waiting", number=record.get("number") or "")


def apply_values(ctx: Context, form: Form, part: CompiledForm, record: Record, values: Values) -> Record:
    """The record with what was sent put into it; fields that its state does not let change are refused.

    Fields and lines that the caller cannot see stay as they are.
    """
    faults: list[Fault] = []
    wanted: Wanted = []
    restricted = ctx.caller.policy.fields(form.name)
    sent = parse(ctx, form, values, faults, wanted, restricted=restricted)
    if wanted:
        resolve(ctx, wanted, faults)
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
    found = [Fault("not_editable", key, {"label": item.definition.label or key, "state": label})
             for key, item in form.fields.items()
             if item.typed and not item.reserved and not item.type.is_lines and key not in editable
             and after.get(key) != record.get(key)]
    for key, table in form.lines.items():
        if key in editable or f"{key}.*" in editable:
            continue
        old = {line["id"]: line for line in record[key]}
        if [line.get("id") for line in after[key]] != list(old):
            found.append(Fault("lines_not_editable", key, {"label": table.definition.label or key, "state": label}))
            continue
        for position, line in enumerate(after[key]):
            found += [Fault("not_editable", f"{key}[{position}].{item.key}",
                            {"label": item.definition.label or item.key, "state": label})
                      for item in table.fields.values()
                      if item.typed and item.path not in editable and line.get(item.key) != old[line["id"]].get(item.key)]
    return found


def save(ctx: Context, form: Form, part: CompiledForm, before: Record, after: Record, *, kind: str = "update",
         comment: str | None = None) -> Record:
    """Write a changed record and what follows from it; its JSON. Nothing is written when nothing changed."""
    faults: list[list[Fault]] = [[]]
    derive(ctx, form, part, [after], faults, [before])
    if form.start is None or before["state"] != form.start:
        check(ctx, form, part, [after], faults, [before])
    refuse(faults, alone=True)
    _check_companies(ctx, form, [after])
    lines_changed = number_lines(form, before, after)
    changed = changes(form, before, after)
    hidden = ctx.caller.policy.fields(form.name)
    if not changed and not lines_changed:
        return output(ctx, form, before, hidden)
    write_update(ctx, form, part, after, changed, kind=kind, comment=comment, moved=lines_changed)
    if form.definition.postings and form.start is not None:
        posting.post(ctx, form, [after], before=[before["state"]])
    _check_rows(ctx, form, "update", [after["id"]])
    after_save(ctx, form, before, after)
    ctx.settle()
    load_labels(ctx, form, [after])
    load_balances(ctx, form, [after])
    return output(ctx, form, after, hidden)


def number_lines(form: Form, before: Values, after: Record) -> bool:
    """Give new lines their ids and all lines their positions; True when an order changed."""
    moved = False
    for key in form.lines:
        for position, line in enumerate(after[key]):
            line["position"] = position
            line["record"] = after["id"]
            if "id" not in line:
                line["id"] = uuid7()
        moved = moved or [line["id"] for line in after[key]] != [line["id"] for line in before[key]]
    return moved


def write_update(ctx: Context, form: Form, part: CompiledForm, after: Record, changed: list[Record], *, kind: str,
                 comment: str | None, moved: bool = False) -> None:
    """One statement: head, lines (only when one changed or moved), index, event."""
    after["version"] += 1
    after["updated_at"] = ctx.now
    after["updated_by"] = ctx.caller.user
    texts = statements(ctx.catalogue, form)
    head = _head(form, after, part.title(after, ctx), changed)
    if any(item["path"].endswith("]") or "[" in item["path"] for item in changed) or moved:
        _execute(ctx, texts.update, head, kind, comment, after["id"], *(_json(after[key]) for key in form.lines))
    else:
        _execute(ctx, texts.update_head, head, kind, comment, after["id"])
    if form.is_setting:
        ctx.settings_changed()


def after_save(ctx: Context, form: Form, before: Values, after: Record) -> None:
    """Rules of the event `posted` that belong to no transition: for masters and amended documents."""
    rules = ctx.catalogue.rules.get((form.name, "posted"))
    if rules and (form.start is None or before["state"] != form.start):
        batch = Batch(ctx, form, [after], [before], None)
        for item in rules:
            if not item.transitions:
                item.function(batch)


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
            "SELECT i.form, i.code FROM record_link l JOIN record_index i ON i.id = l.target WHERE l.source = $1 LIMIT 1",
            [found]).fetchone()
        if used is not None:
            raise Refused(409, "still_referenced", params={"table": f"{used[0]} {used[1] or ''}".strip()})
        content = orjson.dumps(record, default=raw_json).decode()
        connection = ctx.connection
        connection.execute(statements(ctx.catalogue, form).delete, [found])
        connection.execute("DELETE FROM record_index WHERE id = $1", [found])
        connection.execute("DELETE FROM record_link WHERE target = $1", [found])
        connection.execute("INSERT INTO recycle_bin (id, form, deleted_at, deleted_by, content) VALUES ($1, $2, $3, $4, $5::json)",
                           [found, form.name, ctx.now, ctx.caller.user, content])
        connection.execute(
            "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id) "
            "VALUES ($1, $2, 'delete', $3, $3, $4, $5, $6::json, $7)",
            [found, form.name, ctx.now, ctx.caller.user, ctx.via, content, ctx.request_id])
        if form.is_setting:
            ctx.settings_changed()

    ctx.atomically(work)


def preview(ctx: Context, form_name: str, values: Values, *, id: str | None = None) -> dict[str, Any]:
    """What the record would be, with what is wrong with it; nothing is stored. A new one unless `id` is given."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "update" if id else "create")

    def work() -> dict[str, Any]:
        ctx.check_versions()
        part = compiled(ctx.catalogue, form)
        faults: list[Fault] = []
        wanted: Wanted = []
        if id is None:
            document = parse(ctx, form, values, faults, wanted, restricted=ctx.caller.policy.fields(form.name))
            if wanted:
                resolve(ctx, wanted, faults)
            document |= {"version": 0, "state": form.start}
        else:
            found = find(ctx, form, id, "update")
            document = apply_values(ctx, form, part, load(ctx, form, [found])[0], values)
        readable = len(faults)
        derive(ctx, form, part, [document], [faults], [None])
        if len(faults) == readable:
            part.validate(document, ctx, faults)
        part.view(document, ctx)
        return {"record": output(ctx, form, document, ctx.caller.policy.fields(form.name)), "faults": faults}

    return ctx.atomically(work)
