"""The web application of one site: the API, the pages, and what a supervisor asks.

/healthz  /readyz  /metrics        no token
/api/v1/…                          anlan.web.api.door, one lean endpoint
/api/docs                          the API's document, shown by files of our own
everything else                    anlan.web.pages
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from anlan.kernel.site import Site
from anlan.web import pages, system
from anlan.web.api import docs_page
from anlan.web.api.build import build
from anlan.web.api.door import ApiFirst
from anlan.web.metrics import Metrics

__all__ = ["create_app"]


def create_app(site: Site) -> Starlette:
    """The ASGI application; it does not own the site, who opened it closes it.

    A call may hold one connection and need a second for a moment (a token look-up, settings read anew). So
    all worker threads together are fewer than the pool's connections, and somebody can always go on.
    """
    connections = max(4, site.settings.pool_size)
    api_threads = connections // 2
    page_threads = connections - api_threads - 1
    metrics = Metrics()
    door = build(site, metrics, threads=api_threads)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = page_threads
        yield
        door.close()

    routes: list[BaseRoute] = [
        *system.routes(site, metrics),
        *docs_page.routes(),
        Mount("/", routes=pages.routes(), middleware=pages.middleware()),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(ApiFirst, door=door)], lifespan=lifespan)
    app.state.site = site
    pages.install(app.state)
    return app
