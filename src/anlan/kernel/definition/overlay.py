"""Reading what a merge is given: definitions, their renames, and what a company changed.

    {set: {fields.a.label: 甲}, unset: [fields.b],
     lists: {views.list.columns: {ins: [[x_c, a]], mv: [], del: []}}}

Anything may be missing. What has another shape is named with its path, and nothing is merged.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

from anlan.kernel.definition.annotations import Path
from anlan.kernel.definition.tree import Tree, to_path
from anlan.kernel.errors import Fault
from anlan.kernel.i18n.kinds import LIST, OBJECT, TEXT

# Deeper than any definition (a sub-table's option label is 7 deep); what is deeper could exhaust the stack.
MAX_DEPTH = 40

Ops = dict[str, list[Any]]

_PAIR = {"zh": "[项, 锚点] 一对", "en": "a pair [item, anchor]"}
_PATH = {"zh": "以点分隔、没有空段的路径", "en": "a path of keys with dots between them"}
_SHALLOW = {"zh": f"不超过 {MAX_DEPTH} 层的定义", "en": f"a definition of at most {MAX_DEPTH} levels"}


class Overlay(NamedTuple):
    """values: path → value; removed: paths; lists: path → {del: [item], mv and ins: [(item, anchor)]}."""

    values: dict[Path, Any]
    removed: list[Path]
    lists: dict[Path, Ops]


def read_definition(value: object, path: str, faults: list[Fault]) -> Tree:
    """A copy of a definition without the pack's notes on what it renamed."""
    if not isinstance(value, dict):
        faults.append(_wrong(path, OBJECT))
        return {}
    _check(value, path, faults, 0)
    return deepcopy({key: below for key, below in value.items() if key not in ("renames", "replaced")})


def read_renames(definition: object, name: str, faults: list[Fault]) -> dict[Path, Path]:
    """`renames` or `replaced` of a definition: old path → new path."""
    given = definition.get(name) if isinstance(definition, dict) else None
    if given is None:
        return {}
    if not isinstance(given, dict):
        faults.append(_wrong(f"new.{name}", OBJECT))
        return {}
    found = {}
    for old, new in given.items():
        if not (_is_path(old) and _is_path(new)):
            faults.append(_wrong(f"new.{name}.{old}", _PATH))
        elif old != new:
            found[tuple(old.split("."))] = tuple(new.split("."))
    return found


def read_overlay(value: object, faults: list[Fault], *trees: Tree) -> Overlay:
    """The company's changes. `trees`: definitions in which keys that have dots are looked up."""
    overlay = Overlay({}, [], {})
    if not isinstance(value, dict):
        faults.append(_wrong("overlay", OBJECT))
        return overlay
    faults.extend(Fault("unknown_field", f"overlay.{key}", {"form": "overlay", "field": str(key)[:40]})
                  for key in value if key not in ("set", "unset", "lists"))  # fmt: skip
    for text, item in _mapping(value.get("set"), "overlay.set", faults).items():
        here = f"overlay.set.{text}"
        if _path(text, here, faults) and _check(item, here, faults, 0):
            overlay.values[to_path(text, *trees)] = deepcopy(item)
    for index, text in enumerate(_list(value.get("unset"), "overlay.unset", faults)):
        if _path(text, f"overlay.unset[{index}]", faults):
            overlay.removed.append(to_path(text, *trees))
    for text, ops in _mapping(value.get("lists"), "overlay.lists", faults).items():
        here = f"overlay.lists.{text}"
        if _path(text, here, faults):
            overlay.lists[to_path(text, *trees)] = _ops(ops, here, faults)
    return overlay


def _ops(value: object, path: str, faults: list[Fault]) -> Ops:
    given = _mapping(value, path, faults)
    faults.extend(Fault("unknown_field", f"{path}.{key}", {"form": path, "field": str(key)[:40]})
                  for key in given if key not in ("ins", "mv", "del"))  # fmt: skip
    ops: Ops = {"del": [], "mv": [], "ins": []}
    for name in ops:
        for index, item in enumerate(_list(given.get(name), f"{path}.{name}", faults)):
            here = f"{path}.{name}[{index}]"
            if not _check(item, here, faults, 0):
                continue
            if name == "del":
                ops[name].append(deepcopy(item))
            elif isinstance(item, list | tuple) and len(item) == 2:
                ops[name].append((deepcopy(item[0]), deepcopy(item[1])))
            else:
                faults.append(_wrong(here, _PAIR))
    return ops


def _mapping(value: object, path: str, faults: list[Fault]) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    if value is not None:
        faults.append(_wrong(path, OBJECT))
    return {}


def _list(value: object, path: str, faults: list[Fault]) -> list[Any]:
    if isinstance(value, list):
        return value
    if value is not None:
        faults.append(_wrong(path, LIST))
    return []


def _path(text: object, path: str, faults: list[Fault]) -> bool:
    if _is_path(text):
        return True
    faults.append(_wrong(path, _PATH))
    return False


def _is_path(text: object) -> bool:
    return isinstance(text, str) and all(text.split(".")) and text.count(".") < MAX_DEPTH


def _check(value: object, path: str, faults: list[Fault], depth: int) -> bool:
    """Whether `value` is a tree with texts as keys that is not too deep."""
    if depth > MAX_DEPTH:
        faults.append(_wrong(path, _SHALLOW))
        return False
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str):
                faults.append(_wrong(f"{path}.{key}", TEXT))
                return False
            if not _check(below, f"{path}.{key}", faults, depth + 1):
                return False
    elif isinstance(value, list):
        return all(_check(below, f"{path}[{index}]", faults, depth + 1) for index, below in enumerate(value))
    return True


def _wrong(path: str, expected: dict[str, str]) -> Fault:
    return Fault("merge.wrong_shape", path, {"path": path, "expected": expected})
