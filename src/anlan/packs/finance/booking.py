"""Vouchers of business documents: made by posting rules when a document is posted, taken back when it is.

A voucher is taken back by cancelling it, which keeps its number; in a closed period by a red voucher on the
first open day. Who posts a document need not be allowed to write vouchers: the rule acts for the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.errors import Fault as Refusal
from anlan.kernel.errors import invalid
from anlan.kernel.record.convert import link_records
from anlan.kernel.record.load import load
from anlan.kernel.record.step import step_trusted
from anlan.kernel.record.write import create_trusted
from anlan.kernel.rules import Batch
from anlan.packs.finance.engine.vouchers import About, Fact, NoAccount, RuleLine, voucher_lines
from anlan.packs.finance.facts import FACTS, OPENING, variant_of
from anlan.packs.stock.costing import ADJUSTMENT

__all__ = ["acting_for_a_document", "book", "take_back"]

Row = Mapping[str, Any]
RELATION, RED = "voucher", "red voucher"  # how a document is linked to its vouchers


@contextmanager
def acting_for_a_document(ctx: Context) -> Iterator[None]:
    """What happens inside is done by a rule, and recorded as such."""
    via, ctx.via = ctx.via, "rule"
    try:
        yield
    finally:
        ctx.via = via


def book(batch: Batch) -> None:
    """One voucher per document of the batch, posted at once. Refused 422 when a rule or an account is missing."""
    ctx, form = batch.ctx, batch.form.name
    values = []
    for document in batch.documents:
        movements = [row for row in batch.movements if row["document"] == document["id"]]
        facts = FACTS[form](ctx, document, movements)
        values += _voucher(ctx, document, form.replace(".", "_"), variant_of(form, document), facts)
    _write(ctx, form, values, RELATION)


def take_back(batch: Batch) -> None:
    """Cancel the vouchers of documents that are taken back; in a closed period book them in red.

    What the reversal left as value without stock goes into cost by a voucher of its own.
    """
    ctx, form = batch.ctx, batch.form.name
    for document in batch.documents:
        for voucher in load(ctx, ctx.form("finance.voucher"), _vouchers_of(ctx, document["id"]), lock=True):
            closed = ctx.linked("system.company", voucher["company"]).get("closed_through")
            if closed is not None and voucher["date"] <= closed:
                _write(ctx, form, [_red(voucher, closed + timedelta(days=1))], RED)
            else:
                with acting_for_a_document(ctx):
                    step_trusted(ctx, "finance.voucher", [voucher["id"]], "cancel")
        left = [
            row
            for row in batch.movements
            if row["document"] == document["id"] and row["posting"] == ADJUSTMENT
        ]
        if left:
            facts = [Fact("cost", row["resources"]["value"], item=row["dimensions"]["item"]) for row in left]
            on_its_day = document | {"date": left[0]["date"]}
            _write(ctx, form, _voucher(ctx, on_its_day, "stock_adjustment", "", facts), ADJUSTMENT)


def _voucher(
    ctx: Context, document: Row, kind: str, variant: str, facts: Sequence[Fact]
) -> list[dict[str, Any]]:
    """The values of a document's voucher in a list; none when there is nothing to book."""
    if not any(fact.value or fact.foreign for fact in facts):
        return []
    rule = _rule_for(ctx, kind, variant)
    number = document.get("number") or ""
    if rule is None:
        raise invalid([Refusal("finance.no_rule", "", {"record": number})])
    try:
        lines = _lines(ctx, document, rule, facts)
    except NoAccount as missing:
        params = {"role": _role_label(ctx, missing.role), "record": number}
        raise invalid([Refusal("finance.no_role", "", params)]) from None
    if not lines:
        return []
    return [
        {
            "company": document["company"],
            "date": document["date"],
            "word": rule["word"],
            "summary": lines[0]["summary"],
            "source": document["id"],
            "lines": lines,
        }
    ]


def _write(ctx: Context, form: str, values: list[dict[str, Any]], relation: str) -> None:
    """Post vouchers for documents of a form and link them."""
    if not values:
        return
    with acting_for_a_document(ctx):
        made = create_trusted(ctx, "finance.voucher", values, state="posted")
    for voucher in made:
        link_records(ctx, (form, voucher["source"]), ("finance.voucher", voucher["id"]), relation)


def _vouchers_of(ctx: Context, document: str) -> list[str]:
    """Ids of the posted vouchers that a document made and that no red one took back. One statement."""
    rows = ctx.connection.execute(
        "SELECT l.target FROM record_link l JOIN record_index i ON i.id = l.target "
        "WHERE l.source = $1 AND l.relation = $2 AND i.state = 'posted' AND NOT EXISTS ("
        "SELECT 1 FROM record_link r WHERE r.source = l.source AND r.relation = $3 "
        "AND r.target > l.target) "
        "ORDER BY l.target",
        [document, RELATION, RED],
        prepare=True,
    ).fetchall()
    return [row[0] for row in rows]


def _red(voucher: Row, day: Any) -> dict[str, Any]:
    kept = (
        "summary",
        "account",
        "currency",
        "exchange_rate",
        "party",
        "item",
        "department",
        "employee",
        "project",
    )
    lines = [
        {key: line[key] for key in kept} | {key: -line[key] for key in ("debit", "credit", "amount")}
        for line in voucher["lines"]
    ]
    summary = f"冲销 {voucher['period']} {voucher['word']}-{voucher['number']} {voucher['summary'] or ''}"[
        :200
    ]
    return {
        "company": voucher["company"],
        "date": day,
        "word": voucher["word"],
        "summary": summary.strip(),
        "source": voucher["source"],
        "lines": lines,
    }


def _rule_for(ctx: Context, kind: str, variant: str) -> Row | None:
    """The active rule of the document's case; else the one for all other cases.

    What was there before the books began never falls back to a rule that books revenue, cost and tax.
    """
    found = [
        rule
        for rule in ctx.memory.rows("finance.posting_rule").values()
        if rule["active"]
        and rule["document"] == kind
        and ((rule["variant"] or "") == variant or (not rule["variant"] and variant != OPENING))
    ]
    return max(
        found, key=lambda rule: (variant != "" and rule["variant"] == variant, rule["code"]), default=None
    )


def _lines(ctx: Context, document: Row, rule: Row, facts: Sequence[Fact]) -> list[dict[str, Any]]:
    accounts = ctx.memory.rows("finance.account")
    by_role = {
        account["role"]: key for key, account in accounts.items() if account["role"] and account["active"]
    }
    party = document.get("customer") or document.get("supplier") or document.get("party")
    base = ctx.linked("system.company", document["company"])["currency"]
    about = About(
        currency=document.get("currency") or base,
        exchange_rate=document.get("exchange_rate") or Decimal(1),
        base_currency=base,
        party=party,
        department=document.get("department"),
        employee=document.get("handler"),
        texts={
            "number": document.get("number") or "",
            "note": document.get("note") or "",
            "party": str(ctx.linked("base.party", party).get("name") or "") if party else "",
        },
    )
    lines = [
        RuleLine(
            line["summary"],
            line["side"],
            line["role"],
            line["account"],
            line["amount"],
            bool(line["negative"]),
        )
        for line in rule["lines"]
    ]
    return voucher_lines(
        lines,
        facts,
        about=about,
        account_of=by_role.get,
        analysis_of=lambda account: accounts[account]["analysis"] or (),
    )


def _role_label(ctx: Context, role: str) -> Any:
    options = ctx.form("finance.account").definition.fields["role"].options or {}
    return {"zh": options[role].label.zh, "en": options[role].label.en} if role in options else role
