"""Closing and reopening a period: what stands in the way, and the company's last closed day."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from anlan.kernel.context import Context
from anlan.kernel.record.events import changes
from anlan.kernel.record.load import load
from anlan.kernel.record.store import write_update
from anlan.packs.finance.booking import acting_for_a_document

__all__ = ["hold_postings", "last_day", "periods_in", "set_closed", "unreviewed"]


def last_day(period: str) -> date:
    year, month = int(period[:4]), int(period[5:7])
    return date(year, month, monthrange(year, month)[1])


def periods_in(ctx: Context, company: str, state: str) -> list[str]:
    return sorted(
        row["period"]
        for row in ctx.memory.rows("finance.period").values()
        if row["company"] == company and row["state"] == state
    )


def hold_postings(ctx: Context, company: str) -> None:
    """Wait for postings of the company that are under way, and let none begin until we are through."""
    ctx.connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('period', 0) # hashtextextended($1, 0))", [company]
    )


def unreviewed(ctx: Context, company: str, period: str) -> int:
    row = ctx.connection.execute(
        "SELECT count(*) FROM finance_voucher WHERE company = $1 AND period = $2 AND state = 'posted' "
        "AND reviewed_by IS NULL",
        [company, period],
    ).fetchone()
    return int(row[0]) if row else 0


def set_closed(ctx: Context, company: str, day: date) -> None:
    form = ctx.form("system.company")
    record = load(ctx, form, [company], lock=True)[0]
    with acting_for_a_document(ctx):
        after = record | {"closed_through": day}
        changed = changes(form, record, after)
        write_update(ctx, form, after, changed, kind="update")
