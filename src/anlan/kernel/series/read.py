"""Reading measurements: as they came, or by steps. What is not rolled up yet is reckoned from the measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any

from anlan.kernel.access.predicate import names_for
from anlan.kernel.catalogue.form import quoted
from anlan.kernel.catalogue.register import Register
from anlan.kernel.context import Context
from anlan.kernel.definition.model import FieldDefinition
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.fieldtype import FIELD_TYPES, Unreadable
from anlan.kernel.fieldtype.types import plain
from anlan.kernel.query.records import computable
from anlan.kernel.query.scope import filter_sql
from anlan.kernel.register.read import load_dimensions, shown_dimension, visible_parts
from anlan.kernel.series.push import key_shape, open_series, rights
from anlan.kernel.series.rollup import bucket, figures
from anlan.kernel.series.tables import PARTS, key_table, raw_table, roll_table, steps_of

__all__ = ["MOST_POINTS", "read"]

MOST_POINTS = 20_000


def read(
    ctx: Context, register_name: str, *, start: str | None = None, end: str | None = None, step: str = "raw",
    by: Sequence[str] = (), where: str | None = None, limit: int = 5_000,
) -> dict[str, Any]:
    """Points in time order: `{"data": [{"at", dimension…, resource: value or {n, sum, min, max, last, average}}], "step", "from", "to"}`.

    `start` and `end` are instants or days (both days included; without them: the last day); `step` is `raw` or one of the
    register's roll-ups. `last` is null where a point adds up several series. `cut` tells that there are more than `limit`.
    Refused 403, 404, 422.
    """
    open_series(ctx, register_name, "read")
    if not 1 <= limit <= MOST_POINTS:
        raise invalid([Fault("out_of_range", "limit", {"field": "limit", "least": 1, "most": MOST_POINTS})])

    def work() -> dict[str, Any]:
        ctx.check_versions()
        register = open_series(ctx, register_name, "read")
        first, last = _period(ctx, start, end)
        keys, res = visible_parts(ctx, register, by)
        if step != "raw" and step not in steps_of(register):
            raise invalid([Fault("unknown_option", "step", {"field": "step", "value": step[:40], "options": ", ".join(["raw", *steps_of(register)])})])
        shape = key_shape(register)
        names = names_for(ctx, shape)
        conditions = rights(ctx, register, shape, names, "read")
        if where and where.strip():
            conditions.append(filter_sql(ctx, shape, names, where, kind="register"))
        source = f"JOIN {quoted(key_table(register))} h ON h.id = r.key {names.joins} WHERE {' AND '.join(conditions) or 'true'}"
        rows = _raw(ctx, register, source, keys, res, (first, last), limit) if step == "raw" else \
            _stepped(ctx, register, source, keys, step, (first, last), limit)
        load_dimensions(ctx, register, keys, [row[1:] for row in rows])
        data = [_point(ctx, register, keys, res, row, raw=step == "raw") for row in rows[:limit]]
        return {"data": data, "step": step, "from": _text(first), "to": _text(last), "cut": len(rows) > limit}

    with computable():
        return ctx.atomically(work)


Span = tuple[datetime, datetime]


def _raw(ctx: Context, register: Register, source: str, keys: list[str], res: list[str], span: Span, limit: int) -> list[tuple[Any, ...]]:  # noqa: PLR0917
    columns = ", ".join(["r.at", *(f"h.{quoted(key)}" for key in keys), *(f"r.{quoted(key)}" for key in res)])
    return ctx.connection.execute(
        f"SELECT {columns} FROM {quoted(raw_table(register))} r {source} AND r.at >= $1 AND r.at < $2 ORDER BY r.at, r.key LIMIT {limit + 1}",
        list(span)).fetchall()


def _stepped(ctx: Context, register: Register, source: str, keys: list[str], step: str, span: Span, limit: int) -> list[tuple[Any, ...]]:  # noqa: PLR0917
    """Roll-ups, and measurements since the last run as buckets of the same kind; what meets in a bucket is added up."""
    zone = ctx.site.zone_name
    names = ["n", *(f"{key}:{part}" for key in register.resources for part in PARTS)]
    row = ctx.connection.execute("SELECT rolled_until FROM series_state WHERE register = $1", [register.name]).fetchone()
    until = row[0] if row else span[0]
    listed = ", ".join(f"r.{quoted(name)}" for name in names)
    fresh = (f"SELECT r.key, {bucket(step, 'r.at', zone)} AS at, {', '.join(figures(register, rolled=False))} FROM {quoted(raw_table(register))} r "
             f"WHERE r.at >= $3 AND r.at < $2 GROUP BY 1, 2")
    both = f"(SELECT r.key, r.at, {listed} FROM {quoted(roll_table(register, step))} r WHERE r.at >= $1 AND r.at < $2 UNION ALL {fresh})"
    group = ", ".join(["r.at", *(f"h.{quoted(key)}" for key in keys)])
    single = set(keys) == set(register.dimensions)
    items = [item if single or not item.endswith(':last"') else "NULL" for item in figures(register, rolled=True)]
    first = ctx.connection.execute(f"SELECT {bucket(step, '$1::timestamptz', zone)}", [span[0]]).fetchone()
    assert first is not None
    return ctx.connection.execute(
        f"SELECT {group}, {', '.join(items)} FROM {both} r {source} GROUP BY {group} ORDER BY {group} LIMIT {limit + 1}",
        [first[0], span[1], max(until, first[0])]).fetchall()


def _point(ctx: Context, register: Register, keys: list[str], res: list[str], row: Sequence[Any], *, raw: bool) -> dict[str, Any]:
    point: dict[str, Any] = {"at": _text(row[0])} | {key: shown_dimension(ctx, register, key, row[1 + place]) for place, key in enumerate(keys)}
    if raw:
        return point | {key: _value(row[1 + len(keys) + place]) for place, key in enumerate(res)}
    point["n"] = row[1 + len(keys)]
    for place, key in enumerate(register.resources):
        if key in res:
            begin = 2 + len(keys) + place * len(PARTS)
            point[key] = _figures(dict(zip(PARTS, row[begin : begin + len(PARTS)], strict=True)))
    return point


def _figures(found: Mapping[str, Any]) -> dict[str, Any]:
    average = Decimal(found["sum"]) / found["n"] if found["n"] else None
    return {part: found[part] if part == "n" else _value(found[part]) for part in PARTS} | {
        "average": None if average is None else plain(average.quantize(Decimal("1E-10")))}


def _value(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _period(ctx: Context, start: str | None, end: str | None) -> Span:
    """From one instant until before another; days are those of the site. Refused 422."""
    last = _instant(ctx, end, "to", end=True) or ctx.now
    first = _instant(ctx, start, "from", end=False) or last - timedelta(days=1)
    if first >= last:
        raise invalid([Fault("range_turned", "to", {"from": first, "to": last})])
    return first, last


def _instant(ctx: Context, text: str | None, path: str, *, end: bool) -> datetime | None:
    if text is None:
        return None
    kind = FIELD_TYPES["date"] if len(text) <= 10 else FIELD_TYPES["instant"]
    try:
        value = kind.parse(text, FieldDefinition(type=kind.key))
    except Unreadable as error:
        raise invalid([Fault(error.code, path, {"field": path, **error.params})]) from None
    if isinstance(value, datetime):
        return value
    assert isinstance(value, date)
    return datetime.combine(value + timedelta(days=1 if end else 0), clock_time(), ctx.site.zone)
