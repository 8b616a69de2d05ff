"""How a JSON value of a record reads on screen, by the type of its field. Pure; used by templates.

>>> figure("1234.5000", {"type": "money"})
'1,234.50'
>>> figure("12.50000000", {"type": "quantity"}), figure("-3", {"type": "money"})
('12.5', '-3.00')
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from anlan.kernel.i18n import LANGUAGES, format_date, format_datetime, language_of

__all__ = ["NUMERIC", "drawer", "figure", "label", "plain", "teller", "value"]

NUMERIC = frozenset({"integer", "decimal", "percent", "quantity", "money", "price", "duration"})
_COLOURS = frozenset({"grey", "blue", "green", "yellow", "orange", "red", "purple", "teal"})
# Put together by join: a page has hundreds of cells, `format` takes five times as long, and + escapes again.
_NONE, _NEGATIVE, _ZERO, _CODE, _END = (
    Markup('<span class="none">–</span>'), Markup('<span class="negative">'), Markup('<span class="zero">'),
    Markup(' <span class="code">'), Markup("</span>"),
)  # fmt: skip
_DOTS = {
    one: Markup('<span class="state"><i class="dot dot-{}" aria-hidden="true"></i>').format(one) for one in _COLOURS
}
Json = Mapping[str, Any]


def label(text: Any, language: str) -> str:
    """A label of a definition: already a text, or `{zh, en}`."""
    if isinstance(text, str):
        return text
    if isinstance(text, Mapping):
        return str(next((text[one] for one in (language_of(language), *LANGUAGES) if one in text), ""))
    return "" if text is None else str(text)


def figure(number: Any, field: Json) -> str:
    """A decimal with grouped thousands: money with two decimals or more, the rest without trailing zeros."""
    try:
        exact = Decimal(str(number))
    except InvalidOperation:
        return str(number)
    least = 2 if field["type"] in {"money", "price"} else 0
    whole, _, rest = f"{exact:,f}".partition(".")
    rest = rest.rstrip("0").ljust(least, "0")
    text = f"{whole}.{rest}" if rest else whole
    return f"{text}%" if field["type"] == "percent" else text


def plain(content: Any, field: Json, language: str, zone: ZoneInfo) -> str:
    """A value as text without markup: for tooltips, the trail and accessible names."""
    return teller(field, language, zone)(content)


def value(content: Any, field: Json, language: str, zone: ZoneInfo) -> Markup:
    """A value as it stands in a cell: coloured options with a dot, links with their code in grey."""
    return drawer(field, language, zone)(content)


def teller(field: Json, language: str, zone: ZoneInfo) -> Callable[[Any], str]:
    """`plain` of many values of one field."""
    single = _single(field, language, zone)

    def told(content: Any) -> str:
        if content is None or content in ("", []):
            return ""
        if isinstance(content, Mapping):
            return str(content.get("label") or content.get("name") or content.get("code") or content.get("id") or "")
        return single(content)

    return told


def drawer(field: Json, language: str, zone: ZoneInfo) -> Callable[[Any], Markup]:
    """`value` of many values of one field; what comes again is drawn once."""
    type_ = field.get("type", "text")
    told = teller(field, language, zone)
    numeric, choice = type_ in NUMERIC, type_ in {"state", "choice"}

    def drawn(content: Any) -> Markup:
        text = told(content)
        if not text:
            return _NONE
        if choice and isinstance(content, str):
            colour = _colour(content, field)
            return dot(text, colour) if colour else escape(text)
        if numeric and text.startswith("-"):
            return Markup("".join((_NEGATIVE, escape(text), _END)))
        if numeric and not text.strip("0.,%"):
            return Markup("".join((_ZERO, escape(text), _END)))
        if isinstance(content, Mapping) and type_ != "user" and content.get("code") not in {None, "", text}:
            return Markup("".join((escape(text), _CODE, escape(content["code"]), _END)))
        return escape(text)

    known: dict[str, Markup] = {}

    def again(content: Any) -> Markup:
        if not isinstance(content, str):
            return drawn(content)
        if content not in known:
            known[content] = drawn(content)
        return known[content]

    return again if choice or numeric or type_ == "date" else drawn


def _single(field: Json, language: str, zone: ZoneInfo) -> Callable[[Any], str]:
    """How one value of a field reads that is neither empty nor a record."""
    type_ = field.get("type", "text")
    if type_ in NUMERIC:
        return lambda content: figure(content, field)
    if type_ == "boolean":
        yes, no = ("Yes", "No") if language_of(language) == "en" else ("是", "否")
        return lambda content: yes if content else no
    if type_ == "date":
        return lambda content: format_date(date.fromisoformat(content[:10]), language) if isinstance(content, str) else _other(content)
    if type_ == "instant":
        return lambda content: format_datetime(datetime.fromisoformat(content), language, zone) if isinstance(content, str) else _other(content)
    if type_ in {"choice", "multi_choice", "state"}:
        return lambda content: "、".join(_option(key, field, language) for key in (content if isinstance(content, list) else [content]))
    return _other


def _other(content: Any) -> str:
    return str(len(content)) if isinstance(content, list) else str(content)


def dot(text: str, colour: str) -> Markup:
    """A state: a dot and a word, never colour alone."""
    known = colour if colour in _COLOURS else "grey"
    return Markup("".join((_DOTS[known], escape(text), _END)))


def _option(key: Any, field: Json, language: str) -> str:
    option = (field.get("options") or {}).get(key)
    if option is None:
        return str(key)
    return label(option.get("label", option) if isinstance(option, Mapping) else option, language)


def _colour(key: str, field: Json) -> str | None:
    option = (field.get("options") or {}).get(key)
    colour = option.get("colour") if isinstance(option, Mapping) else None
    return str(colour) if colour else None
