"""Records on paper: GET /records/{form}/{id}/print/{print} answers a PDF."""

from __future__ import annotations

from urllib.parse import quote

from anlan.kernel import describe, paper, record
from anlan.kernel.errors import not_found
from anlan.web.api.routing import Answer, Call

__all__ = ["print_record"]


def print_record(call: Call) -> Answer:
    """The record drawn with a print template, in the caller's language."""
    ctx, form, name = call.ctx, call.path["form"], call.path["print"]
    ctx.caller.policy.require(form, "print")
    definition = ctx.catalogue.prints.get(name)
    if definition is None or definition.form != form:
        raise not_found("print", name)
    found = record.read(ctx, form, call.path["id"])
    content = paper.render(ctx, definition, describe.form(ctx, form), [found])
    title = found.get("number") or found.get("code") or found["id"]
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(f'{title}.pdf', safe='')}"}
    return Answer(content=content, media_type="application/pdf", headers=headers)
