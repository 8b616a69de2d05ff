"""Measurements pushed by one process, and the time that one roll-up of a minute takes.

    python -m benchmarks.series_push [rows]
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from anlan.kernel import record, series
from benchmarks.common import context, small_site, table

PACK = {
    "forms/probe.yaml": {"form": "bench.probe", "kind": "master", "label": "Probe", "fields": {"code": {"type": "text"}, "name": {"type": "text"}}},
    "registers/result.yaml": {
        "register": "bench.result", "kind": "series", "label": "Result", "dimensions": {"probe": {"type": "link", "to": "bench.probe"}},
        "resources": {"up": {"type": "boolean"}, "latency": {"type": "decimal"}, "status": {"type": "integer"}},
        "rollups": {"1m": {"keep": "14d"}, "5m": {"keep": "90d"}, "1h": {"keep": "2y"}, "1d": {"keep": "10y"}}, "raw": {"keep": "2d"}}}
PROBES = 1_000
BATCH = 1_000


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with small_site(PACK) as site:
        ids = [one["id"] for one in record.create_many(context(site), "bench.probe", [
            {"code": f"P{place}", "name": f"Probe {place}"} for place in range(PROBES)])]
        now = site.clock.now()
        batches = [
            [{"at": (now - timedelta(minutes=2) + timedelta(milliseconds=place % 60_000)).isoformat(), "probe": ids[place % PROBES], "up": True,
              "latency": "12.5", "status": 200} for place in range(start, start + BATCH)] for start in range(0, rows, BATCH)]
        start = time.perf_counter()
        for batch in batches:
            series.push(context(site), "bench.result", batch)
        pushed = time.perf_counter() - start
        start = time.perf_counter()
        series.roll_up(site.pool, site.catalogue.registers["bench.result"], now=site.clock.now(), zone=site.zone_name)
        rolled = time.perf_counter() - start
        table(f"{rows} measurements of {PROBES} series in batches of {BATCH}", [
            ("pushed (at least 20,000)", rows / pushed, "1/s"), ("rolled up to 1m, 5m, 1h, 1d in", rolled, "s")])


if __name__ == "__main__":
    main()
