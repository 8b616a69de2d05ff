"""What a formula can speak of: types, and the scopes in which names have one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value, or blank."""

    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record of `form`; its value is the record's id, or blank."""

    form: str


@dataclass(frozen=True, slots=True)
class Table:
    """A sub-table, or a list of records of `form`; only its columns can be used, and only in aggregates."""

    form: str = ""


@dataclass(frozen=True, slots=True)
class ListOf:
    """The column of a table: one `item` per row, blanks included."""

    item: "Scalar | Link"


Single = Scalar | Link
Type = Scalar | Link | Table | ListOf

NUMBER = Scalar("number")
TEXT = Scalar("text")
DATE = Scalar("date")
DATETIME = Scalar("datetime")
BOOLEAN = Scalar("boolean")
BLANK = Scalar("blank")  # nothing is known but that it is empty; goes with every type


class Ref(NamedTuple):
    """A place that a formula reads: the owner of the path's first name, as the scope gave it, and the path.

    A path through a table stands for a column.  A last segment "*" stands for the linked record itself, as
    a mapping, for functions that take a record.  Owner "context" holds what is not in any record:
    ("today",), ("now",), ("zone",), ("user",), ("user", "code"), ("dept",), ("dept", "code").
    """

    owner: str
    path: tuple[str, ...]


CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name: its type, the opaque tag of who holds it, and what may follow a dot after it."""

    name: str
    type: Type
    owner: str
    scope: "Scope | None" = None


class Scope(Protocol):
    """Where names are looked up."""

    def lookup(self, name: str) -> Symbol | None:
        """The symbol of a normalised name, or None."""
        ...

    def names(self) -> Iterable[str]:
        """All names, for "did you mean"."""
        ...


Described = Type | tuple[Type, "DictScope"]


class DictScope:
    """A scope held in a mapping: {"price": NUMBER, "lines": (Table(), DictScope({...}, owner))}.

    open: names that it does not hold are blank fields instead of unknown ones.
    """

    def __init__(self, fields: Mapping[str, Described], owner: str = "", *, open: bool = False) -> None:
        self._symbols = {
            name: Symbol(name, of[0], owner, of[1]) if isinstance(of, tuple) else Symbol(name, of, owner)
            for name, of in fields.items()
        }
        self._owner = owner
        self._open = open

    def lookup(self, name: str) -> Symbol | None:
        symbol = self._symbols.get(name)
        if symbol is None and self._open:
            return Symbol(name, BLANK, self._owner)
        return symbol

    def names(self) -> Iterable[str]:
        return self._symbols.keys()


def type_name(of: Type) -> str:
    """The stable word for a type, as messages and the API spell it."""
    if isinstance(of, Scalar):
        return of.name
    if isinstance(of, Link):
        return "link"
    if isinstance(of, Table):
        return "table"
    return f"list of {type_name(of.item)}"
