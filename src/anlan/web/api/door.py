"""The door of the API: one ASGI endpoint that turns a request into a kernel call and its result into an
answer.

On the event loop: find the route, read the body. In a worker thread, in one hop: who asks, what was sent, the
kernel's call, the answer's bytes. Starlette's per-route wrapping would cost as much as all of this together
(benchmarks/http_overhead.py).

Every exception ends here. `Refused` is an answer; anything unknown is a defect: logged once under the
request's id, answered with that id and nothing more.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import orjson
import psycopg
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from anlan.kernel.access.policy import Kind
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, forbidden
from anlan.kernel.formula import DesignError
from anlan.kernel.ids import uuid7
from anlan.web.api import body as bodies
from anlan.web.api import caller as callers
from anlan.web.api import idempotency, params, problem, reading, words
from anlan.web.api.routing import ADMIN, Answer, Call, Found, Route, Router
from anlan.web.metrics import Metrics

__all__ = ["PREFIX", "ApiFirst", "Door"]

PREFIX = "/api/v1"

T = TypeVar("T")

_KINDS: tuple[Kind, ...] = ("form", "register", "report", "dashboard")

_log = logging.getLogger("anlan.web")

# serialization_failure, deadlock_detected, after the kernel has tried three times more.
_AGAIN = frozenset({"40001", "40P01"})
# Lock or statement time-outs: somebody else is in the way.
_BUSY = frozenset({"55P03", "57014"})
# Requests that may wait for a worker thread; above it a client is told to come back, so that waiting stays
# bounded.
_MOST_WAITING = 1000
_GZIP_FROM_BYTES = 8192
_GZIP_LEVEL = 4

_BASE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"vary", b"Authorization, Cookie, Accept-Language, Accept-Encoding"),
)
# What an answer may set itself. A PDF gets no policy: the browsers' own reader would not start under it.
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NO_STORE = (b"cache-control", b"no-store")


class Incoming(NamedTuple):
    """A request, read: what the worker thread needs."""

    method: str
    path: str
    target: str
    query: bytes
    headers: Mapping[str, str]
    address: str
    request_id: str
    found: Found | None
    refused: Refused | None
    raw: bytes
    upload: Any


class Outgoing(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    file: str | None = None


class ApiFirst:
    """Sends what is below /api/v1 through the door, and everything else to the application behind it.

    A Mount would do the same but for paths with a line break in them, which its pattern does not match.
    """

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self.app = app
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The door for HTTP below the prefix."""
        if scope["type"] == "http" and scope["path"][len(scope.get("root_path", "")) :].startswith(
            f"{PREFIX}/"
        ):
            await self.door(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class Door:
    """ASGI application for everything below /api/v1."""

    def __init__(self, site: Any, router: Router, metrics: Metrics, *, threads: int) -> None:
        self.site = site
        self.router = router
        self.metrics = metrics
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api")
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        incoming = await self._read(scope, receive)
        try:
            outgoing = await self._outgoing(incoming)
        finally:
            if incoming.upload is not None:
                await incoming.upload.close()
        route = incoming.found.route.name if incoming.found else "none"
        self.metrics.count(route, incoming.method, outgoing.status, time.perf_counter() - started)
        if outgoing.file is not None:
            await _file_response(outgoing, outgoing.file)(scope, receive, send)
            return
        body = b"" if incoming.method == "HEAD" else outgoing.body
        await send({"type": "http.response.start", "status": outgoing.status, "headers": outgoing.headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Wait for what is running and end the worker threads."""
        self._threads.shutdown()

    async def _read(self, scope: Scope, receive: Receive) -> Incoming:
        method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        full = raw_path.decode("latin-1")
        path = full[len(scope.get("root_path", "")) :].removeprefix(PREFIX)
        query: bytes = scope["query_string"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        found, refused, raw, upload = None, None, b"", None
        try:
            found = self.router.find(method, path)
            kind = found.route.body
            if kind == "upload":
                # A stranger does not get to fill the disk: who asks is settled before anything is taken in.
                address = client[0] if client else ""
                refused = await self._in_thread(_refused_caller, self.site, headers, method, address)
                if refused is None:
                    upload = await reading.upload(scope, receive, headers)
            elif kind != "none":
                raw = await reading.body(receive, headers)
        except Refused as error:
            refused = error
        target = f"{full}?{query.decode('latin-1')}" if query else full
        return Incoming(
            method, path, target, query, headers, address=client[0] if client else "", request_id=uuid7(),
            found=found, refused=refused, raw=raw, upload=upload,
        )  # fmt: skip

    async def _outgoing(self, incoming: Incoming) -> Outgoing:
        if incoming.method == "OPTIONS" and incoming.refused is not None and incoming.refused.status == 405:
            return _options(incoming)
        if self._running >= _MOST_WAITING:
            return self._refusal(incoming, Refused(429, "too_busy", retry_after=1), None)
        self._running += 1
        try:
            return await self._in_thread(self._work, incoming)
        finally:
            self._running -= 1

    async def _in_thread(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    def _work(self, incoming: Incoming) -> Outgoing:
        caller = None
        try:
            # Who asks comes first: a stranger learns nothing, not even which addresses exist.
            caller = callers.caller_of(self.site, incoming.headers, incoming.method, incoming.address)
            if incoming.refused is not None:
                raise incoming.refused
            assert incoming.found is not None
            answer = self._call(incoming, incoming.found, caller)
            return _finished(incoming, answer, words.language(incoming.headers, caller))
        except Refused as refused:
            return self._refusal(incoming, refused, caller)
        except DesignError as error:
            return self._refusal(incoming, problem.refused_formula(error, "where"), caller)
        except psycopg.Error as error:
            if error.sqlstate in _AGAIN or error.sqlstate in _BUSY:
                return self._refusal(incoming, Refused(409, "busy", retry_after=1), caller)
            # Stopped, restarting, unreachable; a pool that gives no connection means the same, for there are
            # more connections than worker threads (web/app.py).
            if isinstance(error, psycopg.OperationalError):
                _log.error("no database: %s (request %s)", error, incoming.request_id)
                return self._refusal(incoming, Refused(503, "database_unavailable", retry_after=2), caller)
            return self._defect(incoming, caller)
        except Exception:  # noqa: BLE001  # the one place where a defect becomes an answer; it is logged
            return self._defect(incoming, caller)

    def _call(self, incoming: Incoming, found: Found, caller: Any) -> Answer:
        route = found.route
        ctx = Context(
            self.site,
            caller,
            language=words.tag(incoming.headers, caller),
            via="api",
            request_id=incoming.request_id,
        )
        _admit(ctx, route, found.path)
        query = params.query_of(incoming.query, route.query)
        sent = incoming.upload if route.body == "upload" else _parsed(route.body, incoming.raw)
        call = Call(ctx, found.path, query, sent, incoming.headers, incoming.address)
        key = incoming.headers.get("idempotency-key") if route.method == "POST" else None
        if key is None:
            return route.handler(call)
        if not key or len(key) > idempotency.MAX_KEY or not key.isprintable():
            raise Refused(422, "bad_idempotency_key", params={"limit": idempotency.MAX_KEY})
        raw = incoming.raw if route.body != "upload" else sent.fingerprint()
        body = idempotency.fingerprint(incoming.method, incoming.target, raw)
        return ctx.atomically(
            lambda: idempotency.once(
                ctx.connection, caller.user, key, body=body, now=ctx.now, work=lambda: route.handler(call)
            )
        )

    def _refusal(self, incoming: Incoming, refused: Refused, caller: Any) -> Outgoing:
        spoken = words.language(incoming.headers, caller)
        say = words.sentences(self.site, spoken)
        headers = {}
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="anlan"'
        if refused.status == 405:
            headers["Allow"] = str(refused.params["allow"])
        if refused.retry_after is not None:
            headers["Retry-After"] = str(refused.retry_after)
        answer = Answer(
            problem.problem(refused, say, incoming.request_id),
            refused.status,
            headers,
            media_type=problem.MEDIA_TYPE,
        )
        return _finished(incoming, answer, spoken)

    def _defect(self, incoming: Incoming, caller: Any) -> Outgoing:
        _log.exception("%s %s failed (request %s)", incoming.method, incoming.path, incoming.request_id)
        return self._refusal(
            incoming, Refused(500, "internal", params={"request_id": incoming.request_id}), caller
        )


def _admit(ctx: Context, route: Route, path: Mapping[str, str]) -> None:
    """Raise Refused 404 when what the path names does not exist, 403 when the caller lacks what is needed."""
    if route.needs == ADMIN and not ctx.caller.admin:
        raise forbidden(route.path.split("/")[1], "update")
    for kind in _KINDS:
        name = path.get(kind)
        if name is None:
            continue
        if name not in getattr(ctx.catalogue, f"{kind}s"):
            raise Refused(404, f"unknown_{kind}", params={kind: name})
        if route.needs:
            ctx.caller.policy.require(name, route.needs, kind=kind)


def _refused_caller(site: Any, headers: Mapping[str, str], method: str, address: str) -> Refused | None:
    """Why this caller may send no upload; None when he may."""
    try:
        callers.caller_of(site, headers, method, address)
    except Refused as refused:
        return refused
    except psycopg.OperationalError:  # PoolTimeout is one of them
        return Refused(503, "database_unavailable", retry_after=2)
    return None


def _parsed(kind: str, raw: bytes) -> Any:
    if kind == "none" or (kind == "optional" and not raw.strip()):
        return None
    return bodies.parse(raw, exact=kind != "definition")


def _finished(incoming: Incoming, answer: Answer, language: str) -> Outgoing:
    """The answer as bytes, with the headers that every answer has."""
    if answer.content is not None:
        content = answer.content
    elif answer.file is not None or answer.status in (204, 304):
        content = b""
    else:
        content = orjson.dumps(answer.data, option=orjson.OPT_UTC_Z)
    headers = [(b"x-request-id", incoming.request_id.encode()), (b"content-language", language.encode())]
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers += [
        one for one in _BASE_HEADERS if not answer.headers or one[0].decode().title() not in answer.headers
    ]
    if "Cache-Control" not in answer.headers:
        headers.append(_NO_STORE)
    if "Content-Security-Policy" not in answer.headers and answer.media_type != "application/pdf":
        headers.append(_POLICY)
    if answer.file is not None:
        headers.append((b"content-type", answer.media_type.encode()))
        return Outgoing(answer.status, headers, b"", answer.file)
    if answer.status not in (204, 304):
        headers.append((b"content-type", answer.media_type.encode()))
        if len(content) >= _GZIP_FROM_BYTES and "gzip" in incoming.headers.get("accept-encoding", ""):
            content = gzip.compress(content, _GZIP_LEVEL, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(content)).encode()))
    return Outgoing(answer.status, headers, content)


def _file_response(outgoing: Outgoing, path: str) -> FileResponse:
    """A file on disk, with our headers in place of those that Starlette would guess."""
    response = FileResponse(path, outgoing.status)
    kept = [one for one in response.raw_headers if one[0] not in (b"content-type", b"etag")]
    response.raw_headers = kept + outgoing.headers
    return response


def _options(incoming: Incoming) -> Outgoing:
    assert incoming.refused is not None
    allow = str(incoming.refused.params["allow"]).encode()
    headers = [*_BASE_HEADERS, _POLICY, (b"allow", allow), (b"x-request-id", incoming.request_id.encode())]
    return Outgoing(204, headers, b"")
