"""/api/docs: the OpenAPI document for whoever is logged in, shown by Swagger UI from our own files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

__all__ = ["routes"]

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anlan 安澜 · API</title>
<link rel="icon" href="/static/mark.svg">
<link rel="stylesheet" href="/static/vendor/swagger-ui.css">
<script src="/static/vendor/swagger-ui.js" defer></script>
<script src="/api/docs.js" defer></script>
</head>
<body>
<main id="document"></main>
</body>
</html>
"""
_SCRIPT = """SwaggerUIBundle({
  url: "/api/v1/openapi.json", dom_id: "#document", docExpansion: "none", filter: true, deepLinking: true,
  defaultModelsExpandDepth: -1, validatorUrl: null,
});
"""
# Swagger UI styles its parts inline and draws icons from data addresses; it runs no inline script.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def routes() -> list[BaseRoute]:
    """The page and its script; the document that it loads asks for a session."""
    return [Route("/api/docs", _page), Route("/api/docs.js", _script)]


async def _page(request: Request) -> Response:
    return Response(_PAGE, media_type="text/html", headers=_HEADERS)


async def _script(request: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript", headers=_HEADERS)
