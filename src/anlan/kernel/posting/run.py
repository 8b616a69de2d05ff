"""Running a form's postings: after a write or a step, inside its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson

from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.context import LIMIT, Context
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.ids import id_array
from anlan.kernel.posting.compiled import (
    Change,
    CompiledPosting,
    compiled_postings,
    computed_rows,
    computed_write,
    statements_for,
)
from anlan.kernel.posting.limit import refuse_broken
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
    _explain_limits(ctx, form, documents)
    work: dict[str, list[tuple[CompiledPosting, Change, list[str]]]] = {}
    by_key = {item.key: item for item in postings}
    for (key, change), ids in groups.items():
        work.setdefault(by_key[key].computed or "", []).append((by_key[key], change, ids))
    computed: list[Row] = []
    for name in sorted(work, reverse=True):
        if name:
            computed += _post_computed(ctx, form, name, work[name])
    joined: dict[str, list[tuple[str, Change]]] = {}
    for item, change, ids in work.get("", ()):
        joined.setdefault(id_array(ids), []).append((item.key, change))
    for array, changes in joined.items():
        for text in statements_for(ctx.catalogue, form, tuple(changes)):
            ctx.connection.execute(text, [array, ctx.now], prepare=True)
    return computed


def _explain_limits(ctx: Context, form: Form, documents: list[Row]) -> None:
    """Remember where the documents' lines stand, should a statement of this transaction refuse for a limit."""
    tx = ctx.tx
    assert tx is not None
    tx.posted.append((form, documents))
    tx.doubtful = True

    def means(detail: str) -> Exception:
        places: dict[str, str] = {}
        for posted in tx.posted:
            places |= _positions(*posted)
        return refuse_broken(ctx, tx, detail, places)

    tx.refusals.setdefault(LIMIT, means)


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
) -> list[Row]:
    """Postings whose resources a pack's function completes.

    1. Select the rows that the postings want, and lock the balances of their keys, in key order, with the same
       statement; one for each register.
    2. The function fills in what is missing.
    3. Write movements, balances, periods in one statement per register.
    """
    rows: list[Row] = []
    by_register: dict[str, list[tuple[CompiledPosting, Change, list[str]]]] = {}
    for one in work:
        by_register.setdefault(one[0].register.name, []).append(one)
    asked = []
    for register_name in sorted(by_register):
        items = by_register[register_name]
        text = computed_rows(ctx.catalogue, form, tuple((item.key, change) for item, change, _ in items))
        ids = id_array(dict.fromkeys(key for _, _, named in items for key in named))
        asked.append((items, ctx.connection.execute(text, [ids, ctx.now], prepare=True)))
    for items, answer in asked:
        rows += _wanted_rows(ctx, form, items, answer.fetchall())
    if not rows:
        return []
    by_place = {(row["posting"], row["document"], row["line"]): row for row in rows}
    for row in rows:
        if row["carries"]:
            row["carry"] = by_place.get((row["carries"], row["document"], row["line"]))
    done = ctx.catalogue.computes[name].function(ctx, rows)
    for register_name in sorted({row["register"] for row in done}):
        register = ctx.catalogue.registers[register_name]
        _write(ctx, register, [row for row in done if row["register"] == register_name])
    return done


def _wanted_rows(
    ctx: Context,
    form: Form,
    items: list[tuple[CompiledPosting, Change, list[str]]],
    found: list[tuple[Any, ...]],
) -> list[Row]:
    """The rows of one register as a compute function gets them; rows of one key share one balance."""
    register, zero = items[0][0].register, ctx.site.zero
    dims, res = list(register.dimensions), list(register.resources)
    names = [*res, *register.definition.memory, "last_date"]
    first, second, third = 5 + len(dims), 5 + len(dims) + len(res), 5 + len(dims) + 2 * len(res)
    balances: dict[tuple[Any, ...], Row] = {}
    rows: list[Row] = []
    for got in found:
        item, change, ids = items[got[0]]
        if got[2] not in ids:
            continue  # a document that another change is asked of
        key = got[5:first]
        balance = balances.get(key)
        if balance is None:
            held = got[second:]
            balance = balances[key] = (
                dict(zip(names, held, strict=True))
                if held[0] is not None
                else dict.fromkeys(res, zero) | dict.fromkeys(names[third - second :])
            )
        resources = dict(zip(res, got[first:second], strict=True))
        if change == "enter":
            resources = {one: resources[one] if one in item.posting.resources else None for one in res}
        rows.append(
            {
                "posting": item.key,
                "register": register.name,
                "document": got[2],
                "line": got[3],
                "date": got[4],
                "dimensions": dict(zip(dims, key, strict=True)),
                "resources": resources,
                "change": change,
                "reversal": change == "leave",
                "carry": None,
                "carries": item.posting.carry,
                "form": form.name,
                "key": key,
                "balance": balance,
            }
        )
    return rows


def _write(ctx: Context, register: Register, rows: list[Row]) -> None:
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
    ctx.connection.execute(text, [orjson.dumps(data, default=raw_json).decode(), ctx.now], prepare=True)


def is_none(register: Register, dimension: str, value: Any) -> bool:
    """Whether a dimension's value stands for "none"."""
    return bool(value == ZERO_VALUES[register.dimensions[dimension].type])
