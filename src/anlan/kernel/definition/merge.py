"""The three-way merge of definitions that an upgrade uses: old pack, what the company changed, new pack.

    base     {fields: {a: {label: A, default: 1}}}
    overlay  {set: {fields.a.label: 甲, fields.a.default: 2}}
    new      {fields: {a: {label: B, default: 3}}}
    merged   {fields: {a: {label: 甲, default: 2}}}      conflicts [(both_changed, fields.a.default)]

The result always runs: an upgrade never waits for a person, conflicts are listed for one to settle later.
Nothing that data hangs on is dropped: a field is hidden, what the pack dropped and the company uses is kept
(`retained`). The merge is pure, and merging again with the new pack as base changes nothing.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

from anlan.kernel.definition import settle
from anlan.kernel.definition.annotations import Path, can_move
from anlan.kernel.definition.check import (
    cycles,
    dangling,
    mistyped,
    needed_elements,
    required_but_hidden,
    retypes,
)
from anlan.kernel.definition.following import Following
from anlan.kernel.definition.overlay import Ops, Overlay, read_definition, read_overlay, read_renames
from anlan.kernel.definition.tree import MISSING, Tree, get, same
from anlan.kernel.errors import Fault, invalid


class Merged(NamedTuple):
    """What runs after a merge.

    definition: the merged one. conflicts: (code, path) that somebody has to settle. notes: (code, path) that
    went without saying. overlay: the company's changes on top of the new pack; it gives the same definition.
    """

    definition: Tree
    conflicts: list[tuple[str, str]]
    notes: list[tuple[str, str]]
    overlay: Tree


def merge(base: object, overlay: object, new: object) -> Merged:
    """Merge. Raises Refused (422) for what has not the shape of definitions and an overlay; else it answers.

    1. Renames and replacements of the pack are followed, in the old pack and in the overlay.
    2. The company's changes are settled one by one against the pack's.
    3. What the pack dropped and the result still names is kept.
    4. Types that became narrower are held back; formulas and names that no longer work are reported.
    """
    faults: list[Fault] = []
    old, theirs = read_definition(base, "base", faults), read_definition(new, "new", faults)
    renames = read_renames(new, "renames", faults)
    replaced = read_renames(new, "replaced", faults)
    ours = read_overlay(overlay, faults, old, theirs)
    if faults:
        raise invalid(faults)
    renames |= {path: target for path, target in replaced.items() if get(theirs, target) is not MISSING}
    renames = {path: target for path, target in renames.items() if can_move(path, target)}
    if same(old, theirs):  # the same version again: what it renamed is renamed already
        renames = {path: target for path, target in renames.items() if get(old, path) is MISSING}
    following = Following(renames, old)
    old, ours = following.tree(old), follow(ours, following)
    state = _settled(old, theirs, ours)
    _note_moves(state, replaced, renames)
    _keep_used(state)
    for path, type_ in retypes(state.base, state.new):
        if path not in state.touched:
            settle.run(state, path, type_)
            state.conflict("narrowing", path)
    _report(state)
    return Merged(state.result, state.conflicts, state.notes, settle.rebased(state))


def apply_overlay(base: object, overlay: object) -> Tree:
    """The definition that `overlay` makes of `base`: the same machine, with nothing new."""
    faults: list[Fault] = []
    definition = read_definition(base, "base", faults)
    ours = read_overlay(overlay, faults, definition)
    if faults:
        raise invalid(faults)
    return _settled(definition, definition, ours).result


def _settled(base: Tree, new: Tree, ours: Overlay) -> settle.State:
    state = settle.State(base, new, deepcopy(new), ours)
    settle.changes(state)
    settle.removals(state)
    settle.lists(state)
    return state


def follow(ours: Overlay, following: Following) -> Overlay:
    """The overlay in the new names; a change made under the new name wins over one that moves there."""
    values: dict[Path, Any] = {}
    for path in sorted(ours.values, key=lambda one: following.path(one) == one):
        values[following.path(path)] = following.value(ours.values[path], path)
    values = {path: values[path] for path in map(following.path, ours.values)}
    lists: dict[Path, Ops] = {}
    for path, ops in ours.lists.items():
        name = partial(following.item, path=path)
        lists[following.path(path)] = {
            "del": [name(item) for item in ops["del"]],
            "mv": [(name(item), name(anchor)) for item, anchor in ops["mv"]],
            "ins": [(name(item), name(anchor)) for item, anchor in ops["ins"]],
        }
    return Overlay(values, [following.path(path) for path in ours.removed], lists)


def _note_moves(state: settle.State, replaced: dict[Path, Path], renames: dict[Path, Path]) -> None:
    moved = {target: "retargeted" if path in replaced else "renamed" for path, target in renames.items()}
    for path in [*state.ours.values, *state.ours.removed, *state.ours.lists]:
        for target, code in moved.items():
            if path[: len(target)] == target:
                state.note(code, path)


def _keep_used(state: settle.State) -> None:
    """Keep what the pack dropped and the company's part of the result names; that may name more in turn."""
    while True:
        needed = [*needed_elements(state.result, state.base, state.own_places())]
        # What the pack still has is missing because the company removed it: that is for `dangling` to say.
        needed = [(code, path) for code, path in needed
                  if path not in state.kept and get(state.new, path) is MISSING]  # fmt: skip
        if not needed:
            return
        for code, path in needed:
            settle.keep(state, path, code)


def _report(state: settle.State) -> None:
    own = state.own_places()
    hidden = [path for path in state.hidden if get(state.result, path) is not MISSING]
    for path in required_but_hidden(state.result, own, hidden):
        state.conflict("hidden_but_required", path)
    lost = dangling(state.result, own, state.gone)
    circular = cycles(state.result, own)
    for path in lost:
        state.conflict("dangling_ref", path)
    for path in circular:
        state.conflict("formula_cycle", path)
    for path in mistyped(state.result, own, {*lost, *circular}):
        state.conflict("formula_type", path)

