"""The order of a list, and its cursors: pages never overlap and lose nothing, blanks included.

    sort ["-date"]  →  ORDER BY h."date" DESC NULLS LAST, h."id" DESC
    cursor          →  base64 of ["a mark of the sort", value of date, id]

Blanks are last when descending and first when ascending, so that one index serves both directions. What follows a
cursor is read in two runs, each of which an index serves: rows whose first key is of the cursor's kind (a value, or
blank), then, if the page is not full, those of the other kind.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.formula import DesignError, Link, Scalar, sql
from anlan.kernel.query.scope import design_fault, visible_scope

__all__ = ["MOST_KEYS", "Run", "SortKey", "cursor_of", "order_by", "read_cursor", "runs_after", "sort_keys"]

MOST_KEYS = 8
PATH = re.compile(r"[-+]?[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}")
ID = 'h."id"'
CASTS = {"number": "numeric", "text": "text", "date": "date", "datetime": "timestamptz", "boolean": "boolean"}


@dataclass(frozen=True, slots=True)
class SortKey:
    """One sort key: its SQL over the head's alias `h`, its direction, the type that a cursor's value is cast to."""

    sql: str
    descending: bool
    cast: str

    @property
    def blank(self) -> bool:
        """Whether it may be blank."""
        return self.sql != ID


def sort_keys(ctx: Context, form: Form, names: FormNames, sort: Sequence[str]) -> list[SortKey]:
    """The keys of a sort; the id decides last. Refused 422 for what is unknown, hidden or has no order."""
    if len(sort) > MOST_KEYS:
        raise invalid([Fault("out_of_range", "sort", {"field": "sort", "least": 0, "most": MOST_KEYS})])
    keys: list[SortKey] = []
    for text in sort or _usual(form):
        if not PATH.fullmatch(text):
            raise invalid([Fault("unknown_field", "sort", {"field": text[:60], "form": form.definition.label})])
        key = _key(ctx, form, names, text.lstrip("-+"), text.startswith("-"))
        if all(key.sql != known.sql for known in keys):
            keys.append(key)
        if key.sql == ID:
            return keys
    return [*keys, SortKey(ID, keys[-1].descending, "uuid")]


def _usual(form: Form) -> Sequence[str]:
    return ("-id",) if form.is_document else ("code",) if "code" in form.fields else ("id",)


def _key(ctx: Context, form: Form, names: FormNames, path: str, descending: bool) -> SortKey:
    if path == "id":
        return SortKey(ID, descending, "uuid")
    scope = visible_scope(ctx, form)
    item = form.fields.get(path)
    if item is not None and not item.type.sortable:
        raise invalid([Fault("not_sortable", "sort", {"field": path})])
    try:
        formula = ctx.catalogue.check(path, scope)
        if not formula.refs:  # TRUE and FALSE look like names of fields
            raise invalid([Fault("unknown_field", "sort", {"field": path, "form": form.definition.label})])
        if isinstance(formula.type, Link) and formula.type.form in ctx.catalogue.forms:
            target = ctx.catalogue.forms[formula.type.form]
            formula = ctx.catalogue.check(f"{path}.{target.label_column}", scope)
        if not isinstance(formula.type, Scalar) or formula.type.name not in CASTS:
            raise invalid([Fault("not_sortable", "sort", {"field": path})])
        whole = item is not None and item.type.sql == "bigint"      # an index on whole numbers wants whole numbers
        return SortKey(sql(formula, names), descending, "bigint" if whole else CASTS[formula.type.name])
    except DesignError as error:
        raise design_fault(error, "sort") from None


def order_by(keys: Sequence[SortKey]) -> str:
    """What stands behind ORDER BY."""
    def part(key: SortKey) -> str:
        blanks = (" NULLS LAST" if key.descending else " NULLS FIRST") if key.blank else ""
        return f"{key.sql} {'DESC' if key.descending else 'ASC'}{blanks}"

    return ", ".join(part(key) for key in keys)


def _mark(keys: Sequence[SortKey]) -> str:
    """A mark of the sort in its cursors: a cursor of another sort is refused, not misread."""
    return hashlib.sha256("|".join(f"{key.sql}{key.descending}" for key in keys).encode()).hexdigest()[:8]


def cursor_of(keys: Sequence[SortKey], values: Sequence[Any]) -> str:
    """The cursor behind a row with these values of the keys."""
    return base64.urlsafe_b64encode(orjson.dumps([_mark(keys), *map(_plain, values)])).rstrip(b"=").decode()


def _plain(value: Any) -> bool | str | None:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def read_cursor(keys: Sequence[SortKey], cursor: str) -> list[Any]:
    """The values of a cursor. Refused 422 when it is none of this sort."""
    try:
        values = orjson.loads(base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise _refused() from None
    if not isinstance(values, list) or len(values) != len(keys) + 1 or values[0] != _mark(keys):
        raise _refused()
    for key, value in zip(keys, values[1:], strict=True):
        if not (_fits(key, value) if value is not None else key.blank):
            raise _refused()
    return values[1:]


def _refused() -> Refused:
    return invalid([Fault("bad_cursor", "after")])


def _fits(key: SortKey, value: object) -> bool:
    """Whether PostgreSQL can read the value as the key's type: a cursor may have been made up."""
    if key.cast == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        if key.cast == "numeric":
            return re.fullmatch(r"-?[0-9.]{1,200}", value) is not None and Decimal(value).is_finite()
        if key.cast == "bigint":
            return re.fullmatch(r"-?[0-9]{1,18}", value) is not None
        if key.cast == "date":
            date.fromisoformat(value)
        elif key.cast == "timestamptz":
            return datetime.fromisoformat(value).tzinfo is not None
    except (ValueError, InvalidOperation):
        return False
    return key.cast != "uuid" or UUID.fullmatch(value) is not None


class Run(NamedTuple):
    """A condition, and the values of its placeholders, which are numbered from where the statement's own end."""

    condition: str
    params: list[Any]


def runs_after(keys: Sequence[SortKey], values: Sequence[Any], used: int) -> list[Run]:
    """Conditions whose rows, one run after the other and each in order, are what follows the cursor.

    `used`: how many placeholders the statement has already.
    """
    first, value = keys[0], values[0]
    params: list[Any] = []

    def param(one: Any) -> str:
        params.append(one)
        return f"${used + len(params)}"

    if len(keys) == 1:
        return [Run(_beyond(first, _place(first, value, param)), params)]
    if value is None:
        rest = Run(f"{first.sql} IS NULL AND {_after(keys[1:], values[1:], param)}", params)
        return [rest] if first.descending else [rest, Run(f"{first.sql} IS NOT NULL", [])]
    place = _place(first, value, param)
    if len(keys) == 2 and not keys[1].blank and keys[1].descending == first.descending:
        sign = "<" if first.descending else ">"
        run = f"({first.sql}, {keys[1].sql}) {sign} ({place}, {_place(keys[1], values[1], param)})"
    else:
        # The first comparison is what an index on the first key can begin at.
        run = (f"{first.sql} {'<=' if first.descending else '>='} {place} AND ({_beyond(first, place)} OR "
               f"({first.sql} = {place} AND {_after(keys[1:], values[1:], param)}))")
    blanks = [Run(f"{first.sql} IS NULL", [])] if first.descending and first.blank else []
    return [Run(run, params), *blanks]


Param = Callable[[Any], str]


def _place(key: SortKey, value: Any, param: Param) -> str:
    return f"{param(str(value).lower() if isinstance(value, bool) else value)}::text::{key.cast}"


def _beyond(key: SortKey, place: str) -> str:
    return f"{key.sql} {'<' if key.descending else '>'} {place}"


def _after(keys: Sequence[SortKey], values: Sequence[Any], param: Param) -> str:
    """Rows behind the cursor in these keys, as one condition."""
    alternatives: list[str] = []
    same: list[str] = []
    for key, value in zip(keys, values, strict=True):
        if value is None:
            if not key.descending:
                alternatives.append(" AND ".join([*same, f"{key.sql} IS NOT NULL"]))
            same.append(f"{key.sql} IS NULL")
            continue
        place = _place(key, value, param)
        beyond = f"({_beyond(key, place)} OR {key.sql} IS NULL)" if key.descending and key.blank else _beyond(key, place)
        alternatives.append(" AND ".join([*same, beyond]))
        same.append(f"{key.sql} = {place}")
    return f"({' OR '.join(f'({one})' for one in alternatives)})"
