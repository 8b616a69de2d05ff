"""The SQL of one form, made when the catalogue is published and prepared by PostgreSQL at first use.

A write is one statement for head, lines, index and event. Parameters of all writes: $1 heads (insert: a JSON list; update:
one JSON record), $2 now, $3 actor, $4 via, $5 request id, $6 kind of event; then $7 comment (update, step), and the
lines of each table as one JSON list, `record` and `position` in each.
"""

from __future__ import annotations

from dataclasses import dataclass

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form, LinesTable, quoted
from anlan.kernel.catalogue.names import FormNames

__all__ = ["NUMBER", "LinesRead", "Statements", "statements"]


@dataclass(frozen=True, slots=True)
class LinesRead:
    """How the rows of one lines table are read: `keys` in the order of the columns, after id and record."""

    key: str
    keys: tuple[str, ...]
    select: str
    balances: str | None
    balance_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """The texts for one form; `head_keys` is the order of the columns of `select`."""

    insert: str
    update: str
    update_head: str
    step: str
    step_numbered: str
    select: str
    select_for_update: str
    head_keys: tuple[str, ...]
    lines: tuple[LinesRead, ...]
    balances: str | None
    balance_keys: tuple[str, ...]
    delete: str


def statements(catalogue: Catalogue, form: Form) -> Statements:
    """The statements of a form, made once per catalogue."""
    return form.part("statements", lambda: _make(catalogue, form))


def _typed(fields: list[Field]) -> str:
    return ", ".join(f"{quoted(item.key)} {item.sql}" for item in fields)


def _columns(fields: list[Field]) -> str:
    return ", ".join(quoted(item.column or item.key) for item in fields)


def _values(alias: str, fields: list[Field]) -> str:
    return ", ".join(f"{alias}.{quoted(item.key)}" for item in fields)


def _make(catalogue: Catalogue, form: Form) -> Statements:
    head = form.stored
    head_balances = [item for item in form.fields.values() if item.definition.balance is not None]
    select = f"SELECT {_columns(head)} FROM {form.table} WHERE "
    return Statements(
        insert=_insert(form, head),
        update=_update(form, head, with_lines=True),
        update_head=_update(form, head, with_lines=False),
        step=_step(form),
        step_numbered=_step_numbered(form),
        select=select + '"id" = ANY($1::uuid[])',
        select_for_update=select + '"id" = ANY($1::uuid[]) ORDER BY "id" FOR UPDATE',
        head_keys=tuple(item.key for item in head),
        lines=tuple(_lines_read(catalogue, form, table) for table in form.lines.values()),
        balances=_balances(catalogue, form, None, head_balances) if head_balances else None,
        balance_keys=tuple(item.key for item in head_balances),
        delete=f'DELETE FROM {form.table} WHERE "id" = $1',
    )


def _index_values(form: Form) -> tuple[str, str, str]:
    company = 'doc."company"' if form.has_company else "NULL::uuid"
    code = f"doc.{quoted(form.code_column)}" if form.code_column in form.fields else "NULL"
    state = 'doc."state"' if "state" in form.fields else "NULL"
    return company, code, state


def _rows(parameter: str, stored: list[Field]) -> str:
    return f'json_to_recordset({parameter}::json) AS x("id" uuid, "record" uuid, "position" integer{_more(_typed(stored))})'


def _insert(form: Form, head: list[Field]) -> str:
    """Heads carry `_title`, `_tokens` and `_event` (what the trail keeps) beside their fields."""
    company, code, state = _index_values(form)
    parts = [
        f"doc AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS r({_typed(head)}, _title text, _tokens text[], _event json))",
        f"h AS (INSERT INTO {form.table} ({_columns(head)}) SELECT {_values('doc', head)} FROM doc)",
    ]
    for place, table in enumerate(form.lines.values(), 7):
        stored = table.stored
        parts.append(
            f'l_{table.key} AS (INSERT INTO {table.table} ("id", "record", "position"{_more(_columns(stored))}) '
            f'SELECT x."id", x."record", x."position"{_more(_values("x", stored))} FROM {_rows(f"${place}", stored)})'
        )
    parts.append(
        "i AS (INSERT INTO record_index (id, form, company, code, title, state, tokens, updated_at) "
        f"SELECT doc.id, '{form.name}', {company}, {code}, doc._title, {state}, array_to_tsvector(doc._tokens), $2 FROM doc)"
    )
    return (
        f"WITH {', '.join(parts)} INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id) "
        f"SELECT doc.id, '{form.name}', $6, $2, $2, $3, $4, doc._event, $5 FROM doc"
    )


def _more(text: str) -> str:
    return f", {text}" if text else ""


def _update(form: Form, head: list[Field], *, with_lines: bool) -> str:
    """One record; $8 is its id again, so that its rows are found by index whatever the planner thinks of JSON."""
    company, code, state = _index_values(form)
    changed = [item for item in head if item.key not in ("id", "created_at", "created_by")]
    sets = ", ".join(f"{quoted(item.column or item.key)} = doc.{quoted(item.key)}" for item in changed)
    parts = [
        f"doc AS MATERIALIZED (SELECT * FROM json_to_record($1::json) AS r({_typed(head)}, _title text, _tokens text[], _event json))",
        f'h AS (UPDATE {form.table} t SET {sets} FROM doc WHERE t."id" = $8::uuid)',
    ]
    for place, table in enumerate(form.lines.values() if with_lines else (), 9):
        stored, key = table.stored, table.key
        sets = ", ".join(
            [
                '"position" = EXCLUDED."position"',
                *(
                    f"{quoted(item.column or item.key)} = EXCLUDED.{quoted(item.column or item.key)}"
                    for item in stored
                ),
            ]
        )
        parts.append(f"n_{key} AS MATERIALIZED (SELECT * FROM {_rows(f'${place}', stored)})")
        parts.append(
            f'd_{key} AS (DELETE FROM {table.table} o WHERE o."record" = $8::uuid '
            f'AND NOT EXISTS (SELECT 1 FROM n_{key} n WHERE n."id" = o."id"))'
        )
        parts.append(
            f'l_{key} AS (INSERT INTO {table.table} ("id", "record", "position"{_more(_columns(stored))}) '
            f'SELECT n."id", n."record", n."position"{_more(_values("n", stored))} FROM n_{key} n '
            f'ON CONFLICT ("id") DO UPDATE SET {sets})'
        )
    parts.append(
        f"i AS (UPDATE record_index r SET company = {company}, code = {code}, title = doc._title, state = {state}, "
        "tokens = coalesce(array_to_tsvector(doc._tokens), r.tokens), updated_at = $2 FROM doc WHERE r.id = $8::uuid)"
    )
    return (
        f"WITH {', '.join(parts)} INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id, "
        f"comment) SELECT doc.id, '{form.name}', $6, $2, $2, $3, $4, doc._event, $5, $7 FROM doc"
    )


def _step(form: Form) -> str:
    """Only the state changes: $1 id, $8 state, $9 changes."""
    if "state" not in form.fields:
        return ""
    return (
        f'WITH h AS (UPDATE {form.table} SET "state" = $8, "version" = "version" + 1, "updated_at" = $2, '
        f'"updated_by" = $3 WHERE "id" = $1), '
        f"i AS (UPDATE record_index SET state = $8, updated_at = $2 WHERE id = $1) "
        "INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id, comment) "
        f"SELECT $1::uuid, '{form.name}', $6, $2, $2, $3, $4, $9::json, $5, $7"
    )


NUMBER = "@number@"  # stands in the changes of a step for the number that its statement takes


def _step_numbered(form: Form) -> str:
    """The state changes, and the record gets its number: as `_step`, then $10 sequence, $11 text before the counter, $12
    its width, $13 text after it. Returns the number."""
    if "state" not in form.fields or "number" not in form.fields:
        return ""
    code = ", code = n.number" if form.code_column == "number" else ""
    return (
        "WITH c AS (SELECT nextval($10::text::regclass)::text AS v), "
        "n AS MATERIALIZED (SELECT $11::text || lpad(v, GREATEST($12::integer, length(v)), '0') || $13::text AS number FROM c), "
        f'h AS (UPDATE {form.table} SET "state" = $8, "number" = n.number, "version" = "version" + 1, "updated_at" = $2, '
        f'"updated_by" = $3 FROM n WHERE "id" = $1), '
        f"i AS (UPDATE record_index SET state = $8{code}, updated_at = $2 FROM n WHERE id = $1), "
        "e AS (INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, request_id, comment) "
        f"SELECT $1::uuid, '{form.name}', $6, $2, $2, $3, $4, "
        f"replace($9, '\"{NUMBER}\"', to_json(n.number)::text)::json, $5, $7 FROM n) SELECT number FROM n"
    )


def _lines_read(catalogue: Catalogue, form: Form, table: LinesTable) -> LinesRead:
    stored = table.stored
    balances = [item for item in table.fields.values() if item.definition.balance is not None]
    return LinesRead(
        table.key,
        tuple(item.key for item in stored),
        f'SELECT "id", "record"{_more(_columns(stored))} FROM {table.table} WHERE "record" = ANY($1::uuid[]) '
        'ORDER BY "record", "position"',
        _balances(catalogue, form, table, balances) if balances else None,
        tuple(item.key for item in balances),
    )


def _balances(catalogue: Catalogue, form: Form, table: LinesTable | None, fields: list[Field]) -> str:
    names = FormNames(
        catalogue.forms,
        catalogue.registers,
        form,
        lines=table.key if table else None,
        functions=catalogue.functions,
    )
    values, looked_up = names.balances(form, fields)
    if table is None:
        return (
            f'SELECT h."id", {", ".join(values)} FROM {form.table} h {names.joins} {looked_up} '
            f'WHERE h."id" = ANY($1::uuid[])'
        )
    return (
        f'SELECT l."id", {", ".join(values)} FROM {form.table} h JOIN {table.table} l ON l."record" = h."id" '
        f'{names.joins} {looked_up} WHERE h."id" = ANY($1::uuid[])'
    )
