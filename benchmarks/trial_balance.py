"""Trial balance of a month from period totals, at 100,000 and 1,000,000 movements: ours beside its floor.

Floor: the same sums by hand over the tables that hold them (balances and period totals), on one connection.

    python -m benchmarks.trial_balance
"""

from __future__ import annotations

from datetime import date
from typing import Any

from anlan.kernel import record, report
from anlan.kernel.site import Site
from benchmarks.common import context, small_site, table
from benchmarks.list_million import middle

ACCOUNTS, PARTIES = 200, 12
SIZES = (100_000, 1_000_000)
PACK: dict[str, Any] = {
    "forms/account.yaml": {"form": "bench.account", "kind": "setting", "label": "Account", "fields": {"code": {"type": "text"}, "name": {"type": "text"}}},
    "registers/book.yaml": {
        "register": "bench.book", "label": "Book", "periods": "month",
        "dimensions": {"company": {"type": "link", "to": "system.company"}, "account": {"type": "link", "to": "bench.account"}, "party": {"type": "text"}},
        "resources": {"debit": {"type": "money"}, "credit": {"type": "money"}}},
    "reports/trial.yaml": {
        "report": "bench.trial", "label": "Trial balance", "register": "bench.book", "reading": "turnover",
        "parameters": {"from": {"type": "date", "label": "From"}, "to": {"type": "date", "label": "To"}}, "rows": ["account"], "sort": ["account.code"],
        "columns": {"opening": {"label": "Opening", "value": "debit.opening - credit.opening", "total": True},
                    "debit": {"label": "Debit", "value": "debit.in", "total": True}, "credit": {"label": "Credit", "value": "credit.in", "total": True},
                    "closing": {"label": "Closing", "value": "debit.closing - credit.closing", "total": True}}}}
MOVE = """INSERT INTO bench_book_reg__movement (date, recorded_at, document, document_form, posting, company, account, party, debit, credit)
SELECT $4::date - ((n::bigint * 7919) % 1000)::int, now(), gen_random_uuid(), 'bench.none', 'p', $2::uuid, ($3::uuid[])[1 + n % 200], 'p' || (n / 200) % 12, n % 97, n % 89
FROM generate_series(1, $1::int) n ORDER BY 1"""
BALANCE = """INSERT INTO bench_book_reg__balance (company, account, party, debit, credit, last_date)
SELECT company, account, party, sum(debit), sum(credit), max(date) FROM bench_book_reg__movement GROUP BY 1, 2, 3"""
PERIOD = """INSERT INTO bench_book_reg__period (company, account, party, period, debit_in, debit_out, credit_in, credit_out)
SELECT company, account, party, date_trunc('month', date)::date, sum(debit), 0, sum(credit), 0 FROM bench_book_reg__movement GROUP BY 1, 2, 3, 4"""
FLOOR = """SELECT account, sum(d - c), sum(di), sum(ci) FROM (
SELECT account, debit AS d, credit AS c, 0 AS di, 0 AS ci FROM bench_book_reg__balance UNION ALL
SELECT account, -debit_in, -credit_in, 0, 0 FROM bench_book_reg__period WHERE period >= $1 UNION ALL
SELECT account, 0, 0, debit_in, credit_in FROM bench_book_reg__period WHERE period >= $1 AND period <= $2) u GROUP BY account ORDER BY account"""


def fill(site: Site, rows: int, company: str, accounts: list[str]) -> None:
    """Movements of a thousand days, their balances and period totals."""
    with site.pool.connection() as connection:
        connection.execute("TRUNCATE bench_book_reg__movement, bench_book_reg__balance, bench_book_reg__period")
        connection.execute(MOVE, [rows, company, accounts, date(2026, 10, 31)])
        connection.execute(BALANCE)
        connection.execute(PERIOD)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE bench_book_reg__movement, bench_book_reg__balance, bench_book_reg__period")
        connection.autocommit = False


def main() -> None:
    with small_site(PACK) as site:
        company = record.create(context(site), "system.company", {"code": "MAIN", "name": "Main"})["id"]
        accounts = [one["id"] for one in record.create_many(context(site), "bench.account", [
            {"code": f"{place:04}", "name": f"Account {place}"} for place in range(ACCOUNTS)])]
        found: list[tuple[str, float, str]] = []
        times = []
        for rows in SIZES:
            fill(site, rows, company, accounts)

            def floor() -> Any:
                with site.pool.connection() as connection:
                    return connection.execute(FLOOR, [date(2026, 10, 1), date(2026, 10, 31)]).fetchall()

            ours = middle(lambda: report.run(context(site), "bench.trial", {"from": "2026-10-01", "to": "2026-10-31"}))
            least = middle(floor)
            times.append(ours)
            found += [(f"{rows} movements, a whole month", ours, f"ms   floor {least:.2f} ms, {ours / least:.2f} of it (at most 3)"),
                      (f"{rows} movements, half a month",
                       middle(lambda: report.run(context(site), "bench.trial", {"from": "2026-10-05", "to": "2026-10-20"})), "ms")]
        found.append(("time at the larger size, of that at the smaller (0.8 to 1.2)", times[1] / times[0], ""))
        table(f"Trial balance of {ACCOUNTS} accounts, {PARTIES} parties", found)


if __name__ == "__main__":
    main()
