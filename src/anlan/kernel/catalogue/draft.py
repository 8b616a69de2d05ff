"""Reading what an administrator sends as a change of a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anlan.kernel.catalogue.build import Definitions
from anlan.kernel.definition.annotations import Path, element_prefixes
from anlan.kernel.definition.overlay import read_overlay
from anlan.kernel.definition.tree import MISSING, get, to_path
from anlan.kernel.errors import Fault, conflict, invalid, not_found

__all__ = ["COMPANY_PREFIX", "check_own_keys", "read_entry"]

COMPANY_PREFIX = "x_"
NAMES_OF_OTHERS = frozenset({"grants", "events"})      # their keys are roles and kinds of events, not names of the company's own


def read_entry(kind: str, name: str, body: Mapping[str, Any], base: Definitions) -> dict[str, Any]:
    """The draft's entry of a body `{"definition": …}` or `{"overlay": …}`; `base` is what the packs say.

    Refused 404 for an overlay on nothing, 409 for a definition of a name that a pack has, 422 for another shape.
    """
    if set(body) == {"definition"} and isinstance(body["definition"], dict):
        definition = {kind: name} | body["definition"]
        if definition[kind] != name:
            raise invalid([Fault("definition.other_name", f"definition.{kind}", {"name": name})])
        if name in base.get(kind, {}):
            raise conflict("definition.of_a_pack", name=name)
        if not any(part.startswith(COMPANY_PREFIX) for part in name.split(".")):
            raise invalid([Fault("definition.prefix", f"definition.{kind}", {"key": name, "prefix": COMPANY_PREFIX})])
        return {"definition": definition}
    if set(body) == {"overlay"} and isinstance(body["overlay"], dict):
        if name not in base.get(kind, {}):
            raise not_found(kind, name)
        faults: list[Fault] = []
        read_overlay(body["overlay"], faults)
        if faults:
            raise invalid(faults)
        return {"overlay": dict(body["overlay"])}
    raise invalid([Fault("definition.body", "", {})])


def check_own_keys(base: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """What the company adds carries its prefix, so that no pack's later key collides with it. Refused 422."""
    faults = []
    for text, value in changes.items():
        for path in _with_below(to_path(text, dict(base)), value):
            prefixes = element_prefixes(path)
            new = next((path[:length] for length in prefixes if get(base, path[:length]) is MISSING), None)
            if new is not None and new == path and not new[-1].startswith(COMPANY_PREFIX) and new[-2] not in NAMES_OF_OTHERS:
                faults.append(Fault("definition.prefix", f"overlay.set.{text}", {"key": new[-1], "prefix": COMPANY_PREFIX}))
    if faults:
        raise invalid(faults)


def _with_below(path: Path, value: Any) -> Iterator[Path]:
    """The path's elements, and those that the value brings below it."""
    yield from (path[:length] for length in range(1, len(path) + 1))
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from (one for one in _with_below((*path, key), below) if len(one) > len(path))
