"""What the tests of the house look at: its files, its pages, its definitions as plain YAML."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "anlan"
KERNEL = SOURCE / "kernel"
PACKS = SOURCE / "packs"
DOCS = ROOT / "docs"


@cache
def committed() -> tuple[Path, ...]:
    """Every file that is, or would be, under version control."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


def texts(folder: Path, *endings: str) -> Iterator[tuple[Path, str]]:
    """Committed files below a folder with one of some endings (none: all), as (path, text)."""
    for path in committed():
        if path.is_relative_to(folder) and (not endings or path.suffix in endings):
            yield path, path.read_text("utf-8")


def pages() -> list[Path]:
    """Every Markdown page of the project, stories of tests aside."""
    return [path for path in committed() if path.suffix == ".md" and not path.is_relative_to(ROOT / "tests")]


def inner(path: Path) -> str:
    """A path as a reader of the project writes it."""
    return path.relative_to(ROOT).as_posix()


def packs() -> list[Path]:
    """The folders of packs."""
    return sorted(path.parent for path in PACKS.glob("*/pack.yaml"))


class Defined(NamedTuple):
    """One YAML file of a pack or of the kernel's own forms."""

    file: Path
    content: Any


def definitions(kind: str) -> list[Defined]:
    """All definitions of a kind (`forms`, `registers`, `reports`, `prints`, `extends`)."""
    folders = [KERNEL / "system", *packs()]
    return [Defined(file, yaml.safe_load(file.read_text("utf-8")))
            for folder in folders for file in sorted((folder / kind).glob("*.yaml"))]  # fmt: skip


def roles() -> list[dict[str, Any]]:
    """All roles that packs and the kernel bring."""
    return [role for folder in (KERNEL / "system", *packs()) if (folder / "roles.yaml").exists()
            for role in yaml.safe_load((folder / "roles.yaml").read_text("utf-8"))]  # fmt: skip


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as pages of a code host spell them."""
    found = set()
    for line in re.sub(r"```.*?```", "", text, flags=re.S).splitlines():
        if match := re.match(r"#+ +(.*)", line):
            plain = re.sub(r"[^\w\- ]", "", match[1].strip().lower())
            found.add(plain.replace(" ", "-"))
    return found
