"""What an entry of the function table says.

    Function("ABS", "value: number", NUMBER, "绝对值", "Absolute value", python=absolute, sql="abs({0})")

A signature is a list of `name: kind`, with ` = constant` for one that may be left out and a `*` before the
name of a last one that may be repeated.  Kinds:

number text boolean   a scalar; blank arrives as 0, "", FALSE
day                   a date; of a datetime, its local date; blank arrives as blank
moment                a datetime (a date counts as its midnight); blank arrives as blank
numeric               a number as it is, blank included
any                   a scalar or a link as it is, blank included
numbers values        scalars and columns, gathered into one list, blanks included
ordered               the same, of numbers, dates or datetimes
column                a column of any type
days                  a column of dates
record FORM           a link; the helper gets the linked record as a mapping, or None
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from anlan.kernel.formula.types import Type

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.python import PythonWriter
    from anlan.kernel.formula.sql import SqlWriter
    from anlan.kernel.formula.tree import Call, Node

KINDS = (
    *("number", "numeric", "text", "boolean", "day", "moment", "any"),
    *("numbers", "ordered", "values", "column", "days", "record"),
)
GATHERED = ("numbers", "ordered", "values")


class Required(Enum):
    """Stands where a parameter has no default."""

    REQUIRED = "required"


REQUIRED = Required.REQUIRED
Default = Decimal | str | bool | None | Required


class Parameter(NamedTuple):
    """default: REQUIRED, or what an argument left out stands for (None: blank, or an empty list)."""

    name: str
    kind: str
    form: str = ""
    default: Default = REQUIRED
    repeated: bool = False


@dataclass(frozen=True)
class Function:
    """One function.

    name: in capitals. signature: see the module. result: its type, or None where `check` finds it.
    python: pure helper of the arguments; a blank day or moment must give None (see `through_blank`).
    sql: template with {0}, {1} … for the arguments, or a function of writer and call; None: not in SQL.
    blank: may be blank although no day or moment is. fails: may be an error value with arguments that have
    the right types; SQL must then give NULL. context: what the helper gets behind the arguments ("today" …).
    reads: paths that must be loaded on a linked record. check: finds arguments and type of a special form;
    write_python: writes a lazy one; sql_error: the condition that a lazy one is an error.
    """

    name: str
    signature: str
    result: Type | None
    zh: str
    en: str
    python: Callable[..., object] | None = None
    sql: "str | Callable[[SqlWriter, Call], str] | None" = None
    blank: bool = False
    fails: bool = False
    context: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    check: "Callable[[Checker, Application], Node] | None" = None
    sql_error: "Callable[[SqlWriter, Call], str | None] | None" = None
    write_python: "Callable[[PythonWriter, Call], str] | None" = None
    parameters: tuple[Parameter, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", parse_signature(self.signature))

    @property
    def helper(self) -> str:
        """The helper's name in the namespace of compiled formulas."""
        return "f_" + self.name.lower()


def parse_signature(signature: str) -> tuple[Parameter, ...]:
    """The parameters of a signature; TypeError on an unknown kind (a programmer's mistake)."""
    return tuple(_parameter(part.strip()) for part in signature.split(",") if part.strip())


def _parameter(part: str) -> Parameter:
    name, _, rest = part.partition(":")
    kind_and_form, equals, default = rest.partition("=")
    kind, _, form = kind_and_form.strip().partition(" ")
    if kind not in KINDS:
        raise TypeError(f"no parameter kind {kind!r}")
    return Parameter(
        name.strip().lstrip("*"),
        kind,
        form.strip(),
        _default(default.strip()) if equals else REQUIRED,
        name.strip().startswith("*"),
    )


def _default(written: str) -> Decimal | str | bool | None:
    if written in ("TRUE", "FALSE"):
        return written == "TRUE"
    if written == "blank":
        return None
    return written.strip('"') if written.startswith('"') else Decimal(written)


def through_blank(helper: Callable[..., Any]) -> Callable[..., Any]:
    """Date functions of a blank give a blank: `helper` is not called when one of its arguments is None."""

    def helper_through_blank(*arguments: Any) -> Any:
        return None if None in arguments else helper(*arguments)

    return helper_through_blank
