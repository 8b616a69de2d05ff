"""Reads a scenario: a Markdown page whose `http` blocks are calls and what they must answer.

    ```http
    POST /records/base.party
    {"code": "C001", "name": "Lotus", "is_customer": true}
    201 {"code": "C001"} as customer
    ```

A call is a method, a path, perhaps a body; then the status, what the answer must hold at least, and a name to
remember it by. `{customer.id}` stands for what a remembered answer holds. Figures are compared as decimals; a
mapping holds at least what is written; a list has as many entries. `as <person>:` in front of the method
calls as that person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Call", "calls_of", "differences", "filled"]

BLOCK = re.compile(r"```http\n(.*?)```", re.DOTALL)
FIRST = re.compile(r"^(?:(?P<person>\w+): )?(?P<method>GET|POST|PATCH|DELETE) (?P<path>\S.*)$")
ANSWER = re.compile(r"^(?P<status>\d{3})(?: (?P<holds>[{\[].*?[}\]]))?(?: as (?P<name>\w+))?$", re.DOTALL)
PLACE = re.compile(r"\{([a-z_]\w*(?:\.\w+|\[\d+\])+)\}")


class Call(NamedTuple):
    """One call of a scenario; `body` and `holds` are text with places still to be filled."""

    person: str
    method: str
    path: str
    body: str
    status: int
    holds: str
    name: str | None


def calls_of(page: Path) -> Iterator[Call]:
    """The calls of a page, in order."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        for part in re.split(r"\n\n+", block.strip()):
            yield _call(part, page)


def _call(text: str, page: Path) -> Call:
    lines = text.split("\n")
    first = FIRST.match(lines[0])
    start = next((place for place, line in enumerate(lines) if re.match(r"\d{3}\b", line)), None)
    answer = ANSWER.match("\n".join(lines[start:])) if start is not None else None
    if first is None or answer is None:
        raise ValueError(f"{page.name}: this is no call:\n{text}")
    return Call(
        first["person"] or "admin",
        first["method"],
        first["path"],
        "\n".join(lines[1:start]),
        int(answer["status"]),
        answer["holds"] or "",
        answer["name"],
    )


def filled(text: str, known: dict[str, Any]) -> str:
    """The text with every `{name.path}` replaced by what was remembered."""

    def value(match: re.Match[str]) -> str:
        name, *path = re.findall(r"\w+", match[1])
        found = known[name]
        for part in path:
            found = found[int(part)] if isinstance(found, list) else found[part]
        return found["id"] if isinstance(found, dict) else str(found)

    return PLACE.sub(value, text)


def differences(wanted: Any, found: Any, path: str = "") -> list[str]:
    """What is not as wanted, each with its path."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{path or 'answer'}: {found!r} instead of {wanted!r}"]
        return [
            entry
            for key, value in wanted.items()
            for entry in differences(value, found.get(key), f"{path}.{key}".lstrip("."))
        ]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [f"{path}: {found!r} instead of {wanted!r}"]
        return [
            entry
            for place, value in enumerate(wanted)
            for entry in differences(value, found[place], f"{path}[{place}]")
        ]
    return [] if _same(wanted, found) else [f"{path}: {found!r} instead of {wanted!r}"]


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(found, dict) and isinstance(wanted, str):
        return wanted in (found.get("code"), found.get("id"))
    if isinstance(wanted, str) and isinstance(found, str):
        try:
            return Decimal(wanted) == Decimal(found)
        except InvalidOperation:
            return wanted == found
    return bool(wanted == found)


def parsed(text: str) -> Any:
    """JSON text; None for none."""
    return json.loads(text) if text.strip() else None
