"""Records from the database into flight: head, lines, linked rows, balances; one statement each, for any number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anlan.kernel.access.caller import SYSTEM_USER
from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.context import ITSELF, Context
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.ids import id_array
from anlan.kernel.record.compile import CompiledForm, compiled
from anlan.kernel.record.links import fetch_linked, load_missing
from anlan.kernel.record.statements import statements

__all__ = ["find", "load", "load_balances", "load_labels", "load_references"]


def find(ctx: Context, form: Form, key: str, action: str = "read") -> str:
    """The id of a record by id, number or code, if the caller may do `action` with it; else 404. At most one statement."""
    by_id = UUID.fullmatch(key) is not None
    names = names_for(ctx, form)
    rule = predicate(ctx, form, action, names)
    if by_id and rule is None:
        return key.lower()  # whether there is one is told by `load`
    if by_id:
        where = 'h."id" = $1::uuid'
    elif form.code_column in form.fields:
        where = f"h.{quoted(form.code_column)} = $1"
    else:
        raise not_found(form.name, key)
    if "\x00" in key:
        raise not_found(form.name, key)
    rows = ctx.connection.execute(
        f'SELECT h."id" FROM {form.table} h {names.joins} WHERE {where}{f" AND {rule}" if rule else ""} LIMIT 2',
        [key],
        prepare=True,
    ).fetchall()
    if not rows:
        raise not_found(form.name, key)
    if len(rows) > 1:
        raise Refused(409, "ambiguous_code", params={"code": key})
    found: str = rows[0][0]
    return found


def load(
    ctx: Context,
    form: Form,
    ids: Sequence[str],
    *,
    lock: bool = False,
    balances: bool = True,
    lines: bool = True,
) -> list[dict[str, Any]]:
    """The records of some ids, in their order; `lock` holds them until the end of the transaction.

    `balances`: with values that are computed when read; `lines`: with the lines of other records that they name.

    404 for an id that is not there. At most 2 + lines tables + linked forms statements, whatever the number.
    """
    texts = statements(ctx.catalogue, form)
    run = ctx.connection.execute
    asked = [id_array(ids)]
    heads = run(texts.select_for_update if lock else texts.select, asked, prepare=True)
    bodies = [(read, run(read.select, asked, prepare=True)) for read in texts.lines]
    answers = ask_balances(ctx, form, ids) if balances else None
    ctx.know_versions()
    found = {row[0]: dict(zip(texts.head_keys, row, strict=True)) for row in heads.fetchall()}
    for key in ids:
        if key not in found:
            raise not_found(form.name, key)
    for read, body in bodies:
        for record in found.values():
            record[read.key] = []
        for row in body.fetchall():
            line = dict(zip(read.keys, row[2:], strict=True))
            line["id"] = row[0]
            found[row[1]][read.key].append(line)
        if lined(ctx, form, read.key):
            own = ctx.rows(f"{form.name}.{read.key}")
            for record in found.values():
                own.update((line["id"], line) for line in record[read.key])
    records = [found[key] for key in ids]
    load_missing(ctx, form, records, lines=lines)
    load_labels(ctx, form, records)
    if answers is not None:
        take_balances(ctx, form, records, answers)
    return records


def lined(ctx: Context, form: Form, key: str) -> bool:
    """Whether other forms name lines of this table: then lines that were loaded need not be fetched again for them."""
    owner = f"{form.name}.{key}"
    return form.part(
        f"lined {key}",
        lambda: any(
            item.type.key == "line" and item.definition.to == owner
            for other in ctx.catalogue.forms.values()
            for item in other.all_fields()
        ),
    )


Answers = list[tuple[str | None, tuple[str, ...], Any]]


def ask_balances(ctx: Context, form: Form, ids: Sequence[str]) -> Answers:
    """Send the questions for `balance:` fields: one statement per table that has such fields."""
    texts = statements(ctx.catalogue, form)
    asked: Answers = []
    if texts.balances is not None:
        asked.append(
            (None, texts.balance_keys, ctx.connection.execute(texts.balances, [id_array(ids)], prepare=True))
        )
    for read in texts.lines:
        if read.balances is not None:
            asked.append(
                (
                    read.key,
                    read.balance_keys,
                    ctx.connection.execute(read.balances, [id_array(ids)], prepare=True),
                )
            )
    return asked


def take_balances(ctx: Context, form: Form, records: list[dict[str, Any]], answers: Answers) -> None:
    """Fill `balance:` fields from the answers, then what is computed from them."""
    for lines, keys, answer in answers:
        found = {row[0]: row[1:] for row in answer.fetchall()}
        for record in records:
            for row in record[lines] if lines else (record,):
                if row["id"] in found:
                    row.update(zip(keys, found[row["id"]], strict=True))
    view(ctx, form, compiled(ctx.catalogue, form), records)


def load_balances(ctx: Context, form: Form, records: list[dict[str, Any]]) -> None:
    """Fill `balance:` fields and what is computed from them, for records in flight."""
    take_balances(ctx, form, records, ask_balances(ctx, form, [record["id"] for record in records]))


def view(ctx: Context, form: Form, part: CompiledForm, records: list[dict[str, Any]]) -> None:
    """Lookups and formulas that are computed when read."""
    for record in records:
        part.view(record, ctx)


def load_labels(ctx: Context, form: Form, records: list[dict[str, Any]]) -> None:
    """Labels of who made and changed the records, and of references and files. At most three statements."""
    users = {record.get(key) for record in records for key in ("created_by", "updated_by")}
    known = ctx.rows("system.user")
    known.setdefault(
        ctx.caller.user, {"id": ctx.caller.user, "code": ctx.caller.login, "name": ctx.caller.name}
    )
    known.setdefault(SYSTEM_USER, ITSELF)
    missing = [key for key in users if key and key not in known]
    user_form = ctx.catalogue.forms.get("system.user")
    if missing and user_form is not None:
        fetch_linked(ctx, user_form, missing)
    load_references(ctx, form, records)


def load_references(ctx: Context, form: Form, records: list[dict[str, Any]]) -> None:
    """Forms, codes and titles of referenced records; names of files."""
    places = form.part(
        "reference places",
        lambda: [
            (item.key, path, item.type.key)
            for path, fields in (
                (None, form.fields),
                *((key, table.fields) for key, table in form.lines.items()),
            )
            for item in fields.values()
            if item.type.key in ("reference", "file", "image")
        ],
    )
    wanted: dict[str, set[str]] = {"reference": set(), "file": set()}
    for key, lines, kind in places:
        for record in records:
            for row in record[lines] if lines else (record,):
                if row.get(key):
                    wanted["reference" if kind == "reference" else "file"].add(row[key])
    if wanted["reference"]:
        for row in ctx.connection.execute(
            "SELECT id, form, code, title FROM record_index WHERE id = ANY($1::uuid[])",
            [list(wanted["reference"])],
        ).fetchall():
            ctx.rows("")[row[0]] = {"form": row[1], "code": row[2], "label": row[3]}
    if wanted["file"]:
        for row in ctx.connection.execute(
            "SELECT id, name FROM file WHERE id = ANY($1::uuid[])", [list(wanted["file"])]
        ).fetchall():
            ctx.rows("system.file")[row[0]] = {"name": row[1]}
