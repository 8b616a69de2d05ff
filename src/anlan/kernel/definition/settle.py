"""Settling a company's changes against the pack's, leaf by leaf (docs/internals/merge.md)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from anlan.kernel.definition.annotations import LEVELS, Kind, Path, element_prefixes, is_field, kind_of
from anlan.kernel.definition.overlay import Ops, Overlay
from anlan.kernel.definition.tree import MISSING, Tree, drop, get, put, same, to_text


class State:
    """A merge under way: the three trees, the result so far, and what was decided.

    values: the company's leaves that run (MISSING: one that it removed). whole: elements that are all the
    company's, or kept for it. hidden, gone: elements that it hid or removed. lists: the operations that took
    effect. touched: every leaf that it changed, whether it runs or not.
    """

    def __init__(self, base: Tree, new: Tree, result: Tree, ours: Overlay) -> None:
        self.base, self.new, self.result, self.ours = base, new, result, ours
        self.values: dict[Path, Any] = {}
        self.whole: list[Path] = []
        self.kept: set[Path] = set()
        self.hidden: list[Path] = []
        self.gone: list[Path] = []
        self.lists: dict[Path, Ops] = {}
        self.touched: set[Path] = set()
        self.conflicts: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []

    def conflict(self, code: str, path: Path) -> None:
        """Report once that somebody has to settle something."""
        if (code, to_text(path)) not in self.conflicts:
            self.conflicts.append((code, to_text(path)))

    def note(self, code: str, path: Path) -> None:
        """Mention once what went without saying."""
        if (code, to_text(path)) not in self.notes:
            self.notes.append((code, to_text(path)))

    def own_places(self) -> list[tuple[Path, Any]]:
        """(path, value) of everything in the result that is there because of the company."""
        paths = [*self.whole, *(path for path, value in self.values.items() if value is not MISSING)]
        places = [(path, get(self.result, path)) for path in paths]
        places += [(path, [item for item, _ in ops["ins"]]) for path, ops in self.lists.items()]
        return [(path, value) for path, value in places if value is not MISSING]

    def dropped(self, path: Path) -> Path | None:
        """The outermost element on the way to `path` that the old pack had and the new one has not."""
        for length in element_prefixes(path):
            element = path[:length]
            if get(self.base, element) is not MISSING and get(self.new, element) is MISSING:
                return element
        return None


def changes(state: State) -> None:
    """Settle every `set` of the overlay."""
    added: dict[Path, Any] = {}
    for path, value in state.ours.values.items():
        element = next((path[:length] for length in element_prefixes(path)
                        if get(state.base, path[:length]) is MISSING), None)  # fmt: skip
        if element is None:
            for leaf, own in _edits(path, value, state.base, state.new):
                _one(state, leaf, own)
        elif element != path:  # part of an element that is new: gather its parts
            tree = added.get(element)
            added[element] = tree if isinstance(tree, dict) else {}
            put(added[element], path[len(element) :], deepcopy(value))
        elif isinstance(value, dict) and isinstance(added.get(path), dict):
            added[path] = {**deepcopy(value), **added[path]}
        else:
            added[path] = deepcopy(value)
    for path, value in added.items():
        _add(state, path, value)


def removals(state: State) -> None:
    """Settle every `unset`: a field is hidden, another element goes, a leaf is settled like any change."""
    for path in state.ours.removed:
        if _is_element(path):
            _remove(state, path)
        else:
            _one(state, path, MISSING)


def lists(state: State) -> None:
    """Apply the overlay's list operations to the pack's lists."""
    for path, ops in state.ours.lists.items():
        if not any(ops.values()):
            continue
        element = state.dropped(path)
        if element is not None:
            if _given_up(state, path):
                continue
            keep(state, element, "removed_but_used")
        owners = element_prefixes(path)
        current = get(state.result, path)
        if owners and get(state.result, path[: owners[-1]]) is MISSING:
            state.note("stale", path)
        elif locked(state, path):
            state.conflict("locked", path)
        elif current is not MISSING and not isinstance(current, list):
            state.note("stale", path)
        else:
            arranged, done = arrange(_list(current), ops, _list(get(state.base, path)))
            if any(done.values()):
                put(state.result, path, arranged)
                state.lists[path] = done


def keep(state: State, path: Path, code: str) -> None:
    """Keep an element that the pack dropped, as the old pack had it, marked as retained."""
    element = state.dropped(path) or path
    state.kept |= {path, element}
    if get(state.result, element) is MISSING:
        value = deepcopy(get(state.base, element))
        if isinstance(value, dict):
            value["retained"] = True
        put(state.result, element, value)
        state.whole.append(element)
    state.conflict(code, element)


def run(state: State, path: Path, value: Any) -> None:
    """Let a value of the company's run."""
    state.values[path] = value
    if value is MISSING:
        drop(state.result, path)
    else:
        put(state.result, path, deepcopy(value))


def locked(state: State, path: Path) -> bool:
    """Whether the new pack fixes the leaf: a `locked` list on the way names it (relative path or `*`)."""
    if path[-1] == "locked":
        return get(state.new, path) is not MISSING
    for length in range(len(path)):
        names = get(state.new, (*path[:length], "locked"))
        for name in names if isinstance(names, list) else ():
            keys = tuple(name.split(".")) if isinstance(name, str) else ()
            if keys and (keys == ("*",) or path[length : length + len(keys)] == keys):
                return True
    return False


def arrange(current: list[Any], ops: Ops, reference: list[Any]) -> tuple[list[Any], Ops]:
    """The pack's list with the company's deletions, moves and inserts, in this order.

    Returns the list and the operations that took effect, with the anchors that were found: an anchor that is
    gone stands for its nearest earlier neighbour in `reference`, the list that the company saw.
    """
    items = list(current)
    done: Ops = {"del": [], "mv": [], "ins": []}
    for item in ops["del"]:
        if item in items:
            items.remove(item)
            done["del"].append(item)
    for item, anchor in ops["mv"]:
        if item in items:
            items.remove(item)
            done["mv"].append([item, _place(items, item, anchor, reference)])
    waiting = list(ops["ins"])
    while waiting:  # first those whose anchor is there: one may be inserted after another
        ready = next((pair for pair in waiting if pair[1] is None or pair[1] in items), waiting[0])
        waiting.remove(ready)
        item, anchor = ready
        if item in items:
            items.remove(item)
        done["ins"].append([item, _place(items, item, anchor, reference)])
    return items, done


def rebased(state: State) -> Tree:
    """The company's changes on top of the new pack: an overlay that gives the same result."""

    def apart(path: Path) -> bool:
        """Not inside an element that is written as a whole or is gone."""
        return not any(path[: len(one)] == one for one in (*state.whole, *state.gone))

    outermost = [path for path in state.whole
                 if not any(path != one and path[: len(one)] == one for one in state.whole)]  # fmt: skip
    values = {to_text(path): get(state.result, path) for path in outermost
              if get(state.result, path) is not MISSING}  # fmt: skip
    values |= {to_text(path): value for path, value in state.values.items()
               if value is not MISSING and apart(path)}  # fmt: skip
    removed = [path for path, value in state.values.items() if value is MISSING and apart(path)]
    operations = {to_text(path): {name: deepcopy(items) for name, items in ops.items() if items}
                  for path, ops in state.lists.items() if apart(path)}  # fmt: skip
    unset = [to_text(path) for path in dict.fromkeys([*removed, *state.hidden, *state.gone])]
    overlay = {"set": deepcopy(values), "unset": unset, "lists": operations}
    return {name: content for name, content in overlay.items() if content}


def _edits(path: Path, value: Any, against: Tree, new: Tree) -> Iterator[tuple[Path, Any]]:
    """What setting `path` to `value` changes in `against`, leaf by leaf; MISSING: it takes something away.

    A mapping that only the new pack has is compared with nothing, so that what the pack adds to it stays.
    """
    old = get(against, path)
    if old is MISSING and not _is_element(path) and isinstance(get(new, path), dict):
        old = {}
    if not (isinstance(value, dict) and isinstance(old, dict)):
        yield path, value
        return
    for key, below in value.items():
        yield from _edits((*path, key), below, against, new)
    for key in old:
        if key not in value:
            yield (*path, key), MISSING


def _one(state: State, path: Path, value: Any) -> None:
    """Settle one leaf, or one element that the overlay adds or takes away as a part of a larger value."""
    state.touched.add(path)
    old, theirs = get(state.base, path), get(state.new, path)
    if _is_element(path) and (value is MISSING or old is MISSING):
        if value is MISSING:
            _remove(state, path)
        else:
            _add(state, path, value)
        return
    if same(value, old):
        return
    element = state.dropped(path)
    if element is not None:
        if not _given_up(state, path):
            keep(state, element, "removed_but_used")
            run(state, path, value)
    elif same(value, theirs):
        return
    elif locked(state, path):
        state.conflict("locked", path)
    elif same(theirs, old):
        run(state, path, value)
    else:
        _both(state, path, value, theirs)


def _both(state: State, path: Path, own: Any, theirs: Any) -> None:
    """Both sides changed the leaf."""
    kind = kind_of(path)
    if kind is Kind.COSMETIC:
        state.note("kept", path)
        run(state, path, own)
        return
    stricter = own if kind is Kind.BEHAVIOUR else _stricter(kind, own, theirs)
    state.conflict("both_changed" if same(stricter, own) else "perm_tightened", path)
    if not same(stricter, theirs):
        run(state, path, stricter)


def _stricter(kind: Kind, own: Any, theirs: Any) -> Any:
    """The stricter of two permissions; what cannot be compared: the company's."""
    if kind is Kind.LEVEL:
        mine, other = _level(own), _level(theirs)
        return theirs if mine is not None and other is not None and other < mine else own
    if kind is Kind.ROW_RULE:
        if own is MISSING:
            return theirs
        both = isinstance(own, str) and isinstance(theirs, str)
        return f"AND({own}, {theirs})" if both else own
    if own is MISSING or theirs is MISSING or not (isinstance(own, list) and isinstance(theirs, list)):
        return MISSING if theirs is MISSING else own
    if "*" in own:
        return theirs
    return own if "*" in theirs else [action for action in own if action in theirs]


def _level(value: Any) -> int | None:
    """How much a level allows; None for what is no level."""
    if value is MISSING:
        return 0
    return LEVELS.index(value) if value in LEVELS else None


def _add(state: State, path: Path, value: Any) -> None:
    """An element that the old pack had not."""
    state.touched.add(path)
    parent = state.dropped(path)
    if parent is not None:
        if _given_up(state, path):
            return
        keep(state, parent, "removed_but_used")
    if path in state.ours.removed and not (is_field(path) and isinstance(value, dict)):
        return  # set and unset: only a field can be there and hidden
    theirs = get(state.new, path)
    if theirs is MISSING:
        put(state.result, path, deepcopy(value))
        state.whole.append(path)
        return
    if isinstance(value, dict):  # what was kept for the company is the pack's again
        value = {key: below for key, below in value.items() if key != "retained"}
    if same(value, theirs):
        return
    state.conflict("key_collision", path)
    for leaf, own in _edits(path, value, state.new, state.new):
        state.touched.add(leaf)
        if own is MISSING and _is_element(leaf):
            _remove(state, leaf)
        elif locked(state, leaf):
            state.conflict("locked", leaf)
        else:
            run(state, leaf, own)


def _remove(state: State, path: Path) -> None:
    """Hide a field, take away another element; one that the pack dropped as well is simply gone."""
    current = get(state.result, path)
    if current is MISSING:
        state.note("stale", path)
    elif is_field(path) and isinstance(current, dict):
        if locked(state, (*path, "hidden")):
            state.conflict("locked", (*path, "hidden"))
            return
        current["hidden"] = True
        state.hidden.append(path)
    elif locked(state, path):
        state.conflict("locked", path)
    else:
        drop(state.result, path)
        state.gone.append(path)


def _given_up(state: State, path: Path) -> bool:
    """Whether the company itself hid or removed an element on the way to `path`."""
    return any(path[: len(one)] == one for one in state.ours.removed if _is_element(one))


def _place(items: list[Any], item: Any, anchor: Any, reference: list[Any]) -> Any:
    """Insert `item` after `anchor`, null for the first place; returns the anchor that was found."""
    if anchor is not None and anchor not in items:
        before = reference[: reference.index(anchor)] if anchor in reference else items
        anchor = next((one for one in reversed(before) if one in items and one is not None), None)
    items.insert(0 if anchor is None else items.index(anchor) + 1, item)
    return anchor


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_element(path: Path) -> bool:
    return element_prefixes(path)[-1:] == (len(path),)
