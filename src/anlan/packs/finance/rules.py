"""What finance cannot say as data: settlement under lock, vouchers and their checks, closing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.ids import id_array
from anlan.kernel.record.load import load
from anlan.kernel.record.write import create_trusted
from anlan.kernel.rules import Batch, compute, rule
from anlan.packs.base.rates import fill_rate, rate_of_the_day
from anlan.packs.finance.booking import acting_for_a_document, book, take_back
from anlan.packs.finance.checks import check_analysis, voucher_name
from anlan.packs.finance.closing import hold_postings, last_day, periods_in, set_closed, unreviewed
from anlan.packs.finance.engine.vouchers import difference
from anlan.packs.finance.settlement import account_of, check_line, name_invoices, settle_invoice

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
            settle_invoice(ctx, row, place)
    return rows


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
            payment["account"] = account_of(ctx, "bank")
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
        name_invoices(ctx, payment)


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
            check_line(batch, payment, place, found.get(line.get(key) or ""), side)


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
@rule("stock.count", "posted", transitions=("post", "post_over"), codes=("finance.no_rule", "finance.no_role"))
@rule("stock.transfer", "posted", transitions=("receive",), codes=("finance.no_rule", "finance.no_role"))
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
            check_analysis(batch, voucher, place, line)
        if any(line["debit"] is None or line["credit"] is None for line in voucher["lines"]):
            continue
        off = difference(voucher["lines"])
        if off:
            batch.fault(
                voucher,
                "finance.unbalanced",
                "lines",
                record=voucher_name(voucher),
                difference=abs(off),
                debit=voucher["debit"],
                credit=voucher["credit"],
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
                voucher,
                "finance.generated_voucher",
                record=voucher_name(voucher),
                source=source.get("code") or "",
            )
        elif voucher["reviewed_by"] is not None:
            batch.fault(voucher, "finance.reviewed", record=voucher_name(voucher))


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
            batch.fault(voucher, "finance.own_review", record=voucher_name(voucher))
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
        missing -= _opened_meanwhile(ctx, sorted({company for company, _ in missing}))
    if missing:
        with acting_for_a_document(ctx):
            create_trusted(
                ctx,
                "finance.period",
                [{"company": company, "period": period} for company, period in sorted(missing)],
            )


def _opened_meanwhile(ctx: Context, companies: list[str]) -> set[tuple[str, str]]:
    """The periods that there are by now; nobody else opens one of these companies until this transaction ends.

    Clients that post the first vouchers of a month at the same moment would else all open it.
    """
    for company in companies:
        ctx.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('open period', 0) # hashtextextended($1, 0))", [company]
        )
    rows = ctx.connection.execute(
        f"SELECT company, period FROM {ctx.form('finance.period').table} WHERE company = ANY($1::uuid[])",
        [id_array(companies)],
    ).fetchall()
    return {(company, period) for company, period in rows}


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
        earlier = [name for name in periods_in(ctx, period["company"], "open") if name < period["period"]]
        if earlier:
            batch.fault(period, "finance.period_order", "period", period=period["period"], earlier=earlier[0])
            continue
        hold_postings(ctx, period["company"])
        if ctx.linked("system.company", period["company"]).get("review_before_close"):
            count = unreviewed(ctx, period["company"], period["period"])
            if count:
                batch.fault(
                    period, "finance.period_unreviewed", "period", period=period["period"], count=count
                )
                continue
        set_closed(ctx, period["company"], last_day(period["period"]))


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
        later = [name for name in periods_in(ctx, period["company"], "closed") if name > period["period"]]
        if later:
            batch.fault(
                period, "finance.period_reopen_order", "period", period=period["period"], later=later[-1]
            )
            continue
        hold_postings(ctx, period["company"])
        set_closed(ctx, period["company"], last_day(period["period"]).replace(day=1) - timedelta(days=1))
