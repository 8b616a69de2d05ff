"""From the tables that are there to the tables that a catalogue needs: a plan of DDL, shown, then applied online.

No data is ever dropped: a field that is gone leaves its column, values that do not convert to a new type go to
`retired_value`, only indexes and keys that nothing asks for any more are taken away. Each step runs in its own
transaction under a short lock time-out and is tried again, so that a writer waits at most `LOCK_TIMEOUT_MS` for it;
indexes on tables with rows are built concurrently; foreign keys are added NOT VALID and validated afterwards. The
exception is a change of type, which rewrites the table while its writers wait; the plan says so (`blocking`).
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import quoted
from anlan.kernel.storage.convert import conversion
from anlan.kernel.storage.pool import Connection
from anlan.kernel.storage.schema import Column, Index, Table, tables_of

__all__ = ["Failing", "Step", "apply_plan", "failing_values", "losing", "make_plan"]

LOCK_TIMEOUT_MS = 60     # a writer waits for us at most this long, and for the step itself (issue: 100 ms)
TRIES = 200
PAUSE_SECONDS = 0.1
EXAMPLES = 20
OUR_INDEX = re.compile(r".*_[0-9a-f]{10}")
SPELLINGS = {"timestamptz": "timestamp with time zone"}


@dataclass(frozen=True, slots=True)
class Step:
    """One statement; `kind` in create_table, add_column, drop_key, retarget, change_type, add_key, validate_key,
    drop_index, add_index, change_primary.

    `old` and `type` tell what a column was and becomes; `failing` is SQL that counts and shows what would not convert.
    """

    kind: str
    table: str
    sql: str
    column: str | None = None
    concurrently: bool = False
    old: str | None = None
    type: str | None = None
    failing: str | None = None

    @property
    def blocking(self) -> bool:
        """Whether writers of the table wait until it is done."""
        return self.kind == "change_type"


class _Key(NamedTuple):
    table: str
    column: str
    target: str


class _There(NamedTuple):
    """What the database has: types of columns by table, foreign keys by name, indexes by name, primary keys by table."""

    columns: dict[str, dict[str, str]]
    keys: dict[str, _Key]
    indexes: dict[str, tuple[str, bool]]        # name → (table, valid)
    primary: dict[str, tuple[str, ...]]


def make_plan(connection: Connection, catalogue: Catalogue, *, zone: str = "Asia/Shanghai") -> list[Step]:
    """What must be done to the database. Reads PostgreSQL's catalogues, changes nothing."""
    wanted, there = tables_of(catalogue), _look(connection)
    steps = [Step("create_table", name, _create(table)) for name, table in wanted.items() if name not in there.columns]
    known = {name: table for name, table in wanted.items() if name in there.columns}
    for table in known.values():
        steps += _column_steps(table, there, zone)
    for table in wanted.values():
        steps += _key_steps(table, there)
    for table in wanted.values():
        steps += _index_steps(table, there)
    return steps


def _column_steps(table: Table, there: _There, zone: str) -> list[Step]:
    have, steps = there.columns[table.name], []
    for column in table.columns.values():
        name = column.name
        if name not in have:
            default = f" DEFAULT {column.zero}" if column.zero else ""
            steps.append(Step("add_column", table.name, f"ALTER TABLE {quoted(table.name)} ADD COLUMN {_spell(column)}{default}", name))
            continue
        for key, found in there.keys.items():
            if (found.table, found.column) == (table.name, name) and found.target != column.references:
                steps.append(Step("drop_key", table.name, f"ALTER TABLE {quoted(table.name)} DROP CONSTRAINT {quoted(key)}", name))
                if column.references and have[name] == "uuid":
                    steps.append(_retarget(table, column))
        if _differs(have[name], column.sql):
            steps.append(_retype(table, column, have[name], zone))
    primary = there.primary.get(table.name)
    if primary and table.primary and primary != table.primary:
        steps += _primary_steps(table)
    return steps


def _retarget(table: Table, column: Column) -> Step:
    """A link to another form: ids that it does not have are kept in `retired_value`."""
    name = quoted(column.name)
    lost = f"{name} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {quoted(column.references or '')} r WHERE r.id = t.{name})"
    return Step(
        "retarget", table.name,
        f"WITH lost AS (UPDATE {quoted(table.name)} t SET {name} = NULL WHERE {lost} RETURNING t.id, old.{name} AS value) "
        f"INSERT INTO retired_value (table_name, column_name, id, value) SELECT '{table.name}', '{column.name}', id, value::text FROM lost",
        column.name, failing=f"SELECT t.{name}::text FROM {quoted(table.name)} t WHERE {lost}")


def _retype(table: Table, column: Column, old: str, zone: str) -> Step:
    """Values that do not convert go to `retired_value`; the rest becomes the new type. Movements have no such place."""
    name = quoted(column.name)
    to = conversion(column.name, old, column.sql, zone=zone)
    lost = f"{name} IS NOT NULL AND NOT {to.fits}"
    if column.references:
        lost = f"{name} IS NOT NULL AND NOT ({to.fits} AND EXISTS (SELECT 1 FROM {quoted(column.references)} r WHERE r.id::text = {to.text}))"
    keep = f"INSERT INTO retired_value (table_name, column_name, id, value) SELECT '{table.name}', '{column.name}', id, {name}::text " \
           f"FROM {quoted(table.name)} WHERE {lost}; " if "id" in table.columns else ""
    if column.references:
        keep += f"UPDATE {quoted(table.name)} SET {name} = NULL WHERE {lost}; "
    collation = ' COLLATE "C"' if "COLLATE" in column.extra else ""
    return Step("change_type", table.name, f"{keep}ALTER TABLE {quoted(table.name)} ALTER COLUMN {name} DROP DEFAULT, "
                f"ALTER COLUMN {name} TYPE {column.sql}{collation} USING {to.value}"
                + (f"; ALTER TABLE {quoted(table.name)} ALTER COLUMN {name} SET {column.extra.removeprefix('NOT NULL ')}"
                   if column.extra.startswith("NOT NULL DEFAULT") else ""),
                column.name, old=old, type=column.sql, failing=f"SELECT {name}::text FROM {quoted(table.name)} WHERE {lost}")


def _primary_steps(table: Table) -> list[Step]:
    """A register with a new dimension: the new key is built beside the old one, then takes its place at once."""
    parts = ", ".join(quoted(key) for key in table.primary)
    name = f"{table.name[:46]}_{_digest(table.name + parts)}_pk"
    return [
        Step("change_primary", table.name, f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {quoted(table.name)} ({parts})", concurrently=True),
        Step("change_primary", table.name, f"ALTER TABLE {quoted(table.name)} DROP CONSTRAINT {quoted(table.name + '_pkey')}, "
             f"ADD CONSTRAINT {quoted(table.name + '_pkey')} PRIMARY KEY USING INDEX {name}")]


def _key_steps(table: Table, there: _There) -> list[Step]:
    steps: list[Step] = []
    for column in table.columns.values():
        found = next((key for key in there.keys.values() if (key.table, key.column) == (table.name, column.name)), None)
        if column.references is None or (found is not None and found.target == column.references):
            continue
        name = f"{table.name[:24]}_{column.name[:20]}_{_digest(table.name + column.name + column.references)}_fk"
        text = (f"ALTER TABLE {quoted(table.name)} ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)}) "
                f"REFERENCES {quoted(column.references)} (id){' ON DELETE CASCADE' if column.cascade else ''}")
        if table.name not in there.columns:
            steps.append(Step("add_key", table.name, text, column.name))
        else:
            steps += [Step("add_key", table.name, f"{text} NOT VALID", column.name),
                      Step("validate_key", table.name, f"ALTER TABLE {quoted(table.name)} VALIDATE CONSTRAINT {name}", column.name)]
    return steps


def _index_steps(table: Table, there: _There) -> list[Step]:
    steps = []
    for name, (owner, valid) in there.indexes.items():
        gone = OUR_INDEX.fullmatch(name) is not None and name not in table.indexes
        if owner == table.name and (gone or not valid):      # not valid: a build that was broken off
            steps.append(Step("drop_index", owner, f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(name)}", concurrently=True))
    for index in table.indexes.values():
        if not there.indexes.get(index.name, ("", False))[1]:
            steps.append(_index_step(table, index, busy=table.name in there.columns))
    return steps


def _index_step(table: Table, index: Index, *, busy: bool) -> Step:
    text = index.sql.format(concurrently="CONCURRENTLY " if busy else "")
    if not (busy and index.unique):
        return Step("add_index", table.name, text, concurrently=busy)
    parts = [part.removesuffix(" NULLS FIRST") for part in index.parts]
    filled = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    failing = (f"SELECT concat_ws(', ', {', '.join(f'{part}::text' for part in parts)}) FROM {quoted(table.name)} WHERE {filled} "
               f"GROUP BY {', '.join(parts)} HAVING count(*) > 1")
    known = all(part.strip('"') in table.columns for part in parts)
    return Step("add_index", table.name, text, ", ".join(part.strip('"') for part in parts), concurrently=True, failing=failing if known else None)


def apply_plan(connection: Connection, steps: list[Step]) -> None:
    """Do the steps. Needs a connection in autocommit mode; raises the last error when a lock cannot be had."""
    created = {step.table for step in steps if step.kind == "create_table"}
    quick = [step for step in steps if step.table in created and not step.concurrently]
    if quick:
        with connection.transaction():
            for step in quick:
                connection.execute(step.sql)
    for step in steps:
        if step not in quick:
            _patiently(connection, step)


def _patiently(connection: Connection, step: Step) -> None:
    for attempt in range(TRIES):
        try:
            if step.concurrently:
                connection.execute("SET lock_timeout = 0")
                connection.execute(step.sql)
            else:
                with connection.transaction():
                    connection.execute(f"SET LOCAL lock_timeout = {0 if step.kind in ('validate_key', 'retarget') else LOCK_TIMEOUT_MS}")
                    for part in step.sql.split("; "):
                        connection.execute(part)
        except psycopg.errors.LockNotAvailable:
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


class Failing(NamedTuple):
    """Values that a step would set aside, or that stand in its way: how many, and the first of them."""

    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    examples: list[str]


def failing_values(connection: Connection, step: Step) -> Failing:
    """What of the present data does not go with a step. Reads the table."""
    if step.failing is None or (step.kind == "add_index" and not _has_columns(connection, step)):
        return Failing(0, [])
    row = connection.execute(f"SELECT count(*) FROM ({step.failing}) f").fetchone()
    found = connection.execute(f"{step.failing} LIMIT {EXAMPLES}").fetchall()
    return Failing(int(row[0]) if row else 0, [item[0] for item in found])


def _has_columns(connection: Connection, step: Step) -> bool:
    have = _look(connection).columns.get(step.table, {})
    return all(column in have for column in (step.column or "").split(", "))


def _look(connection: Connection) -> _There:
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            "JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped "
            "AND c.relnamespace = current_schema()::regnamespace"):
        columns.setdefault(table, {})[column] = kind
    keys = {row[0]: _Key(*row[1:]) for row in connection.execute(
        "SELECT k.conname, c.relname, a.attname, t.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_class t ON t.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] "
        "WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace")}
    indexes = {row[0]: (row[1], row[2]) for row in connection.execute(
        "SELECT i.relname, c.relname, x.indisvalid FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
        "JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = current_schema()::regnamespace")}
    primary = {row[0]: tuple(row[1]) for row in connection.execute(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY p.place) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid, "
        "unnest(k.conkey) WITH ORDINALITY AS p(number, place), pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = p.number "
        "AND k.contype = 'p' AND k.connamespace = current_schema()::regnamespace GROUP BY c.relname")}
    return _There(columns, keys, indexes, primary)


def _differs(have: str, want: str) -> bool:
    return have.replace(" ", "") != SPELLINGS.get(want, want).replace(" ", "")


def _spell(column: Column) -> str:
    return f"{quoted(column.name)} {column.sql} {column.extra}".strip()


def _create(table: Table) -> str:
    parts = [_spell(column) for column in table.columns.values()]
    if table.primary:
        parts.append(f"PRIMARY KEY ({', '.join(quoted(key) for key in table.primary)})")
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)}) {table.options}".strip()


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:6]


def losing(connection: Connection, steps: list[Step]) -> list[tuple[Step, Failing]]:
    """Steps that cannot be done with the present data: doubles under a unique index, movements that would change."""
    found = []
    for step in steps:
        if step.kind == "add_index" or (step.kind == "change_type" and "retired_value" not in step.sql):
            failing = failing_values(connection, step)
            if failing.count:
                found.append((step, failing))
    return found
