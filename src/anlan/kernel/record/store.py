"""Writing batches: the rows of heads, lines, index and event go out in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.ids import id_array, uuid7
from anlan.kernel.index import tokens_of
from anlan.kernel.record.compile import compiled
from anlan.kernel.record.events import shown
from anlan.kernel.record.output import raw_json
from anlan.kernel.record.statements import statements
from anlan.kernel.rules import Batch

__all__ = ["index_words", "insert", "number_lines", "tell_memories", "write_update"]

Record = dict[str, Any]
Values = Mapping[str, Any]


def insert(batch: Batch, kind: str = "create") -> None:
    """Insert the documents of a batch with lines, index and events; each line is spelt as JSON once, for its table
    and for the event."""
    ctx, form = batch.ctx, batch.form
    part = compiled(ctx.catalogue, form)
    heads: list[Record] = []
    lines: dict[str, list[bytes]] = {key: [] for key in form.lines}
    for document in batch.documents:
        event = _kept(form, document)
        for key, rows in lines.items():
            spelt = _spell(document[key])
            event[key] = orjson.Fragment(spelt)
            if len(spelt) > 2:
                rows.append(spelt[1:-1])
        heads.append(_head(form, document, part.title(document, ctx), event))
    _execute(
        ctx,
        statements(ctx.catalogue, form).insert,
        heads,
        kind,
        *(f"[{b','.join(rows).decode()}]" for rows in lines.values()),
    )
    attach_files(ctx, form, batch.documents)
    tell_memories(ctx, form)


def attach_files(ctx: Context, form: Form, documents: list[Record]) -> None:
    """Hang files that fields name on their records: who may read the record may open them. Two statements, if any."""
    keys = form.part(
        "files",
        lambda: [
            (item.key, lines)
            for lines, fields in (
                (None, form.fields),
                *((key, table.fields) for key, table in form.lines.items()),
            )
            for item in fields.values()
            if item.type.key in ("file", "image") and item.column
        ],
    )
    pairs = [
        (document["id"], row[key])
        for key, lines in keys
        for document in documents
        for row in (document[lines] if lines else (document,))
        if row.get(key)
    ]
    if not pairs:
        return
    named = [id_array(one for one, _ in pairs), id_array(one for _, one in pairs)]
    # A file may be named by who brought it, or where it hangs already; else naming it would be a way to read it.
    strange = ctx.connection.execute(
        "SELECT t.f FROM unnest($1::uuid[], $2::uuid[]) AS t(r, f) WHERE NOT EXISTS (SELECT 1 FROM file WHERE id = t.f AND created_by = $3) "
        "AND NOT EXISTS (SELECT 1 FROM record_file WHERE file = t.f AND record = t.r) LIMIT 1",
        [*named, ctx.caller.user],
    ).fetchone()
    if strange is not None:
        key = next(
            key
            for key, lines in keys
            for document in documents
            for row in (document[lines] if lines else (document,))
            if row.get(key) == strange[0]
        )
        raise invalid([Fault("unknown_link", key, {"value": strange[0], "label": key})])
    ctx.connection.execute(
        "INSERT INTO record_file (record, file, form, added_at, added_by) SELECT r, f, $3, $4, $5 "
        "FROM unnest($1::uuid[], $2::uuid[]) AS t(r, f) ON CONFLICT DO NOTHING",
        [*named, form.name, ctx.now, ctx.person],
    )


def _spell(value: Any) -> bytes:
    return orjson.dumps(value, default=raw_json)


def _head(form: Form, document: Record, title: Any, event: Any) -> Record:
    """The head of a record as a write sends it, with title, search tokens and what its event keeps."""
    head = {key: value for key, value in document.items() if key not in form.lines}
    head["_title"], head["_tokens"], head["_event"] = title, index_words(form, document, title), event
    return head


def _kept(form: Form, document: Record) -> Record:
    """What the trail keeps of a new record's head: every value that is stored and not empty; secrets masked."""
    keys = form.part(
        "kept",
        lambda: [
            (item.key, item if item.type.key == "secret" else None)
            for item in form.stored
            if not item.reserved
        ],
    )
    return {
        key: shown(secret, value) if secret is not None else value
        for key, secret in keys
        if (value := document[key]) is not None
    }


def _execute(ctx: Context, text: str, head: Any, kind: str, *more: Any) -> None:
    ctx.connection.execute(
        text,
        [_spell(head).decode(), ctx.now, ctx.caller.user, ctx.via, ctx.request_id, kind, *more],
        prepare=True,
    )


def index_words(form: Form, document: Record, title: Any = None) -> list[str]:
    """The search tokens of a record: title, code, name, and fields with `search: true`."""
    plan = form.part("words", lambda: _word_plan(form))
    texts = [title, *(document.get(key) for key in plan[0])]
    for lines, key in plan[1]:
        texts += [line.get(key) for line in document.get(lines) or ()]
    names = [document.get("name")] if "name" in form.fields and not form.is_document else ()
    return tokens_of((text for text in texts if isinstance(text, str)), names=names)


def _word_plan(form: Form) -> tuple[list[str], list[tuple[str, str]]]:
    head = [
        key
        for key, item in form.fields.items()
        if item.column
        and item.type.sql == "text"
        and not item.reserved
        and item.type.key != "secret"
        and (item.definition.search or key in ("code", "name"))
    ]
    lines = [
        (key, item.key)
        for key, table in form.lines.items()
        for item in table.fields.values()
        if item.column and item.definition.search and item.type.sql == "text"
    ]
    return head, lines


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


def write_update(
    ctx: Context,
    form: Form,
    after: Record,
    changed: list[Record],
    *,
    kind: str,
    comment: str | None = None,
    moved: bool = False,
) -> None:
    """One statement: head, lines (only when one changed or moved), index, event."""
    after["version"] += 1
    after["updated_at"] = ctx.now
    after["updated_by"] = ctx.caller.user
    texts = statements(ctx.catalogue, form)
    head = _head(form, after, compiled(ctx.catalogue, form).title(after, ctx), changed)
    if any(item["path"].endswith("]") or "[" in item["path"] for item in changed) or moved:
        _execute(
            ctx,
            texts.update,
            head,
            kind,
            comment,
            after["id"],
            *(_spell(after[key]).decode() for key in form.lines),
        )
    else:
        _execute(ctx, texts.update_head, head, kind, comment, after["id"])
    attach_files(ctx, form, [after])
    tell_memories(ctx, form)


def tell_memories(ctx: Context, form: Form) -> None:
    """What processes hold in memory of settings and masters is old now."""
    if form.is_setting:
        ctx.settings_changed()
    elif form.kind == "master":
        ctx.masters_changed()
