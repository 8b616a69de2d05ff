"""10,000 items from an Excel file through the whole record path, beside the same rows written by plain psycopg.

Reading the file is timed apart. The floor writes what the import writes, each table by one COPY: the items, their rows in
the record index with search tokens, their events, and the run's list of what it made; values are known to be good.

    python -m benchmarks.import_items [rows]
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable

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
FIELDS = ("code", "name", "spec", "barcode", "kind", "unit", "price", "note")


def sheet(rows: int, *, prefix: str, wrong: int = 0) -> bytes:
    """A workbook of items; the first `wrong` of them have a unit that there is not, or no name, or a bad price."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    page = book.add_worksheet("物料")
    page.write_row(0, 0, ["物料编码", "名称", "规格型号", "条码", "类别", "库存单位", "标准售价", "备注"])
    for n in range(rows):
        bad = 1 + n % 3 if n < wrong else 0
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
    """Seconds that COPY takes for the same rows of the same tables; undone at the end."""
    at = "2026-11-24 04:00Z"
    with site.pool.connection() as connection, connection.transaction(force_rollback=True):
        unit, user, run = connection.execute(
            "select (select id from base_unit where code = 'PCS'), (select owner from import_run limit 1), (select id from import_run limit 1)"
        ).fetchone() or ("", "", "")
        start = time.perf_counter()
        ids = [uuid7() for _ in found.rows]
        texts = [[str(cell) for cell in cells] for _, cells in found.rows]
        with connection.cursor() as cursor:
            with cursor.copy(
                "copy base_item (id, version, code, name, spec, barcode, kind, unit, tax_rate, price, active, note, created_at, created_by,"
                " updated_at, updated_by) from stdin"
            ) as copy:
                for key, row in zip(ids, texts, strict=True):
                    copy.write_row(
                        [key, 1, *row[:4], "goods", unit, "0.13", row[6], True, row[7], at, user, at, user]
                    )
            with cursor.copy(
                "copy record_index (id, form, code, title, tokens, updated_at) from stdin"
            ) as copy:
                for key, row in zip(ids, texts, strict=True):
                    words = " ".join(f"'{one}'" for one in tokens_of(row[:4], names=[row[1]]))
                    copy.write_row([key, "base.item", row[0], row[1], words, at])
            with cursor.copy(
                "copy event (record, form, kind, occurred_at, recorded_at, actor, via, changes) from stdin"
            ) as copy:
                for key, row in zip(ids, texts, strict=True):
                    changes = [
                        {"path": name, "old": None, "new": text}
                        for name, text in zip(FIELDS, row, strict=True)
                    ]
                    copy.write_row([key, "base.item", "created", at, at, user, "import", json.dumps(changes)])
            with cursor.copy("copy import_record (run, record, version, created) from stdin") as copy:
                for key in ids:
                    copy.write_row([run, key, 1, True])
        return time.perf_counter() - start


def best(work: Callable[[], float], *, runs: int = 3) -> float:
    return min(work() for _ in range(runs))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with a_site() as site:
        ctx = context(site)
        imported(ctx, exchange.read(sheet(500, prefix="W"), "warm.xlsx"))
        contents = iter([sheet(rows, prefix=prefix) for prefix in "ABC"])
        content = sheet(rows, prefix="P")
        start = time.perf_counter()
        found = exchange.read(content, "items.xlsx")
        spent_reading = time.perf_counter() - start
        bad = exchange.read(sheet(rows, prefix="Q", wrong=WRONG), "bad.xlsx")
        start = time.perf_counter()
        seen = exchange.preview(ctx, "base.item", bad)
        looked = time.perf_counter() - start
        ours = best(lambda: imported(ctx, exchange.read(next(contents), "items.xlsx")))
        bare = best(lambda: floor(site, found))
        table(f"{rows} items from Excel", [
            ("reading the file", rows / spent_reading, "rows/s"),
            ("floor: the same rows by COPY", rows / bare, "rows/s"),
            ("Anlan, after reading (at least 1000)", rows / ours, "rows/s"),
            ("of the floor", bare / ours, ""),
            (f"preview with {WRONG} wrong rows: faults told", len({one["row"] for one in seen["faults"]}), "rows"),
            ("  and how fast", rows / looked, "rows/s"),
        ])  # fmt: skip


if __name__ == "__main__":
    main()
