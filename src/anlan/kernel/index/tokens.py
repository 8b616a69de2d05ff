"""Words for searching, Chinese inside sentences included.

    tokens_of(["M8螺栓"])  →  ["m8", "8螺", "螺栓", "m", "8", "螺", "栓", …]
    query_of("螺栓")       →  "'螺栓'"

A text is normalised (NFKC, lower case), cut at whatever is neither letter nor digit, and each run gives its
pairs of neighbouring characters, its single characters where they are not ASCII, and itself when it is ASCII.
A query is the pairs of its runs, all of which must be there; a run of one character is looked up as it is. An
ASCII run may also be the beginning of a word or of a name's pinyin initials.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["initials", "query_of", "tokens_of"]

RUN = re.compile(r"[^\W_]+")
LONGEST = 500  # characters of one text that are indexed


def _runs(text: str) -> list[str]:
    return RUN.findall(unicodedata.normalize("NFKC", text[:LONGEST]).lower())


def tokens_of(texts: Iterable[str | None], *, names: Iterable[str | None] = ()) -> list[str]:
    """The tokens of some texts; `names` also give their pinyin initials (螺栓 → ls)."""
    found: dict[str, None] = {}
    for text in texts:
        for run in _runs(text) if text else ():
            if run.isascii():
                found[run] = None
            else:
                found.update(dict.fromkeys(one for one in run if not one.isascii()))
            for start in range(len(run) - 1):
                found[run[start : start + 2]] = None
    for name in names:
        if name and not name.isascii():
            letters = initials(name[:LONGEST])
            if letters:
                found[letters] = None
    return list(found)


@lru_cache(maxsize=20_000)
def initials(name: str) -> str:
    """The pinyin initials of a name, other letters and digits as they are: 东风8号 → df8h."""
    from pypinyin import (  # imported late: its dictionary is only needed by who writes masters
        Style,
        lazy_pinyin,
    )

    text = "".join(_runs(name))
    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER)).lower()[:60]


def query_of(text: str) -> str | None:
    """The tsquery of what somebody typed, as text for `::tsquery`; None when there is nothing to look for."""
    parts = []
    for run in _runs(text):
        if len(run) == 1:
            parts.append(_quoted(run) + (":*" if run.isascii() else ""))
            continue
        pairs = " & ".join(_quoted(run[start : start + 2]) for start in range(len(run) - 1))
        parts.append(f"({_quoted(run)}:* | ({pairs}))" if run.isascii() else f"({pairs})")
    return " & ".join(parts) or None


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "").replace("'", "''") + "'"
