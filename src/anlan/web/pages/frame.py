"""What stands around every page: templates, words, the rail with its forms, the head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, pass_context
from jinja2.runtime import Context as TemplateContext
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from anlan.kernel import describe, message
from anlan.kernel.context import Context
from anlan.kernel.i18n import LANGUAGES, Messages, language_of
from anlan.kernel.workflow import todo
from anlan.web.pages import show
from anlan.web.pages.context import language, theme, zone
from anlan.web.pages.lines import drawn_lines
from anlan.web.pages.templating import compiled_for

__all__ = ["ADMIN", "STATIC", "MenuGroup", "MenuItem", "menu", "render", "template", "words"]

WEB = Path(__file__).resolve().parents[1]
STATIC = WEB / "static"
# The administrator's pages in the order of the rail: /admin/<name>, with the words admin.<name>.
ADMIN = (
    "health", "people", "departments", "roles", "sessions", "tokens", "jobs", "audit", "catalogue", "settings",
)  # fmt: skip
_JSON_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))


class MenuItem(NamedTuple):
    """A form, or with `report` a report."""

    name: str
    label: str
    url: str
    report: bool = False


class MenuGroup(NamedTuple):
    key: str
    label: str
    icon: str
    items: tuple[MenuItem, ...]


@lru_cache(maxsize=1)
def words() -> Messages:
    """The sentences of the web floor. Reads files once."""
    return Messages.load([WEB / "messages"])


@lru_cache(maxsize=256)
def _stamp(path: str) -> str:
    """A short hash of a static file, so that browsers may keep it for ever and still see a new one."""
    file = STATIC / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"


def static_url(path: str) -> str:
    """The address of a file under static/."""
    return f"/static/{path}?v={_stamp(path)}"


@lru_cache(maxsize=1024)
def icon(name: str, size: int = 16) -> Markup:
    """One of the vendored icons, drawn in the text's colour."""
    shape = Markup(
        '<svg class="icon" width="{0}" height="{0}" aria-hidden="true"><use href="{1}#{2}"/></svg>'
    )
    return shape.format(size, static_url("vendor/icons.svg"), name)


def embedded(data: Any) -> Markup:
    """JSON that may stand inside a script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for mark, written in _JSON_ESCAPES:  # `translate` takes ten times as long
        text = text.replace(mark, written)
    return Markup(text)


@pass_context
def _text(context: TemplateContext, code: str, **params: object) -> str:
    return words().text(code, context["lang"], **params)


@pass_context
def _label(context: TemplateContext, text: Any) -> str:
    return show.label(text, context["lang"])


@pass_context
def _value(context: TemplateContext, content: Any, field: Mapping[str, Any]) -> Markup:
    return show.value(content, field, context["lang"], context["zone"])


@pass_context
def _plain(context: TemplateContext, content: Any, field: Mapping[str, Any]) -> str:
    return show.plain(content, field, context["lang"], context["zone"])


@pass_context
def _line_rows(context: TemplateContext, field: Mapping[str, Any], order: Iterable[str], lines: Sequence[Mapping[str, Any]]) -> Markup:
    """The rows of a `lines` field; hidden fields are not among them."""
    shown = [name for name in order if not field["fields"][name].get("hidden")]
    return drawn_lines(field, lines, order=shown, language=context["lang"], zone=context["zone"])


@lru_cache(maxsize=len(LANGUAGES))
def _environment(lang: str) -> Environment:
    """The templates of a language."""
    known: dict[str, Callable[..., str]] = {"t": partial(_said, lang), "icon": icon, "static": static_url}
    environment = compiled_for(WEB / "templates", known)
    environment.globals.update(t=_text, static=static_url, NUMERIC=show.NUMERIC, dot=show.dot, icon=icon, line_rows=_line_rows)
    environment.filters.update(label=_label, value=_value, plain=_plain, embedded=embedded)
    return environment


def _said(lang: str, code: str) -> str:
    return words().text(code, lang)


def template(name: str, *, lang: str, **values: Any) -> str:
    """A rendered template without a frame: fragments, and pages for people who are not logged in."""
    return _environment(language_of(lang)).get_template(name).render(values, lang=lang)


def _pack_label(form: Mapping[str, Any], lang: str) -> str:
    """The name of a form's pack; the kernel's own forms belong to no pack."""
    if form["pack"] == "system":
        return words().text("pack.system", lang)
    return show.label(form.get("pack_label") or form["pack"], lang)


def menu(ctx: Context) -> list[MenuGroup]:
    """The rail: packs in their order, each with the forms and reports that the caller may read."""
    heads: dict[str, tuple[str, str]] = {}
    items: dict[str, list[MenuItem]] = {}
    for form in describe.forms(ctx):
        if form.get("menu") is None:
            continue
        key = str(form["pack"])
        if key not in heads:
            heads[key] = _pack_label(form, ctx.language), str(form.get("pack_icon") or ("settings" if key == "system" else "folder"))
        items.setdefault(key, []).append(
            MenuItem(form["form"], show.label(form["label"], ctx.language), f"/f/{form['form']}")
        )
    for report in describe.reports(ctx):
        beside = items.get(str(report["pack"]))
        if beside is not None and report["menu"] is not None:
            url = f"/r/{report['report']}"
            beside.append(MenuItem(report["report"], show.label(report["label"], ctx.language), url, True))
    if ctx.caller.admin:
        pages = [MenuItem(f"admin.{one}", words().text(f"admin.{one}", ctx.language), f"/admin/{one}") for one in ADMIN]
        # Users and departments have pages of their own here, which lead to their records. The group comes last.
        pages += [one for one in items.pop("system", []) if one.name not in ("system.user", "system.department")]
        items["system"] = pages
        heads["system"] = words().text("admin.title", ctx.language), "settings"
    return [MenuGroup(key, *heads[key], tuple(found)) for key, found in items.items()]


def _rail_at(request: Request, lang: str, groups: tuple[MenuGroup, ...]) -> Markup:
    """The rail at a page; a record's page is at its form, and a page that the rail has not is at none."""
    place = "/".join(request.url.path.split("/")[:3])
    known = any(item.url == place for group in groups for item in group.items)
    return _rail(lang, groups, place if known else "", _opened(request))


@lru_cache(maxsize=256)
def _rail(lang: str, groups: tuple[MenuGroup, ...], place: str, opened: tuple[str, ...] | None) -> Markup:
    """The groups of the rail as drawn; the same for all who see the same and are at the same form, report or page."""
    return Markup(template("part/rail.html", lang=lang, menu=groups, place=place, open_packs=opened))


def render(
    request: Request,
    ctx: Context,
    name: str,
    *,
    title: str,
    status: int = 200,
    crumbs: list[tuple[str, str]] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page in its frame; a fragment (name starts with `part/`) without it."""
    lang = language(request, ctx.caller.language)
    base: dict[str, Any] = {
        "lang": lang,
        "theme": theme(request),
        "zone": zone(ctx),
        "nonce": request.state.nonce,
        "title": title,
        "path": request.url.path,
        "ctx": ctx,
        "crumbs": crumbs or [],
        "today": ctx.today,
        "separator": ", " if lang == "en" else "、",
    }
    if not name.startswith("part/"):
        base |= {
            "rail": _rail_at(request, lang, tuple(menu(ctx))),
            "has_boards": bool(ctx.caller.policy.forms("read", kind="dashboard")),
            **_counts(ctx),
            "trouble": ctx.site.trouble if ctx.caller.admin else None,
            "rail_narrow": request.cookies.get("anlan_rail") == "narrow",
            "mode": ctx.site.mode,
            "clock_set": ctx.site.settings.clock is not None,
            "now": ctx.now,
            "company": company(ctx),
            "seer": getattr(request.state, "seer", None),
            "compact": request.cookies.get("anlan_density") == "compact",
            "script_words": partial(script_words, lang),
        }
    return HTMLResponse(template(name, **base, **values), status)


def _counts(ctx: Context) -> dict[str, int]:
    """What waits and what is unread, of the caller; two statements of one transaction."""
    with ctx.transaction() as tx:
        return {"todo_count": todo.count(ctx, connection=tx.connection), "unread": message.unread(ctx)}


def _opened(request: Request) -> tuple[str, ...] | None:
    """The packs whose group this browser has open in the rail; None when nothing was opened or closed yet."""
    kept = request.cookies.get("anlan_open")
    return None if kept is None else tuple(kept.split("."))


def company(ctx: Context) -> str:
    """The name of the company that the caller works for; "" when he has none of his own."""
    if ctx.caller.company is None:
        return ""
    row = ctx.memory.row("system.company", ctx.caller.company)
    return str(row.get("name") or row.get("code") or "")


@lru_cache(maxsize=8)
def script_words(lang: str) -> Markup:
    """The sentences that scripts need (codes that begin with `js.`), as JSON that may stand inside a script element."""
    known = words()
    return embedded({code[3:]: known.text(code, lang) for code in known.sentences["zh"] if code.startswith("js.")})
