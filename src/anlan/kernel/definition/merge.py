"""The company's changes put on a definition (set, unset, lists by anchor)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

__all__ = ["apply_overlay"]


def apply_overlay(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with an overlay applied."""
    result: dict[str, Any] = copy.deepcopy(dict(base))
    for path, value in (overlay.get("set") or {}).items():
        _parent(result, path)[path.rpartition(".")[2]] = copy.deepcopy(value)
    for path, change in (overlay.get("lists") or {}).items():
        parent, key = _parent(result, path), path.rpartition(".")[2]
        items = list(parent.get(key, []))
        for item, anchor in [*(change.get("mv") or []), *(change.get("ins") or [])]:
            if item in items:
                items.remove(item)
            place = 0 if anchor is None else items.index(anchor) + 1 if anchor in items else len(items)
            items.insert(place, item)
        parent[key] = [item for item in items if item not in (change.get("del") or [])]
    return result


def _parent(tree: dict[str, Any], path: str) -> dict[str, Any]:
    for key in path.split(".")[:-1]:
        tree = tree.setdefault(key, {})
    return tree
