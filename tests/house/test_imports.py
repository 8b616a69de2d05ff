"""The floors of the house: kernel <- web <- packs <- cli; a pack uses another only if it requires it."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from house import PACKS, ROOT, SOURCE, inner, packs

FLOORS = ("kernel", "web", "packs", "cli")
DEMO = "demo"  # the demo company is no pack: it tells a story through all of them


def _imported(file: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of ours in a file, also those inside functions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{inner(file)}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{one.name}" for one in node.names] if node.module else []
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.startswith("anlan."))


def _floor(module: str) -> int | None:
    part = module.split(".")[1]
    return FLOORS.index(part) if part in FLOORS else None


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_from_the_floors_below_it(floor: str) -> None:
    upward = [
        f"{inner(file)}:{line} {module}"
        for file in sorted((SOURCE / floor).rglob("*.py"))
        for line, module in _imported(file)
        if (_floor(module) or 0) > FLOORS.index(floor)
    ]
    assert upward == []


def _requires() -> dict[str, set[str]]:
    """What each pack requires, and what those require."""
    direct = {
        pack.name: set(yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))["requires"])
        for pack in packs()
    }

    def whole(name: str) -> set[str]:
        return direct[name].union(*(whole(other) for other in direct[name]))

    return {name: whole(name) for name in direct}


@pytest.mark.parametrize("pack", sorted(_requires()))
def test_a_pack_imports_only_from_the_packs_that_it_requires(pack: str) -> None:
    allowed = {pack, *_requires()[pack]}
    strangers = [
        f"{inner(file)}:{line} {module}"
        for file in sorted((PACKS / pack).rglob("*.py"))
        for line, module in _imported(file)
        if module.startswith("anlan.packs.") and module.split(".")[2] not in allowed
    ]
    assert strangers == []


def test_the_contract_of_the_checker_says_the_same_as_the_packs() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    layers = [set(line.replace("|", " ").split()) for line in
              parser["importlinter:contract:packs"]["layers"].strip().splitlines()]  # fmt: skip
    depth = {name.removeprefix("anlan.packs."): place for place, names in enumerate(layers) for name in names}
    assert depth.keys() - {DEMO} == _requires().keys()
    assert all(depth[name] < depth[other] for name, others in _requires().items() for other in others)
    floors = parser["importlinter:contract:floors"]["layers"].split()
    assert floors == [f"anlan.{floor}" for floor in reversed(FLOORS)]
