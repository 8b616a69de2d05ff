"""What every field type can do.

A value has three shapes: what a caller sends (JSON), what the kernel computes with (Python), what the caller
reads (JSON). `parse` goes from the first to the second and raises `Unreadable`; `dump` from the second to the
third. `None` is "empty" everywhere and never reaches these functions.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from anlan.kernel.definition.model import FieldDefinition

__all__ = ["FieldType", "LinkValue", "Unreadable"]


class Unreadable(Exception):
    """A sent value cannot be read as the field's type; `code` and `params` make the sentence."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class LinkValue(NamedTuple):
    """What a caller named a linked record by, before it was looked up: an id, a code, or both kinds of text."""

    text: str
    is_id: bool
    form: str | None = None


class FieldType:
    """One type of field. `sql` is the column's type; `json_sql` how it reads from a JSON record."""

    key: ClassVar[str]
    sql: ClassVar[str]
    empty_text: ClassVar[bool] = False  # "" counts as empty
    sortable: ClassVar[bool] = True
    is_link: ClassVar[bool] = False
    is_lines: ClassVar[bool] = False
    numeric: ClassVar[bool] = False
    formula: ClassVar[str] = (
        "text"  # number text date datetime boolean list link table: what formulas call it
    )

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        """The Python value of what was sent; raises `Unreadable`."""
        raise Unreadable("wrong_type", wanted=self.key)

    def dump(self, value: Any) -> Any:
        """The JSON of a Python value."""
        return value

    def fits(self, value: Any, field: FieldDefinition) -> Any:
        """A computed value made to fit the column (rounded, cut to scale); raises `Unreadable` when too large."""
        return value

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        """JSON Schema of the value as read."""
        return {"type": "string"}
