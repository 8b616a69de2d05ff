"""A formula computed at once over plain JSON values: what `POST /formula/evaluate` answers.

evaluate("客户.额度 - SUM(明细.金额)", {"客户": {"额度": 100}, "明细": [{"金额": 30}]})
    → {"value": "70", "type": "number"}
evaluate("1/0", {})  → {"error": "#DIV/0!"}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from anlan.kernel.formula.check import check
from anlan.kernel.formula.errors import FAILURES, TYPE_MISMATCH, DesignError, error_code
from anlan.kernel.formula.functions import BUILTINS
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.python import python_function
from anlan.kernel.formula.runtime import midnight, plain
from anlan.kernel.formula.tokens import normalise_name
from anlan.kernel.formula.types import (
    BLANK,
    BOOLEAN,
    CONTEXT,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    Described,
    DictScope,
    Link,
    ListOf,
    Scalar,
    Table,
    Type,
    type_name,
)

TYPES: dict[str, Type] = {
    "number": NUMBER,
    "text": TEXT,
    "date": DATE,
    "datetime": DATETIME,
    "boolean": BOOLEAN,
    "bool": BOOLEAN,
    "link": Link(""),
    "table": Table(),
}


def evaluate(
    expression: str,
    values: Mapping[str, Any],
    types: Mapping[str, str] | None = None,
    today: date | str | None = None,
    *,
    zone: str = "Asia/Shanghai",
    functions: Mapping[str, Function] = BUILTINS,
) -> dict[str, Any]:
    """The value of `expression` over JSON values, or its error value; see API.md for the shapes.

    values: scalars, a list of objects (a sub-table) or an object (a linked record).  types: the type of a
    dotted path where the JSON value does not say it.  today: what TODAY() is; NOW() is its midnight in the
    zone.  Numbers come back as text with all their digits, dates in ISO form.  Raises DesignError.
    """
    known = {
        tuple(normalise_name(part) for part in path.split(".")): _type(path, name)
        for path, name in (types or {}).items()
    }
    scope, data = _Reader(known, zone).object(values, ())
    formula = check(expression, scope, functions=functions)
    refs = sorted(formula.refs)
    compute = python_function(formula, refs, functions=functions)
    day = date.fromisoformat(today) if isinstance(today, str) else today
    context = {"today": day, "now": midnight(day, zone), "zone": zone}
    arguments = [context.get(ref.path[0]) if ref.owner == CONTEXT else _read(data, ref.path) for ref in refs]
    try:
        result = compute(*arguments)
    except FAILURES as failure:
        return {"error": error_code(failure)}
    return {"value": shown(result), "type": type_name(formula.type)}


def shown(value: Any) -> Any:
    """A result as JSON has it: digits as text, ISO dates, instants in UTC, booleans and None as they are."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else plain(value)


Path = tuple[str, ...]
MAX_DEPTH = 8  # objects inside objects; deeper ones than any formula follows are refused


def _type(path: str, name: object) -> Type:
    if not isinstance(name, str) or name not in TYPES:
        raise DesignError(
            TYPE_MISMATCH, 0, reason="unknown_type", name=path, expected="type", got=str(name)[:40]
        )
    return TYPES[name]


@dataclass(frozen=True)
class _Reader:
    """Reads JSON values by the known types of their paths; instants without offset are the zone's."""

    known: Mapping[Path, Type]
    zone: str

    def object(
        self, values: Mapping[str, Any], at: Path, *, open: bool = False
    ) -> tuple[DictScope, dict[str, Any]]:
        """The scope of an object, and its values by normalised names."""
        if len(at) > MAX_DEPTH:
            _refuse(at, values)
        fields: dict[str, Described] = {}
        data: dict[str, Any] = {}
        given = {normalise_name(name): value for name, value in values.items()}
        below = {path[len(at)] for path in self.known if path[: len(at)] == at and len(path) > len(at)}
        for name in [*given, *sorted(below - given.keys())]:
            fields[name], data[name] = self.field(given.get(name), (*at, name))
        return DictScope(fields, open=open), data

    def field(self, value: Any, path: Path) -> tuple[Described, Any]:
        declared = self.known.get(path)
        deeper = any(other[: len(path)] == path and len(other) > len(path) for other in self.known)
        if isinstance(value, list) and value and not isinstance(value[0], Mapping):
            item = declared or _type_of(value[0], path)
            if not isinstance(item, Scalar):
                _refuse(path, value)
            return ListOf(item), [self.value(cell, item, path) for cell in value]
        if isinstance(value, list) or declared == Table():
            return self.table(value or [], path)
        if isinstance(value, Mapping):
            scope, data = self.object(value, path)
            return (Link(""), scope), data
        if isinstance(declared, Link) or deeper:
            scope, _ = self.object({}, path, open=True)
            return (Link(""), scope), None
        if value is None and declared is None:
            return (BLANK, DictScope({}, open=True)), None
        of = declared or _type_of(value, path)
        return of, self.value(value, of, path)

    def table(self, rows: Iterable[Any], path: Path) -> tuple[Described, Any]:
        """Columns are the keys of all rows; each has the type of its first value that is not empty."""
        listed = [dict(row) if isinstance(row, Mapping) else _refuse(path, row) for row in rows]
        merged: dict[str, Any] = {}
        for row in listed:
            for name, value in row.items():
                former = merged.get(name)
                if isinstance(value, Mapping) and isinstance(former, Mapping):
                    merged[name] = {**former, **{k: v for k, v in value.items() if former.get(k) is None}}
                elif former is None:
                    merged[name] = value
        scope, _ = self.object(merged, path, open=not listed)
        inferred = dict(self.known)
        _note_types(scope, path, inferred)
        reader = _Reader(inferred, self.zone)
        return (Table(), scope), [
            reader.object({name: row.get(name) for name in merged}, path)[1] for row in listed
        ]

    def value(self, value: Any, of: Type, path: Path) -> Any:
        """A JSON value as the type has it.  Raises DesignError(type_mismatch) with the field's name."""
        if value is None or (value == "" and of != TEXT):
            return None
        try:
            if of == NUMBER and not isinstance(value, bool):
                number = Decimal(str(value))
                return number if number.is_finite() and abs(number.adjusted()) < 60 else _refuse(path, value)
            if of == DATE and isinstance(value, str):
                return date.fromisoformat(value)
            if of == DATETIME and isinstance(value, str):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone))
        except (ValueError, InvalidOperation):
            _refuse(path, value)
        if (of == TEXT and isinstance(value, str)) or (of == BOOLEAN and isinstance(value, bool)):
            return value
        return _refuse(path, value)


def _note_types(scope: DictScope, at: Path, into: dict[Path, Type]) -> None:
    for name in scope.names():
        symbol = scope.lookup(name)
        if symbol is None:
            continue
        if isinstance(symbol.type, Scalar) and symbol.type != BLANK:
            into.setdefault((*at, name), symbol.type)
        if isinstance(symbol.scope, DictScope):
            _note_types(symbol.scope, (*at, name), into)


def _type_of(value: Any, path: Path) -> Type:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float | Decimal):
        return NUMBER
    return TEXT if isinstance(value, str) else _refuse(path, value)


def _refuse(path: Path, value: Any) -> NoReturn:
    raise DesignError(
        TYPE_MISMATCH,
        0,
        reason="wrong_value",
        name=".".join(path),
        expected="value",
        got=type(value).__name__,
    )


def _read(data: Any, path: Path) -> Any:
    """What stands at the path: through a list, a list of it; through an empty link, blank."""
    for place, name in enumerate(path):
        if isinstance(data, list):
            return [_read(row, path[place:]) for row in data]
        if data is None or name == "*":
            return data
        data = data.get(name)
    return data.get("id", data.get("code")) if isinstance(data, dict) else data
