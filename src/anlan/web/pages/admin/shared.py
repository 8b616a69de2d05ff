"""What the administrator's pages share: their frame, posted answers that are not kept, forms by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from anlan.kernel.admin.guard import require_admin
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.web.pages.errors import said
from anlan.web.pages.frame import ADMIN, render, words

__all__ = ["Form", "back", "event_told", "form_labels", "shown", "title_of", "touched", "worded"]

Form = Mapping[str, Any]


def title_of(ctx: Context, section: str) -> str:
    """The words of a section."""
    return words().text(f"admin.{section}", ctx.language)


def shown(
    request: Request,
    ctx: Context,
    section: str,
    *,
    template: str = "",
    title: str = "",
    refused: Refused | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page of the administration; `refused`: what the posted form met. Never kept by browsers: it may show a secret."""
    require_admin(ctx)
    home = (words().text("admin.title", ctx.language), "/admin/health")
    own = title_of(ctx, section)
    answer = render(
        request,
        ctx,
        template or f"admin/{section}.html",
        title=title or own,
        status=refused.status if refused is not None else 200,
        crumbs=[home, (own, f"/admin/{section}")] if title else [home],
        error=said(request, refused) if refused is not None else "",
        tabs=[{"name": one, "label": title_of(ctx, one), "url": f"/admin/{one}"} for one in ADMIN],
        section=section,
        form_labels=form_labels(ctx),
        **values,
    )
    answer.headers["cache-control"] = "no-store"
    return answer


def back(url: str) -> Response:
    """After a change: the page it was made on, so that reloading does nothing twice."""
    return RedirectResponse(url, 303)


def form_labels(ctx: Context) -> dict[str, str]:
    """Every form's label in the caller's language."""
    return {name: form.definition.label.text(ctx.language) for name, form in ctx.catalogue.forms.items()}


def event_told(language: str, kind: str) -> str:
    """A kind of event in words; one that has none as it is written."""
    return worded(language, f"event.{kind}", kind)


def worded(language: str, code: str, otherwise: str) -> str:
    """The sentence of a code that is made from data; `otherwise` where there is none."""
    return words().text(code, language) if code in words().sentences["zh"] else otherwise


def touched(ctx: Context, form: str, names: Sequence[str]) -> str:
    """The fields that an event touched, in words: by their labels, what is no field by a sentence of its own."""
    known = ctx.catalogue.forms.get(form)
    fields = known.definition.fields if known is not None else {}
    labels = {name: fields[name].label for name in names if name in fields}
    told = (
        label.text(ctx.language)
        if (label := labels.get(name)) is not None
        else worded(ctx.language, f"admin.touched.{name}", name)
        for name in names
    )
    return words().text("admin.between", ctx.language).join(dict.fromkeys(told))
