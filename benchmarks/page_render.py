"""List and record pages of a form of 1,000,000 records through the web application, beside an empty page of the same size.

The empty page is Starlette and Jinja with one text of as many bytes: no log-in, no database, no loop. Both are asked the same
way, in this process, without a network. "Its template" is what Jinja takes of a page, measured with the values at hand.

    python -m benchmarks.page_render [rows]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from anlan.kernel import query
from anlan.kernel.access import sessions
from anlan.kernel.query import Query
from anlan.kernel.site import Site
from anlan.web.app import create_app
from anlan.web.pages import frame
from benchmarks.common import context, small_site, table
from benchmarks.list_million import PACK, fill

GOAL = 150
RUNS = 60
PASSWORD = "calm-waters-2026"


async def ask(app: Any, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """One GET of an ASGI application: status, headers, body."""
    bare, _, question = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": bare,
        "raw_path": bare.encode(), "query_string": question.encode(), "root_path": "", "client": ("127.0.0.1", 1), "server": ("bench", 80),
        "headers": [(name.encode(), text.encode()) for name, text in {"host": "bench", **headers}.items()],
    }  # fmt: skip
    told: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return told["status"], {name.decode(): text.decode() for name, text in told["headers"]}, b"".join(parts)


async def timed(app: Any, path: str, headers: Mapping[str, str]) -> tuple[list[float], int]:
    """Milliseconds of each of some requests, and how many bytes the page has."""
    body = b""
    for _ in range(5):
        status, _, body = await ask(app, path, headers)
        assert status == 200, (path, status)
    spent = []
    for _ in range(RUNS):
        start = time.perf_counter()
        await ask(app, path, headers)
        spent.append(1000 * (time.perf_counter() - start))
    return spent, len(body)


def empty(size: int) -> Starlette:
    """A page of that many bytes and nothing else."""
    page = Environment(loader=DictLoader({"page": "<!doctype html><title>{{ title }}</title>{{ text }}"}), autoescape=True)

    def render() -> HTMLResponse:
        return HTMLResponse(page.get_template("page").render(title="Empty", text="x" * max(0, size - 50)))

    async def answer(request: Request) -> HTMLResponse:
        del request
        return await run_in_threadpool(render)

    return Starlette(routes=[Route("/", answer)])


def watched(work: Callable[..., str], into: list[float]) -> Callable[..., str]:
    """`template`, with how long each call took."""

    def rendered(name: str, **values: Any) -> str:
        start = time.perf_counter()
        text = work(name, **values)
        into.append(1000 * (time.perf_counter() - start))
        return text

    return rendered


def session(site: Site) -> str:
    """The cookie of somebody who is logged in and sees the records of one person."""
    sessions.set_password(site, "u3", PASSWORD, by=None, must_change=False)
    return sessions.login(site, "u3", PASSWORD, address=None, agent=None)


async def measure(site: Site, cookie: str, pages: list[tuple[str, str]]) -> list[tuple[str, float, str]]:
    app = create_app(site)
    headers = {"cookie": f"anlan_session={cookie}; anlan_language=zh"}
    found: list[tuple[str, float, str]] = []
    for name, path in pages:
        drawing: list[float] = []
        real, frame.template = frame.template, watched(frame.template, drawing)
        try:
            spent, size = await timed(app, path, headers)
        finally:
            frame.template = real
        bare, _ = await timed(empty(size), "/", {})
        ours, floor, drawn = statistics.median(spent), statistics.median(bare), statistics.median(drawing)
        found += [
            (f"{name}, {size // 1000} KB", statistics.quantiles(spent, n=20)[-1], f"ms (p95, at most {GOAL}); middle {ours:.2f}"),
            ("  its template", drawn, "ms"),
            ("  an empty page of that size", floor, f"ms; {floor / ours:.2f} of its rate"),
        ]
    return found


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with small_site(PACK) as site:
        people = fill(site, rows)
        cookie = session(site)
        mine = query.records(context(site), "bench.note", Query(where='handler.code = "u3"', limit=1))["data"][0]["id"]
        del people
        pages = [
            ("list", "/f/bench.note"),
            ("list, filtered and sorted", "/f/bench.note?where=state%20%3D%20%22confirmed%22&sort=-date"),
            ("list, searched", "/f/bench.note?search=note"),
            ("list, its part", "/f/bench.note?part=list&sort=-date"),
            ("record", f"/f/bench.note/{mine}"),
        ]
        table(f"Pages over {rows} records", asyncio.run(measure(site, cookie, pages)))


if __name__ == "__main__":
    main()
