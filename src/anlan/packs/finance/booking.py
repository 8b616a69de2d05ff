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
from anlan.kernel.record.convert import link_records
from anlan.kernel.record.load import load
from anlan.kernel.record.step import step_trusted
from anlan.kernel.record.write import create_trusted
from anlan.kernel.rules import Batch
from anlan.packs.finance.engine.vouchers import About, NoAccount, RuleLine, voucher_lines
from anlan.packs.finance.facts import FACTS, variant_of

__all__ = ["acting_for_a_document", "book", "take_back"]

Row = Mapping[str, Any]
RELATION = "voucher"


@contextmanager
def acting_for_a_document(ctx: Context) -> Iterator[None]:
    """What happens inside is done by a rule, and recorded as such."""
    via, ctx.via = ctx.via, "rule"
    try:
        yield
    finally:
        ctx.via = via


def book(batch: Batch) -> None:
    """One voucher per document of the batch, posted at once."""
    ctx, form = batch.ctx, batch.form.name
    values: list[dict[str, Any]] = []
    for document in batch.documents:
        movements = [row for row in batch.movements if row["document"] == document["id"]]
        rule = _rule_for(ctx, form, document)
        if rule is None:
            batch.fault(document, "finance.no_rule", record=document.get("number"))
            continue
        try:
            lines = _lines(ctx, form, document, rule, movements)
        except NoAccount as missing:
            batch.fault(
                document,
                "finance.no_role",
                role=_role_label(ctx, missing.role),
                record=document.get("number"),
            )
            continue
        if lines:
            values.append(
                {
                    "company": document["company"],
                    "date": document["date"],
                    "word": rule["word"],
                    "summary": lines[0]["summary"],
                    "source": document["id"],
                    "lines": lines,
                }
            )
            ctx.rows("")[document["id"]] = {"form": form, "code": document.get("number"), "label": None}
    if values and not batch.faults:
        with acting_for_a_document(ctx):
            made = create_trusted(ctx, "finance.voucher", values, state="posted")
        for voucher in made:
            link_records(ctx, form, voucher["source"], "finance.voucher", voucher["id"], RELATION)


def take_back(batch: Batch) -> None:
    """Cancel the vouchers of documents that are taken back; in a closed period book them in red."""
    ctx = batch.ctx
    for document in batch.documents:
        for voucher in load(ctx, ctx.form("finance.voucher"), _vouchers_of(ctx, document["id"]), lock=True):
            closed = ctx.linked("system.company", voucher["company"]).get("closed_through")
            with acting_for_a_document(ctx):
                if closed is not None and voucher["date"] <= closed:
                    red = _red(voucher, closed + timedelta(days=1))
                    made = create_trusted(ctx, "finance.voucher", [red], state="posted")[0]
                    link_records(
                        ctx, batch.form.name, document["id"], "finance.voucher", made["id"], "red voucher"
                    )
                else:
                    step_trusted(ctx, "finance.voucher", [voucher["id"]], "cancel")


def _vouchers_of(ctx: Context, document: str) -> list[str]:
    """Ids of the posted vouchers that a document made and that no red one took back. One statement."""
    rows = ctx.connection.execute(
        "SELECT l.target FROM record_link l JOIN record_index i ON i.id = l.target "
        "WHERE l.source = $1 AND l.relation = $2 AND i.state = 'posted' AND NOT EXISTS ("
        "SELECT 1 FROM record_link r WHERE r.source = l.source AND r.relation = 'red voucher' "
        "AND r.target > l.target) "
        "ORDER BY l.target",
        [document, RELATION],
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


def _rule_for(ctx: Context, form: str, document: Row) -> Row | None:
    """The active rule of the document's case; else the one for all other cases."""
    key, variant = form.replace(".", "_"), variant_of(form, document)
    found = [
        rule
        for rule in ctx.memory.rows("finance.posting_rule").values()
        if rule["active"] and rule["document"] == key and (rule["variant"] or "") in (variant, "")
    ]
    return max(
        found, key=lambda rule: (rule["variant"] == variant and variant != "", rule["code"]), default=None
    )


def _lines(
    ctx: Context, form: str, document: Row, rule: Row, movements: Sequence[Row]
) -> list[dict[str, Any]]:
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
        FACTS[form](ctx, document, movements),
        about=about,
        account_of=by_role.get,
        analysis_of=lambda account: accounts[account]["analysis"] or (),
    )


def _role_label(ctx: Context, role: str) -> Any:
    options = ctx.form("finance.account").definition.fields["role"].options or {}
    return {"zh": options[role].label.zh, "en": options[role].label.en} if role in options else role
