"""One document of 50 lines; purchase order to posted receipt; a ten-node formula: each beside its floor or goal.

    python -m benchmarks.documents [seconds]
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal

from anlan.kernel import record
from anlan.kernel.formula import NUMBER, DictScope, check, python_function
from anlan.kernel.ids import uuid7
from anlan.kernel.site import Site
from benchmarks.common import a_site, context, per_second, table
from benchmarks.order_to_cash import Minimal, prepare

MANY = 50
FORMULA = "IF(quantity > 0, ROUND(quantity * price * (1 + rate), 2), 0)"


def document(site: Site) -> None:
    """Save an order of 50 lines."""
    record.create(context(site), "sales.order", {"customer": "C1", "lines": [
        {"item": f"I{place % 20}", "quantity": "2", "price": "20.5"} for place in range(MANY)]})


def bare_document(floor: Minimal) -> None:
    """The least that has to be written of it."""
    head = uuid7()
    ids = "{" + ",".join(uuid7() for _ in range(MANY)) + "}"
    items = "{" + ",".join(floor.items[place % 20] for place in range(MANY)) + "}"
    floor.run(
        ("INSERT INTO f_head VALUES ($1, $2, $3, $4, current_date, 'draft', 410, 53.3, 463.3)", [head, "order", head, floor.party]),
        ("INSERT INTO f_line SELECT l, $1, n, i, 2, 20.5, 41, 5.33, 46.33 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS t(l, i, n)",
         [head, ids, items]))


def purchase(site: Site) -> None:
    """Order of 10 lines → confirm → receipt → post."""
    order = record.create(context(site), "purchase.order", {"supplier": "S1", "lines": [
        {"item": f"I{place}", "quantity": "2", "price": "10"} for place in range(10)]})
    record.step(context(site), "purchase.order", order["id"], "confirm")
    receipt = record.make(context(site), "purchase.order", order["id"], "purchase.receipt")
    record.step(context(site), "purchase.receipt", receipt["id"], "post")


def bare_purchase(floor: Minimal) -> None:
    """The same with order, receipt, movements, balances and ledger only, in four transactions."""
    step = "UPDATE f_head SET state = $2 WHERE id = $1"
    order, statements = floor.document("purchase order")
    floor.run(*statements)
    floor.run((step, [order, "confirmed"]))
    receipt, statements = floor.document("purchase receipt")
    floor.run(*statements)
    a = floor.accounts
    floor.run(
        (step, [receipt, "posted"]),
        ("INSERT INTO f_stock (date, document, line, warehouse, item, quantity, value) SELECT current_date, $1, l.id, $2, l.item, l.quantity, l.net "
         "FROM f_line l WHERE l.head = $1", [receipt, floor.warehouse]),
        ("UPDATE f_stock_balance b SET quantity = b.quantity + m.quantity, value = b.value + m.value FROM f_stock m "
         "WHERE m.document = $1 AND b.warehouse = m.warehouse AND b.item = m.item", [receipt]),
        *floor.ledger(receipt, [(a[0], 200, 0), (a[1], 0, 200)]))


def formulas() -> float:
    """Evaluations a second of a formula of ten nodes."""
    formula = check(FORMULA, DictScope({"quantity": NUMBER, "price": NUMBER, "rate": NUMBER}))
    refs = sorted(formula.refs)
    function = python_function(formula, refs)
    values = [{"quantity": Decimal(3), "price": Decimal("19.99"), "rate": Decimal("0.13")}[ref.path[0]] for ref in refs]
    start = time.perf_counter()
    for _ in range(200_000):
        function(*values)
    return 200_000 / (time.perf_counter() - start)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with a_site() as site:
        prepare(site)
        record.create(context(site), "base.party", {"code": "S1", "name": "供应商", "is_supplier": True})
        saved, bought = per_second(lambda: document(site), seconds=seconds), per_second(lambda: purchase(site), seconds=seconds)
        with site.pool.connection() as connection:
            floor = Minimal(connection)
            bare_saved, bare_bought = (per_second(lambda: bare_document(floor), seconds=seconds),
                                       per_second(lambda: bare_purchase(floor), seconds=seconds))
    table("Documents", [
        ("a document of 50 lines saved, floor", 1000 / bare_saved, "ms"),
        ("  Anlan", 1000 / saved, "ms"),
        ("  times the floor (at most 4)", bare_saved / saved, ""),
        ("purchase order of 10 lines to posted receipt, floor", bare_bought, "1/s"),
        ("  Anlan", bought, "1/s"),
        ("  of the floor (at least 0.33)", bought / bare_bought, ""),
        ("evaluations of a ten-node formula (at least 100,000)", formulas(), "1/s"),
    ])


if __name__ == "__main__":
    main()
