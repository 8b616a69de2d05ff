"""Paths into JSON-like trees: reading, writing, comparing. A path is a tuple of keys; lists are leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from anlan.kernel.definition.annotations import COSMETIC, Path

Tree = dict[str, Any]


class Missing:
    """What is found where nothing is; a value of its own, since null is one too."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def get(tree: Any, path: Path) -> Any:
    """The value at `path`, or MISSING."""
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return MISSING
        tree = tree[key]
    return tree


def put(tree: Tree, path: Path, value: Any) -> None:
    """Set the value at `path`; what stands in the way becomes a mapping (a one-text label: by language)."""
    node = tree
    for key in path[:-1]:
        below = node.get(key)
        if not isinstance(below, dict):
            below = {"zh": below, "en": below} if key in COSMETIC and isinstance(below, str) else {}
            node[key] = below
        node = below
    node[path[-1]] = value


def drop(tree: Tree, path: Path) -> None:
    """Remove the value at `path`, if there is one."""
    node = get(tree, path[:-1])
    if isinstance(node, dict):
        node.pop(path[-1], None)


def leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value below `path` that is no mapping, with its path; an empty mapping has none."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    else:
        yield path, value


def same(one: Any, other: Any) -> bool:
    """Equality of JSON: true is not 1, the order of keys says nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def to_path(text: str, *trees: Tree) -> Path:
    """`a.b.c` as a path; a key that has dots itself is found by looking it up in `trees`.

    Keys of `copy` and of grants' `fields` are dotted paths of other things: what follows is one key.
    """
    segments = text.split(".")
    path: list[str] = []
    while segments:
        if path and (path[-1] == "copy" or (path[0] == "grants" and path[-1] == "fields")):
            path.append(".".join(segments))
            break
        length = next(
            (n for n in range(len(segments), 1, -1)
             if any(get(tree, (*path, ".".join(segments[:n]))) is not MISSING for tree in trees)),
            1,
        )  # fmt: skip
        path.append(".".join(segments[:length]))
        del segments[:length]
    return tuple(path)


def to_text(path: Path) -> str:
    """A path as people write it."""
    return ".".join(path)
