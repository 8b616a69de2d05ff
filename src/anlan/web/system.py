"""What a supervisor and a monitor ask, without a token: does the process live, can it serve, its figures."""

from __future__ import annotations

import ipaddress
from typing import Any

import psycopg
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from anlan.kernel.access import tokens
from anlan.web.metrics import Metrics

__all__ = ["routes"]

_WAIT_SECONDS = 2.0  # a probe gives up sooner than its caller does


def routes(site: Any, metrics: Metrics) -> list[BaseRoute]:
    """`/healthz`, `/readyz`, `/metrics`."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        trouble = await run_in_threadpool(_trouble, site)
        return JSONResponse(
            {"ready": not trouble, "trouble": trouble}, 503 if trouble else 200, {"Cache-Control": "no-store"}
        )

    async def figures(request: Request) -> Response:
        allowed = await run_in_threadpool(_may_see_figures, site, request)
        if not allowed:
            return PlainTextResponse("a token is needed\n", 401, {"WWW-Authenticate": 'Bearer realm="anlan"'})
        return Response(metrics.text(site.pool), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", figures)]


def _trouble(site: Any) -> str | None:
    """Why this process cannot serve; None when it can. Asks the database."""
    try:
        with site.pool.connection(timeout=_WAIT_SECONDS) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:  # PoolTimeout is one of them
        return f"database: {type(error).__name__}"
    return None if site.catalogue.forms else "catalogue: no forms"


def _may_see_figures(site: Any, request: Request) -> bool:
    """From this machine, unless a proxy forwards; else with any token that is valid."""
    address = request.client.host if request.client else ""
    if (
        "x-forwarded-for" not in request.headers
        and "forwarded" not in request.headers
        and _is_loopback(address)
    ):
        return True
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    return tokens.resolve_token(site, text.strip(), address) is not None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a Unix socket's peer, a test client's name
        return False
