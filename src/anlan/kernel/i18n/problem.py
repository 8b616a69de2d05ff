"""A fault that a user can mend: where it is and which sentence tells it. Rooms collect them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Problem(NamedTuple):
    """`path` as in the caller's data (`week.mon[0]`), `code` of a sentence in messages/, its parameters."""

    path: str
    code: str
    params: Mapping[str, object]


class Refused(Exception):
    """What was asked cannot be done; `problems` (at least one) name all reasons that could be found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.path}: {one.code} {dict(one.params)}" for one in self.problems))


# What a JSON value is, in words a user knows; `kind_of` picks one for the "not {got}" of a sentence.
TEXT = {"zh": "文本", "en": "a text"}
NUMBER = {"zh": "数字", "en": "a number"}
WHOLE_NUMBER = {"zh": "整数", "en": "a whole number"}
BOOLEAN = {"zh": "是/否", "en": "true or false"}
LIST = {"zh": "列表", "en": "a list"}
OBJECT = {"zh": "对象", "en": "an object"}
NOTHING = {"zh": "空", "en": "nothing"}
OTHER = {"zh": "其他内容", "en": "something else"}


def kind_of(value: object) -> Mapping[str, str]:
    """The label of a JSON value's type."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return BOOLEAN
    for kind, label in ((str, TEXT), ((int, float), NUMBER), (list, LIST), (Mapping, OBJECT)):
        if isinstance(value, kind):
            return label
    return OTHER


def wrong_type(path: str, expected: Mapping[str, str], value: object) -> Problem:
    """The problem `wrong_type` at `path`."""
    return Problem(path, "wrong_type", {"field": path, "expected": expected, "got": kind_of(value)})
