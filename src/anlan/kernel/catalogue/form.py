"""A form as the kernel runs it: its fields with their types, columns and tables.

    demo.note  →  table "demo_note", lines table "demo_note__lines" (as they are spelt in SQL)
    field thing of lines  →  Field(path="lines.thing", column="thing", to="demo.thing")

Nothing here knows formulas or SQL statements; those are compiled by the rooms that run them and kept on the
form by `Form.compiled`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anlan.kernel.definition.model import FieldDefinition, FormDefinition, Label, State, Transition
from anlan.kernel.fieldtype import FIELD_TYPES, FieldType

__all__ = ["RESERVED", "Field", "Form", "LinesTable", "physical", "quoted"]

T = TypeVar("T")
LONGEST_NAME = 63

# What every record has beside its fields; their definitions are what formulas, lists and OpenAPI see.
RESERVED: dict[str, FieldDefinition] = {
    "id": FieldDefinition(type="text", label=Label(zh="标识", en="ID"), readonly=True, hidden=True),
    "number": FieldDefinition(type="number", label=Label(zh="单据编号", en="Number"), readonly=True),
    "company": FieldDefinition(type="company", label=Label(zh="公司", en="Company")),
    "version": FieldDefinition(type="integer", label=Label(zh="版本", en="Version"), readonly=True, hidden=True),
    "state": FieldDefinition(type="choice", label=Label(zh="状态", en="State"), readonly=True),
    "workflow_version": FieldDefinition(
        type="integer", label=Label(zh="流程版本", en="Workflow version"), readonly=True, hidden=True),
    "created_at": FieldDefinition(type="instant", label=Label(zh="创建时间", en="Created"), readonly=True),
    "created_by": FieldDefinition(type="user", label=Label(zh="创建人", en="Created by"), readonly=True),
    "updated_at": FieldDefinition(type="instant", label=Label(zh="修改时间", en="Changed"), readonly=True),
    "updated_by": FieldDefinition(type="user", label=Label(zh="修改人", en="Changed by"), readonly=True),
}


def quoted(name: str) -> str:
    """An SQL identifier; keys are [a-z0-9_], so quoting only guards against reserved words."""
    return f'"{name}"'


def physical(name: str) -> str:
    """A table's name as PostgreSQL keeps it: at most 63 characters, and still one of its own when cut."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME - 9]}_{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `path` is `partner` or `lines.item`, `column` None when the value is not stored."""

    key: str
    path: str
    definition: FieldDefinition
    type: FieldType
    column: str | None
    to: str | None
    reserved: bool = False

    @property
    def sql(self) -> str:
        """The column's type."""
        return "uuid" if self.reserved and self.key == "id" else self.type.sql

    @property
    def typed(self) -> bool:
        """Whether a caller may send a value (it is stored, and nothing computes it)."""
        return self.column is not None and self.definition.formula is None

    def label(self, language: str) -> str:
        """The field's name on screen; a field without a label shows its key."""
        return self.definition.label.text(language) if self.definition.label else self.key


@dataclass(frozen=True, slots=True)
class LinesTable:
    """A lines field and the table of its rows: (id, record, position, …)."""

    key: str
    table: str
    definition: FieldDefinition
    fields: dict[str, Field]

    @property
    def stored(self) -> list[Field]:
        return [item for item in self.fields.values() if item.column is not None]


@dataclass(slots=True)
class Form:
    """One form of a catalogue. Equal definitions give equal forms; compiled parts hang on `compiled`."""

    name: str
    definition: FormDefinition
    pack: str
    table: str
    fields: dict[str, Field]
    lines: dict[str, LinesTable]
    compiled: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def kind(self) -> str:
        return self.definition.kind

    @property
    def is_document(self) -> bool:
        return self.definition.kind == "document"

    @property
    def is_setting(self) -> bool:
        return self.definition.kind == "setting"

    @property
    def has_company(self) -> bool:
        return "company" in self.fields

    @property
    def code_column(self) -> str:
        """The column a link's `code` is read from: a document's number, a master's code."""
        return "number" if "number" in self.fields and "code" not in self.fields else "code"

    @property
    def label_column(self) -> str:
        """The column a link's `label` is read from."""
        return "name" if "name" in self.fields else self.code_column

    @property
    def start(self) -> str | None:
        """The state of a new record; None for a form without a workflow."""
        return self.definition.workflow.start if self.definition.workflow else None

    @property
    def states(self) -> dict[str, State]:
        return self.definition.workflow.states if self.definition.workflow else {}

    @property
    def transitions(self) -> dict[str, Transition]:
        return self.definition.workflow.transitions if self.definition.workflow else {}

    @property
    def stored(self) -> list[Field]:
        """Head fields that have a column, reserved ones first."""
        return [item for item in self.fields.values() if item.column is not None]

    def label(self, language: str) -> str:
        return self.definition.label.text(language)

    def field_at(self, path: str) -> Field | None:
        """The field of a path such as `partner` or `lines.item`."""
        key, _, rest = path.partition(".")
        if not rest:
            return self.fields.get(key)
        table = self.lines.get(key)
        return table.fields.get(rest) if table else None

    def all_fields(self) -> Iterator[Field]:
        """Head fields, then the fields of each lines table."""
        yield from self.fields.values()
        for table in self.lines.values():
            yield from table.fields.values()

    def part(self, key: str, make: Callable[[], T]) -> T:
        """A compiled part of the form, made once per catalogue."""
        if key not in self.compiled:
            self.compiled[key] = make()
        part: T = self.compiled[key]
        return part


def build_form(definition: FormDefinition, *, pack: str, columns: dict[tuple[str, str], str]) -> Form:
    """The form of a definition; `columns` holds the first names of renamed fields' columns by (owner, key); of a renamed
    lines field, what its table was called after."""
    name = definition.form
    table = name.replace(".", "_")
    fields: dict[str, Field] = {}
    has_company = definition.company if definition.company is not None else definition.kind == "document"
    for key, reserved in RESERVED.items():
        if key == "company" and not has_company:
            continue
        if key == "number" and definition.number is None:
            continue
        if key in ("state", "workflow_version") and definition.workflow is None:
            continue
        fields[key] = Field(key, key, definition.fields.get(key, reserved) if key == "company" else reserved,
                            FIELD_TYPES[reserved.type], key, _target(reserved), reserved=key != "company")
    lines: dict[str, LinesTable] = {}
    # Quoted, because a table may be called like a key word (system_user).
    for key in _ordered(definition.fields, definition.order):
        if key in fields:
            continue
        item = definition.fields[key]
        fields[key] = _field(item, key, key, name, columns)
        if item.fields is not None:
            inner = {
                sub: _field(item.fields[sub], sub, f"{key}.{sub}", f"{name}.{key}", columns)
                for sub in _ordered(item.fields, item.order)
            }
            lines[key] = LinesTable(key, quoted(physical(f"{table}__{columns.get((name, key), key)}")), item, inner)
    return Form(name, definition, pack, quoted(table), fields, lines)


def _field(
    definition: FieldDefinition, key: str, path: str, owner: str, columns: dict[tuple[str, str], str]
) -> Field:
    kind = FIELD_TYPES[definition.type]
    computed = definition.balance is not None or definition.lookup is not None or (
        definition.formula is not None and not definition.stored)
    column = None if computed or kind.is_lines else columns.get((owner, key), key)
    return Field(key, path, definition, kind, column, _target(definition))


def _target(definition: FieldDefinition) -> str | None:
    kind = FIELD_TYPES[definition.type]
    return definition.to if definition.to and kind.is_link else getattr(kind, "target", None)


def _ordered(fields: dict[str, FieldDefinition], order: list[str] | None) -> list[str]:
    listed = [key for key in order or [] if key in fields]
    return listed + [key for key in fields if key not in listed]
