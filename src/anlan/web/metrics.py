"""Figures of one web process as Prometheus text: requests by route and status, and how long they took.

anlan_http_requests_total{route="records.read",method="GET",status="200"} 12
anlan_http_request_seconds_bucket{route="records.read",le="0.01"} 11
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

__all__ = ["Metrics"]

_BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of this process. Routes and methods come from our tables, so their number is bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Add one answered request."""
        with self._lock:
            key = (route, method if method in _METHODS else "other", status)
            self._requests[key] = self._requests.get(key, 0) + 1
            buckets = self._buckets.get(route)
            if buckets is None:
                buckets = self._buckets[route] = [0] * (len(_BOUNDS) + 1)
                self._seconds[route] = 0.0
            buckets[bisect_left(_BOUNDS, seconds)] += 1
            self._seconds[route] += seconds

    def text(self, pool: Any) -> str:
        """The exposition text; `pool` gives the figures of the database connections."""
        return "\n".join([*self._lines(), *_pool_lines(pool), *_process_lines(), ""])

    def _lines(self) -> Iterator[str]:
        with self._lock:
            requests = sorted(self._requests.items())
            buckets = sorted((route, list(counts)) for route, counts in self._buckets.items())
            seconds = dict(self._seconds)
        yield "# HELP anlan_http_requests_total Requests answered."
        yield "# TYPE anlan_http_requests_total counter"
        for (route, method, status), n in requests:
            labels = f'route="{route}",method="{method}",status="{status}"'
            yield f"anlan_http_requests_total{{{labels}}} {n}"
        yield "# HELP anlan_http_request_seconds Time from the first byte read to the answer."
        yield "# TYPE anlan_http_request_seconds histogram"
        for route, counts in buckets:
            below = 0
            for bound, n in zip(_BOUNDS, counts, strict=False):
                below += n
                yield f'anlan_http_request_seconds_bucket{{route="{route}",le="{bound}"}} {below}'
            total = sum(counts)
            yield f'anlan_http_request_seconds_bucket{{route="{route}",le="+Inf"}} {total}'
            yield f'anlan_http_request_seconds_sum{{route="{route}"}} {seconds[route]:.6f}'
            yield f'anlan_http_request_seconds_count{{route="{route}"}} {total}'


def _pool_lines(pool: Any) -> Iterator[str]:
    figures = pool.get_stats()
    for name, meaning in (
        ("pool_size", "Database connections."),
        ("pool_available", "Idle database connections."),
        ("requests_waiting", "Callers that wait for a connection."),
    ):
        metric = f"anlan_database_{name}"
        yield f"# HELP {metric} {meaning}"
        yield f"# TYPE {metric} gauge"
        yield f"{metric} {figures.get(name, 0)}"


def _process_lines() -> Iterator[str]:
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[1])
    yield "# HELP process_resident_memory_bytes Resident memory of this process."
    yield "# TYPE process_resident_memory_bytes gauge"
    yield f"process_resident_memory_bytes {pages * os.sysconf('SC_PAGE_SIZE')}"
