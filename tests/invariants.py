"""What must be true of a site whatever happened to it, asked of the tables themselves.

balances      = the sum of movements, per register and key
month totals  = the sum of movements, per register, key and month
the ledger    : debit = credit, per voucher's document and over all
stock         : the quantity on hand = the quantity that is costed, per company and item
events        : one of a kind per record and transaction; a record's version = its events' number
"""

from __future__ import annotations

from typing import Any

from anlan.kernel.catalogue.register import Register
from anlan.kernel.site import Site

__all__ = ["broken", "check_invariants"]


def check_invariants(site: Site) -> None:
    """Fail with what is broken, if anything is. A few statements per register."""
    found = broken(site)
    assert found == [], found


def broken(site: Site) -> list[str]:
    """A sentence for each invariant that does not hold."""
    found: list[str] = []
    with site.pool.connection() as connection:

        def none(text: str, what: str) -> None:
            rows: list[tuple[Any, ...]] = connection.execute(text).fetchall()
            if rows:
                found.append(f"{what}: {rows[:3]}")

        for register in site.catalogue.registers.values():
            if register.definition.kind == "balance":
                none(_balances(register), f"{register.name}: balances and movements")
                if register.definition.periods is not None:
                    none(_periods(register), f"{register.name}: month totals and movements")
        tables = site.catalogue.registers
        none(
            f"SELECT document, sum(debit), sum(credit) FROM {tables['finance.ledger'].movement_table} GROUP BY document "
            "HAVING sum(debit) <> sum(credit)",
            "the ledger's debit and credit",
        )
        on_hand, cost = (tables[name].balance_table for name in ("stock.on_hand", "stock.cost"))
        none(
            f"SELECT * FROM (SELECT company, item, sum(quantity) AS q FROM {on_hand} GROUP BY 1, 2) h "
            f"FULL JOIN (SELECT company, item, sum(quantity) AS q FROM {cost} GROUP BY 1, 2) c "
            "USING (company, item) WHERE coalesce(h.q, 0) <> coalesce(c.q, 0)",
            "quantity on hand and quantity costed",
        )
        none(
            "SELECT record, kind, xid, count(*) FROM event WHERE record IS NOT NULL "
            "AND kind <> 'comment' GROUP BY 1, 2, 3 HAVING count(*) > 1",
            "events per record and transaction",
        )
        for form in site.catalogue.forms.values():
            if form.is_document:
                none(
                    f"SELECT h.id, h.version, count(e.seq) FROM {form.table} h LEFT JOIN event e ON e.record = h.id "
                    "AND e.kind NOT IN ('comment', 'print') GROUP BY 1, 2 HAVING h.version <> count(e.seq)",
                    f"{form.name}: versions and events",
                )
        connection.rollback()
    return found


def _balances(register: Register) -> str:
    """Keys whose balance is not the sum of their movements."""
    keys = ", ".join(f'"{key}"' for key in register.dimensions)
    resources = list(register.resources)
    sums = ", ".join(f'sum("{key}") AS "{key}"' for key in resources)
    differ = " OR ".join(f'coalesce(m."{key}", 0) <> coalesce(b."{key}", 0)' for key in resources)
    return (
        f"SELECT {keys} FROM (SELECT {keys}, {sums} FROM {register.movement_table} GROUP BY {keys}) m "
        f"FULL JOIN {register.balance_table} b USING ({keys}) WHERE {differ}"
    )


def _periods(register: Register) -> str:
    """Keys and months whose ins less outs are not the sum of their movements."""
    keys = ", ".join(f'"{key}"' for key in register.dimensions)
    resources = list(register.resources)
    sums = ", ".join(f'sum("{key}") AS "{key}"' for key in resources)
    net = ", ".join(f'sum("{key}_in" - "{key}_out") AS "{key}"' for key in resources)
    differ = " OR ".join(f'coalesce(m."{key}", 0) <> coalesce(p."{key}", 0)' for key in resources)
    return (
        f"SELECT {keys}, period FROM (SELECT {keys}, date_trunc('month', date)::date AS period, {sums} "
        f"FROM {register.movement_table} GROUP BY {keys}, date_trunc('month', date)) m FULL JOIN (SELECT {keys}, period, {net} "
        f"FROM {register.period_table} GROUP BY {keys}, period) p USING ({keys}, period) WHERE {differ}"
    )
