"""The tables that a catalogue needs: real typed columns, foreign keys, indexes.

    demo.order → demo_order (id uuid PRIMARY KEY, company uuid, number text, …, partner uuid → demo_partner)
                  demo_order__lines (id uuid PRIMARY KEY, record uuid → demo_order, position integer, …)
    a balance register → …__movement, …__balance, …__period

No business column is NOT NULL: a draft must be readable, not complete.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.register import DIMENSION_SQL, RESOURCE_SQL, ZEROS, Register
from anlan.kernel.series import tables as series

__all__ = ["Column", "Index", "Table", "tables_of"]

SERIES_SQL = {"boolean": "boolean", "integer": "bigint", "duration": "bigint"}


@dataclass(frozen=True, slots=True)
class Column:
    """`references` is a table whose id it must name; `extra` what follows the type (NOT NULL, IDENTITY …)."""

    name: str
    sql: str
    references: str | None = None
    extra: str = ""
    cascade: bool = False
    zero: str | None = None     # SQL of what a dimension that is added later has in the rows that are there


@dataclass(frozen=True, slots=True)
class Index:
    """An index; `why` names the query that asks for it. `parts` are SQL of columns or expressions."""

    table: str
    parts: tuple[str, ...]
    why: str
    unique: bool = False
    where: str | None = None
    method: str = "btree"

    @property
    def name(self) -> str:
        text = "|".join((self.table, *self.parts, str(self.unique), self.where or "", self.method))
        return f"{self.table[:40]}_{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:10]}"

    @property
    def sql(self) -> str:
        unique = "UNIQUE " if self.unique else ""
        where = f" WHERE {self.where}" if self.where else ""
        return f"CREATE {unique}INDEX {{concurrently}}{self.name} ON {quoted(self.table)} USING {self.method} ({', '.join(self.parts)}){where}"


@dataclass(slots=True)
class Table:
    name: str
    columns: dict[str, Column]
    primary: tuple[str, ...]
    indexes: dict[str, Index] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    options: str = ""

    def add(self, *columns: Column) -> None:
        for column in columns:
            self.columns[column.name] = column

    def index(self, index: Index) -> None:
        self.indexes[index.name] = index


def tables_of(catalogue: Catalogue) -> dict[str, Table]:
    """Every table of a catalogue by name, forms before registers."""
    tables: dict[str, Table] = {}
    for form in catalogue.forms.values():
        if form.definition.source is not None:
            continue
        for table in _form_tables(catalogue, form):
            tables[table.name] = table
    for register in catalogue.registers.values():
        made = _register_tables(register) if register.definition.kind == "balance" else _series_tables(register)
        tables |= {table.name: table for table in made}
    return tables


def _column(catalogue: Catalogue, item: Field) -> Column:
    references = None
    if item.to is not None and item.to in catalogue.forms and catalogue.forms[item.to].definition.source is None:
        references = catalogue.forms[item.to].table.strip('"')
    if item.reserved and item.key in ("created_by", "updated_by"):
        references = None  # the actor of history may be a user of another epoch, and each check costs
    return Column(item.column or item.key, item.type.sql, references, extra=_collation(item.type.sql))


def _collation(kind: str) -> str:
    """Texts sort and compare by code point, as formulas do, on whatever server: so filters and indexes agree."""
    return 'COLLATE "C"' if kind in ("text", "text[]") else ""


def _sorted(column: str) -> str:
    """A column of an index that lists are sorted by: blanks first ascending, last descending, as lists have them."""
    return f"{quoted(column)} NULLS FIRST"


def _form_tables(catalogue: Catalogue, form: Form) -> list[Table]:
    head = Table(form.table.strip('"'), {}, ("id",), options="WITH (fillfactor = 85)")  # room for HOT updates of the state
    for item in form.stored:
        column = _column(catalogue, item)
        if item.key == "id":
            column = Column("id", "uuid", extra="NOT NULL")
        elif item.key == "version":
            column = Column("version", "integer", extra="NOT NULL DEFAULT 1")
        head.add(column)
    _head_indexes(catalogue, form, head)
    tables = [head]
    for lines in form.lines.values():
        table = Table(lines.table.strip('"'), {}, ("id",))
        table.add(Column("id", "uuid", extra="NOT NULL"),
                  Column("record", "uuid", head.name, "NOT NULL", cascade=True),
                  Column("position", "integer", extra="NOT NULL"))
        for item in lines.stored:
            table.add(_column(catalogue, item))
        table.index(Index(table.name, ('"record"', '"position"'), "the lines of a record in order"))
        _link_indexes(catalogue, lines.stored, table)
        tables.append(table)
    return tables


def _head_indexes(catalogue: Catalogue, form: Form, head: Table) -> None:
    company = ['"company"'] if form.has_company else []
    if "number" in form.fields:
        scope = [quoted(key) for key in form.definition.number.per] if form.definition.number else []
        unique = [*company, *[part for part in scope if part not in company], '"number"']
        head.index(Index(head.name, tuple(unique), "no number twice; a record by its number", unique=True,
                         where='"number" IS NOT NULL'))
    code = form.fields.get("code")
    if code is not None and code.column is not None:
        head.index(Index(head.name, (_sorted(code.column), *company), "no code twice; a link by its code; the list by code", unique=True))
    if form.is_document:
        # Not by company first: a caller of several companies would have no order from it. Rows of a rare company are
        # found by the index of numbers.
        day = form.fields.get("date")
        newest = (f"{quoted(day.column if day is not None and day.column else 'created_at')} DESC NULLS LAST", '"id" DESC')
        head.index(Index(head.name, newest, "the list, newest first"))
        head.index(Index(head.name, ('"state"', *newest), "the list of one state"))
    for key, item in form.fields.items():
        if item.definition.unique and item.column and key != "code":
            head.index(Index(head.name, (*company, quoted(item.column)), f"{key} is unique", unique=True))
    for parts in form.definition.unique.values():
        head.index(Index(head.name, tuple(quoted(form.fields[key].column or key) for key in parts),
                         "unique together", unique=True))
    for parts in form.definition.indexes.values():
        head.index(Index(head.name, tuple(_sorted(form.fields[key].column or key) for key in parts), "asked for by the form"))
    _link_indexes(catalogue, [item for item in form.stored if not item.reserved], head)


def _link_indexes(catalogue: Catalogue, fields: list[Field], table: Table) -> None:
    """Links to masters and documents; not to settings and users, whose few values make an index that nobody would use."""
    for item in fields:
        target = catalogue.forms.get(item.to or "")
        big = target is not None and not target.is_setting and not target.name.startswith("system.")
        if (big or item.type.key == "line") and item.column is not None:
            table.index(Index(table.name, (quoted(item.column),), "records that name another; deleting the other"))


def _register_tables(register: Register) -> list[Table]:
    dimensions = [Column(key, DIMENSION_SQL[item.type], extra=f"{_collation(DIMENSION_SQL[item.type])} NOT NULL".strip(), zero=ZEROS[item.type])
                  for key, item in register.dimensions.items()]
    resources = [Column(key, RESOURCE_SQL[item.type], extra="NOT NULL DEFAULT 0") for key, item in register.resources.items()]
    keys = tuple(column.name for column in dimensions)
    movement = Table(register.movement_table, {}, ("seq",))
    movement.add(
        Column("seq", "bigint", extra="GENERATED ALWAYS AS IDENTITY"),
        Column("date", "date", extra="NOT NULL"), Column("recorded_at", "timestamptz", extra="NOT NULL"),
        Column("document", "uuid", extra="NOT NULL"), Column("document_form", "text", extra="NOT NULL"),
        Column("posting", "text", extra="NOT NULL"), Column("document_line", "uuid"), *dimensions, *resources,
    )
    movement.index(Index(movement.name, ('"document"', '"posting"'), "what a document has already moved"))
    movement.index(Index(movement.name, (*(quoted(key) for key in keys[:3]), '"date"', '"seq"'),
                         "movements of a key in order: turnover, running balances"))
    movement.index(Index(movement.name, ('"date"', '"seq"'), "the list of movements; what was moved since a day; lands at the right-hand end"))
    balance = Table(register.balance_table, {}, keys, options="WITH (fillfactor = 80)")
    balance.add(*dimensions, *resources, Column("last_date", "date", extra="NOT NULL"))
    balance.add(*(Column(key, RESOURCE_SQL[item.type]) for key, item in register.definition.memory.items()))
    for key in keys[1:]:
        balance.index(Index(balance.name, (quoted(key),), f"balances by {key}"))
    for parts in register.definition.indexes.values():
        balance.index(Index(balance.name, tuple(quoted(key) for key in parts), "asked for by the register"))
    tables = [movement, balance]
    if register.definition.periods is not None:
        period = Table(register.period_table, {}, (*keys, "period"), options="WITH (fillfactor = 80)")
        period.add(*dimensions, Column("period", "date", extra="NOT NULL"))
        for key, item in register.resources.items():
            period.add(Column(f"{key}_in", RESOURCE_SQL[item.type], extra="NOT NULL DEFAULT 0"),
                       Column(f"{key}_out", RESOURCE_SQL[item.type], extra="NOT NULL DEFAULT 0"))
        period.index(Index(period.name, ('"period"', quoted(keys[0])), "totals of the months since a day"))
        tables.append(period)
    return tables


def _series_tables(register: Register) -> list[Table]:
    """Keys, measurements, roll-ups; what is measured is numeric and may be missing."""
    dimensions = [Column(key, DIMENSION_SQL[item.type], item.to.replace(".", "_") if item.type == "link" and item.to else None,
                         f"{_collation(DIMENSION_SQL[item.type])} NOT NULL".strip()) for key, item in register.dimensions.items()]
    key = Table(series.key_table(register), {}, ("id",))
    key.add(Column("id", "integer", extra="GENERATED ALWAYS AS IDENTITY"), *dimensions)
    key.index(Index(key.name, tuple(quoted(column.name) for column in dimensions), "one key a tuple; the key of a tuple", unique=True))
    raw = Table(series.raw_table(register), {}, (), options="PARTITION BY RANGE (at)")
    raw.add(Column("at", "timestamptz", extra="NOT NULL"), Column("key", "integer", extra="NOT NULL"))
    raw.add(*(Column(name, SERIES_SQL.get(item.type, "numeric")) for name, item in register.resources.items()))
    raw.index(Index(raw.name, ("at",), "roll-ups; measurements in order; lands at the right-hand end"))
    tables = [key, raw]
    for step in series.steps_of(register):
        rolled = Table(series.roll_table(register, step), {}, ("key", "at"), options="PARTITION BY RANGE (at)")
        rolled.add(Column("key", "integer", extra="NOT NULL"), Column("at", "timestamptz", extra="NOT NULL"), Column("n", "bigint", extra="NOT NULL"))
        for name in register.resources:
            rolled.add(Column(f"{name}:n", "bigint"), *(Column(f"{name}:{part}", "numeric") for part in series.PARTS[1:]))
        rolled.index(Index(rolled.name, ("at",), "a period of all series"))
        tables.append(rolled)
    return tables
