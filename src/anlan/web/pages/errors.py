"""Pages for what went wrong: in words, with what to do next and the request's id."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from anlan.kernel.errors import Refused
from anlan.web.api.problem import fault_shown
from anlan.web.api.words import sentences
from anlan.web.pages.context import language, theme
from anlan.web.pages.frame import render, template, words

__all__ = ["error_page", "failed_page", "refused_page", "request_id", "said"]

_log = logging.getLogger(__name__)
_WORDED = (403, 404, 405, 500)


def request_id(request: Request) -> str:
    """The id that the log has too."""
    return str(getattr(request.state, "request_id", "") or "")


def said(request: Request, refused: Refused) -> str:
    """What is wrong, in the sentences of the site; forms by their labels."""
    sentence = sentences(request.app.state.site, language(request))
    told = [fault_shown(one, sentence)["message"] for one in refused.faults]
    return " ".join(told) or sentence(refused.code, refused.params)


def refused_page(request: Request, refused: Refused) -> Response:
    """The page (or, for a fragment, the sentence) of a refusal."""
    return error_page(request, refused.status, said(request, refused))


def failed_page(request: Request, error: Exception) -> Response:
    """A defect of ours: logged once with the request's id, which the page shows."""
    _log.error(
        "%s %s failed (request %s)", request.method, request.url.path, request_id(request), exc_info=error
    )
    return error_page(request, 500)


def _why(request: Request, status: int) -> str:
    """Where "why can't I see this?" is answered; "" for what is no form."""
    form = request.path_params.get("form")
    if status not in (403, 404) or not form:
        return ""
    asked = {"form": form, "key": request.path_params.get("key", "")}
    return "/why?" + urlencode({name: text for name, text in asked.items() if text})


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
        "why": _why(request, status),
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
