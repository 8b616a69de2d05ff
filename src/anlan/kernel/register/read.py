"""Reading registers: balances at any time, turnover of a period, movements.

A balance of today is read from the balance table; of an earlier day it is today's less what was moved since, or, of a
day long ago, what was moved until then. Where period totals are kept, whole months of that are one row a key. Rows and
figures obey the caller's grants on the register, and his companies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel.access.predicate import names_for
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.context import Context
from anlan.kernel.definition.model import FieldDefinition
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.fieldtype import FIELD_TYPES, Unreadable
from anlan.kernel.fieldtype.types import plain
from anlan.kernel.query.order import SortKey, cursor_of, read_cursor, runs_after
from anlan.kernel.query.records import MAX_LIMIT, Query, computable
from anlan.kernel.query.scope import filter_sql, rule_sql
from anlan.kernel.record.links import fetch_linked
from anlan.kernel.record.output import amount

__all__ = ["balance", "balance_source", "day_of", "load_dimensions", "movement_shape", "movements", "register_rights", "shown_dimension", "turnover", "turnover_rows", "visible_parts"]

RECENT = timedelta(days=400)        # balances of days since are reckoned back from today's
MOST_ROWS = 50_000                  # of a balance or turnover; more is refused, not cut
Narrow = Callable[[Form, FormNames], list[str]]


def _open(ctx: Context, name: str) -> Register:
    register = ctx.catalogue.register(name)
    ctx.caller.policy.require(name, "read", kind="register")
    if register.definition.kind != "balance":
        raise Refused(422, "register.is_series", params={"register": register.definition.label})
    return register


def day_of(ctx: Context, value: str | None, path: str) -> date | None:
    """A day from a date, or from an instant as the site's day; None stays None. Refused 422."""
    if value is None:
        return None
    kind = FIELD_TYPES["date"] if len(value) <= 10 else FIELD_TYPES["instant"]
    try:
        parsed = kind.parse(value, FieldDefinition(type=kind.key))
    except Unreadable as error:
        raise invalid([Fault(error.code, path, {"field": path, **error.params})]) from None
    return parsed.astimezone(ctx.site.zone).date() if isinstance(parsed, datetime) else parsed


def balance_source(ctx: Context, register: Register, day: date | None) -> str:
    """A relation of dimensions and resources at the end of a day (None: now), as SQL in parentheses or a table."""
    if day is None:
        return register.balance_table
    dims = ", ".join(quoted(key) for key in register.dimensions)
    sums = ", ".join(f"sum(u.{quoted(key)}) AS {quoted(key)}" for key in register.resources)
    return f"(SELECT {dims}, {sums} FROM ({' UNION ALL '.join(_until(ctx, register, day))}) u GROUP BY {dims})"


def _until(ctx: Context, register: Register, day: date) -> list[str]:
    """Relations that add up to the balances at the end of a day: reckoned back from now, or from the beginning if that is nearer."""
    if day < ctx.today - RECENT:
        return _moved(register, "", None, day)
    columns = ", ".join(quoted(key) for key in (*register.dimensions, *register.resources))
    return [f"SELECT {columns} FROM {register.balance_table}", *_moved(register, "-", day + timedelta(days=1), None)]


def _moved(register: Register, sign: str, first: date | None, last: date | None) -> list[str]:
    """What was moved from or until a day, with a sign: months from period totals where they are kept, the rest one by one."""
    dims = ", ".join(quoted(key) for key in register.dimensions)
    single = ", ".join(f"{sign}{quoted(key)} AS {quoted(key)}" for key in register.resources)
    months = ", ".join(f"{sign}({quoted(key + '_in')} - {quoted(key + '_out')}) AS {quoted(key)}" for key in register.resources)

    def one_by_one(low: date | None, high: date | None) -> str:
        return f"SELECT {dims}, {single} FROM {register.movement_table} WHERE {_between('date', low, high)}"

    def by_month(low: date | None, high: date | None) -> str:
        return f"SELECT {dims}, {months} FROM {register.period_table} WHERE {_between('period', low, high)}"

    if register.definition.periods is None:
        return [one_by_one(first, last)]
    if last is not None:
        begin = last.replace(day=1)
        return [by_month(None, begin - timedelta(days=1)), one_by_one(begin, last)]
    assert first is not None
    following = _next_month(first) if first.day > 1 else first
    ends = [one_by_one(first, following - timedelta(days=1))] if first < following else []
    return [by_month(following, None), *ends]


def _between(column: str, low: date | None, high: date | None) -> str:
    parts = [f"{column} >= '{low}'"] if low else []
    return " AND ".join([*parts, *([f"{column} <= '{high}'"] if high else [])])


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def register_rights(ctx: Context, register: Register, shape: Form, names: FormNames) -> list[str]:
    """Conditions that limit the caller to his companies and to the rows of his grants on the register.

    Who may see a report but not its register has no row rules there; his companies hold.
    """
    conditions = []
    if "company" in register.dimensions and ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        conditions.append(f'h."company" IN ({ids})' if ids else "false")
    if ctx.caller.policy.can(register.name, "read", kind="register"):
        rules = ctx.caller.policy.rows(register.name, "read", kind="register")
        if rules is not None:
            parts = [rule_sql(ctx, shape, names, rule) for rule in rules]
            conditions.append(f"({' OR '.join(parts)})" if parts else "false")
    return conditions


def visible_parts(ctx: Context, register: Register, by: Sequence[str]) -> tuple[list[str], list[str]]:
    """The dimensions to group by and the resources that the caller may see. Refused 422 for unknown or hidden ones."""
    hidden = {key for key, level in ctx.caller.policy.fields(register.name, kind="register").items() if level == "none"}
    dims = [key for key in register.dimensions if key not in hidden]
    unknown = [key for key in by if key not in dims]
    if unknown:
        raise invalid([Fault("unknown_field", "by", {"field": key[:60], "form": register.definition.label}) for key in unknown])
    return list(dict.fromkeys(by)) or dims, [key for key in register.resources if key not in hidden]


def _asked(ctx: Context, register: Register, where: str | None) -> Narrow:
    """Rights, and the filter that the caller wrote."""
    def narrow(shape: Form, names: FormNames) -> list[str]:
        own = [filter_sql(ctx, shape, names, where, kind="register")] if where and where.strip() else []
        return [*register_rights(ctx, register, shape, names), *own]

    return narrow


def balance(
    ctx: Context, name: str, *, at: str | None = None, by: Sequence[str] = (), where: str | None = None, zero: bool = False,
) -> dict[str, Any]:
    """Balances by some dimensions: `{"data": [{dimension: link or value, resource: text}], "at": …}`. Refused 403, 404, 422."""
    _open(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        register = _open(ctx, name)
        day = day_of(ctx, at, "at")
        keys, res = visible_parts(ctx, register, by)
        past = day if day is not None and (day < ctx.today or _moved_after(ctx, register, day)) else None
        shape = register.as_form(balance_source(ctx, register, past))
        rows = _grouped(ctx, shape, keys, [f"coalesce(sum(h.{quoted(key)}), 0)" for key in res], _asked(ctx, register, where), zero=zero)
        load_dimensions(ctx, register, keys, rows)
        data = [
            {key: shown_dimension(ctx, register, key, row[place]) for place, key in enumerate(keys)}
            | {key: shown_resource(register, key, row[len(keys) + place]) for place, key in enumerate(res)}
            for row in rows]
        return {"data": data, "at": (day or ctx.today).isoformat()}

    with computable():
        return ctx.atomically(work)


def _grouped(ctx: Context, shape: Form, keys: Sequence[str], sums: Sequence[str], narrow: Narrow, *, zero: bool) -> list[tuple[Any, ...]]:
    """Sums by some dimensions, in their order; rows without any amount only when `zero`."""
    names = names_for(ctx, shape)
    conditions = " AND ".join(narrow(shape, names)) or "true"
    group = ", ".join(f"h.{quoted(key)}" for key in keys)
    having = "" if zero or not sums else f" HAVING {' OR '.join(f'{one} <> 0' for one in sums)}"
    rows = ctx.connection.execute(
        f"SELECT {', '.join([*(f'h.{quoted(key)}' for key in keys), *sums])} FROM {shape.table} h {names.joins} WHERE {conditions}"
        f"{f' GROUP BY {group}' if keys else ''}{having}{f' ORDER BY {group}' if keys else ''} LIMIT {MOST_ROWS + 1}").fetchall()
    if len(rows) > MOST_ROWS:
        raise invalid([Fault("too_many_rows", "by", {"limit": MOST_ROWS})])
    return rows


def _moved_after(ctx: Context, register: Register, day: date) -> bool:
    """Whether there are movements dated after the day, so that the balance table is ahead of it."""
    row = ctx.connection.execute(f"SELECT EXISTS (SELECT 1 FROM {register.movement_table} WHERE date > $1)", [day], prepare=True).fetchone()
    return bool(row and row[0])


def shown_dimension(ctx: Context, register: Register, key: str, value: Any) -> Any:
    """A dimension's value as JSON: a link, a text, a date; None for "none"."""
    dimension = register.dimensions[key]
    if value is None or value == ZERO_VALUES[dimension.type]:
        return None
    if dimension.type == "link":
        target = ctx.catalogue.forms.get(dimension.to or "")
        if target is None:
            return {"id": value, "code": None, "label": None}
        row = ctx.linked(target.name, value)
        return {"id": value, "code": row.get(target.code_column), "label": row.get(target.label_column)}
    if dimension.type == "line":
        row = ctx.rows(dimension.to or "").get(value, {})
        return {"id": value, "code": row.get("code"), "label": row.get("label")}
    return value.isoformat() if isinstance(value, date) else value


def shown_resource(register: Register, key: str, value: Any) -> Any:
    """A resource's value as JSON."""
    kind = register.resources[key].type
    if kind == "money":
        return amount(Decimal(value))
    return plain(Decimal(value)) if kind in ("quantity", "decimal") else int(value)


def load_dimensions(ctx: Context, register: Register, keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Labels of linked records: one statement per linked form that is no setting."""
    for place, key in enumerate(keys):
        dimension = register.dimensions[key]
        ids = {row[place] for row in rows} - {ZERO_VALUES[dimension.type]}
        if dimension.type == "link" and dimension.to in ctx.catalogue.forms and not ctx.catalogue.forms[dimension.to].is_setting:
            missing = ids - ctx.rows(dimension.to).keys()
            if missing:
                fetch_linked(ctx, ctx.catalogue.forms[dimension.to], missing)
        elif dimension.type == "line" and ids:
            _load_lines(ctx, dimension.to or "", list(ids))


def _load_lines(ctx: Context, owner: str, ids: list[str]) -> None:
    """Lines show as their record's number and position."""
    name, _, key = owner.rpartition(".")
    form = ctx.catalogue.forms.get(name)
    if form is None or key not in form.lines:
        return
    for row in ctx.connection.execute(
            f'SELECT l."id", i.code, l."position" FROM {form.lines[key].table} l JOIN record_index i ON i.id = l."record" '
            'WHERE l."id" = ANY($1::uuid[])', [ids]).fetchall():
        ctx.rows(owner).setdefault(row[0], {})
        ctx.rows(owner)[row[0]] = {**ctx.rows(owner)[row[0]], "code": row[1], "label": f"{row[1] or ''} #{row[2] + 1}"}


def turnover(ctx: Context, name: str, start: str, end: str, *, by: Sequence[str] = (), where: str | None = None) -> dict[str, Any]:
    """Opening, in, out and closing of each resource between two days, both included. Refused 403, 404, 422."""
    _open(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        register = _open(ctx, name)
        first, last = day_of(ctx, start, "from"), day_of(ctx, end, "to")
        assert first is not None and last is not None
        keys, res = visible_parts(ctx, register, by)
        data = [
            {key: shown_dimension(ctx, register, key, row[key]) for key in keys}
            | {key: {part: shown_resource(register, key, value) for part, value in row[f"{key}:"].items()} for key in res}
            for row in turnover_rows(ctx, register, first, last, keys=keys, narrow=_asked(ctx, register, where))]
        return {"data": data, "from": first.isoformat(), "to": last.isoformat()}

    with computable():
        return ctx.atomically(work)


def turnover_rows(
    ctx: Context, register: Register, first: date, last: date, *, keys: Sequence[str], narrow: Narrow,
) -> list[dict[str, Any]]:
    """Rows of a turnover as Python values: dimensions by key, and `{resource}:` → {opening, in, out, closing}.

    Whole months come from the period totals where the register keeps them, the rest from movements. `narrow` gives the
    conditions on the rows. Refused 422 when the last day lies before the first.
    """
    if last < first:
        raise invalid([Fault("range_turned", "to", {"from": first, "to": last})])
    res = list(register.resources)
    dims = ", ".join(quoted(key) for key in register.dimensions)
    opened = ", ".join(f'{quoted(key)} AS "{key}:o", 0 AS "{key}:i", 0 AS "{key}:x"' for key in res)
    parts = [f"SELECT {dims}, {opened} FROM ({part}) o" for part in _until(ctx, register, first - timedelta(days=1))]
    for low, high, whole in _pieces(register, first, last):
        flows = ", ".join(
            f'0 AS "{key}:o", {quoted(key + "_in")} AS "{key}:i", {quoted(key + "_out")} AS "{key}:x"' if whole
            else f'0 AS "{key}:o", GREATEST({quoted(key)}, 0) AS "{key}:i", GREATEST(- {quoted(key)}, 0) AS "{key}:x"' for key in res)
        table, column = (register.period_table, "period") if whole else (register.movement_table, "date")
        parts.append(f"SELECT {dims}, {flows} FROM {table} WHERE {_between(column, low, high)}")
    shape = register.as_form(f"({' UNION ALL '.join(parts)})")
    for key in res:         # a turnover has four figures of each: conditions are about dimensions
        del shape.fields[key]
    sums = [f'coalesce(sum(h."{key}:{part}"), 0)' for key in res for part in "oix"]
    rows = _grouped(ctx, shape, keys, sums, narrow, zero=False)
    load_dimensions(ctx, register, keys, rows)
    return [_turned(keys, res, row) for row in rows]


def _turned(keys: Sequence[str], res: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    item: dict[str, Any] = dict(zip(keys, row, strict=False))
    for place, key in enumerate(res):
        opening, came, went = (Decimal(value) for value in row[len(keys) + 3 * place : len(keys) + 3 * place + 3])
        item[f"{key}:"] = {"opening": opening, "in": came, "out": went, "closing": opening + came - went}
    return item


def _pieces(register: Register, first: date, last: date) -> list[tuple[date, date, bool]]:
    """The period cut into whole months (True) and what is left at both ends."""
    if register.definition.periods is None:
        return [(first, last, False)]
    start = first if first.day == 1 else _next_month(first)
    end = (last + timedelta(days=1)).replace(day=1) - timedelta(days=1)      # last day of the last whole month
    if start > end:
        return [(first, last, False)]
    pieces = [(start, end, True)]
    if first < start:
        pieces.append((first, start - timedelta(days=1), False))
    if end < last:
        pieces.append((end + timedelta(days=1), last, False))
    return pieces


def movements(ctx: Context, name: str, query: Query) -> dict[str, Any]:
    """Movements, newest first (date, sequence), each with the document that made it; keyset paging by `after`.

    Refused 403, 404, 422; also for a sort, search or fields, which a register's movements do not have.
    """
    _open(ctx, name)
    if query.search or query.fields or [key for key in query.sort if key != "-date"]:
        raise invalid([Fault("register.only_newest_first", "sort" if query.sort else "search" if query.search else "fields")])
    if not 1 <= query.limit <= MAX_LIMIT:
        raise invalid([Fault("out_of_range", "limit", {"field": "limit", "least": 1, "most": MAX_LIMIT})])

    def work() -> dict[str, Any]:
        ctx.check_versions()
        register = _open(ctx, name)
        shape = movement_shape(register)
        names = names_for(ctx, shape)
        conditions = _asked(ctx, register, query.where)(shape, names)
        return _movement_page(ctx, register, names, conditions, query)

    with computable():
        return ctx.atomically(work)


NEWEST = (SortKey('h."date"', True, "date"), SortKey('h."seq"', True, "bigint"))


def _movement_page(ctx: Context, register: Register, names: FormNames, conditions: list[str], query: Query) -> dict[str, Any]:
    source = f'{register.movement_table} h LEFT JOIN record_index i ON i.id = h."document" {names.joins}'
    counted = None
    if query.count != "none":
        row = ctx.connection.execute(f"SELECT count(*) FROM {source} WHERE {' AND '.join(conditions) or 'true'}").fetchone()
        counted = int(row[0]) if row else 0
    params: list[Any] = []
    if query.after:
        run = runs_after(NEWEST, read_cursor(NEWEST, query.after), 0)[0]     # neither key is ever blank
        conditions, params = [*conditions, run.condition], run.params
    keys, res = visible_parts(ctx, register, ())
    columns = ", ".join(f"h.{quoted(key)}" for key in (*keys, *res))
    rows = ctx.connection.execute(
        f'SELECT h."seq", h."date", h."recorded_at", h."document", h."document_form", h."posting", h."document_line", i.code, i.title, {columns} '
        f"FROM {source} WHERE {' AND '.join(conditions) or 'true'} ORDER BY h.\"date\" DESC, h.\"seq\" DESC LIMIT {query.limit + 1}",
        params).fetchall()
    page = rows[: query.limit]
    load_dimensions(ctx, register, keys, [row[9:] for row in page])
    data = [
        {"seq": row[0], "date": row[1].isoformat(), "recorded_at": row[2].isoformat().replace("+00:00", "Z"),
         "document": {"form": row[4], "id": row[3], "code": row[7], "label": row[8]}, "posting": row[5], "document_line": row[6]}
        | {key: shown_dimension(ctx, register, key, row[9 + place]) for place, key in enumerate(keys)}
        | {key: shown_resource(register, key, row[9 + len(keys) + place]) for place, key in enumerate(res)}
        for row in page]
    after = cursor_of(NEWEST, [page[-1][1], page[-1][0]]) if len(rows) > query.limit else None
    return {"data": data, "next": after, "count": counted}


def movement_shape(register: Register) -> Form:
    """Movements as a form: dimensions and resources, the date and the document."""
    shape = register.as_form(register.movement_table)
    for key, kind in (("date", "date"), ("document_form", "text"), ("posting", "text"), ("document", "reference"), ("seq", "integer")):
        if key not in shape.fields:
            shape.fields[key] = Field(key, key, FieldDefinition(type=kind), FIELD_TYPES[kind], key, None)
    return shape
