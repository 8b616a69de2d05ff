"""/api/docs: the OpenAPI document for whoever is logged in, shown by RapiDoc from our own files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

__all__ = ["docs_page"]

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anlan 安澜 · API</title>
<script type="module" src="/static/vendor/rapidoc-min.js"></script>
</head>
<body>
<rapi-doc spec-url="/api/v1/openapi.json" render-style="focused" show-header="false" theme="light"
 primary-color="#0f766e" load-fonts="false" use-path-in-nav-bar="true" schema-style="table"
 allow-server-selection="false" persist-auth="false"></rapi-doc>
</body>
</html>
"""
# RapiDoc styles its shadow trees inline; it runs no inline script.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def docs_page(request: Request) -> Response:
    """The page; the document it loads asks for a session or a token."""
    return HTMLResponse(
        _PAGE,
        headers={
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        },
    )
