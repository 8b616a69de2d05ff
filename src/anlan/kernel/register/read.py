"""Reading registers: balances at any time, turnover of a period, movements.

A balance of today is read from the balance table; of an earlier day it is today's less what was moved since, or,
where period totals are kept, the months before plus the movements of one month. Rows obey the caller's grants on
the register and his companies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.fieldtype import FIELD_TYPES, Unreadable
from anlan.kernel.query.records import Query, filter_sql
from anlan.kernel.access.predicate import names_for
from anlan.kernel.record.links import fetch_linked
from anlan.kernel.record.output import amount
from anlan.kernel.fieldtype.types import plain

__all__ = ["balance", "balance_source", "day_of", "movement_shape", "movements", "register_predicate", "turnover", "turnover_rows"]


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
    from anlan.kernel.definition.model import FieldDefinition

    try:
        parsed = kind.parse(value, FieldDefinition(type=kind.key))
    except Unreadable as error:
        raise invalid([Fault(error.code, path, error.params)]) from None
    return parsed.astimezone(ctx.site.zone).date() if isinstance(parsed, datetime) else parsed


def balance_source(ctx: Context, register: Register, day: date | None) -> str:
    """A relation of dimensions and resources at the end of a day, as SQL in parentheses."""
    dims = ", ".join(quoted(key) for key in register.dimensions)
    res = [quoted(key) for key in register.resources]
    if day is None:
        return register.balance_table
    sums = ", ".join(f"sum(u.{name}) AS {name}" for name in res)
    if register.definition.periods is not None:
        first = day.replace(day=1)
        months = ", ".join(f'"{name[1:-1]}_in" - "{name[1:-1]}_out" AS {name}' for name in res)
        return (f"(SELECT {dims}, {sums} FROM (SELECT {dims}, {months} FROM {register.period_table} WHERE period < '{first}' "
                f"UNION ALL SELECT {dims}, {', '.join(res)} FROM {register.movement_table} WHERE date >= '{first}' AND date <= '{day}') u "
                f"GROUP BY {dims})")
    return (f"(SELECT {dims}, {sums} FROM (SELECT {dims}, {', '.join(res)} FROM {register.balance_table} UNION ALL "
            f"SELECT {dims}, {', '.join(f'- {name}' for name in res)} FROM {register.movement_table} WHERE date > '{day}') u "
            f"GROUP BY {dims})")


def register_predicate(ctx: Context, register: Register, shape: Form, names: FormNames) -> list[str]:
    """Conditions that limit the caller to his companies and to the rows of his grants."""
    conditions = []
    if "company" in register.dimensions and ctx.caller.companies is not None:
        ids = ", ".join(f"'{one}'" for one in ctx.caller.companies)
        conditions.append(f'h."company" IN ({ids})' if ids else "false")
    rules = ctx.caller.policy.rows(register.name, "read", kind="register")
    if rules is not None:
        parts = [filter_sql(ctx, shape, names, rule) for rule in rules]
        conditions.append(f"({' OR '.join(parts)})" if parts else "false")
    return conditions


def _by(register: Register, by: Sequence[str]) -> list[str]:
    unknown = [key for key in by if key not in register.dimensions]
    if unknown:
        raise invalid([Fault("unknown_field", "by", {"field": key, "form": register.definition.label}) for key in unknown])
    return list(dict.fromkeys(by)) or list(register.dimensions)


def balance(
    ctx: Context, name: str, at: str | None = None, by: Sequence[str] = (), where: str | None = None, zero: bool = False,
) -> dict[str, Any]:
    """Balances by some dimensions: `{"data": [{dimension: link or value, resource: text}], "at": …}`. One statement."""
    register = _open(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        day = day_of(ctx, at, "at")
        keys = _by(register, by)
        now = day is None or (day >= ctx.today and not _future(ctx, register, day))
        shape = register.as_form(balance_source(ctx, register, None if now else day))
        names = names_for(ctx, shape)
        conditions = register_predicate(ctx, register, shape, names)
        if where:
            conditions.append(filter_sql(ctx, shape, names, where))
        res = list(register.resources)
        group = ", ".join(f"h.{quoted(key)}" for key in keys)
        sums = ", ".join(f"sum(h.{quoted(key)})" for key in res)
        having = "" if zero else f" HAVING {' OR '.join(f'sum(h.{quoted(key)}) <> 0' for key in res)}"
        rows = ctx.connection.execute(
            f"SELECT {group}, {sums} FROM {shape.table} h {names.joins} WHERE {' AND '.join(conditions) or 'true'} "
            f"GROUP BY {group}{having} ORDER BY {group}").fetchall()
        _load_dimensions(ctx, register, keys, rows)
        data = [
            {key: shown_dimension(ctx, register, key, row[place]) for place, key in enumerate(keys)}
            | {key: shown_resource(register, key, row[len(keys) + place]) for place, key in enumerate(res)}
            for row in rows]
        return {"data": data, "at": (day or ctx.today).isoformat()}

    return ctx.atomically(work)


def _future(ctx: Context, register: Register, day: date) -> bool:
    """Whether there are movements dated after the day, so that the balance table is ahead of it."""
    row = ctx.connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM {register.balance_table} WHERE last_date > $1)", [day], prepare=True).fetchone()
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


def _load_dimensions(ctx: Context, register: Register, keys: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Labels of linked records: one statement per linked form that is no setting."""
    for place, key in enumerate(keys):
        dimension = register.dimensions[key]
        ids = {row[place] for row in rows} - {ZERO_VALUES[dimension.type]}
        if dimension.type == "link" and dimension.to in ctx.catalogue.forms and not ctx.catalogue.forms[dimension.to].is_setting:
            missing = [one for one in ids if one not in ctx.rows(dimension.to)]
            if missing:
                fetch_linked(ctx, ctx.catalogue.forms[dimension.to], (), 't."id" = ANY($1::uuid[])', [missing])
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


def turnover(ctx: Context, name: str, start: str, end: str, by: Sequence[str] = (), where: str | None = None) -> dict[str, Any]:
    """Opening, in, out and closing of each resource between two days, both included."""
    register = _open(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        first, last = day_of(ctx, start, "from"), day_of(ctx, end, "to")
        assert first is not None and last is not None
        keys = _by(register, by)
        rows = turnover_rows(ctx, register, first, last, keys, where)
        data = []
        for row in rows:
            item = {key: shown_dimension(ctx, register, key, row[key]) for key in keys}
            for key in register.resources:
                item[key] = {part: shown_resource(register, key, value) for part, value in row[f"{key}:"].items()}
            data.append(item)
        return {"data": data, "from": first.isoformat(), "to": last.isoformat()}

    return ctx.atomically(work)


def turnover_rows(
    ctx: Context, register: Register, first: date, last: date, keys: Sequence[str], where: str | None = None,
) -> list[dict[str, Any]]:
    """Rows of a turnover as Python values: dimensions by key, and `{resource}:` → {opening, in, out, closing}.

    Whole months come from the period totals where the register keeps them, the rest from movements.
    """
    if last < first:
        raise invalid([Fault("range_turned", "to", {"from": first, "to": last})])
    dims = ", ".join(quoted(key) for key in register.dimensions)
    parts = []
    for key in register.resources:
        name = quoted(key)
        parts.append((key, name))
    opening = balance_source(ctx, register, first - timedelta(days=1))
    zero = ", ".join(f'0 AS "{key}_o"' for key, _ in parts)
    opened = f"SELECT {dims}, {', '.join(f'{name} AS {chr(34)}{key}_o{chr(34)}' for key, name in parts)}, " \
             f"{', '.join(f'0 AS {chr(34)}{key}_i{chr(34)}, 0 AS {chr(34)}{key}_x{chr(34)}' for key, _ in parts)} FROM {opening} o"
    moved = []
    for low, high, whole in _pieces(register, first, last):
        if whole:
            flows = ", ".join(f'"{key}_in" AS "{key}_i", "{key}_out" AS "{key}_x"' for key, _ in parts)
            moved.append(f"SELECT {dims}, {zero}, {flows} FROM {register.period_table} WHERE period >= '{low}' AND period <= '{high}'")
        else:
            flows = ", ".join(f'GREATEST({name}, 0) AS "{key}_i", GREATEST(- {name}, 0) AS "{key}_x"' for key, name in parts)
            moved.append(f"SELECT {dims}, {zero}, {flows} FROM {register.movement_table} WHERE date >= '{low}' AND date <= '{high}'")
    shape = register.as_form(f"({' UNION ALL '.join([opened, *moved])})")
    names = names_for(ctx, shape)
    conditions = register_predicate(ctx, register, shape, names)
    if where:
        conditions.append(filter_sql(ctx, shape, names, where))
    group = ", ".join(f"h.{quoted(key)}" for key in keys)
    sums = ", ".join(f'sum(h."{key}_{part}")' for key, _ in parts for part in "oix")
    something = " OR ".join(f'sum(h."{key}_{part}") <> 0' for key, _ in parts for part in "oix")
    rows = ctx.connection.execute(
        f"SELECT {group}, {sums} FROM {shape.table} h {names.joins} WHERE {' AND '.join(conditions) or 'true'} "
        f"GROUP BY {group} HAVING {something} ORDER BY {group}").fetchall()
    _load_dimensions(ctx, register, keys, rows)
    found = []
    for row in rows:
        item: dict[str, Any] = dict(zip(keys, row, strict=False))
        for place, (key, _) in enumerate(parts):
            o, i, x = row[len(keys) + 3 * place : len(keys) + 3 * place + 3]
            item[f"{key}:"] = {"opening": Decimal(o), "in": Decimal(i), "out": Decimal(x), "closing": Decimal(o) + Decimal(i) - Decimal(x)}
        found.append(item)
    return found


def _pieces(register: Register, first: date, last: date) -> list[tuple[date, date, bool]]:
    """The period cut into whole months (True) and what is left at both ends."""
    if register.definition.periods is None:
        return [(first, last, False)]
    start = first if first.day == 1 else (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    following = last + timedelta(days=1)
    end = following.replace(day=1) - timedelta(days=1)      # last day of the last whole month
    if start > end:
        return [(first, last, False)]
    pieces = [(start, end.replace(day=1), True)]
    if first < start:
        pieces.append((first, start - timedelta(days=1), False))
    if end < last:
        pieces.append((end + timedelta(days=1), last, False))
    return pieces


def movements(ctx: Context, name: str, query: Query) -> dict[str, Any]:
    """Movements, newest first (date, sequence), each with the document that made it; keyset paging by `after`."""
    register = _open(ctx, name)

    def work() -> dict[str, Any]:
        ctx.check_versions()
        shape = movement_shape(register)
        names = names_for(ctx, shape)
        conditions = register_predicate(ctx, register, shape, names)
        if query.where:
            conditions.append(filter_sql(ctx, shape, names, query.where))
        params: list[Any] = []
        if query.after:
            day, _, seq = query.after.partition("~")
            if not seq.isdigit() or day_of(ctx, day, "after") is None:
                raise invalid([Fault("bad_cursor", "after")])
            params = [day, int(seq)]
            conditions.append('(h."date", h."seq") < ($1::text::date, $2::bigint)')
        keys, res = list(register.dimensions), list(register.resources)
        columns = ", ".join(f"h.{quoted(key)}" for key in (*keys, *res))
        limit = max(1, min(query.limit, 500))
        rows = ctx.connection.execute(
            f'SELECT h."seq", h."date", h."recorded_at", h."document", h."document_form", h."posting", h."document_line", i.code, i.title, {columns} '
            f"FROM {shape.table} h LEFT JOIN record_index i ON i.id = h.\"document\" {names.joins} "
            f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY h.\"date\" DESC, h.\"seq\" DESC LIMIT {limit + 1}", params).fetchall()
        _load_dimensions(ctx, register, keys, [row[9:] for row in rows])
        data = [
            {"seq": row[0], "date": row[1].isoformat(), "recorded_at": row[2].isoformat().replace("+00:00", "Z"),
             "document": {"form": row[4], "id": row[3], "code": row[7], "label": row[8]}, "posting": row[5], "document_line": row[6]}
            | {key: shown_dimension(ctx, register, key, row[9 + place]) for place, key in enumerate(keys)}
            | {key: shown_resource(register, key, row[9 + len(keys) + place]) for place, key in enumerate(res)}
            for row in rows[:limit]]
        more = len(rows) > limit
        return {"data": data, "next": f"{data[-1]['date']}~{data[-1]['seq']}" if more else None, "count": None}

    return ctx.atomically(work)


def movement_shape(register: Register) -> Form:
    """Movements as a form: dimensions and resources, the date and the document."""
    from anlan.kernel.catalogue.form import Field
    from anlan.kernel.definition.model import FieldDefinition

    shape = register.as_form(register.movement_table)
    for key, kind in (("date", "date"), ("document_form", "text"), ("posting", "text"), ("document", "reference"), ("seq", "integer")):
        if key not in shape.fields:
            shape.fields[key] = Field(key, key, FieldDefinition(type=kind), FIELD_TYPES[kind], key, None)
    return shape


