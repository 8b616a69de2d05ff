"""Series registers: measurements pushed in batches, rolled up, dropped by age, read over time. No balance, no events.

    push(ctx, "demo.result", [{"probe": "P1", "at": "2026-11-24T01:30:00Z", "up": True, "latency": "12.5"}, …])
    read(ctx, "demo.result", start="2026-11-23", end="2026-11-24", step="1h", by=["probe"])
"""

from anlan.kernel.series.push import push
from anlan.kernel.series.read import MOST_POINTS, read
from anlan.kernel.series.rollup import roll_up, tidy

__all__ = ["MOST_POINTS", "push", "read", "roll_up", "tidy"]
