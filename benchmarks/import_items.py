"""10,000 items from an Excel file through the whole record path, beside the same rows written by plain psycopg.

Reading the file is timed apart. The floor writes what the import writes, each table by one COPY: the items, their rows in
the record index with search tokens, their events, and the run's list of what it made; values are known to be good.

    python -m benchmarks.import_items [rows]
"""

from __future__ import annotations

import io
import sys
import time

import xlsxwriter

from anlan.kernel import exchange
from anlan.kernel.context import Context
from anlan.kernel.exchange.table import Table
from anlan.kernel.ids import uuid7
from anlan.kernel.index import tokens_of
from anlan.kernel.site import Site
from benchmarks.common import a_site, context, table

WRONG = 200
KINDS = ("螺栓", "螺母", "垫圈", "轴承")


def sheet(rows: int, *, prefix: str, wrong: int = 0) -> bytes:
    """A workbook of items; the first `wrong` of them have a unit that there is not, or no name, or a bad price."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    page = book.add_worksheet("物料")
    page.write_row(0, 0, ["物料编码", "名称", "规格型号", "条码", "类别", "库存单位", "标准售价", "备注"])
    for n in range(rows):
        bad = n % 4 if n < wrong else 0
        page.write_row(n + 1, 0, [
            f"{prefix}{n:06}", "" if bad == 1 else f"{KINDS[n % 4]} M{n}", f"M{n % 30}×{n % 90}", f"69{n:011}", "货物",
            "没有" if bad == 2 else "PCS", "不知道" if bad == 3 else n % 977 / 4, "导入" if n % 3 else "",
        ])  # fmt: skip
    book.close()
    return out.getvalue()


def imported(ctx: Context, found: Table) -> float:
    """Seconds of the import of a table."""
    paths = exchange.propose(ctx, "base.item", found)
    start = time.perf_counter()
    done = exchange.run(ctx, "base.item", found, paths, mode="all")
    spent = time.perf_counter() - start
    assert done["created"] == len(found.rows), done
    return spent


def floor(site: Site, found: Table) -> float:
    """Seconds that plain COPY takes for the same rows."""
    with site.pool.connection() as connection:
        (unit,) = connection.execute("select id from base_unit where code = 'PCS'").fetchone() or ("",)
        (user,) = connection.execute("select id from system_user limit 1").fetchone() or ("",)
        start = time.perf_counter()
        ids = [uuid7() for _ in found.rows]
        with connection.cursor() as cursor:
            with cursor.copy("copy base_item (id, version, code, name, spec, barcode, kind, unit, tax_rate, price, active, note, created_at,"
                             " created_by, updated_at, updated_by) from stdin") as copy:
                for key, (_, cells) in zip(ids, found.rows, strict=True):
                    code, name, spec, barcode, _, _, price, note = cells
                    copy.write_row([key, 1, code, name, spec, barcode, "goods", unit, "0.13", str(price), True, note or None,
                                    "2026-11-24 04:00Z", user, "2026-11-24 04:00Z", user])
            with cursor.copy("copy record_index (id, form, code, title, tokens, updated_at) from stdin") as copy:
                for key, (_, cells) in zip(ids, found.rows, strict=True):
                    code, name, spec, barcode = (str(one) for one in cells[:4])
                    words = " ".join("'" + one + "'" for one in sorted(tokens_of([code, name, spec, barcode], names=[name])))
                    copy.write_row([key, "base.item", code, name, words, "2026-11-24 04:00Z"])
            with cursor.copy("copy import_record (run, record, version, created) from stdin") as copy:
                run = uuid7()
                connection.execute("select 1") if False else None
                for key in ids:
                    copy.write_row([run, key, 1, True])
        connection.rollback()
        return time.perf_counter() - start


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with a_site() as site:
        ctx = context(site)
        imported(ctx, exchange.read(sheet(500, prefix="W"), "warm.xlsx"))
        content = sheet(rows, prefix="I")
        start = time.perf_counter()
        found = exchange.read(content, "items.xlsx")
        read = time.perf_counter() - start
        spent = imported(ctx, found)
        print(rows, read, spent, rows / spent)


if __name__ == "__main__":
    main()
