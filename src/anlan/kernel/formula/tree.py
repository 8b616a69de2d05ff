"""The typed tree: what the checker makes and both back ends read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from anlan.kernel.formula.types import Ref, Type

if TYPE_CHECKING:
    from anlan.kernel.formula.functions.table import Function


@dataclass(frozen=True, slots=True)
class Constant:
    """value None: blank, or an empty list where the type is a list."""

    value: Decimal | str | bool | date | None
    type: Type
    position: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """A place that is read; of list type when it is the column of a table."""

    ref: Ref
    type: Type
    position: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with typed operands.

    + - * / ^ % neg      numbers (% and neg with one)
    &                    texts
    day+ second+         date and days, datetime and seconds
    days seconds         the distance of two dates in days, of two datetimes in seconds
    = <> < > <= >=       two operands of one type (ids for links)
    blank                whether the operand is empty
    and or not           booleans; and, or with any number of operands
    text                 any scalar as text
    midnight             a date as the instant at which it begins in the zone
    local_date           the date of an instant in the zone
    """

    op: str
    operands: "tuple[Node, ...]"
    type: Type
    position: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    function: "Function"
    arguments: "tuple[Node, ...]"
    type: Type
    position: int = 0


Node = Constant | Field | Operation | Call


def children(node: Node) -> "tuple[Node, ...]":
    """The nodes directly below."""
    if isinstance(node, Operation):
        return node.operands
    return node.arguments if isinstance(node, Call) else ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)
