"""Every dependency is explained, pinned by hash, and nothing that is locked holds an address."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")


def plain(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0].lower()


def wanted() -> set[str]:
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    return {plain(requirement) for group in groups for requirement in group}


def npm() -> dict[str, str]:
    listed = json.loads((ROOT / "tools/npm/package.json").read_text(encoding="utf-8"))
    return {**listed["dependencies"], **listed["devDependencies"]}


def test_the_page_explains_what_the_project_asks_for_and_nothing_else() -> None:
    explained = {row.lower() for row in re.findall(r"^\| ([\w@/.-]+) \|", PAGE, flags=re.M)} - {"package"}
    assert explained == wanted() | set(npm())


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_requirement_has_a_version_and_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


def test_the_locks_hold_all_that_the_project_asks_for() -> None:
    locked = {name: set(re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(), flags=re.M)) for name in LOCKS}
    assert {plain(one) for one in PROJECT["project"]["dependencies"]} <= {
        plain(one) for one in locked[LOCKS[0]]
    } | {"psycopg"}
    assert wanted() <= {one.lower() for one in locked[LOCKS[1]]}


def test_the_front_end_lock_pins_by_hash_and_holds_no_address() -> None:
    text = (ROOT / "tools/npm/package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert {f"node_modules/{name}" for name in npm()} <= packages.keys()


def test_every_icon_that_a_definition_or_page_names_is_vendored() -> None:
    known = set((ROOT / "tools/npm/icons.txt").read_text(encoding="utf-8").split())
    used = {}
    for path in [*ROOT.glob("src/anlan/**/*.yaml"), *ROOT.glob("src/anlan/web/templates/**/*.html")]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"^\s*icon: ([a-z0-9-]+)", text, flags=re.M) + re.findall(
            r"icon\('([a-z0-9-]+)'", text
        ):
            used[name] = path.relative_to(ROOT)
    assert {name: path for name, path in used.items() if name not in known} == {}, (
        "add them to tools/npm/icons.txt"
    )
