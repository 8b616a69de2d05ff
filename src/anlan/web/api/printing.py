"""Records on paper: GET /records/{form}/{id}/print/{print} answers a PDF, POST /records/{form}/print/{print} one of many."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from anlan.kernel import describe, paper, record
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type
from anlan.web.api.routing import Answer, Call

__all__ = ["print_many", "print_record"]

_LANGUAGES = {"zh": "zh-CN", "en": "en"}


def print_record(call: Call) -> Answer:
    """The record drawn with a print template, in the language that is asked for, else as the print says."""
    ctx, form = call.ctx, call.path["form"]
    definition = paper.print_of(ctx, form, call.path["print"])
    language = _language(call.query.get("language"))
    found = record.read(ctx, form, call.path["id"])
    content = paper.render(ctx, definition, describe.form(ctx, form), [found], language=language)
    return _pdf(content, found.get("number") or found.get("code") or found["id"])


def print_many(call: Call) -> Answer:
    """The records of `ids` in one file, in their order."""
    ctx, form, name, body = call.ctx, call.path["form"], call.path["print"], call.body
    definition = paper.print_of(ctx, form, name)
    if not isinstance(body, Mapping):
        raise invalid([wrong_type("", OBJECT)])
    unknown = sorted(set(body) - {"ids", "language"})
    if unknown:
        raise invalid([Fault("unknown_field", unknown[0][:60], {"field": unknown[0][:60], "form": name})])
    ids = body.get("ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise invalid([wrong_type("ids", LIST)])
    content = paper.print_many(ctx, form, ids, name, language=_language(body.get("language")))
    return _pdf(content, definition.label.text(ctx.language))


def _language(given: object) -> str | None:
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        raise invalid([wrong_type("language", TEXT)])
    if given not in _LANGUAGES:
        params = {"field": "language", "value": given[:40], "options": "zh, en"}
        raise invalid([Fault("unknown_option", "language", params)])
    return _LANGUAGES[given]


def _pdf(content: bytes, title: str) -> Answer:
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(f'{title}.pdf', safe='')}"}
    return Answer(content=content, media_type="application/pdf", headers=headers)
