"""The API of a site, put together: the table of routes, the document made of it, the door before it."""

from __future__ import annotations

from importlib.metadata import version

from anlan.kernel.site import Site
from anlan.web.api.door import Door
from anlan.web.api.forms import OpenAPI
from anlan.web.api.routing import Router
from anlan.web.api.table import table
from anlan.web.metrics import Metrics

__all__ = ["build"]


def build(site: Site, metrics: Metrics, *, threads: int) -> Door:
    """The ASGI application to mount at /api/v1; `close()` it. `threads`: kernel calls at the same time."""
    openapi = OpenAPI(lambda: router.routes, version("anlan"))
    router = Router(table(openapi))
    return Door(site, router, metrics, threads=threads)
