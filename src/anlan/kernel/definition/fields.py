"""A field of a form: its type, what it holds to, how it is typed and looked up, the choices it offers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from anlan.kernel.definition.elements import FormulaText, Key, LabelText, Model, Name

__all__ = [
    "Balance",
    "FieldDefinition",
    "Grid",
    "Hint",
    "Option",
    "OptionDefinition",
    "Scan",
]

class Balance(Model):
    """A field that shows a register's balance: which resource, and how the record names the key.

    `key` maps dimensions to formulas of the record; the short spelling `register.resource` means
    `{line: id}` in a line.
    """

    register_name: Name = Field(alias="register")
    resource: Key
    key: dict[Key, FormulaText] = Field(default_factory=dict)


def _balance(value: Any) -> Any:
    if isinstance(value, str):
        register, _, resource = value.rpartition(".")
        return {"register": register, "resource": resource}
    return value


class Hint(Model):
    """A figure that is shown beside each choice while a link is typed: a register's balance, or the last value used.

    Balance: `register`, `resource`, and the `dimension` that is the choice. Last value: `form`, the path of its `value`
    and of the `link` that is the choice (`lines.price`, `lines.item`), of the newest record that has left its draft.
    `key` narrows by the record that is typed into: dimension (or field of `form`) → its head field, where that is filled.
    """

    label: LabelText
    register_name: Name | None = Field(default=None, alias="register")
    resource: Key | None = None
    dimension: Key | None = None
    form: Name | None = None
    value: str | None = None
    link: str | None = None
    key: dict[Key, Key] = Field(default_factory=dict)


class Scan(Model):
    """Lines that are scanned: which of their fields takes what; `by` are fields of the item's form that hold codes."""

    item: Key
    quantity: Key
    by: list[Key] = Field(default_factory=lambda: ["code"])
    lot: Key | None = None
    expiry: Key | None = None
    serial: Key | None = None


class Grid(Model):
    """How lines are typed: `scan`; `sides`, two amounts of which a line has one, whose sums must be equal."""

    sides: list[Key] = Field(default_factory=list)
    scan: Scan | None = None


class FieldDefinition(Model):
    """One typed value of a form; `type` is a key of `fieldtype.FIELD_TYPES`.

    `default` is a formula when it is a string, else a literal. `formula` fields are stored unless
    `stored: false`, which means: computed when read. A field with `lookup` is a path through links,
    computed when read.
    """

    type: str
    label: LabelText | None = None
    help: LabelText | None = None
    required: bool = False
    readonly: bool = False
    hidden: bool = False
    unique: bool = False
    search: bool = False
    default: Any = None
    formula: FormulaText | None = None
    stored: bool = True
    lookup: FormulaText | None = None
    balance: Annotated[Balance | None, BeforeValidator(_balance)] = None
    check: FormulaText | None = None
    check_message: LabelText | None = None
    to: str | None = None
    only: FormulaText | None = None
    options: dict[str, Option] | None = None
    options_from: Literal["roles", "languages", "zones"] | None = None
    currency: FormulaText | None = Field(default=None, alias="in")
    unit: FormulaText | None = None
    digits: int | None = None
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    copied: bool = True
    fields: dict[Key, FieldDefinition] | None = None
    order: list[Key] | None = None
    accept: list[str] | None = None
    locked: list[str] | None = None
    width: int | None = None
    hints: dict[Key, Hint] = Field(default_factory=dict)
    grid: Grid | None = None


def _option(value: Any) -> Any:
    return (
        {"label": value} if isinstance(value, str) or (isinstance(value, dict) and "zh" in value) else value
    )


class OptionDefinition(Model):
    """One choice: label, colour, retired (shown on old rows, not selectable)."""

    label: LabelText
    colour: str | None = None
    retired: bool = False


Option = Annotated[OptionDefinition, BeforeValidator(_option)]
