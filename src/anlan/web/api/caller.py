"""Who asks: a token in `Authorization`, or the session cookie of a browser.

A cookie is sent by a browser without the person's doing, so a write with it must come from our own pages
(web/security); a token is sent on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote

from anlan.kernel.access import sessions, tokens
from anlan.kernel.access.caller import Caller
from anlan.kernel.admin import see_as
from anlan.kernel.errors import Refused

__all__ = ["COOKIE", "caller_of"]

COOKIE = "anlan_session"  # what the log-in page sets
AS_COOKIE = "anlan_as"  # an administrator looks as somebody else: only to look

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def caller_of(site: Any, headers: Mapping[str, str], method: str, address: str) -> Caller:
    """The caller of a request. Raises Refused 401, or 403 for a browser's write from elsewhere. May query."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, text = authorization.partition(" ")
        found = tokens.resolve_token(site, text.strip(), address) if scheme.lower() == "bearer" else None
    else:
        token = _cookie(headers.get("cookie"), COOKIE)
        found = sessions.resolve(site, token) if token else None
        if found is not None and method not in _SAFE and not _is_own_page(headers):
            raise Refused(403, "cross_site")
        mark = _cookie(headers.get("cookie"), AS_COOKIE)
        other = see_as.seen(site, found, unquote(mark)) if found is not None and mark else None
        if other is not None and method not in _SAFE:
            raise Refused(403, "admin.only_looking")
        found = other or found
    if found is None:
        raise Refused(401, "unauthenticated")
    return found


def _cookie(header: str | None, name: str) -> str | None:
    if not header or name not in header:
        return None
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _is_own_page(headers: Mapping[str, str]) -> bool:
    """Sec-Fetch-Site, else Origin against Host; the method of Go 1.25's CrossOriginProtection (attack:
    CSRF).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")
