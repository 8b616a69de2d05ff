"""The types of fields: how a value is read from JSON, kept in a column, shown, and what formulas call it.

`FIELD_TYPES` is the one table; adding a type is one class and one line.
"""

from anlan.kernel.fieldtype.base import FieldType, LinkValue, Unreadable
from anlan.kernel.fieldtype.types import FIELD_TYPES

__all__ = ["FIELD_TYPES", "FieldType", "LinkValue", "Unreadable"]
