"""From the tables that are there to the tables that a catalogue needs: a plan of DDL, shown, then applied online.

Nothing is ever dropped: a field that is gone leaves its column; a column whose type changes gets a successor.
Each step runs in its own transaction under a short lock time-out and is tried again, so that a writer waits
at most `LOCK_TIMEOUT_MS`; indexes on tables with rows are built concurrently; foreign keys are added NOT VALID
and validated afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import quoted
from anlan.kernel.storage.pool import Connection
from anlan.kernel.storage.schema import Column, Table, tables_of

__all__ = ["Step", "apply_plan", "failing_values", "make_plan"]

LOCK_TIMEOUT_MS = 90     # a writer waits for us at most this long (issue: 100 ms)
TRIES = 200
PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """One statement; `kind` in create_table, add_column, change_type, add_key, validate_key, add_index."""

    kind: str
    table: str
    sql: str
    column: str | None = None
    concurrently: bool = False
    type: str | None = None


def make_plan(connection: Connection, catalogue: Catalogue) -> list[Step]:
    """What must be done to the database. Reads PostgreSQL's catalogues, changes nothing."""
    wanted = tables_of(catalogue)
    there = _columns(connection)
    indexes = {row[0] for row in connection.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()")}
    keys = {row[0] for row in connection.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace")}
    steps: list[Step] = []
    new = {name for name in wanted if name not in there}
    for name, table in wanted.items():
        if name in new:
            steps.append(Step("create_table", name, _create(table)))
            continue
        for column in table.columns.values():
            if column.name not in there[name]:
                steps.append(Step("add_column", name, f"ALTER TABLE {quoted(name)} ADD COLUMN {_spell(column)}", column.name))
            elif _differs(there[name][column.name], column.sql):
                steps.append(Step("change_type", name, _retype(name, column), column.name, type=column.sql))
    for name, table in wanted.items():
        for column in table.columns.values():
            key = _key_name(name, column.name)
            if column.references and key not in keys:
                steps.extend(_key_steps(name, column, key, fresh=name in new))
        for index in table.indexes.values():
            if index.name not in indexes:
                busy = name not in new
                steps.append(Step("add_index", name, index.sql.format(concurrently="CONCURRENTLY " if busy else ""),
                                  concurrently=busy))
    return steps


def apply_plan(connection: Connection, steps: list[Step]) -> None:
    """Do the steps. Needs a connection in autocommit mode; raises the last error when a lock cannot be had."""
    fresh = [step for step in steps if not step.concurrently]
    created = {step.table for step in steps if step.kind == "create_table"}
    quick = [step for step in fresh if step.table in created]
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
                    connection.execute(f"SET LOCAL lock_timeout = {0 if step.kind == 'validate_key' else LOCK_TIMEOUT_MS}")
                    connection.execute(step.sql)
        except psycopg.errors.LockNotAvailable:
            if attempt == TRIES - 1:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _columns(connection: Connection) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped "
        "AND c.relnamespace = current_schema()::regnamespace")
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


SPELLINGS = {"timestamptz": "timestamp with time zone", "timestamp with time zone": "timestamp with time zone"}


def _differs(have: str, want: str) -> bool:
    return have.replace(" ", "") != SPELLINGS.get(want, want).replace(" ", "")


def _spell(column: Column) -> str:
    return f"{quoted(column.name)} {column.sql} {column.extra}".strip()


def _create(table: Table) -> str:
    parts = [_spell(column) for column in table.columns.values()]
    if table.primary:
        parts.append(f"PRIMARY KEY ({', '.join(quoted(key) for key in table.primary)})")
    return f"CREATE TABLE {quoted(table.name)} ({', '.join(parts)}) {table.options}".strip()


def _key_name(table: str, column: str) -> str:
    return f"{table[:34]}_{column[:20]}_fk"


def _key_steps(table: str, column: Column, name: str, *, fresh: bool) -> list[Step]:
    cascade = " ON DELETE CASCADE" if column.cascade else ""
    text = (f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {name} FOREIGN KEY ({quoted(column.name)}) "
            f"REFERENCES {quoted(column.references or '')} (id){cascade}")
    if fresh:
        return [Step("add_key", table, text, column.name)]
    return [Step("add_key", table, text + " NOT VALID", column.name),
            Step("validate_key", table, f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {name}", column.name)]


def _retype(table: str, column: Column) -> str:
    """Values that do not convert go to `retired_value`; the rest becomes the new type."""
    name = quoted(column.name)
    return (f"INSERT INTO retired_value (table_name, column_name, id, value) SELECT '{table}', '{column.name}', id, {name}::text "
            f"FROM {quoted(table)} WHERE {name} IS NOT NULL AND NOT pg_input_is_valid({name}::text, '{column.sql}'); "
            f"ALTER TABLE {quoted(table)} ALTER COLUMN {name} TYPE {column.sql} USING CASE WHEN pg_input_is_valid({name}::text, "
            f"'{column.sql}') THEN {name}::text::{column.sql} END")


def failing_values(connection: Connection, step: Step, *, limit: int = 20) -> tuple[int, list[Any]]:
    """For a change of type: how many values would not convert, and the first of them. Reads the table."""
    kind = step.type or "text"
    name = quoted(step.column or "")
    condition = f"{name} IS NOT NULL AND NOT pg_input_is_valid({name}::text, $1)"
    row = connection.execute(f"SELECT count(*) FROM {quoted(step.table)} WHERE {condition}", [kind]).fetchone()
    first = connection.execute(f"SELECT {name}::text FROM {quoted(step.table)} WHERE {condition} LIMIT {limit}", [kind]).fetchall()
    return (row[0] if row else 0), [item[0] for item in first]
