"""What a JSON value should have been, in words that a user knows: for sentences like "… must be a list"."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.kernel.errors import Fault

TEXT = {"zh": "文本", "en": "a text"}
WHOLE_NUMBER = {"zh": "整数", "en": "a whole number"}
LIST = {"zh": "列表", "en": "a list"}
SWITCH = {"zh": "是或否", "en": "true or false"}
OBJECT = {"zh": "对象", "en": "an object"}


def wrong_type(path: str, wanted: Mapping[str, str]) -> Fault:
    """The fault `wrong_type` at `path`, with one of the labels above."""
    return Fault("wrong_type", path, {"field": path, "wanted": wanted})
