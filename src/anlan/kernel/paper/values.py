"""A value of a record as a reader sees it: in his language, by the type of its field.

    shown({"type": "money"}, "1280.50", "zh")                       →  "1,280.50"
    shown({"type": "link"}, {"id": …, "code": "C1", "label": "A"}, "en")  →  "A"

Paper, files of reports and exports for reading share it. Values are JSON-ready, as `record.read` gives them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from anlan.kernel.i18n import format_amount, format_date, format_datetime, format_number, language_of

__all__ = ["RESERVED", "display_width", "field_of", "is_number", "label_of", "shown", "value_of"]

_NUMBERS = frozenset({"integer", "decimal", "percent", "quantity", "money", "price", "duration"})
_YES_NO = {"zh": ("是", "否"), "en": ("Yes", "No")}

# What every record has and no form declares.
RESERVED: dict[str, dict[str, Any]] = {
    "number": {"type": "number", "label": {"zh": "单据编号", "en": "Number"}},
    "state": {"type": "state", "label": {"zh": "状态", "en": "State"}},
    "company": {"type": "link", "label": {"zh": "公司", "en": "Company"}},
    "version": {"type": "integer", "label": {"zh": "版本", "en": "Version"}},
    "created_at": {"type": "instant", "label": {"zh": "创建时间", "en": "Created"}},
    "created_by": {"type": "link", "label": {"zh": "制单人", "en": "Created by"}},
    "updated_at": {"type": "instant", "label": {"zh": "修改时间", "en": "Changed"}},
    "updated_by": {"type": "link", "label": {"zh": "修改人", "en": "Changed by"}},
}


def field_of(fields: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The description of the field at a path: `gross`, `lines.item`, `party.code` (of a link: text)."""
    head, _, rest = path.partition(".")
    found: Mapping[str, Any] = fields.get(head) or RESERVED.get(head) or {"type": "text", "label": head}
    if not rest:
        return found
    if found.get("type") == "lines":
        return field_of(found.get("fields") or {}, rest)
    linked: Mapping[str, Any] = found.get("linked") or {}  # put there by links.fill
    if rest in linked:
        return linked[rest]  # type: ignore[no-any-return]  # descriptions are mappings
    label = found.get("label", head)
    if rest == "code":
        label = {"zh": label_of(label, "zh") + "编码", "en": label_of(label, "en") + " code"}
    return {"type": "text", "label": label}


def value_of(record: Mapping[str, Any], path: str) -> Any:
    """The value at a path through links; None where there is nothing."""
    value: Any = record
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def label_of(label: Any, language: str) -> str:
    """A label that is one text, or one a language."""
    if isinstance(label, Mapping):
        return str(label.get(language_of(language)) or next(iter(label.values()), ""))
    return "" if label is None else str(label)


def is_number(field: Mapping[str, Any]) -> bool:
    """Whether values of a field stand at the right."""
    return field.get("type") in _NUMBERS


def shown(field: Mapping[str, Any], value: Any, language: str, zone: tzinfo | None = None) -> str:
    """The text of a value; "" for none. `zone` is needed for instants, which are else shown in UTC."""
    if value is None or value == "":
        return ""
    kind = field.get("type", "text")
    if kind in _NUMBERS:
        return _figure(kind, field, Decimal(str(value)), language)
    if isinstance(value, bool):
        return _YES_NO[language_of(language)][0 if value else 1]
    if kind == "date":
        return format_date(date.fromisoformat(str(value)), language)
    if kind == "instant":
        instant = datetime.fromisoformat(str(value))
        return format_datetime(instant, language, zone or instant.tzinfo) if instant.tzinfo else str(value)
    if kind in ("choice", "multi_choice", "state"):
        keys = value if isinstance(value, list) else [value]
        options = field.get("options") or {}
        return (", " if language_of(language) == "en" else "、").join(
            label_of(_option(options, key), language) for key in keys
        )
    if isinstance(value, Mapping):  # a link, a reference, a file
        return label_of(value.get("label") or value.get("name") or value.get("code"), language)
    return str(value)


def _figure(kind: str, field: Mapping[str, Any], value: Decimal, language: str) -> str:
    if kind == "duration":
        minutes = int(value) // 60
        return f"{minutes // 60}:{minutes % 60:02d}"
    places = max(0, -int(value.as_tuple().exponent))
    if kind == "money":  # rounded to its currency's digits before; if those are not known: as many as it has
        return format_amount(value, language, digits=field.get("places", places))
    text = format_number(value, language)
    if kind == "price":
        whole, _, rest = text.partition(".")
        return f"{whole}.{rest:0<2}"
    return text + "%" if kind == "percent" else text


def _option(options: Any, key: Any) -> Any:
    """Options come as {key: {label}}, {key: label} or [{key, label}]."""
    if isinstance(options, list):
        options = {one.get("key"): one for one in options}
    found = options.get(key, key)
    return found.get("label", found) if isinstance(found, Mapping) and "label" in found else found


def display_width(text: str) -> int:
    """How wide a text is in half-width characters: a Chinese one counts two.

    >>> display_width("A螺丝")
    5
    """
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)
