"""Records in flight when a workflow changes: the states that they are in stay, with the ways out of them.

    old: draft → checked → confirmed        new: draft → confirmed
    a record is `checked`                   →  `checked` and its step to `confirmed` are retained until none is left

A record keeps `workflow_version`, the version of the catalogue that it was made with. A step that a new version drops
from a state that stays is dropped for all; what a dropped state posted stays posted while a record is in it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.build import Definitions
from anlan.kernel.catalogue.form import physical, quoted
from anlan.kernel.storage.pool import Connection

__all__ = ["keep_used_states"]

Tree = dict[str, Any]


def keep_used_states(connection: Connection, old: Mapping[str, Any], new: Definitions) -> Definitions:
    """The new definitions, with states that the old ones had and records are in. One statement a form that lost a state."""
    result = new
    for name, entry in new.get("form", {}).items():
        definition = entry["definition"]
        workflow = definition.get("workflow")
        before = old.get("form", {}).get(name, {}).get("definition", {})
        if not isinstance(workflow, dict) or not isinstance(before.get("workflow"), dict):
            continue
        stripped = _without_retained(definition)
        lost = set(before["workflow"].get("states") or {}) - set(stripped["workflow"].get("states") or {})
        used = _used(connection, name, lost) if lost else set()
        made = _retaining(stripped, before, used) if used else stripped
        if made != definition:
            result = {**result, "form": {**result["form"], name: {**entry, "definition": made}}}
    return result


def _used(connection: Connection, form: str, states: set[str]) -> set[str]:
    table = quoted(physical(form.replace(".", "_")))
    row = connection.execute("SELECT to_regclass($1) IS NOT NULL", [table]).fetchone()
    if row is None or not row[0]:
        return set()
    return {state for state in states if connection.execute(f'SELECT 1 FROM {table} WHERE "state" = $1 LIMIT 1', [state]).fetchone()}


def _without_retained(definition: Tree) -> Tree:
    """The definition as it was written: what was kept for records in flight is looked for anew."""
    result = copy.deepcopy(definition)
    workflow = result["workflow"]
    kept = {key for key, one in (workflow.get("states") or {}).items() if isinstance(one, dict) and one.get("retained")}
    if not kept:
        return result
    workflow["states"] = {key: one for key, one in workflow["states"].items() if key not in kept}
    workflow["transitions"] = {
        key: {**one, "from": [state for state in one["from"] if state not in kept]}
        for key, one in workflow["transitions"].items() if not one.get("retained")}
    if isinstance(workflow.get("order"), list):
        workflow["order"] = [key for key in workflow["order"] if key not in kept]
    for posting in (result.get("postings") or {}).values():
        posting["while"] = [state for state in posting["while"] if state not in kept]
    return result


def _retaining(definition: Tree, before: Tree, used: set[str]) -> Tree:
    """The used states, the steps out of them, and whatever dropped states these lead to."""
    workflow, was = definition["workflow"], before["workflow"]
    waiting = sorted(used)
    while waiting:
        state = waiting.pop()
        if state in workflow["states"]:
            continue
        workflow["states"][state] = {**was["states"][state], "retained": True}
        for posting, old in (before.get("postings") or {}).items():
            if state in old["while"] and posting in (definition.get("postings") or {}):
                definition["postings"][posting]["while"] = [*definition["postings"][posting]["while"], state]
        for key, move in was["transitions"].items():
            if state in move["from"]:
                _keep_step(workflow, key, move, state)
                waiting.append(move["to"])
    if isinstance(workflow.get("order"), list):
        workflow["order"] = [*workflow["order"], *(key for key in workflow["states"] if key not in workflow["order"])]
    return definition


def _keep_step(workflow: Tree, key: str, move: Tree, state: str) -> None:
    known = workflow["transitions"].get(key)
    if known is None:
        workflow["transitions"][key] = {**move, "from": [state], "retained": True}
    elif known["to"] == move["to"] and state not in known["from"]:
        known["from"] = [*known["from"], state]
