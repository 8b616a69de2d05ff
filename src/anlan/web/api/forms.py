"""What there is: forms, and the OpenAPI document made of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from anlan.kernel import describe
from anlan.kernel.i18n import language_of
from anlan.web.api.openapi import document
from anlan.web.api.routing import Answer, Call, Route
from anlan.web.api.words import in_language

__all__ = ["OpenAPI", "every", "one"]

_KEPT_DOCUMENTS = 32


def every(call: Call) -> Answer:
    """GET /forms"""
    return Answer({"data": in_language(describe.forms(call.ctx), language_of(call.ctx.language))})


def one(call: Call) -> Answer:
    """GET /forms/{form}"""
    return Answer(in_language(describe.form(call.ctx, call.path["form"]), language_of(call.ctx.language)))


class _Document(NamedTuple):
    content: bytes
    etag: str


class OpenAPI:
    """GET /openapi.json: the document for the caller, kept until the catalogue or his rights change."""

    def __init__(self, routes: Callable[[], tuple[Route, ...]], version: str) -> None:
        self._routes = routes
        self._version = version
        self._kept: OrderedDict[Any, _Document] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> Answer:
        ctx = call.ctx
        caller = ctx.caller
        key = (
            ctx.catalogue.version,
            id(ctx.catalogue),
            caller.roles,
            caller.token_scope,
            caller.must_change,
            ctx.language,
        )
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            found = self._write(call)
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > _KEPT_DOCUMENTS:
                    self._kept.popitem(last=False)
        headers = {"ETag": found.etag, "Cache-Control": "private, no-cache"}
        if call.headers.get("if-none-match") == found.etag:
            return Answer(status=304, headers=headers)
        return Answer(content=found.content, headers=headers)

    def _write(self, call: Call) -> _Document:
        ctx, spoken = call.ctx, language_of(call.ctx.language)
        forms = [in_language(describe.form(ctx, one["form"]), spoken) for one in describe.forms(ctx)]

        def text(code: str) -> str:
            return str(ctx.site.messages.text(code, spoken))

        content = orjson.dumps(document(self._routes(), forms, version=self._version, text=text))
        return _Document(content, f'"{sha256(content).hexdigest()[:24]}"')
