"""What finance cannot say as data: settlement under lock, vouchers and their checks, closing."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.record.events import changes
from anlan.kernel.record.load import load
from anlan.kernel.record.store import write_update
from anlan.kernel.record.write import create_trusted
from anlan.kernel.rules import Batch, compute, rule
from anlan.packs.base.amounts import release
from anlan.packs.base.rates import digits_of, fill_rate, rate_of_the_day
from anlan.packs.finance.booking import acting_for_a_document, book, take_back
from anlan.packs.finance.engine.vouchers import difference

__all__ = [
    "allocation_fits",
    "book_document",
    "close_period",
    "complete_payment",
    "keep_generated",
    "open_period",
    "rate_of_lines",
    "rate_of_payment",
    "reopen_period",
    "review",
    "settle",
    "take_back_document",
    "unreview",
    "voucher_is_sound",
]

ZERO = Decimal(0)
Row = dict[str, Any]
TAKE_BACK = ("unpost", "cancel")


# -- settlement ----------------------------------------------------------------------------------------------


@compute
def settle(ctx: Context, rows: list[Row]) -> list[Row]:
    """What an allocation clears in company currency: its share at the invoice's rate, all with the last cent.

    Rows of sales.exposure carry the row of finance.receivable and fall by what that one cleared. Refused 422
    when more is settled than is open; under the lock two payments cannot both settle the same cent.
    """
    places: dict[str, int] = {}
    for row in rows:
        balance, resources = row["balance"], row["resources"]
        if row["reversal"]:
            for key, value in resources.items():
                balance[key] += value or ZERO
        elif row["register"] == "sales.exposure":
            resources["receivable"] = row["carry"]["resources"]["base_amount"] if row["carry"] else ZERO
        elif not resources["amount"]:
            resources["base_amount"] = ZERO
        else:
            place = places[row["document"]] = places.get(row["document"], -1) + 1
            _settle_invoice(ctx, row, place)
    return rows


def _settle_invoice(ctx: Context, row: Row, place: int) -> None:
    balance, amount = row["balance"], row["resources"]["amount"]
    left = balance["amount"] + amount
    if balance["amount"] == 0 or (left != 0 and (left > 0) != (balance["amount"] > 0)):
        invoice = ctx.connection.execute(
            "SELECT code FROM record_index WHERE id = $1", [row["dimensions"]["invoice"]]
        ).fetchone()
        raise invalid(
            [
                Fault(
                    "finance.over_allocated",
                    f"lines[{place}].amount",
                    {
                        "line": place + 1,
                        "invoice": invoice[0] if invoice else "",
                        "open": abs(balance["amount"]),
                        "amount": abs(amount),
                    },
                )
            ]
        )
    cleared = release(
        balance["amount"],
        balance["base_amount"],
        amount,
        ZERO,
        digits=digits_of(ctx, row["dimensions"]["company"]),
    )
    row["resources"]["base_amount"] = cleared
    balance["amount"], balance["base_amount"] = left, balance["base_amount"] + cleared


@rule(
    "finance.payment",
    "derive",
    reads=("sales_invoice", "purchase_invoice", "lines.invoice"),
    writes=("account", "lines"),
)
def complete_payment(batch: Batch) -> None:
    """A payment made from an invoice settles it; lines learn which invoice they mean and when it was due."""
    ctx = batch.ctx
    for payment in batch.documents:
        if payment.get("account") is None:
            payment["account"] = _account_of(ctx, "bank")
        source = payment.get("sales_invoice") or payment.get("purchase_invoice")
        if source is not None and not payment.get("lines") and batch.before[0] is None:
            payment["lines"] = [
                {
                    "invoice": source,
                    "sales_invoice": payment.get("sales_invoice"),
                    "purchase_invoice": payment.get("purchase_invoice"),
                    "amount": payment.get("amount"),
                }
            ]
        _name_invoices(ctx, payment)


def _account_of(ctx: Context, role: str) -> str | None:
    accounts = ctx.memory.rows("finance.account").items()
    return next((key for key, account in accounts if account["role"] == role and account["active"]), None)


def _name_invoices(ctx: Context, payment: Row) -> None:
    """From the reference of each line to the link of its kind; due dates come along."""
    for line in payment["lines"]:
        named = ctx.rows("").get(line.get("invoice") or "", {}).get("form")
        if named in ("sales.invoice", "purchase.invoice"):
            line["sales_invoice"] = line["invoice"] if named == "sales.invoice" else None
            line["purchase_invoice"] = line["invoice"] if named == "purchase.invoice" else None
    for form, key in (("sales.invoice", "sales_invoice"), ("purchase.invoice", "purchase_invoice")):
        wanted = {
            line[key]: line for line in payment["lines"] if line.get(key) and line.get("due_date") is None
        }
        if wanted:
            for invoice in load(ctx, ctx.form(form), list(wanted), balances=False):
                for line in payment["lines"]:
                    if line.get(key) == invoice["id"]:
                        line["due_date"] = invoice["due_date"]


@rule("finance.payment", "derive", reads=("company", "currency", "date"), writes=("exchange_rate",))
def rate_of_payment(batch: Batch) -> None:
    """Money in another currency takes the rate of its day."""
    fill_rate(batch)


@rule(
    "finance.payment",
    "check",
    reads=("lines.invoice", "party", "currency"),
    codes=("finance.not_an_invoice", "finance.wrong_party", "finance.wrong_currency"),
)
def allocation_fits(batch: Batch) -> None:
    """A payment settles posted invoices of its own party, in its own currency."""
    ctx = batch.ctx
    for payment in batch.documents:
        side = "customer" if payment["party_kind"] == "customer" else "supplier"
        form = "sales.invoice" if side == "customer" else "purchase.invoice"
        key = form.replace(".", "_")
        ids = [line[key] for line in payment["lines"] if line.get(key)]
        found = {
            invoice["id"]: invoice
            for invoice in load(ctx, ctx.form(form), list(dict.fromkeys(ids)), balances=False)
        }
        for place, line in enumerate(payment["lines"]):
            _check_line(batch, payment, place, found.get(line.get(key) or ""), side)


def _check_line(batch: Batch, payment: Row, place: int, invoice: Row | None, side: str) -> None:
    path, line = f"lines[{place}].invoice", payment["lines"][place]
    if invoice is None or invoice["state"] != "posted":
        known = batch.ctx.rows("").get(line.get("invoice") or "", {})
        batch.fault(payment, "finance.not_an_invoice", path, line=place + 1, record=known.get("code") or "")
    elif invoice[side] != payment["party"]:
        party = batch.linked("base.party", invoice[side])
        batch.fault(
            payment,
            "finance.wrong_party",
            path,
            line=place + 1,
            invoice=invoice["number"],
            party=party.get("name") or "",
        )
    elif invoice["currency"] != payment["currency"]:
        currency = batch.linked("base.currency", invoice["currency"])
        batch.fault(
            payment,
            "finance.wrong_currency",
            path,
            line=place + 1,
            invoice=invoice["number"],
            currency=currency.get("code"),
        )


# -- vouchers of documents -----------------------------------------------------------------------------------


@rule("sales.delivery", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("sales.return", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("sales.invoice", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("sales.credit_note", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("purchase.receipt", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("purchase.return", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("purchase.invoice", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("purchase.credit_note", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("stock.receipt", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("stock.issue", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("stock.count", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
@rule("finance.payment", "posted", transitions=("post",), codes=("finance.no_rule", "finance.no_role"))
def book_document(batch: Batch) -> None:
    """Posting a document books its voucher."""
    book(batch)


@rule("sales.delivery", "posted", transitions=TAKE_BACK)
@rule("sales.return", "posted", transitions=TAKE_BACK)
@rule("sales.invoice", "posted", transitions=TAKE_BACK)
@rule("sales.credit_note", "posted", transitions=TAKE_BACK)
@rule("purchase.receipt", "posted", transitions=TAKE_BACK)
@rule("purchase.return", "posted", transitions=TAKE_BACK)
@rule("purchase.invoice", "posted", transitions=TAKE_BACK)
@rule("purchase.credit_note", "posted", transitions=TAKE_BACK)
@rule("stock.receipt", "posted", transitions=TAKE_BACK)
@rule("stock.issue", "posted", transitions=TAKE_BACK)
@rule("stock.count", "posted", transitions=TAKE_BACK)
@rule("stock.transfer", "posted", transitions=TAKE_BACK)
@rule("finance.payment", "posted", transitions=TAKE_BACK)
def take_back_document(batch: Batch) -> None:
    """Unposting or cancelling a document takes its voucher back."""
    take_back(batch)


# -- vouchers ------------------------------------------------------------------------------------------------


@rule(
    "finance.voucher",
    "derive",
    reads=("date", "lines.currency"),
    writes=("lines.exchange_rate", "lines.summary"),
)
def rate_of_lines(batch: Batch) -> None:
    """A line in another currency takes the rate of the day; a line without a summary that of the voucher."""
    for voucher in batch.documents:
        for line in voucher["lines"]:
            if line.get("exchange_rate") is None:
                line["exchange_rate"] = rate_of_the_day(
                    batch.ctx, voucher["company"], line.get("currency"), voucher["date"]
                )
            if line.get("summary") is None:
                line["summary"] = voucher.get("summary")


@rule(
    "finance.voucher",
    "check",
    reads=("lines.account", "lines.debit", "lines.credit"),
    codes=("finance.unbalanced", "finance.not_detail", "finance.analysis_missing"),
)
def voucher_is_sound(batch: Batch) -> None:
    """借贷必相等; every line on a detail account with all the analysis that the account asks for."""
    for voucher in batch.documents:
        for place, line in enumerate(voucher["lines"]):
            _check_analysis(batch, voucher, place, line)
        if any(line["debit"] is None or line["credit"] is None for line in voucher["lines"]):
            continue
        off = difference(voucher["lines"])
        if off:
            batch.fault(
                voucher,
                "finance.unbalanced",
                "lines",
                record=_name(voucher),
                difference=abs(off),
                debit=voucher["debit"],
                credit=voucher["credit"],
            )


def _check_analysis(batch: Batch, voucher: Row, place: int, line: Row) -> None:
    account = batch.linked("finance.account", line["account"])
    if not account:
        return
    label = f"{account['code']} {account['name']}"
    if not account["detail"]:
        batch.fault(voucher, "finance.not_detail", f"lines[{place}].account", line=place + 1, account=label)
    options = batch.ctx.form("finance.account").definition.fields["analysis"].options or {}
    for asked in account["analysis"] or ():
        if line.get(asked) is None:
            wanted = options[asked].label
            batch.fault(
                voucher,
                "finance.analysis_missing",
                f"lines[{place}].{asked}",
                line=place + 1,
                account=label,
                analysis={"zh": wanted.zh, "en": wanted.en},
            )


def _name(voucher: Row) -> str:
    return (
        f"{voucher['word']}-{voucher['number']}"
        if voucher.get("number")
        else str(voucher.get("summary") or "")
    )


@rule(
    "finance.voucher",
    "step",
    reads=("source", "reviewed_by"),
    codes=("finance.generated_voucher", "finance.reviewed"),
    transitions=TAKE_BACK,
)
def keep_generated(batch: Batch) -> None:
    """A voucher of a document is taken back with the document; a reviewed one only after its review is."""
    if batch.ctx.via == "rule":
        return
    for voucher in batch.documents:
        if voucher["source"] is not None:
            source = batch.ctx.rows("").get(voucher["source"], {})
            batch.fault(
                voucher, "finance.generated_voucher", record=_name(voucher), source=source.get("code") or ""
            )
        elif voucher["reviewed_by"] is not None:
            batch.fault(voucher, "finance.reviewed", record=_name(voucher))


@rule(
    "finance.voucher",
    "step",
    reads=("created_by",),
    writes=("reviewed_by", "reviewed_at"),
    codes=("finance.own_review",),
    transitions=("review",),
)
def review(batch: Batch) -> None:
    """Maker and reviewer are two persons (会计基础工作规范); a generated voucher was made by nobody."""
    for voucher in batch.documents:
        if voucher["source"] is None and voucher["created_by"] == batch.ctx.caller.user:
            batch.fault(voucher, "finance.own_review", record=_name(voucher))
        voucher["reviewed_by"], voucher["reviewed_at"] = batch.ctx.caller.user, batch.ctx.now


@rule("finance.voucher", "step", writes=("reviewed_by", "reviewed_at"), transitions=("unreview",))
def unreview(batch: Batch) -> None:
    """The review is taken back; who did it stays in the trail."""
    for voucher in batch.documents:
        voucher["reviewed_by"] = voucher["reviewed_at"] = None


# -- periods -------------------------------------------------------------------------------------------------


@rule("finance.voucher", "posted", reads=("company", "period"))
def open_period(batch: Batch) -> None:
    """Periods are made when the first voucher needs them."""
    ctx = batch.ctx
    known = {(row["company"], row["period"]) for row in ctx.memory.rows("finance.period").values()}
    missing = {(voucher["company"], voucher["period"]) for voucher in batch.documents} - known
    if missing:
        with acting_for_a_document(ctx):
            create_trusted(
                ctx,
                "finance.period",
                [{"company": company, "period": period} for company, period in sorted(missing)],
            )


def _last_day(period: str) -> date:
    year, month = int(period[:4]), int(period[5:7])
    return date(year, month, monthrange(year, month)[1])


def _periods(ctx: Context, company: str, state: str) -> list[str]:
    return sorted(
        row["period"]
        for row in ctx.memory.rows("finance.period").values()
        if row["company"] == company and row["state"] == state
    )


@rule(
    "finance.period",
    "step",
    reads=("company", "period"),
    codes=("finance.period_order", "finance.period_unreviewed"),
    transitions=("close",),
)
def close_period(batch: Batch) -> None:
    """Periods are closed in order; where the company asks for it, only with all vouchers reviewed."""
    ctx = batch.ctx
    for period in batch.documents:
        earlier = [name for name in _periods(ctx, period["company"], "open") if name < period["period"]]
        if earlier:
            batch.fault(period, "finance.period_order", "period", period=period["period"], earlier=earlier[0])
            continue
        _hold_postings(ctx, period["company"])
        if ctx.linked("system.company", period["company"]).get("review_before_close"):
            count = _unreviewed(ctx, period["company"], period["period"])
            if count:
                batch.fault(
                    period, "finance.period_unreviewed", "period", period=period["period"], count=count
                )
                continue
        _set_closed(ctx, period["company"], _last_day(period["period"]))


@rule(
    "finance.period",
    "step",
    reads=("company", "period"),
    codes=("finance.period_reopen_order",),
    transitions=("reopen",),
)
def reopen_period(batch: Batch) -> None:
    """反结账 begins with the newest closed period."""
    ctx = batch.ctx
    for period in batch.documents:
        later = [name for name in _periods(ctx, period["company"], "closed") if name > period["period"]]
        if later:
            batch.fault(
                period, "finance.period_reopen_order", "period", period=period["period"], later=later[-1]
            )
            continue
        _hold_postings(ctx, period["company"])
        _set_closed(ctx, period["company"], _last_day(period["period"]).replace(day=1) - timedelta(days=1))


def _hold_postings(ctx: Context, company: str) -> None:
    """Wait for postings of the company that are under way, and let none begin until we are through."""
    ctx.connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('period', 0) # hashtextextended($1, 0))", [company]
    )


def _unreviewed(ctx: Context, company: str, period: str) -> int:
    row = ctx.connection.execute(
        "SELECT count(*) FROM finance_voucher WHERE company = $1 AND period = $2 AND state = 'posted' "
        "AND reviewed_by IS NULL",
        [company, period],
    ).fetchone()
    return int(row[0]) if row else 0


def _set_closed(ctx: Context, company: str, day: date) -> None:
    form = ctx.form("system.company")
    record = load(ctx, form, [company], lock=True)[0]
    with acting_for_a_document(ctx):
        after = record | {"closed_through": day}
        changed = changes(form, record, after)
        write_update(ctx, form, after, changed, kind="update")
