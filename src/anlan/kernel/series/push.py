"""Taking measurements in: checked as a whole, written by COPY under the small number of their dimensions.

A push is a transaction of its own, never part of a document's: measurements are facts, and ten thousand a minute should
hold no document's locks. Its steps:

1. Values are read; one fault anywhere refuses the whole batch.
2. The keys of unknown dimension tuples are made, in a transaction that others see at once.
3. Shared lock of the register (the roll-up takes it exclusively); COPY; what is older than what was rolled up sets the
   roll-up back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from anlan.kernel.access.predicate import names_for
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.context import Context
from anlan.kernel.definition.model import FieldDefinition
from anlan.kernel.errors import Fault, Refused, forbidden, invalid
from anlan.kernel.fieldtype import FIELD_TYPES, LinkValue, Unreadable
from anlan.kernel.query.scope import rule_sql
from anlan.kernel.series.tables import ensure_partitions, keep_of, key_table, raw_table
from anlan.kernel.storage.pool import Connection

__all__ = ["MOST_ROWS", "key_shape", "open_series", "push", "rights", "series_lock"]

MOST_ROWS = 50_000
MOST_FAULTS = 50
AHEAD = timedelta(days=1)           # a measurement may come from a clock that is wrong, but not by more
KEPT_WITHOUT_RAW = timedelta(days=366 * 10)
Row = tuple[datetime, tuple[Any, ...], tuple[Any, ...]]     # instant, dimensions, resources


def open_series(ctx: Context, name: str, action: str) -> Register:
    """The series register of a name. Refused 403, 404, 422."""
    register = ctx.catalogue.register(name)
    ctx.caller.policy.require(name, action, kind="register")
    if register.definition.kind != "series":
        raise Refused(422, "register.is_balance", params={"register": register.definition.label})
    return register


def series_lock(register: str, *, shared: bool) -> tuple[str, list[str]]:
    """The lock of a register's measurements until the transaction ends: pushes share it, the roll-up has it alone."""
    return f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(hashtextextended('series ' || $1, 0))", [register]


def push(ctx: Context, register_name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Add measurements: `{"at": instant (now without it), dimension: value or link, resource: value or null}` each.

    Returns `{"count": n}`. Refused 403, 404, 422; needs `create` on the register. Has a connection and a
    transaction of its own, also while one of `ctx` runs.
    """
    register = open_series(ctx, register_name, "create")
    if len(rows) > MOST_ROWS:
        raise invalid([Fault("too_many_rows", "rows", {"limit": MOST_ROWS})])
    read = _read(ctx, register, rows)
    if not read:
        return {"count": 0}
    with ctx.site.pool.connection() as connection:
        keys = _keys(ctx, connection, register, {row[1] for row in read})
        connection.commit()
        _write(connection, register, read, keys)
    return {"count": len(read)}


def _write(connection: Connection, register: Register, rows: list[Row], keys: Mapping[tuple[Any, ...], int]) -> None:
    table = raw_table(register)
    days = {row[0].date(): row[0] for row in rows}
    ensure_partitions(connection, table, "day", days.values())
    connection.commit()
    connection.execute(*series_lock(register.name, shared=True))
    columns = ", ".join(quoted(key) for key in ("at", "key", *register.resources))
    with connection.cursor() as cursor, cursor.copy(f"COPY {quoted(table)} ({columns}) FROM STDIN") as copy:
        for at, dimensions, resources in rows:
            copy.write_row((at, keys[dimensions], *resources))
    connection.execute("UPDATE series_state SET rolled_until = date_trunc('minute', $2::timestamptz) WHERE register = $1 AND rolled_until > $2",
                       [register.name, min(row[0] for row in rows)])


def _read(ctx: Context, register: Register, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows as Python values. Refused 422 with all faults, at most `MOST_FAULTS`."""
    dims = {key: _reader(item.type, item.to) for key, item in register.dimensions.items()}
    res = {key: _reader(item.type, None) for key, item in register.resources.items()}
    raw = register.definition.raw
    oldest = ctx.now - ((keep_of(raw.keep) if raw else None) or KEPT_WITHOUT_RAW)
    instant = _reader("instant", None)
    faults: list[Fault] = []
    found: list[Row] = []
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            faults.append(Fault("wrong_type", f"rows[{place}]", {"field": f"rows[{place}]", "wanted": "object"}))
            continue
        for key in row.keys() - dims.keys() - res.keys() - {"at"}:
            faults.append(Fault("unknown_field", f"rows[{place}].{str(key)[:60]}", {"field": str(key)[:60], "form": register.definition.label}))
        values: dict[str, Any] = {}
        for key, reader in (("at", instant), *dims.items(), *res.items()):
            sent = row.get(key)
            try:
                values[key] = None if sent is None or sent == "" else reader(sent)
            except Unreadable as error:
                faults.append(Fault(error.code, f"rows[{place}].{key}", {"field": key, **error.params}))
        at = (values.get("at") or ctx.now).astimezone(UTC)
        if not oldest <= at <= ctx.now + AHEAD:
            faults.append(Fault("out_of_range", f"rows[{place}].at", {"field": "at", "least": oldest, "most": ctx.now + AHEAD}))
        if len(faults) >= MOST_FAULTS:
            break
        found.append((at, tuple(values.get(key) for key in dims), tuple(values.get(key) for key in res)))
    if faults:
        raise invalid(faults)
    return _linked(ctx, register, found)


def _reader(kind: str, to: str | None) -> Callable[[Any], Any]:
    definition, field = FieldDefinition(type=kind, to=to), FIELD_TYPES[kind]
    return lambda value: field.parse(value, definition)


def _linked(ctx: Context, register: Register, rows: list[Row]) -> list[Row]:
    """Links as ids, blanks as the zero value. One statement per linked form that was named by code."""
    found: dict[int, dict[str, str]] = {}
    for place, item in enumerate(register.dimensions.values()):
        if item.type == "link":
            codes = {value.text for _, dims, _ in rows if isinstance(value := dims[place], LinkValue) and not value.is_id}
            found[place] = _ids_of(ctx, ctx.catalogue.forms[item.to or ""], codes) if codes else {}
    kinds = [item.type for item in register.dimensions.values()]
    faults: list[Fault] = []

    def plain(row: int, place: int, value: Any) -> Any:
        if value is None:
            return ZERO_VALUES[kinds[place]]
        if not isinstance(value, LinkValue):
            return value
        known = value.text.lower() if value.is_id else found.get(place, {}).get(value.text)
        if known is None:
            key = list(register.dimensions)[place]
            faults.append(Fault("unknown_link", f"rows[{row}].{key}", {"field": key, "value": value.text[:60]}))
        return known

    result = [(at, tuple(plain(row, place, value) for place, value in enumerate(dims)), resources)
              for row, (at, dims, resources) in enumerate(rows)]
    if faults:
        raise invalid(faults[:MOST_FAULTS])
    return result


def _ids_of(ctx: Context, form: Form, codes: set[str]) -> dict[str, str]:
    code = f"h.{quoted(form.code_column)}"
    with ctx.site.pool.connection() as connection:
        rows = connection.execute(f'SELECT {code}, min(h."id"::text) FROM {form.table} h WHERE {code} = ANY($1::text[]) '
                                  f"GROUP BY {code} HAVING count(*) = 1", [list(codes)]).fetchall()
    return {row[0]: row[1] for row in rows}


def _keys(ctx: Context, connection: Connection, register: Register, tuples: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], int]:
    """The small number of each tuple; new ones are made. Refused 403 for tuples that are not the caller's, 422 for unknown ids."""
    known: dict[tuple[Any, ...], int] = register.compiled.setdefault("series keys", {})
    missing = sorted((one for one in tuples if one not in known), key=str)
    if missing:
        table, dims = quoted(key_table(register)), ", ".join(quoted(key) for key in register.dimensions)
        for start in range(0, len(missing), 500):
            part = missing[start : start + 500]
            width = len(register.dimensions)
            places = ", ".join(f"({', '.join(f'${row * width + place + 1}' for place in range(width))})" for row in range(len(part)))
            try:
                connection.execute(f"INSERT INTO {table} ({dims}) VALUES {places} ON CONFLICT ({dims}) DO NOTHING",
                                   [value for one in part for value in one])
            except psycopg.errors.ForeignKeyViolation as error:
                raise invalid([Fault("unknown_link", "rows", {"field": "rows", "value": error.diag.message_detail or ""})]) from error
        listed = connection.execute(f"SELECT {dims}, id FROM {table}").fetchall()
        known.update({tuple(row[:-1]): row[-1] for row in listed})
    keys = {one: known[one] for one in tuples}
    _refuse_others(ctx, connection, register, set(keys.values()))
    return keys


def _refuse_others(ctx: Context, connection: Connection, register: Register, keys: set[int]) -> None:
    """Measurements of other companies, or beyond the rows of the caller's grant, are not his to add."""
    shape = key_shape(register)
    names = names_for(ctx, shape)
    conditions = rights(ctx, register, shape, names, "create")
    if not conditions:
        return
    row = connection.execute(f"SELECT count(*) FROM {shape.table} h {names.joins} WHERE h.id = ANY($1::int[]) AND {' AND '.join(conditions)}",
                             [list(keys)]).fetchone()
    if row is None or row[0] != len(keys):
        connection.rollback()
        raise forbidden(register.name, "create")


def rights(ctx: Context, register: Register, shape: Form, names: FormNames, action: str) -> list[str]:
    """Conditions on the key table: the caller's companies, and the rows of his grants for an action."""
    conditions = []
    if "company" in register.dimensions and ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        conditions.append(f'h."company" IN ({ids})' if ids else "false")
    rules = ctx.caller.policy.rows(register.name, action, kind="register")
    if rules is not None:
        parts = [rule_sql(ctx, shape, names, rule) for rule in rules]
        conditions.append(f"({' OR '.join(parts)})" if parts else "false")
    return conditions


def key_shape(register: Register) -> Form:
    """The key table as a form: what filters and row rules may speak of are the dimensions."""
    shape = register.as_form(quoted(key_table(register)))
    for key in register.resources:
        del shape.fields[key]
    return shape

