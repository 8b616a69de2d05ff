"""Running a form's postings: after a write or a step, inside its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson

from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.ids import id_array
from anlan.kernel.posting.compiled import (
    Change,
    CompiledPosting,
    compiled_postings,
    computed_write,
    statements_for,
)
from anlan.kernel.posting.limit import broken_limits, refuse_broken
from anlan.kernel.record.output import raw_json

__all__ = ["closed_until", "hold_periods", "is_none", "post"]

Row = dict[str, Any]


def post(ctx: Context, form: Form, documents: list[Row], before: Sequence[str | None]) -> list[Row]:
    """Bring the movements of some documents in line with their present state; the rows that were computed.

    `before[i]` is the state that document i had. One statement per posting; three for those of a computed
    register. Refused 422 by limits and closed periods.
    """
    postings = compiled_postings(ctx.catalogue, form)
    if not postings:
        return []
    groups: dict[tuple[str, Change], list[str]] = {}
    entering: dict[str, Row] = {}
    for item in postings:
        for document, state in zip(documents, before, strict=True):
            change = item.change(state, document.get("state"))
            if change is not None:
                groups.setdefault((item.key, change), []).append(document["id"])
            if change == "enter":
                entering[document["id"]] = document
    _refuse_closed(ctx, form, list(entering.values()))
    work: dict[str, list[tuple[CompiledPosting, Change, list[str]]]] = {}
    by_key = {item.key: item for item in postings}
    for (key, change), ids in groups.items():
        work.setdefault(by_key[key].computed or "", []).append((by_key[key], change, ids))
    computed: list[Row] = []
    for name in sorted(work, reverse=True):
        if name:
            computed += _post_computed(ctx, form, name, work[name], documents)
    joined: dict[str, list[tuple[str, Change]]] = {}
    for item, change, ids in work.get("", ()):
        joined.setdefault(id_array(ids), []).append((item.key, change))
    for array, changes in joined.items():
        for text in statements_for(ctx.catalogue, form, tuple(changes)):
            _later(ctx, form, ctx.connection.execute(text, [array, ctx.now], prepare=True), documents)
    return computed


def _later(ctx: Context, form: Form, answer: Any, documents: list[Row]) -> None:
    """Look for broken limits before the commit, when the answer is there without waiting for it alone."""
    assert ctx.tx is not None

    def look() -> None:
        broken = broken_limits(ctx.catalogue, answer.fetchall())
        if broken:
            raise refuse_broken(ctx, broken, _positions(form, documents))

    ctx.tx.pending.append(look)


def closed_until(ctx: Context, company: str | None) -> date | None:
    """The last day of a company that is closed for postings; None when none is."""
    day: date | None = ctx.linked("system.company", company).get("closed_through") if company else None
    return day


def hold_periods(ctx: Context, form: Form, ids: list[str]) -> None:
    """Keep the periods of some documents' companies from being closed until this transaction ends.

    Whoever closes takes the same lock exclusively. The versions are asked for behind the lock, so that a period that was
    closed while we waited is seen.
    """
    ctx.connection.execute(
        f"SELECT pg_advisory_xact_lock_shared(hashtextextended('period', 0) # hashtextextended(h.\"company\"::text, 0)) "
        f'FROM {form.table} h WHERE h."id" = ANY($1::uuid[]) AND h."company" IS NOT NULL',
        [id_array(ids)],
        prepare=True,
    )
    ctx.ask_versions(again=True)


def _refuse_closed(ctx: Context, form: Form, documents: list[Row]) -> None:
    """No new movement into a closed period."""
    assert ctx.tx is not None
    companies = {document["company"] for document in documents if document.get("company")}
    for company in companies - ctx.tx.locked:
        ctx.connection.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('period', 0) # hashtextextended($1, 0))",
            [company],
            prepare=True,
        )
        ctx.ask_versions(again=True)
    ctx.know_versions()
    ctx.tx.locked |= companies
    for document in documents:
        limit = closed_until(ctx, document.get("company"))
        day = document.get("date") or ctx.today
        if limit is not None and day <= limit:
            raise Refused(
                422,
                "period.closed",
                [Fault("period.closed", "date", {"date": day, "closed": limit})],
                params={"date": day, "closed": limit},
            )


def _positions(form: Form, documents: list[Row]) -> dict[str, str]:
    """Line id → path of its quantity, for messages."""
    found = {}
    for document in documents:
        for key, table in form.lines.items():
            field = "quantity" if "quantity" in table.fields else next(iter(table.fields))
            for place, line in enumerate(document[key]):
                found[line["id"]] = f"{key}[{place}].{field}"
    return found


def _post_computed(
    ctx: Context,
    form: Form,
    name: str,
    work: list[tuple[CompiledPosting, Change, list[str]]],
    documents: list[Row],
) -> list[Row]:
    """Postings whose resources a pack's function completes.

    1. Select the rows that the postings want.
    2. Lock the balances of their keys, in key order.
    3. The function fills in what is missing.
    4. Write movements, balances, periods in one statement per register.
    """
    rows: list[Row] = []
    for item, change, ids in work:
        register = item.register
        dims, res = list(register.dimensions), list(register.resources)
        for got in ctx.connection.execute(
            item.rows[change], [id_array(ids), ctx.now], prepare=True
        ).fetchall():
            dimensions = dict(zip(dims, got[3 : 3 + len(dims)], strict=True))
            resources = dict(zip(res, got[3 + len(dims) : 3 + len(dims) + len(res)], strict=True))
            given = {
                key: resources[key] if key in item.posting.resources or change != "enter" else None
                for key in res
            }
            rows.append(
                {
                    "posting": item.key,
                    "register": register.name,
                    "document": got[0],
                    "line": got[1],
                    "date": got[2],
                    "dimensions": dimensions,
                    "resources": given,
                    "change": change,
                    "reversal": change == "leave",
                    "carry": None,
                    "carries": item.posting.carry,
                    "form": form.name,
                    "key": tuple(dimensions.values()),
                }
            )
    if not rows:
        return []
    by_place = {(row["posting"], row["document"], row["line"]): row for row in rows}
    for row in rows:
        if row["carries"]:
            row["carry"] = by_place.get((row["carries"], row["document"], row["line"]))
    for register_name in sorted({row["register"] for row in rows}):
        _lock(
            ctx,
            ctx.catalogue.registers[register_name],
            [row for row in rows if row["register"] == register_name],
        )
    done = ctx.catalogue.computes[name].function(ctx, rows)
    for register_name in sorted({row["register"] for row in done}):
        register = ctx.catalogue.registers[register_name]
        _write(ctx, form, register, [row for row in done if row["register"] == register_name], documents)
    return done


def _lock(ctx: Context, register: Register, rows: list[Row]) -> None:
    """Lock the balance rows of the keys and hand each key's balance, one dict, to its rows."""
    keys = {row["key"]: row["dimensions"] for row in rows}
    names = [*register.resources, *register.definition.memory]
    text = register.compiled.get("lock")
    if text is None:
        from anlan.kernel.catalogue.register import DIMENSION_SQL

        typed = ", ".join(
            f"{quoted(key)} {DIMENSION_SQL[item.type]}" for key, item in register.dimensions.items()
        )
        same = " AND ".join(f"b.{quoted(key)} = k.{quoted(key)}" for key in register.dimensions)
        order = ", ".join(f"b.{quoted(key)}" for key in register.dimensions)
        text = register.compiled["lock"] = (
            f"SELECT {order}, {', '.join(f'b.{quoted(key)}' for key in names)}, b.last_date FROM json_to_recordset($1::json) "
            f"AS k({typed}) JOIN {register.balance_table} b ON {same} ORDER BY {order} FOR UPDATE OF b"
        )
    data = orjson.dumps(list(keys.values())).decode()
    found = {
        row[: len(register.dimensions)]: row[len(register.dimensions) :]
        for row in ctx.connection.execute(text, [data], prepare=True).fetchall()
    }
    zero = ctx.site.zero
    balances: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = row["key"]
        if key not in balances:
            got = found.get(key)
            if got is None:
                balances[key] = (
                    dict.fromkeys(register.resources, zero)
                    | dict.fromkeys(register.definition.memory)
                    | {"last_date": None}
                )
            else:
                balances[key] = dict(zip((*names, "last_date"), got, strict=True))
        row["balance"] = balances[key]


def _write(ctx: Context, form: Form, register: Register, rows: list[Row], documents: list[Row]) -> None:
    zero = ctx.site.zero
    data = [
        {
            "document": row["document"],
            "document_line": row["line"],
            "date": row["date"],
            "document_form": row["form"],
            "posting": row["posting"],
            "ord": place,
            **row["dimensions"],
            **{key: row["resources"][key] or zero for key in register.resources},
            **(row.get("memory") or {}),
        }
        for place, row in enumerate(rows)
        if any(row["resources"][key] for key in register.resources)
    ]
    if not data:
        return
    text = register.compiled.get("write")
    if text is None:
        text = register.compiled["write"] = computed_write(ctx.catalogue, register)
    _later(
        ctx,
        form,
        ctx.connection.execute(text, [orjson.dumps(data, default=raw_json).decode(), ctx.now], prepare=True),
        documents,
    )


def is_none(register: Register, dimension: str, value: Any) -> bool:
    """Whether a dimension's value stands for "none"."""
    return bool(value == ZERO_VALUES[register.dimensions[dimension].type])
