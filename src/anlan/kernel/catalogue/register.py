"""A register as the kernel runs it: the tables of its movements, balances and period totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from anlan.kernel.catalogue.form import Field, Form, physical
from anlan.kernel.definition.model import (
    Dimension,
    FieldDefinition,
    FormDefinition,
    RegisterDefinition,
    Resource,
)
from anlan.kernel.fieldtype import FIELD_TYPES

__all__ = ["DIMENSION_SQL", "RESOURCE_SQL", "ZEROS", "ZERO_VALUES", "Register", "build_register"]

# Column types; dimensions are NOT NULL, a zero value means "none", so that the key is always their tuple.
DIMENSION_SQL = {"link": "uuid", "line": "uuid", "text": "text", "date": "date", "choice": "text"}
RESOURCE_SQL = {
    "quantity": "numeric(24,8)", "money": "numeric(20,4)", "decimal": "numeric(24,10)", "integer": "bigint",
    "boolean": "boolean", "duration": "bigint",
}
ZEROS = {
    "link": "'00000000-0000-0000-0000-000000000000'::uuid", "line": "'00000000-0000-0000-0000-000000000000'::uuid",
    "text": "''", "choice": "''", "date": "'0001-01-01'::date",
}
ZERO_VALUES: dict[str, Any] = {
    "link": "00000000-0000-0000-0000-000000000000", "line": "00000000-0000-0000-0000-000000000000",
    "text": "", "choice": "", "date": date(1, 1, 1),
}


@dataclass(slots=True)
class Register:
    """One register of a catalogue."""

    name: str
    definition: RegisterDefinition
    pack: str
    table: str
    compiled: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def dimensions(self) -> dict[str, Dimension]:
        return self.definition.dimensions

    @property
    def resources(self) -> dict[str, Resource]:
        return self.definition.resources

    @property
    def movement_table(self) -> str:
        return physical(f"{self.table}__movement")

    @property
    def balance_table(self) -> str:
        return physical(f"{self.table}__balance")

    @property
    def period_table(self) -> str:
        return physical(f"{self.table}__period")

    def as_form(self, table: str) -> Form:
        """One of the register's tables seen as a form, so that formulas, filters and lists work on it."""
        fields: dict[str, Field] = {}
        for key, dimension in self.dimensions.items():
            definition = FieldDefinition(type=dimension.type, to=dimension.to, label=dimension.label)
            to = dimension.to if dimension.type == "link" else None
            fields[key] = Field(key, key, definition, FIELD_TYPES[dimension.type], key, to)
        memory = self.definition.memory if table == self.balance_table else {}      # only balances remember
        for key, resource in (self.resources | memory).items():
            definition = FieldDefinition.model_validate(
                {"type": resource.type, "label": resource.label, "unit": resource.unit, "in": resource.currency})
            fields[key] = Field(key, key, definition, FIELD_TYPES[resource.type], key, None)
        shape = FormDefinition(form=self.name, kind="master", label=self.definition.label, fields={})
        return Form(self.name, shape, self.pack, table, fields, {})


def build_register(definition: RegisterDefinition, *, pack: str) -> Register:
    """The register of a definition."""
    return Register(definition.register_name, definition, pack, definition.register_name.replace(".", "_") + "_reg")
