"""Adding a field, a unique text and a link to a form of 1,000,000 rows while a writer writes: how long a write waits.

    python -m benchmarks.add_field [rows]
"""

from __future__ import annotations

import sys
import threading
import time

from anlan.kernel.catalogue import change
from benchmarks.common import context, small_site, table
from benchmarks.list_million import PACK, fill


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with small_site(PACK) as site:
        fill(site, rows)
        waits: list[tuple[float, float]] = []
        stop = threading.Event()

        def write() -> None:
            with site.pool.connection() as connection:
                while not stop.is_set():
                    start = time.perf_counter()
                    connection.execute("UPDATE bench_note SET amount = amount + 1 WHERE number = $1", [f"N{1 + len(waits) % rows:08}"])
                    connection.commit()
                    waits.append((start, time.perf_counter() - start))
                    time.sleep(0.001)

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(2)
        begin = time.perf_counter()
        change.put(context(site), "form", "bench.note", {"overlay": {"set": {
            "fields.x_reference": {"type": "text", "unique": True}, "fields.x_other": {"type": "link", "to": "bench.thing"}}}})
        change.publish(context(site))
        end = time.perf_counter()
        stop.set()
        writer.join()
        before = sorted(wait for at, wait in waits if at < begin)
        during = sorted(wait for at, wait in waits if at >= begin)
        table(f"Two fields more on {rows} rows", [
            ("publishing took", end - begin, "s"), ("writes meanwhile", float(len(during)), ""),
            ("longest wait before", 1000 * before[-1], "ms"), ("middle wait meanwhile", 1000 * during[len(during) // 2], "ms"),
            ("longest wait meanwhile (at most 100)", 1000 * during[-1], "ms")])


if __name__ == "__main__":
    main()
