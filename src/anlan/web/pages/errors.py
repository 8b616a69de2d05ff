"""Pages for what went wrong: in words, with what to do next and the request's id."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from anlan.kernel.errors import Refused
from anlan.web.pages.context import language, theme
from anlan.web.pages.frame import render, template, words

__all__ = ["error_page", "refused_page", "request_id"]

_WORDED = (403, 404, 405, 500)


def request_id(request: Request) -> str:
    """The id that the log has too."""
    return str(getattr(request.state, "request_id", "") or "")


def refused_page(request: Request, refused: Refused) -> Response:
    """The page (or, for a fragment, the sentence) of a refusal."""
    lang = language(request)
    site = request.app.state.site
    sentences = [
        site.messages.text(fault.code, lang, **({"field": fault.path} | dict(fault.params)))
        for fault in refused.faults
    ]
    sentence = " ".join(sentences) or site.messages.text(refused.code, lang, **refused.params)
    return error_page(request, refused.status, sentence)


def error_page(request: Request, status: int, sentence: str = "") -> Response:
    """A page with the frame when somebody is logged in, without it otherwise; a fragment for htmx."""
    lang = language(request)
    code = status if status in _WORDED else 500 if status >= 500 else 400
    title = words().text(f"error.{code}.title", lang)
    values: dict[str, Any] = {
        "status": status,
        "heading": title,
        "sentence": sentence or words().text(f"error.{code}.text", lang),
        "request_id": request_id(request),
    }
    if request.headers.get("hx-request"):
        return HTMLResponse(template("part/error.html", lang=lang, **values), status)
    ctx = getattr(request.state, "ctx", None)
    if ctx is not None and status < 500:
        return render(
            request,
            ctx,
            "error.html",
            title=title,
            status=status,
            **{k: v for k, v in values.items() if k != "status"},
            shown_status=status,
        )
    return HTMLResponse(
        template(
            "error_alone.html",
            lang=lang,
            theme=theme(request),
            nonce=request.state.nonce,
            title=title,
            shown_status=status,
            **values,
        ),
        status,
    )
