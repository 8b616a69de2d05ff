"""What a saved view holds, and how a layout looks; what is wrong with one that was sent.

    {"kind": "list", "where": 'AND(state = "draft", total > 10)', "search": "", "sort": ["-date"],
     "columns": ["number", "date"], "totals": ["total"], "by": ""}

`by`: the field whose values are the columns of a board, or the day of a calendar.

>>> parts_of('AND(state = "a, b", total > MIN(1, 2))')
['state = "a, b"', 'total > MIN(1, 2)']
>>> parts_of("total > 1"), parts_of("")
(['total > 1'], [])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.formula import BOOLEAN, DesignError
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT, wrong_type
from anlan.kernel.query.scope import LONGEST, design_fault, visible_scope

__all__ = ["KINDS", "LONGEST_LABEL", "content_of", "first_of", "label_of", "layout_of", "parts_of"]

KINDS = ("list", "board", "calendar")
LONGEST_LABEL = 40
MOST_NAMES = 60  # columns of a view; a screen has room for 30
WIDTHS = (48, 900)  # pixels of a column
MOST_FROZEN = 4
TEXTS = ("where", "search", "by")
LISTS = ("sort", "columns", "totals")


def label_of(values: Mapping[str, Any]) -> str:
    """The name of a view, without blanks around it. Refused 422."""
    label = values.get("label")
    if not isinstance(label, str) or not label.strip():
        raise invalid([Fault("required", "label", {"field": "label"})])
    if len(label.strip()) > LONGEST_LABEL:
        raise invalid([Fault("too_long", "label", {"field": "label", "limit": LONGEST_LABEL})])
    return _plain(label.strip(), "label")


def content_of(ctx: Context, form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a view from what was sent. Refused 422 where something is of a wrong kind, or names what the
    caller may not see."""
    content: dict[str, Any] = {"kind": values.get("kind") or "list"}
    if content["kind"] not in KINDS:
        raise invalid([Fault("unknown_option", "kind", {"field": "kind", "value": str(content["kind"])[:40], "options": ", ".join(KINDS)})])
    for name in TEXTS:
        text = values.get(name)
        if text is not None and not isinstance(text, str):
            raise invalid([wrong_type(name, TEXT)])
        content[name] = _plain((text or "").strip(), name)
    for name in LISTS:
        content[name] = _names(values.get(name), name)
    _check(ctx, form, content)
    return content


def _check(ctx: Context, form: Form, content: Mapping[str, Any]) -> None:
    scope = visible_scope(ctx, form)
    if len(content["where"]) > LONGEST:
        raise invalid([Fault("too_long", "where", {"field": "where", "limit": LONGEST})])
    try:
        if content["where"] and ctx.catalogue.check(content["where"], scope).type != BOOLEAN:
            raise DesignError("type_mismatch", 0, expected="boolean", got="value")
    except DesignError as error:
        raise design_fault(error, "where") from None
    for name in (*LISTS, "by"):
        for path in [content["by"]] if name == "by" and content["by"] else content[name] if name != "by" else []:
            if scope.lookup(path.lstrip("-+").partition(".")[0]) is None:
                raise invalid([Fault("unknown_field", name, {"field": path[:60], "form": form.definition.label})])


def layout_of(values: Any) -> dict[str, Any]:
    """Widths by column, how many columns stay in place, and columns by view. Refused 422."""
    if not isinstance(values, Mapping) or set(values) - {"widths", "frozen", "columns"}:
        raise invalid([wrong_type("layout", OBJECT)])
    frozen = values.get("frozen", 0)
    if isinstance(frozen, bool) or not isinstance(frozen, int) or not 0 <= frozen <= MOST_FROZEN:
        raise invalid([Fault("out_of_range", "layout.frozen", {"field": "frozen", "least": 0, "most": MOST_FROZEN})])
    widths = _mapping(values.get("widths"), "widths")
    for path, width in widths.items():
        if isinstance(width, bool) or not isinstance(width, int) or not WIDTHS[0] <= width <= WIDTHS[1]:
            raise invalid([Fault("out_of_range", "layout.widths", {"field": path, "least": WIDTHS[0], "most": WIDTHS[1]})])
    columns = {view: _names(paths, "columns") for view, paths in _mapping(values.get("columns"), "columns").items()}
    return {"widths": dict(widths), "frozen": frozen, "columns": columns}


def first_of(value: Any) -> str | None:
    """What opens first: the key of a view or the id of a saved one; None for the form's first. Refused 422."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 60:
        raise invalid([wrong_type("first", TEXT)])
    return _plain(value, "first")


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or any(not isinstance(key, str) or len(key) > 120 or "\x00" in key for key in value):
        raise invalid([wrong_type(f"layout.{name}", OBJECT)])
    if len(value) > 4 * MOST_NAMES:
        raise invalid([Fault("out_of_range", f"layout.{name}", {"field": name, "least": 0, "most": 4 * MOST_NAMES})])
    return value


def _names(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(one, str) or not one or len(one) > 120 for one in value):
        raise invalid([wrong_type(name, LIST)])
    if len(value) > MOST_NAMES:
        raise invalid([Fault("out_of_range", name, {"field": name, "least": 0, "most": MOST_NAMES})])
    return [_plain(one, name) for one in dict.fromkeys(value)]


def _plain(text: str, name: str) -> str:
    if "\x00" in text:
        raise invalid([Fault("control_character", name, {"field": name})])
    return text


def parts_of(where: str) -> list[str]:
    """The conditions of a filter that must all hold: the arguments of an AND that spans the whole text."""
    text = where.strip()
    if not text:
        return []
    if not (text.startswith("AND(") and text.endswith(")")):
        return [text]
    parts, depth, start, quoted = [], 0, 4, False
    for place, character in enumerate(text[4:-1], 4):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                return [text]
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [text] if quoted or depth else [*parts, text[start:-1].strip()]
