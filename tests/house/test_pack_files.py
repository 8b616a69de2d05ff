"""Every pack is laid out alike: whoever knows one knows all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from house import PACKS, committed, inner, packs

# What a pack's folder may hold, and what the files in it look like.
FOLDERS = {
    "forms": r"[a-z_]+\.yaml", "extends": r"[a-z]+_[a-z_]+\.yaml", "registers": r"[a-z_]+\.yaml",
    "reports": r"[a-z_]+\.yaml", "dashboards": r"[a-z_]+\.yaml", "prints": r"[a-z_]+\.yaml",
    "automations": r"[a-z_]+\.yaml", "data": r"\d\d_[a-z_]+\.yaml", "messages": r"(zh|en)\.yaml",
    "engine": r"[a-z_]+\.py", "pages": r"[a-z_]+\.(py|html)", "demo": r".+", "upgrades": r"\d+_[a-z_]+\.py",
    "tests": r"(test_[a-z_]+|build|conftest)\.py",
}  # fmt: skip
FILES = {
    "pack.yaml",
    "roles.yaml",
    "approvals.yaml",
    "README.md",
    "rules.py",
    "jobs.py",
    "commands.py",
    "__init__.py",
}
NEEDED = {"pack.yaml", "README.md", "__init__.py"}

each_pack = pytest.mark.parametrize("pack", packs(), ids=lambda path: path.name)


def _files(pack: Path) -> list[Path]:
    return [path.relative_to(pack) for path in committed() if path.is_relative_to(pack)]


@each_pack
def test_a_pack_has_what_every_pack_has(pack: Path) -> None:
    assert {path.as_posix() for path in _files(pack)} >= NEEDED


@each_pack
def test_a_pack_has_no_file_that_other_packs_would_not_have(pack: Path) -> None:
    readme = (pack / "README.md").read_text("utf-8")
    strange = []
    for path in _files(pack):
        if len(path.parts) == 1:
            # A module beside rules.py is a part of the business's rules that other packs may use: README names it.
            known = path.name in FILES or (path.suffix == ".py" and f"`{path.name}`" in readme)
        else:
            pattern = FOLDERS.get(path.parts[0], r"(?!)")
            known = path.name == "__init__.py" or re.fullmatch(pattern, "/".join(path.parts[1:])) is not None
        if not known:
            strange.append(path.as_posix())
    assert strange == []


@each_pack
def test_a_definition_has_the_name_of_its_file(pack: Path) -> None:
    wrong = []
    for folder, kind in (
        ("forms", "form"),
        ("registers", "register"),
        ("reports", "report"),
        ("prints", "print"),
    ):
        for file in sorted((pack / folder).glob("*.yaml")):
            if yaml.safe_load(file.read_text("utf-8"))[kind] != f"{pack.name}.{file.stem}":
                wrong.append(inner(file))
    for file in sorted((pack / "extends").glob("*.yaml")):
        if yaml.safe_load(file.read_text("utf-8"))["extends"].replace(".", "_") != file.stem:
            wrong.append(inner(file))
    assert wrong == []


@each_pack
def test_a_pack_speaks_both_languages_or_none(pack: Path) -> None:
    assert (pack / "messages" / "zh.yaml").exists() == (pack / "messages" / "en.yaml").exists()


@each_pack
def test_a_pack_extends_only_the_packs_that_it_requires(pack: Path) -> None:
    requires = {"system", *yaml.safe_load((pack / "pack.yaml").read_text("utf-8"))["requires"]}
    extended = {file.stem.split("_")[0] for file in (pack / "extends").glob("*.yaml")}
    assert extended <= requires


@each_pack
def test_the_readme_names_every_form_and_register_of_the_pack(pack: Path) -> None:
    readme = (pack / "README.md").read_text("utf-8")
    named = [f"{pack.name}.{file.stem}" for folder in ("forms", "registers")
             for file in sorted((pack / folder).glob("*.yaml"))]  # fmt: skip
    assert [name for name in named if name not in readme] == []


def test_every_folder_of_definitions_is_a_pack() -> None:
    strays = {path.parts[0] for path in (file.relative_to(PACKS) for file in PACKS.glob("*/*/*.yaml"))}
    assert strays == {pack.name for pack in packs()}
