"""The languages that everything on screen exists in, and how a caller's wish maps to one of them."""

from __future__ import annotations

from functools import lru_cache

LANGUAGES = ("zh", "en")  # the first is the default


@lru_cache(maxsize=256)
def language_of(tag: str | None) -> str:
    """`zh-CN`, `zh_Hans`, `en-GB` … → one of LANGUAGES; an unknown or empty tag → the default."""
    primary = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return primary if primary in LANGUAGES else LANGUAGES[0]


def negotiate(header: str | None) -> str:
    """The best of LANGUAGES for an `Accept-Language` header (RFC 9110, 12.5.4); never fails.

    >>> negotiate("fr, en;q=0.8, zh;q=0.5")
    'en'
    >>> negotiate("fr")
    'zh'
    """
    best, best_weight = LANGUAGES[0], 0.0
    for part in (header or "")[:500].split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.replace("_", "-").split("-")[0].strip().lower()
        weight = _weight(parameter)
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
