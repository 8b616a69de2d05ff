"""Lists of records: filter, search, sort, keyset paging, counts. One statement a page, one more for a count.

    records(ctx, "demo.note", Query(where='AND(state = "draft", total > 10)', sort=["-date"], limit=50))
    →  {"data": [...], "next": cursor or None, "count": None}
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import orjson

from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import HEAD, FieldsScope, form_scope
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.formula import BOOLEAN, DesignError, Link, Ref, sql, sql_filter
from anlan.kernel.index import query_of
from anlan.kernel.access.predicate import names_for, predicate, sql_text
from anlan.kernel.record.links import fetch_linked
from anlan.kernel.record.load import load, load_references
from anlan.kernel.record.output import output

__all__ = ["MAX_LIMIT", "Query", "design_fault", "filter_sql", "records", "run", "totals"]

MAX_LIMIT = 500
ESTIMATE_FROM = 10_000          # counts above this are estimated when an estimate is asked for


class Query(NamedTuple):
    """What is asked: `where` a formula, `search` words, `sort` keys with "-" for descending, `fields` to show
    (none: all of the head; `lines` are only read when named), `after` a cursor."""

    where: str | None = None
    search: str | None = None
    sort: Sequence[str] = ()
    fields: Sequence[str] = ()
    limit: int = 50
    after: str | None = None
    count: Literal["exact", "estimate", "none"] = "none"


@dataclass(slots=True)
class _Plan:
    """The pieces of one list's SQL."""

    names: FormNames
    conditions: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)

    def param(self, value: Any) -> str:
        self.params.append(value)
        return f"${len(self.params)}"

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions) or "true"


def design_fault(error: DesignError, path: str) -> Refused:
    """A formula that somebody wrote is wrong: 422 with the place."""
    return invalid([Fault(f"formula.{error.code}", path, {**error.params, "position": error.position})])


def filter_sql(ctx: Context, form: Form, names: FormNames, text: str, path: str = "where") -> str:
    """The condition of a filter formula. Refused 422 where it is wrong."""
    scope: FieldsScope = form_scope(ctx.catalogue.forms, form)
    try:
        formula = ctx.catalogue.check(text, _Visible(ctx, form, scope))  # type: ignore[arg-type]  # a Scope
        if formula.type != BOOLEAN:
            raise DesignError("type_mismatch", 0, wanted="boolean")
        return f"coalesce({sql_filter(formula, names)}, false)"
    except DesignError as error:
        raise design_fault(error, path) from None


class _Visible:
    """A scope without the fields that the caller may not see: they cannot be guessed by filtering."""

    def __init__(self, ctx: Context, form: Form, scope: FieldsScope) -> None:
        self.scope = scope
        self.hidden = {path for path, level in ctx.caller.policy.fields(form.name).items() if level == "none"}
        self.prefix = ""

    def lookup(self, name: str) -> Any:
        if name in self.hidden:
            return None
        symbol = self.scope.lookup(name)
        inner = {path.split(".", 1)[1] for path in self.hidden if path.startswith(f"{name}.")}
        if symbol is None or not inner or symbol.scope is None:
            return symbol
        below = _Visible.__new__(_Visible)
        below.scope, below.hidden, below.prefix = symbol.scope, inner, name  # type: ignore[assignment]  # a FieldsScope
        return type(symbol)(symbol.name, symbol.type, symbol.owner, below)

    def names(self) -> Any:
        return (name for name in self.scope.names() if name not in self.hidden)


def records(ctx: Context, form_name: str, query: Query) -> dict[str, Any]:
    """A page of a form's list, as the caller may see it. Refused 403, 404, 422."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "read")
    if not 1 <= query.limit <= MAX_LIMIT:
        raise invalid([Fault("out_of_range", "limit", {"least": 1, "most": MAX_LIMIT})])

    def work() -> dict[str, Any]:
        ctx.check_versions()
        plan = _plan(ctx, form, query)
        order, keys = _order(ctx, form, plan.names, query.sort)
        counted = _count(ctx, form, plan, query.count)
        if query.after:
            plan.conditions.append(_after(plan, keys, query.after))
        shown = _shown(ctx, form, query.fields)
        return _page(ctx, form, plan, query, order, keys, shown) | {"count": counted}

    return ctx.atomically(work)


def run(ctx: Context, form: Form, query: Query) -> _Plan:
    """The plan of a query (filter, search, rights), for whoever aggregates over the same rows."""
    return _plan(ctx, form, query)


def _plan(ctx: Context, form: Form, query: Query) -> _Plan:
    names = names_for(ctx, form)
    plan = _Plan(names)
    rule = predicate(ctx, form, "read", names)
    if rule:
        plan.conditions.append(rule)
    if query.where and query.where.strip():
        plan.conditions.append(filter_sql(ctx, form, names, query.where))
    if query.search and query.search.strip():
        plan.conditions.append(_search(form, plan, query.search))
    return plan


def _search(form: Form, plan: _Plan, text: str) -> str:
    """Words of the record index, or the beginning of its code."""
    words = query_of(text)
    code = plan.param(text.strip().replace("\x00", "") [:100])
    parts = []
    if words:
        parts.append(f"i.tokens @@ {sql_text(words)}::tsquery")
    parts.append(f"(i.code >= upper({code}) AND i.code < upper({code}) || chr(1114111))")
    return (f'h."id" IN (SELECT i.id FROM record_index i WHERE i.form = {sql_text(form.name)} AND ({" OR ".join(parts)}))')


@dataclass(frozen=True, slots=True)
class _Key:
    """One sort key: its SQL, direction, and how its value reads in a cursor."""

    sql: str
    descending: bool
    cast: str


def _order(ctx: Context, form: Form, names: FormNames, sort: Sequence[str]) -> tuple[str, list[_Key]]:
    """ORDER BY and the keys of the cursor; the id decides last, so that pages never overlap."""
    keys: list[_Key] = []
    scope = _Visible(ctx, form, form_scope(ctx.catalogue.forms, form))
    for text in sort or (("-id",) if form.is_document else ("code",) if "code" in form.fields else ("id",)):
        descending = text.startswith("-")
        path = text.lstrip("-+")
        if path == "id":
            keys.append(_Key('h."id"', descending, "uuid"))
            continue
        try:
            formula = ctx.catalogue.check(path, scope)  # type: ignore[arg-type]  # a Scope
            if isinstance(formula.type, Link):
                target = ctx.catalogue.forms[formula.type.form]
                formula = ctx.catalogue.check(f"{path}.{target.label_column}", scope)  # type: ignore[arg-type]  # a Scope
            keys.append(_Key(sql(formula, names), descending, _cast(formula.type.name)))  # type: ignore[union-attr]  # a scalar
        except DesignError as error:
            raise design_fault(error, "sort") from None
    if not keys or keys[-1].sql != 'h."id"':
        keys.append(_Key('h."id"', keys[-1].descending if keys else True, "uuid"))
    parts = [f"{key.sql} {'DESC NULLS LAST' if key.descending else 'ASC NULLS FIRST'}" if key.sql != 'h."id"'
             else f"{key.sql} {'DESC' if key.descending else 'ASC'}" for key in keys]
    return ", ".join(parts), keys


def _cast(kind: str) -> str:
    return {"number": "numeric", "text": "text", "date": "date", "datetime": "timestamptz", "boolean": "boolean"}.get(kind, "text")


def _after(plan: _Plan, keys: list[_Key], cursor: str) -> str:
    """The rows behind a cursor: (a, b, id) > (x, y, z) spelt out, because directions and blanks may differ."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != len(keys):
            raise ValueError
    except ValueError:
        raise invalid([Fault("bad_cursor", "after")]) from None
    alternatives = []
    same: list[str] = []
    for key, value in zip(keys, values, strict=True):
        if value is None:
            # Blanks are last when descending, first when ascending.
            if not key.descending:
                alternatives.append(" AND ".join([*same, f"{key.sql} IS NOT NULL"]))
            same.append(f"{key.sql} IS NULL")
            continue
        place = f"{plan.param(str(value))}::text::{key.cast}"
        beyond = f"({key.sql} < {place} OR {key.sql} IS NULL)" if key.descending and key.sql != 'h."id"' else \
            f"{key.sql} {'<' if key.descending else '>'} {place}"
        alternatives.append(" AND ".join([*same, beyond]))
        same.append(f"{key.sql} = {place}")
    return f"({' OR '.join(f'({item})' for item in alternatives)})"


def _cursor(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, (date, datetime)) else str(value) if isinstance(value, Decimal) else value
             for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode()


def _count(ctx: Context, form: Form, plan: _Plan, kind: str) -> int | None:
    if kind == "none":
        return None
    text = f'SELECT count(*) FROM {form.table} h {plan.names.joins} WHERE {plan.where}'
    if kind == "estimate":
        if not plan.conditions:
            row = ctx.connection.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass", [form.table]).fetchone()
            if row is not None and row[0] > ESTIMATE_FROM:
                return int(row[0])
        text = (f'SELECT count(*) FROM (SELECT 1 FROM {form.table} h {plan.names.joins} WHERE {plan.where} '
                f"LIMIT {ESTIMATE_FROM + 1}) x")
    row = ctx.connection.execute(text, plan.params).fetchone()
    return int(row[0]) if row else 0


def _shown(ctx: Context, form: Form, fields: Sequence[str]) -> list[Field]:
    """The fields of a list: those named, else all of the head but lines. Hidden ones are left out."""
    hidden = ctx.caller.policy.fields(form.name)
    faults = [Fault("unknown_field", "fields", {"field": key, "form": form.definition.label})
              for key in fields if key.split(".")[0] not in form.fields and key not in ("id", "form")]
    if faults:
        raise invalid(faults)
    wanted = [key.split(".")[0] for key in fields] or [key for key in form.fields if key not in form.lines]
    always = [key for key in ("id", "version") if key in form.fields]
    return [form.fields[key] for key in dict.fromkeys([*always, *wanted])
            if key in form.fields and hidden.get(key) != "none"]


def _page(ctx: Context, form: Form, plan: _Plan, query: Query, order: str, keys: list[_Key], shown: list[Field]) -> dict[str, Any]:
    columns = [(item.key, _value(plan.names, item)) for item in shown if not item.type.is_lines]
    lines = [item.key for item in shown if item.type.is_lines]
    select = ", ".join([text for _, text in columns] + [key.sql for key in keys])
    rows = ctx.connection.execute(
        f'SELECT {select} FROM {form.table} h {plan.names.joins} WHERE {plan.where} ORDER BY {order} LIMIT {query.limit + 1}',
        plan.params).fetchall()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    count = len(columns)
    found = [dict(zip((key for key, _ in columns), row, strict=False)) for row in rows]
    if lines and found:
        whole = {record["id"]: record for record in load(ctx, form, [record["id"] for record in found])}
        for record in found:
            record.update({key: whole[record["id"]][key] for key in lines})
    _load_links(ctx, form, shown, found)
    load_references(ctx, form, [record | {key: record.get(key, []) for key in form.lines} for record in found])
    wanted = {item.key for item in shown} | {"form"}
    hidden = {**ctx.caller.policy.fields(form.name)} | {key: "none" for key in form.fields if key not in wanted}
    data = [output(ctx, form, record, hidden) for record in found]
    return {"data": data, "next": _cursor(rows[-1][count:]) if more else None}


def _value(names: FormNames, item: Field) -> str:
    if item.column is not None:
        return f"h.{quoted(item.column)}"
    return names.scalar(Ref(HEAD, (item.key,)))


def _load_links(ctx: Context, form: Form, shown: list[Field], found: list[Mapping[str, Any]]) -> None:
    """Labels of linked records: settings are in memory, other forms one statement each."""
    wanted: dict[str, set[str]] = {}
    for item in shown:
        target = ctx.catalogue.forms.get(item.to or "")
        if target is None or target.is_setting or item.column is None:
            continue
        loaded = ctx.rows(target.name)
        wanted.setdefault(target.name, set()).update(
            record[item.key] for record in found if record.get(item.key) and record[item.key] not in loaded)
    for name, ids in wanted.items():
        if ids:
            fetch_linked(ctx, ctx.catalogue.forms[name], ids)


def totals(ctx: Context, form_name: str, query: Query, keys: Sequence[str]) -> dict[str, str]:
    """Sums of numeric fields over the whole filter, not the page. One statement."""
    form = ctx.form(form_name)
    ctx.caller.policy.require(form.name, "read")
    hidden = ctx.caller.policy.fields(form.name)
    items = [form.fields[key] for key in keys if key in form.fields and form.fields[key].type.numeric and hidden.get(key) != "none"]
    if not items:
        return {}

    def work() -> dict[str, str]:
        plan = _plan(ctx, form, query)
        sums = ", ".join(f"coalesce(sum({_value(plan.names, item)}), 0)" for item in items)
        row = ctx.connection.execute(
            f'SELECT {sums} FROM {form.table} h {plan.names.joins} WHERE {plan.where}', plan.params).fetchone()
        return {item.key: item.type.dump(Decimal(value)) for item, value in zip(items, row or (), strict=True)}

    return ctx.atomically(work)
