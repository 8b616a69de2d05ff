"""Help in place: the guide's pages, rendered for the page that one is on. They are docs/guide of the source.

A page of the guide says for which addresses it is, in its second line: `<!-- help: /admin /why -->`. The longest
beginning of the address wins. In a wheel the files lie in `anlan/web/help` (pyproject.toml puts them there).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel.context import Context
from anlan.kernel.errors import not_found
from anlan.kernel.i18n import language_of
from anlan.kernel.index.tokens import initials
from anlan.web.pages.frame import WEB, render, words

__all__ = ["GuidePage", "find", "guide_of", "guide_page", "guides", "help_here", "help_index"]

_PACKAGED = WEB / "help"
FOLDER = _PACKAGED if _PACKAGED.is_dir() else WEB.parents[2] / "docs" / "guide"
_FOR = re.compile(r"^<!-- help: ([^>]*) -->$", re.M)
_PARTS = {
    "zh": re.compile(r"^## 中文\n(.*?)(?=^## English|\Z)", re.M | re.S),
    "en": re.compile(r"^## English\n(.*)\Z", re.M | re.S),
}


class GuidePage(NamedTuple):
    """`title` and `html` by language; `headings` as they stand in the text; `prefixes` of addresses."""

    name: str
    title: dict[str, str]
    html: dict[str, Markup]
    headings: dict[str, list[str]]
    text: dict[str, str]
    prefixes: tuple[str, ...]


@lru_cache(maxsize=1)
def guides() -> dict[str, GuidePage]:
    """All pages of the guide by name. Reads files once."""
    return {path.stem: _read(path) for path in sorted(Path(FOLDER).glob("*.md"))}


def _read(path: Path) -> GuidePage:
    source = path.read_text("utf-8")
    heading = next(line[2:] for line in source.splitlines() if line.startswith("# "))
    zh, _, en = heading.partition(" · ")
    told = _FOR.search(source)
    texts = {lang: found[1] if (found := part.search(source)) else "" for lang, part in _PARTS.items()}
    return GuidePage(
        path.stem,
        {"zh": zh, "en": en or zh},
        {lang: rendered(text) for lang, text in texts.items()},
        {lang: re.findall(r"^### (.+)$", text, flags=re.M) for lang, text in texts.items()},
        texts,
        tuple(told[1].split()) if told else (),
    )


def rendered(text: str) -> Markup:
    """Markdown as HTML; markup in it is shown as text, and links lead to the guide or nowhere.

    >>> rendered("[x](first-day.md) <b>[y](../cli.md)</b>")
    Markup('<p><a href="/help/first-day">x</a> &lt;b&gt;y&lt;/b&gt;</p>\\n')
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        if token.children:
            token.children = _linked(token.children)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def _linked(tokens: Sequence[Token]) -> list[Token]:
    found, kept = [], [True]
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrGet("href") or "")
            name = target.partition("#")[0].removesuffix(".md")
            inside = "/" not in name and target.partition("#")[0].endswith(".md")
            kept.append(inside or target.startswith("/"))
            if inside:
                token.attrSet("href", f"/help/{name}")
            if kept[-1]:
                found.append(token)
        elif token.type == "link_close":
            if kept.pop():
                found.append(token)
        elif token.type != "image":
            found.append(token)
    return found


def guide_of(path: str) -> GuidePage | None:
    """The page of the guide for an address: the longest beginning wins."""
    fitting = [
        (len(prefix), page) for page in guides().values() for prefix in page.prefixes
        if (path == prefix if prefix == "/" else path.startswith(prefix))
    ]  # fmt: skip
    return max(fitting, key=lambda one: one[0])[1] if fitting else guides().get("first-day")


def find(text: str, lang: str, *, most: int = 6) -> list[tuple[str, str, str]]:
    """Pages and headings that match: (words, page's title, address); titles also by pinyin initials."""
    wanted = text.casefold().split()
    found = []
    for page in guides().values():
        for words_ in (page.title[lang], *page.headings[lang]):
            low, letters = words_.casefold(), initials(words_)
            if wanted and all(one in low or letters.startswith(one) for one in wanted):
                found.append((words_, page.title[lang], f"/help/{page.name}"))
    return found[:most]


def help_here(request: Request, ctx: Context) -> Response:
    """`GET /help/here?path=`: the two-minute text for a page, as a part."""
    path = urlsplit(request.query_params.get("path", "/")).path
    lang = language_of(ctx.language)
    return render(request, ctx, "part/help.html", title="", page=guide_of(path), language=lang)


def help_index(request: Request, ctx: Context) -> Response:
    """`GET /help?q=`: the guide's pages, and where a word stands in them."""
    lang = language_of(ctx.language)
    text = request.query_params.get("q", "").strip()
    wanted = text.casefold().split()
    pages = [
        page
        for page in guides().values()
        if all(one in (page.title[lang] + page.text[lang]).casefold() for one in wanted)
    ]
    title = words().text("help.title", ctx.language)
    return render(request, ctx, "help.html", title=title, pages=pages, text=text, language=lang)


def guide_page(request: Request, ctx: Context) -> Response:
    """`GET /help/{page}`."""
    lang = language_of(ctx.language)
    page = guides().get(request.path_params["page"])
    if page is None:
        raise not_found("help", request.path_params["page"])
    crumbs = [(words().text("help.title", ctx.language), "/help")]
    return render(request, ctx, "guide.html", title=page.title[lang], crumbs=crumbs, page=page, language=lang)
