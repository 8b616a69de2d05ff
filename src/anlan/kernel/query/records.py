"""Lists of records: filter, search, sort, keyset paging, counts. Two statements a page, one more for a count.

    records(ctx, "demo.note", Query(where='AND(state = "draft", total > 10)', sort=["-date"], limit=50))
    →  {"data": [...], "next": cursor or None, "count": None}

The cursor stands behind the last row of the page; records that are made or changed meanwhile neither shift the
following pages nor come twice, unless their own sort key moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import psycopg

from anlan.kernel.access.predicate import names_for, predicate
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import HEAD
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.formula import Ref
from anlan.kernel.ids import id_array
from anlan.kernel.query.labels import linked_ids, shown_labels
from anlan.kernel.query.order import Run, SortKey, cursor_of, order_by, read_cursor, runs_after, sort_keys
from anlan.kernel.query.scope import filter_sql
from anlan.kernel.query.words import found_condition, look_up, typed_text
from anlan.kernel.record.load import load, load_references
from anlan.kernel.record.output import output

__all__ = ["MAX_LIMIT", "Query", "computable", "groups", "records", "totals"]

MAX_LIMIT = 500
MOST_GROUPS = 60                # parts that are asked for at once: a month has 42 days with its neighbours
ESTIMATE_FROM = 10_000          # counts above this are estimated when an estimate is asked for


class Query(NamedTuple):
    """What is asked: `where` a formula, `search` words, `sort` paths with "-" for descending, `fields` to show
    (none: all of the head; `lines` are only read when named), `after` a cursor. `ids` narrows it to some records."""

    where: str | None = None
    search: str | None = None
    sort: Sequence[str] = ()
    fields: Sequence[str] = ()
    limit: int = 50
    after: str | None = None
    count: Literal["exact", "estimate", "none"] = "none"  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    ids: Sequence[str] | None = None


@dataclass(slots=True)
class _Plan:
    """The pieces of one list's SQL; placeholders are numbered as they come."""

    form: Form
    names: FormNames
    conditions: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)

    def param(self, value: Any) -> str:
        self.params.append(value)
        return f"${len(self.params)}"

    def source(self, condition: str = "") -> str:
        """FROM and WHERE of the list's rows; ask for it when every name has been used."""
        where = " AND ".join([*self.conditions, *([condition] if condition else [])]) or "true"
        return f"FROM {self.form.table} h {self.names.joins} WHERE {where}"


@contextmanager
def computable() -> Iterator[None]:
    """A caller's formula that PostgreSQL cannot carry out (numbers beyond all bounds, too much of it) is a 422."""
    try:
        yield
    except (psycopg.errors.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        raise invalid([Fault("formula.not_computable", "where", {"reason": error.diag.message_primary or ""})]) from error


def records(ctx: Context, form_name: str, query: Query) -> dict[str, Any]:
    """A page of a form's list, as the caller may see it. Refused 403, 404, 422."""
    ctx.form(form_name)
    ctx.caller.policy.require(form_name, "read")
    if not 1 <= query.limit <= MAX_LIMIT:
        raise invalid([Fault("out_of_range", "limit", {"field": "limit", "least": 1, "most": MAX_LIMIT})])

    def work() -> dict[str, Any]:
        ctx.check_versions()
        form = ctx.form(form_name)
        plan = _plan(ctx, form, query)
        keys = sort_keys(ctx, form, plan.names, query.sort)
        shown = _shown(ctx, form, query.fields)
        columns = [(item.key, _value(plan.names, item)) for item in shown if not item.type.is_lines]
        counted = _count(ctx, plan, query.count)
        rows = _rows(ctx, plan, query, keys, [text for _, text in columns])
        page = rows[: query.limit]
        found = [dict(zip((key for key, _ in columns), row, strict=False)) for row in page]
        after = cursor_of(keys, page[-1][len(columns):]) if len(rows) > query.limit else None
        return {"data": _dressed(ctx, form, shown, found), "next": after, "count": counted}

    with computable():
        return ctx.atomically(work)


def _plan(ctx: Context, form: Form, query: Query) -> _Plan:
    """Rights first, then what the caller asks for."""
    plan = _Plan(form, names_for(ctx, form))
    rule = predicate(ctx, form, "read", plan.names)
    if rule:
        plan.conditions.append(rule)
    if query.where and query.where.strip():
        plan.conditions.append(filter_sql(ctx, form, plan.names, query.where))
    if query.ids is not None:
        plan.conditions.append(f'h."id" = ANY({plan.param(id_array(query.ids))}::uuid[])')
    if query.search and query.search.strip():
        typed = typed_text(query.search)
        plan.conditions.append(found_condition(form, typed, look_up(ctx, typed, form.name)))
    return plan


def _rows(ctx: Context, plan: _Plan, query: Query, keys: list[SortKey], columns: list[str]) -> list[tuple[Any, ...]]:
    """At most one row more than the page holds."""
    select = ", ".join([*columns, *(key.sql for key in keys)])
    runs = runs_after(keys, read_cursor(keys, query.after), len(plan.params)) if query.after else [Run("", [])]
    rows: list[tuple[Any, ...]] = []
    for run in runs:
        text = f"SELECT {select} {plan.source(run.condition)} ORDER BY {order_by(keys)} LIMIT {query.limit + 1 - len(rows)}"
        rows += ctx.connection.execute(text, [*plan.params, *run.params]).fetchall()
        if len(rows) > query.limit:
            break
    return rows


def _count(ctx: Context, plan: _Plan, kind: str) -> int | None:
    if kind == "none":
        return None
    text = f"SELECT count(*) {plan.source()}"
    if kind == "estimate":
        if not plan.conditions:
            row = ctx.connection.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = $1::regclass", [plan.form.table]).fetchone()
            if row is not None and row[0] > ESTIMATE_FROM:
                return int(row[0])
        text = f"SELECT count(*) FROM (SELECT 1 {plan.source()} LIMIT {ESTIMATE_FROM + 1}) x"
    row = ctx.connection.execute(text, plan.params).fetchone()
    return int(row[0]) if row else 0


def _shown(ctx: Context, form: Form, fields: Sequence[str]) -> list[Field]:
    """The fields of a list: those named, else all of the head but lines. Hidden ones are left out."""
    hidden = ctx.caller.policy.fields(form.name)
    faults = [Fault("unknown_field", "fields", {"field": key[:60], "form": form.definition.label})
              for key in fields if key.split(".")[0] not in form.fields and key not in ("id", "form")]
    if faults:
        raise invalid(faults)
    wanted = [key.split(".")[0] for key in fields] or [key for key in form.fields if key not in form.lines]
    always = [key for key in ("id", "version") if key in form.fields]
    return [form.fields[key] for key in dict.fromkeys([*always, *wanted])
            if key in form.fields and hidden.get(key) != "none"]


def _value(names: FormNames, item: Field) -> str:
    if item.column is not None:
        return f"h.{quoted(item.column)}"
    return names.scalar(Ref(HEAD, (item.key,)))


def _dressed(ctx: Context, form: Form, shown: list[Field], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a page as JSON: lines where they were named, links with their labels."""
    lines = [item.key for item in shown if item.type.is_lines]
    if lines and found:
        whole = {record["id"]: record for record in load(ctx, form, [record["id"] for record in found])}
        for record in found:
            record.update({key: whole[record["id"]][key] for key in lines})
    load_references(ctx, form, [{key: [] for key in form.lines} | record for record in found])
    shown_keys = {item.key for item in shown} | {"form"}
    hidden = {**ctx.caller.policy.fields(form.name)} | {key: "none" for key in form.fields if key not in shown_keys}
    with shown_labels(ctx, ((item.to, linked_ids(found, item.key)) for item in shown if item.to)):
        return [output(ctx, form, record, hidden) for record in found]


def groups(ctx: Context, form_name: str, query: Query, parts: Mapping[str, str], *, sums: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Several lists of one form at once, such as the columns of a board or the days of a month.

    `parts`: name → a condition. Each has `{"data", "count", "sums"}`: at most `query.limit` rows in the order of `query`,
    how many there are, and sums of numeric fields. One statement for the rows, one for counts and sums, however many
    parts. Refused 403, 404, 422.
    """
    ctx.form(form_name)
    ctx.caller.policy.require(form_name, "read")
    if len(parts) > MOST_GROUPS or not 1 <= query.limit <= MAX_LIMIT:
        raise invalid([Fault("out_of_range", "limit", {"field": "limit", "least": 1, "most": MAX_LIMIT})])

    def work() -> dict[str, dict[str, Any]]:
        ctx.check_versions()
        form = ctx.form(form_name)
        plan = _plan(ctx, form, query)
        keys = sort_keys(ctx, form, plan.names, query.sort)
        shown = [item for item in _shown(ctx, form, query.fields) if not item.type.is_lines]
        select = ", ".join([*(_value(plan.names, item) for item in shown), *(key.sql for key in keys)])
        conditions = {name: filter_sql(ctx, form, plan.names, text) for name, text in parts.items()}
        texts = [f"(SELECT {at}, x.* FROM (SELECT {select} {plan.source(one)} ORDER BY {order_by(keys)} LIMIT {query.limit}) AS x({_aliases(len(shown) + len(keys))}))"
                 for at, one in enumerate(conditions.values())]
        rows = ctx.connection.execute(" UNION ALL ".join(texts), plan.params).fetchall() if texts else []
        found = [dict(zip((item.key for item in shown), row[1:], strict=False)) for row in rows]
        dressed = _dressed(ctx, form, shown, found)
        items = _summable(ctx, form, sums)
        counted = _counted(ctx, plan, conditions, items)
        return {name: {"data": [one for one, row in zip(dressed, rows, strict=True) if row[0] == at], **counted[name]}
                for at, name in enumerate(conditions)}

    with computable():
        return ctx.atomically(work)


def _aliases(count: int) -> str:
    return ", ".join(f"c{n}" for n in range(count))


def _summable(ctx: Context, form: Form, keys: Sequence[str]) -> list[Field]:
    hidden = ctx.caller.policy.fields(form.name)
    return [form.fields[key] for key in dict.fromkeys(keys)
            if key in form.fields and form.fields[key].type.numeric and hidden.get(key) != "none"]


def _counted(ctx: Context, plan: _Plan, conditions: Mapping[str, str], items: list[Field]) -> dict[str, dict[str, Any]]:
    """How many there are of each part, and its sums. One statement."""
    if not conditions:
        return {}
    asked = [f"count(*) FILTER (WHERE {one})" for one in conditions.values()]
    asked += [f"coalesce(sum({_value(plan.names, item)}) FILTER (WHERE {one}), 0)" for one in conditions.values() for item in items]
    row = ctx.connection.execute(f"SELECT {', '.join(asked)} {plan.source()}", plan.params).fetchone() or ()
    return {name: {"count": int(row[at]),
                   "sums": {item.key: item.type.dump(Decimal(row[len(conditions) + at * len(items) + place])) for place, item in enumerate(items)}}
            for at, name in enumerate(conditions)}


def totals(ctx: Context, form_name: str, query: Query, keys: Sequence[str]) -> dict[str, str]:
    """Sums of numeric fields over the whole filter, not the page. One statement. Refused 403, 404, 422."""
    ctx.form(form_name)
    ctx.caller.policy.require(form_name, "read")

    def work() -> dict[str, str]:
        ctx.check_versions()
        form = ctx.form(form_name)
        items = _summable(ctx, form, keys)
        if not items:
            return {}
        plan = _plan(ctx, form, query)
        sums = ", ".join(f"coalesce(sum({_value(plan.names, item)}), 0)" for item in items)
        row = ctx.connection.execute(f"SELECT {sums} {plan.source()}", plan.params).fetchone()
        return {item.key: item.type.dump(Decimal(value)) for item, value in zip(items, row or (), strict=True)}

    with computable():
        return ctx.atomically(work)
