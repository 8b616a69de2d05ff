"""Two guards that stand before every page, as plain ASGI.

- `SameSiteOnly`: a browser's write must come from our own pages. It follows the header check of Go 1.25's
  CrossOriginProtection (Filippo Valsorda, "Cross-Site Request Forgery", 2025): Sec-Fetch-Site says where a
  request was made; a browser too old to send it sends Origin, which must be our own. A program without either
  header, or with a token of its own (Authorization), carries no ambient right that an attacker could borrow.
- `Headers`: a strict Content-Security-Policy with a nonce a request, no framing, no sniffing, no referrer
  abroad.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers as Incoming
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anlan.kernel.ids import uuid7

__all__ = ["Headers", "SameSiteOnly", "policy"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class SameSiteOnly:
    """403 for a write that another site's page made in a browser of ours (cross-site request forgery)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE and not allowed(Incoming(scope=scope)):
            await PlainTextResponse("This request came from another site.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def allowed(headers: Incoming) -> bool:
    """Whether a write with these headers may pass."""
    if "authorization" in headers:
        return True
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


class Headers:
    """Security headers and an id on every answer; `request.state` has `nonce` and `request_id`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce, request_id = secrets.token_urlsafe(16), uuid7()
        scope.setdefault("state", {}).update(nonce=nonce, request_id=request_id)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", policy(nonce))
                headers.setdefault("x-request-id", request_id)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
                headers.setdefault("cross-origin-opener-policy", "same-origin")
            await send(message)

        await self.app(scope, receive, send_guarded)
