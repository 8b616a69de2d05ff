"""What the HTTP layer costs on top of a kernel call, beside an empty Starlette endpoint. Run: python -m
benchmarks.http_overhead

All are asked as ASGI applications in this process, one after the other: no socket, no client, so that the
difference is our own code (and the hop to a worker thread, which the empty endpoint has too).
"""

from __future__ import annotations

import asyncio
import time
import timeit
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from anlan.kernel import describe, record
from anlan.kernel.access import tokens
from anlan.web.api.build import build
from anlan.web.api.openapi import document
from anlan.web.metrics import Metrics
from benchmarks.common import a_site, context, table

ROUNDS, TIMES = 15, 100
WORDS, VALUES = {"code": "BENCH", "name": "Bench"}, {"code": "X", "name": "X"}


def empty(request: Request) -> Response:
    return JSONResponse({})


async def ask(
    app: ASGIApp, method: str, path: str, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> int:
    """One request; its status."""
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    statuses: list[int] = []

    async def receive() -> Any:
        return incoming.pop()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return statuses[0]


async def microseconds(works: dict[str, Callable[[], Awaitable[int]]]) -> dict[str, float]:
    """The best of some rounds of each, a request; the rounds take turns, so that a busy machine is fair to
    all.
    """
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            started = time.perf_counter()
            for _ in range(TIMES):
                status = await work()
                assert status == 200, status
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: spent / TIMES * 1e6 for name, spent in best.items()}


async def measure() -> None:
    """Print the table."""
    with a_site([]) as site:
        door = build(site, Metrics(), threads=4)
        ctx = context(site)
        made = record.create(ctx, "system.department", WORDS)
        token = tokens.create(site, "admin", "bench")
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json"),
                   (b"accept-language", b"zh-CN"), (b"accept-encoding", b"gzip")]  # fmt: skip
        floor = Starlette(routes=[Route("/", empty)])
        path = f"/api/v1/records/system.department/{made['id']}"
        preview, body = "/api/v1/records/system.department/preview", orjson.dumps(VALUES)

        async def direct(call: Callable[[], Any]) -> int:
            call()
            return 200

        figures = await microseconds({
            "empty": lambda: ask(floor, "GET", "/", headers),
            "me": lambda: ask(door, "GET", "/api/v1/me", headers),
            "read": lambda: ask(door, "GET", path, headers),
            "kernel read": lambda: direct(lambda: record.read(context(site), "system.department", made["id"])),
            "preview": lambda: ask(door, "POST", preview, headers, body),
            "kernel preview": lambda: direct(lambda: record.preview(context(site), "system.department", VALUES)),
        })  # fmt: skip
        door.close()
        described = describe.form(context(site), "system.user")
        forms = [{**described, "form": f"bench.f{place}", "label": "Bench"} for place in range(200)]
        written = min(timeit.repeat(
            lambda: orjson.dumps(document(door.router.routes, forms, version="1", text=str)), number=1, repeat=9))  # fmt: skip
    table("HTTP layer, µs a request (lower is better)", [
        ("empty Starlette endpoint (floor)", figures["empty"], "µs"),
        ("GET /me: token, route, headers, answer, no kernel call", figures["me"], "µs"),
        ("GET a record", figures["read"], "µs"),
        ("  of it the kernel's record.read", figures["kernel read"], "µs"),
        ("  of it the HTTP layer", figures["read"] - figures["kernel read"], "µs"),
        ("POST a preview", figures["preview"], "µs"),
        ("  of it the HTTP layer", figures["preview"] - figures["kernel preview"], "µs"),
    ])  # fmt: skip
    table("OpenAPI", [("the document of 200 forms, written (kept until rights change)", written * 1e3, "ms")])


if __name__ == "__main__":
    asyncio.run(measure())
