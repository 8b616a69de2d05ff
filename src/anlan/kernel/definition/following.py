"""Following renames: keys of trees, paths of overlays, names in formulas and lists, all at once.

    renames {fields.qty: fields.quantity}
    fields.qty.label: 数量           →  fields.quantity.label: 数量
    formula: qty/(qty+price)         →  formula: quantity/(quantity+price)     token by token, never reprinted
    columns: [a, qty], sort: [-qty]  →  columns: [a, quantity], sort: [-quantity]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.definition.annotations import GRANT_ATTRIBUTES, Names, Path, is_field, lines_of, names_at
from anlan.kernel.definition.tree import MISSING, Tree, get
from anlan.kernel.formula import DesignError, rename

# Which collection holds what a name of this kind names.
_HOLDERS = {Names.STATES: ("states",), Names.ROLES: ("grants",)}


class Following:
    """Renames of one step from a version to the next; `old` is the tree that they start from."""

    def __init__(self, renames: Mapping[Path, Path], old: Tree) -> None:
        self.renames = renames
        self._old = old
        self._fields = {path[1::2]: new[1::2] for path, new in renames.items()
                        if is_field(path) and is_field(new)}  # fmt: skip
        self._scopes: dict[Path, dict[Path, Path]] = {}

    def path(self, path: Path) -> Path:
        """Where `path` is now: its longest renamed beginning in its new place."""
        if path[:1] == ("grants",):
            path = self._granted(path)
        for length in range(len(path), 0, -1):
            new = self.renames.get(path[:length])
            if new is not None:
                return new + path[length:]
        return path

    def tree(self, tree: Tree) -> Tree:
        """The whole tree with its keys, formulas and lists in their new names.

        A renamed element does not replace one that has the new name already.
        """
        moved: Tree = {}
        self._move(tree, (), (), moved)
        return moved

    def value(self, value: Any, path: Path) -> Any:
        """A value that stands at (old) `path`, with what it names in new names."""
        if isinstance(value, dict):
            names = names_at(path)
            if names is not None:
                return {key: self._named(below, names, path) for key, below in value.items()}
            new = self.path(path)
            result = {}
            for key, below in value.items():
                place = self.path((*path, key))
                result[place[-1] if place[:-1] == new else key] = self.value(below, (*path, key))
            return result
        names = names_at(path)
        return value if names is None else self._named(value, names, path)

    def item(self, item: Any, path: Path) -> Any:
        """One item of the list at (old) `path`."""
        names = names_at(path)
        return item if names is None else self._named(item, names, path)

    def _move(self, node: Tree, path: Path, new: Path, moved: Tree) -> None:
        for key, below in node.items():
            here = (*path, key)
            stays = (*new, self._granted(here)[-1] if path[:1] == ("grants",) else key)
            place = self.renames.get(here, stays)
            if place != stays and get(self._old, place) is not MISSING and place not in self.renames:
                continue
            if isinstance(below, dict) and names_at(here) is None:
                _reserve(moved, place)
                self._move(below, here, place, moved)
            else:
                _reserve(moved, place[:-1])[place[-1]] = self.value(below, here)

    def _granted(self, path: Path) -> Path:
        """Grants are keyed by fields: they follow them."""
        key = 3 if path[2:3] == ("fields",) else 2
        if len(path) <= key or (key == 2 and path[2] in GRANT_ATTRIBUTES):
            return path
        new = self._fields.get(tuple(path[key].split(".")))
        return path if new is None else (*path[:key], ".".join(new), *path[key + 1 :])

    def _named(self, value: Any, names: Names, path: Path) -> Any:
        if isinstance(value, list):
            return [self._named(one, names, path) for one in value]
        if not isinstance(value, str):
            return value
        if names in (Names.FORMULA, Names.DEFAULT):
            return self._default(value, path) if names is Names.DEFAULT else self._formula(value, path)
        if names is Names.FIELDS:
            sign = "-" if value.startswith("-") else ""
            keys = tuple(value[len(sign) :].split("."))
            known = self._scope((*lines_of(path), path[1]) if path[-1:] == ("order",) and len(path) > 1
                                else lines_of(path))  # fmt: skip
            length = next((n for n in range(len(keys), 0, -1) if keys[:n] in known), 0)
            return sign + ".".join(known[keys[:length]] + keys[length:]) if length else value
        for old, new in self.renames.items():
            if old[-2:-1] == _HOLDERS[names] and old[-1] == value:
                return new[-1]
        return value

    def _default(self, value: str, path: Path) -> str:
        option = self.renames.get((*path[:-1], "options", value))
        return self._formula(value, path) if option is None else option[-1]

    def _formula(self, text: str, path: Path) -> str:
        known = self._scope(lines_of(path))
        if not known:
            return text
        try:
            return rename(text, known)
        except DesignError:  # not a formula: it is shown as one that no longer works
            return text

    def _scope(self, lines: Path) -> dict[Path, Path]:
        """Renames as formulas in sub-table `lines` see them: own columns by name, then the head's."""
        known = self._scopes.get(lines)
        if known is None:
            known = dict(self._fields)
            depth = len(lines)
            own = get(self._old, (*(key for line in lines for key in ("fields", line)), "fields"))
            if depth and isinstance(own, dict):
                known = {old: new for old, new in known.items() if old[0] not in own}
            known |= {old[depth:]: new[depth:] for old, new in self._fields.items()
                      if depth and old[:depth] == lines and len(old) > depth}  # fmt: skip
            self._scopes[lines] = known
        return known


def _reserve(tree: Tree, path: Path) -> Tree:
    """The mapping at `path`, made if there is none."""
    for key in path:
        below = tree.get(key)
        if not isinstance(below, dict):
            below = tree[key] = {}
        tree = below
    return tree
