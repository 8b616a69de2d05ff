"""What stands in the query string and in headers, read into plain values.

    "limit=20&sort=-date,number"  ->  {"limit": "20", "sort": "-date,number"}
                                  ->  whole(…) 20, names(…) ["-date", "number"]

A parameter that the route does not know is an error, as an unknown field is: a misspelt filter must not list
everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from anlan.kernel.errors import Fault, Refused, invalid, not_found
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type

__all__ = [
    "choice",
    "identifier",
    "identifiers",
    "if_match",
    "names",
    "object_body",
    "query_of",
    "required_text",
    "switch",
    "text_of",
    "texts_of",
    "whole",
]

_TRUE, _FALSE = frozenset({"1", "true"}), frozenset({"0", "false", ""})


def query_of(raw: bytes, known: tuple[str, ...] | None) -> dict[str, str]:
    """The parameters of a raw query string. Raises Refused 422 for unknown, repeated or unreadable ones.

    `known` None: any name may come, the handler knows them.
    """
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except (UnicodeDecodeError, ValueError):
        raise invalid([Fault("bad_query", "", {})]) from None
    found: dict[str, str] = {}
    faults = []
    for name, value in pairs:
        if known is not None and name not in known:
            faults.append(
                Fault("unknown_parameter", name[:80], {"name": name[:80], "known": ", ".join(known)})
            )
        elif name in found:
            faults.append(Fault("repeated_parameter", name[:80], {"name": name[:80]}))
        elif "\x00" in name or "\x00" in value:
            faults.append(Fault("bad_character", name.replace("\x00", "")[:80], {"field": name[:80]}))
        found[name] = value
    if faults:
        raise invalid(faults)
    return found


def whole(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number from low to high. Raises Refused 422."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and low <= int(text) <= high):
        raise invalid([Fault("out_of_range", name, {"field": name, "least": low, "most": high})])
    return int(text)


def switch(query: Mapping[str, str], name: str) -> bool:
    """`1` or `true`; absent is false. Raises Refused 422."""
    text = query.get(name, "")
    if text not in _TRUE | _FALSE:
        raise invalid([Fault("unknown_option", name, {"field": name, "value": text[:40], "options": "0, 1"})])
    return text in _TRUE


def choice(query: Mapping[str, str], name: str, options: tuple[str, ...], default: str) -> str:
    """One of `options`. Raises Refused 422."""
    text = query.get(name, default)
    if text not in options:
        raise invalid(
            [
                Fault(
                    "unknown_option", name, {"field": name, "value": text[:40], "options": ", ".join(options)}
                )
            ]
        )
    return text


def names(query: Mapping[str, str], name: str) -> list[str]:
    """A list parted by commas; absent or empty is the empty list."""
    return [part for part in (one.strip() for one in query.get(name, "").split(",")) if part]


def identifier(path: Mapping[str, str], what: str) -> str:
    """The path's `{id}` as a UUID. Raises Refused 404 for anything else: nothing has such an id."""
    try:
        return str(UUID(path["id"]))
    except ValueError:
        raise not_found(what, path["id"][:80]) from None


MOST_IDS = 20_000


def identifiers(text: str) -> list[str]:
    """Ids parted by commas. Raises Refused 422 for what is none, or for more than `MOST_IDS`."""
    found = []
    for one in (part.strip() for part in text.split(",")):
        if not one:
            continue
        try:
            found.append(str(UUID(one)))
        except ValueError:
            raise invalid([Fault("not_an_id", "ids", {"value": one[:40]})]) from None
    if len(found) > MOST_IDS:
        raise invalid([Fault("too_many", "ids", {"limit": MOST_IDS, "what": "ids"})])
    return found


def object_body(body: Any, *, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The body as an object (an absent one is empty). Raises Refused 422 for another type or unknown
    members.
    """
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise invalid([wrong_type("", OBJECT)])
    if known is not None:
        unknown = [key for key in body if key not in known]
        if unknown:
            raise invalid(
                [
                    Fault("unknown_parameter", key[:80], {"name": key[:80], "known": ", ".join(known)})
                    for key in unknown[:50]
                ]
            )
    return body


def text_of(body: Mapping[str, Any], name: str) -> str | None:
    """A member of a body that is a text; None for null, empty or absent. Raises Refused 422."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid([wrong_type(name, TEXT)])
    return value


def required_text(body: Mapping[str, Any], name: str) -> str:
    """A member of a body that is a text with something in it. Raises Refused 422."""
    text = text_of(body, name)
    if text is None or not text.strip():
        raise invalid([Fault("required", name, {"field": name})])
    return text


def texts_of(body: Mapping[str, Any], name: str) -> list[str] | None:
    """A member of a body that is a list of texts, or null. Raises Refused 422."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid([wrong_type(name, LIST)])
    return value


def if_match(headers: Mapping[str, str]) -> int | None:
    """The version that `If-Match` names, None without the header. Raises Refused 422 if it is no version of
    ours.
    """
    text = headers.get("if-match")
    if text is None:
        return None
    bare = text.strip().removeprefix("W/").strip('"')
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 18):
        raise Refused(422, "bad_if_match", params={"value": text[:40]})
    return int(bare)
