"""The one table of routes and how a request finds its line.

`Router.find("GET", "/records/sales.order/SO-1")` walks a tree of path segments: a fixed word wins over a
placeholder, and where the word knows no such method the placeholder is tried (a record whose code is `batch`
can still be read). The table also drives the OpenAPI document, docs/api.md's test and the stranger test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote_to_bytes

from anlan.kernel.errors import Refused

__all__ = ["ADMIN", "Answer", "Call", "Found", "Route", "Router"]


class Answer(NamedTuple):
    """What a handler answers: `data` becomes JSON; or `content` with its own media type; or a `file` on disk.

    `kept`: what an Idempotency-Key keeps instead of `data`, where that holds a secret.
    """

    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}
    content: bytes | None = None
    media_type: str = "application/json"
    file: str | None = None
    kept: Any = None


class Call(NamedTuple):
    """One request as a handler sees it: `ctx` of the kernel, parts of the path, query, body, headers (lower
    case).
    """

    ctx: Any
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    address: str


ADMIN = "admin"  # what a route needs that is for administrators only
Handler = Callable[[Call], Answer]
Body = Literal["none", "json", "optional", "definition", "upload"]


@dataclass(frozen=True)
class Route:
    """One line of the table.

    `name` is the operation's name and, as `api.<name>`, the code of its sentence in messages/. `body` says
    what is read: `json` (numbers exact), `optional` (the same, may be empty), `definition` (JSON as
    definitions are), `upload` (multipart form), `none`. `query` lists the known parameters; None: the
    handler knows them.
    `needs`: the action that the caller must have on the `{form}` (`{register}`, `{report}`) of the path,
    asked before the body is looked at, or ADMIN; where it is empty the kernel's call asks.
    `status` and `answers` (media types) are those of the good answer, for the OpenAPI document.
    """

    method: str
    path: str
    name: str
    handler: Handler
    body: Body = "none"
    query: tuple[str, ...] | None = ()
    status: int = 200
    answers: str = "application/json"
    needs: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the placeholders in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


class Found(NamedTuple):
    route: Route
    path: dict[str, str]


@dataclass
class _Node:
    words: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the line of the table for a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            node = self._root
            for part in route.path.strip("/").split("/"):
                if part.startswith("{"):
                    node.placeholder = node.placeholder or _Node()
                    node = node.placeholder
                else:
                    node = node.words.setdefault(part, _Node())
            if route.method in node.routes:
                raise AssertionError(f"{route.method} {route.path} stands twice in the table")
            node.routes[route.method] = route

    def find(self, method: str, path: str) -> Found:
        """The route and the parts of the path (percent-decoded). Raises Refused 404 or 405 (`data["allow"]`).

        `path` is raw, so that a code with a slash in it can be written as %2F.
        """
        parts = [_decoded(part) for part in path.removeprefix("/").split("/")]
        wanted = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for node, values in _candidates(self._root, parts, 0):
            route = node.routes.get(wanted)
            if route is not None:
                return Found(route, dict(zip(route.parameters, values, strict=True)))
            allowed.update(node.routes)
        if not allowed:
            raise Refused(404, "unknown_address", params={"address": path[:200]})
        if "GET" in allowed:
            allowed.add("HEAD")
        allow = ", ".join(sorted(allowed | {"OPTIONS"}))
        raise Refused(405, "method_not_allowed", params={"method": method, "allow": allow})


def _candidates(node: _Node, parts: list[str], at: int) -> Iterator[tuple[_Node, list[str]]]:
    if at == len(parts):
        if node.routes:
            yield node, []
        return
    part = parts[at]
    if part in node.words:
        yield from _candidates(node.words[part], parts, at + 1)
    if node.placeholder is not None and part:
        for end, values in _candidates(node.placeholder, parts, at + 1):
            yield end, [part, *values]


def _decoded(part: str) -> str:
    try:
        text = unquote_to_bytes(part).decode("utf-8") if "%" in part else part
    except UnicodeDecodeError:
        raise Refused(404, "unknown_address", params={"address": part[:200]}) from None
    if "\x00" in text:  # PostgreSQL has no such character: nothing has that name
        raise Refused(404, "unknown_address", params={"address": part[:200]})
    return text
