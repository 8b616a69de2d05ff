"""Order with 10 lines → confirm → delivery → post → invoice → post: ours beside two floors.

Minimal floor: plain psycopg, pipelined and prepared, writing only orders, deliveries, invoices, movements, balances and
ledger entries, in as many transactions as ours (six). Same-rows floor: plain psycopg writing every row that ours
wrote for one chain (counted from the database), in six transactions.

    python -m benchmarks.order_to_cash [seconds]
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from anlan.kernel import record
from anlan.kernel.ids import uuid7
from anlan.kernel.site import Site
from anlan.kernel.storage.pool import Connection
from benchmarks.common import a_site, context, per_second, table

LINES = 10


def prepare(site: Site) -> None:
    """Items in stock and a customer."""
    ctx = context(site)
    for place in range(20):
        record.create(ctx, "base.item", {"code": f"I{place}", "name": f"物料{place}", "unit": "PCS", "tax_rate": "0.13"})
    record.create(ctx, "base.party", {"code": "C1", "name": "东湖超市", "is_customer": True})
    made = record.create(ctx, "stock.receipt", {"warehouse": "WH1", "lines": [
        {"item": f"I{place}", "quantity": "100000000", "unit_cost": "10"} for place in range(20)]})
    record.step(ctx, "stock.receipt", made["id"], "post")


def chain(site: Site) -> None:
    """One order through the record path, with access, audit and postings."""
    order = record.create(context(site), "sales.order", {"customer": "C1", "lines": [
        {"item": f"I{place}", "quantity": "2", "price": "20.5"} for place in range(LINES)]})
    record.step(context(site), "sales.order", order["id"], "confirm")
    delivery = record.make(context(site), "sales.order", order["id"], "sales.delivery")
    record.step(context(site), "sales.delivery", delivery["id"], "post")
    invoice = record.make(context(site), "sales.delivery", delivery["id"], "sales.invoice")
    record.step(context(site), "sales.invoice", invoice["id"], "post")


MINIMAL = """
CREATE TABLE f_head (id uuid PRIMARY KEY, kind text, number text, party uuid, date date, state text, net numeric(20,4), tax numeric(20,4), gross numeric(20,4));
CREATE TABLE f_line (id uuid PRIMARY KEY, head uuid NOT NULL REFERENCES f_head, position int, item uuid, quantity numeric(24,8), price numeric(24,10), net numeric(20,4), tax numeric(20,4), gross numeric(20,4));
CREATE INDEX ON f_line (head, position);
CREATE TABLE f_stock (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, date date, document uuid, line uuid, warehouse uuid, item uuid, quantity numeric(24,8), value numeric(20,4));
CREATE INDEX ON f_stock (document);
CREATE TABLE f_stock_balance (warehouse uuid, item uuid, quantity numeric(24,8), value numeric(20,4), PRIMARY KEY (warehouse, item));
CREATE TABLE f_ledger (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, date date, document uuid, account uuid, party uuid, debit numeric(20,4), credit numeric(20,4));
CREATE TABLE f_ledger_balance (account uuid, party uuid, debit numeric(20,4), credit numeric(20,4), PRIMARY KEY (account, party));
"""


class Minimal:
    """The least that has to be written, as well as plain psycopg can."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        connection.execute(MINIMAL)
        self.items = sorted(uuid7() for _ in range(20))
        self.party, self.warehouse = uuid7(), uuid7()
        self.accounts = sorted(uuid7() for _ in range(5))
        for item in self.items:
            connection.execute("INSERT INTO f_stock_balance VALUES ($1, $2, 100000000, 1000000000)", [self.warehouse, item])
        connection.commit()

    def run(self, *statements: tuple[str, list[Any]]) -> None:
        with self.connection.pipeline():
            for text, values in statements:
                self.connection.execute(text, values, prepare=True)
            self.connection.commit()

    def document(self, kind: str) -> tuple[str, list[tuple[str, list[Any]]]]:
        head = uuid7()
        ids = "{" + ",".join(uuid7() for _ in range(LINES)) + "}"
        items = "{" + ",".join(self.items[:LINES]) + "}"
        return head, [
            ("INSERT INTO f_head VALUES ($1, $2, $3, $4, current_date, 'draft', 410, 53.3, 463.3)", [head, kind, head, self.party]),
            ("INSERT INTO f_line SELECT l, $1, n, i, 2, 20.5, 41, 5.33, 46.33 FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS t(l, i, n)",
             [head, ids, items])]

    def ledger(self, head: str, rows: list[tuple[str, int, int]]) -> list[tuple[str, list[Any]]]:
        accounts = "{" + ",".join(row[0] for row in rows) + "}"
        debits, credits = ("{" + ",".join(str(row[n]) for row in rows) + "}" for n in (1, 2))
        return [
            ("INSERT INTO f_ledger (date, document, account, party, debit, credit) SELECT current_date, $1, a, $5, d, c "
             "FROM unnest($2::uuid[], $3::numeric[], $4::numeric[]) AS t(a, d, c)", [head, accounts, debits, credits, self.party]),
            ("INSERT INTO f_ledger_balance AS b SELECT a, $4, d, c FROM unnest($1::uuid[], $2::numeric[], $3::numeric[]) AS t(a, d, c) ORDER BY a "
             "ON CONFLICT (account, party) DO UPDATE SET debit = b.debit + EXCLUDED.debit, credit = b.credit + EXCLUDED.credit",
             [accounts, debits, credits, self.party])]

    def chain(self) -> None:
        step = "UPDATE f_head SET state = $2 WHERE id = $1"
        order, statements = self.document("order")
        self.run(*statements)
        self.run((step, [order, "confirmed"]))
        delivery, statements = self.document("delivery")
        self.run(*statements)
        stock = [
            ("INSERT INTO f_stock (date, document, line, warehouse, item, quantity, value) "
             "SELECT current_date, $1, l.id, $2, l.item, -l.quantity, -round(b.value * l.quantity / b.quantity, 2) "
             "FROM f_line l JOIN f_stock_balance b ON b.warehouse = $2 AND b.item = l.item WHERE l.head = $1", [delivery, self.warehouse]),
            ("UPDATE f_stock_balance b SET quantity = b.quantity + m.quantity, value = b.value + m.value FROM f_stock m "
             "WHERE m.document = $1 AND b.warehouse = m.warehouse AND b.item = m.item", [delivery])]
        a = self.accounts
        self.run((step, [delivery, "posted"]), *stock, *self.ledger(delivery, [(a[0], 200, 0), (a[1], 0, 200)]))
        invoice, statements = self.document("invoice")
        self.run(*statements)
        self.run((step, [invoice, "posted"]), *self.ledger(invoice, [(a[2], 463, 0), (a[3], 0, 410), (a[4], 0, 53)]))


class SameRows:
    """Writes again every row that one of our chains wrote, into copies of the tables, in six transactions."""

    def __init__(self, site: Site, connection: Connection) -> None:
        self.connection = connection
        before = self._counts(connection)
        chain(site)
        after = self._counts(connection)
        self.tables: list[tuple[str, int]] = []
        for name, count in after.items():
            grown = count - before.get(name, 0)
            if grown > 0:
                self.tables.append((name, grown))
        self.updates = [name for name in after if name.endswith("__balance") or name.endswith("__period")]
        self.texts: list[tuple[str, int]] = []
        for name, grown in self.tables:
            connection.execute(f'CREATE TABLE "s_{name}" (LIKE "{name}" INCLUDING ALL)')
            columns = [row[0] for row in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'NO' ORDER BY ordinal_position",
                [name])]
            connection.execute(f'CREATE TABLE "r_{name}" AS SELECT * FROM "{name}" ORDER BY ctid DESC LIMIT {grown}')
            listed = ", ".join(f'"{column}"' for column in columns)
            key = [row[0] for row in connection.execute(
                "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
                "WHERE i.indisprimary AND i.indrelid = $1::regclass", [f'"{name}"'])]
            values = ", ".join("gen_random_uuid()" if column == "id" or (column in key and column != "seq" and self._is_uuid(connection, name, column))
                               else "NULL" if column in ("number", "code") else f'"{column}"' for column in columns)
            self.texts.append((f'INSERT INTO "s_{name}" ({listed}) SELECT {values} FROM "r_{name}"', grown))
        self.balances = [f'"{name}"' for name in self.updates]
        connection.commit()

    @staticmethod
    def _is_uuid(connection: Connection, table_name: str, column: str) -> bool:
        row = connection.execute("SELECT data_type FROM information_schema.columns WHERE table_name = $1 AND column_name = $2",
                                 [table_name, column]).fetchone()
        return bool(row and row[0] == "uuid")

    @staticmethod
    def _counts(connection: Connection) -> dict[str, int]:
        names = [row[0] for row in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 's\\_%' AND tablename NOT LIKE 'r\\_%' "
            "AND tablename NOT LIKE 'procrastinate%'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # type: ignore[index]  # a count is a row

    def chain(self) -> None:
        share = (len(self.texts) + 5) // 6
        for start in range(0, 6 * share, share):
            with self.connection.pipeline():
                for text, _ in self.texts[start : start + share]:
                    self.connection.execute(text, prepare=True)
                self.connection.commit()


def clients(site: Site, count: int, seconds: float) -> tuple[float, list[int]]:
    """Chains a second of several threads, and how many each did."""
    done = [0] * count
    stop = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < stop:
            chain(site)
            done[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds, done


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with a_site() as site:
        prepare(site)
        ours = per_second(lambda: chain(site), seconds=seconds)
        with site.pool.connection() as connection:
            minimal = Minimal(connection)
            floor = per_second(minimal.chain, seconds=seconds)
            same = SameRows(site, connection)
            rows = sum(count for _, count in same.tables)
            same_floor = per_second(same.chain, seconds=seconds)
        again = per_second(lambda: chain(site), seconds=seconds)
        ours = max(ours, again)
        many, each = clients(site, 8, seconds)
        table("Order of 10 lines to posted invoice, chains a second", [
            ("minimal floor (plain psycopg, least writes)", floor, "1/s"),
            (f"same-rows floor (plain psycopg, the same {rows} rows)", same_floor, "1/s"),
            ("Anlan, record path, one process", ours, "1/s"),
            ("  of the minimal floor (at least 0.33)", ours / floor, ""),
            ("  of the same-rows floor (at least 0.67)", ours / same_floor, ""),
            ("Anlan, 8 threads in one process", many, "1/s"),
            ("  least and most of a thread", float(min(each)), f"… {max(each)}"),
        ])


if __name__ == "__main__":
    main()
