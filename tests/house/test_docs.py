"""What there is stands in docs/, what docs/ names exists, and the pages that are made are current."""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path

import pytest

from anlan.cli.main import COMMANDS
from anlan.kernel.fieldtype.types import FIELD_TYPES
from anlan.kernel.settings import SETTINGS
from anlan.kernel.site.making import messages
from anlan.packs.demo.beginning import PASSWORD
from anlan.packs.demo.company import PEOPLE
from house import (
    DOCS,
    KERNEL,
    ROOT,
    SOURCE,
    committed,
    definitions,
    headings,
    inner,
    packs,
    pages,
    roles,
    texts,
)

TOOL = runpy.run_path(str(ROOT / "tools" / "docs.py"))
GUIDES = sorted((DOCS / "guide").glob("*.md"))
HOWTOS = sorted((DOCS / "howto").glob("*.md"))

# [words](target), also with an image inside the words; `path/of/file.py` in a page; and pages of docs/ anywhere.
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.*{}<>,-]*\.(?:py|yaml|md|sql|html|js|css|typ|json|txt))`")
NAMED_PAGE = re.compile(r"\bdocs/[\w/.-]+\.(?:md|png)\b")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _text(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def _unnamed(names: list[str], page: str) -> list[str]:
    text = _text(page)
    return [name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", text)]


@pytest.mark.parametrize(("page", "made"), [("packs.md", "packs_page"), ("errors.md", "errors_page")])
def test_a_page_that_is_made_is_current(page: str, made: str) -> None:
    assert _text(page) == TOOL[made](), "run make docs"


def test_every_setting_and_every_command_is_explained() -> None:
    assert _unnamed([setting.name for setting in SETTINGS], "cli.md") == []
    assert [name for name in COMMANDS if f"## anlan {name}" not in _text("cli.md")] == []


def test_every_field_type_is_explained() -> None:
    assert _unnamed(sorted(FIELD_TYPES), "definitions.md") == []


def test_every_error_code_is_listed() -> None:
    known = {
        code
        for code in messages().sentences["en"].keys() & _raised_codes()
        if not code.startswith(TOOL["NO_ERRORS"])
    }
    assert len(known) > 100
    assert _unnamed(sorted(known), "errors.md") == []


def _raised_codes() -> set[str]:
    """Codes that stand as texts in Python or in a register's limit."""
    sources = "\n".join(text for _, text in texts(SOURCE, ".py", ".yaml"))
    pages_own = "\n".join(text for path, text in texts(SOURCE / "web" / "messages"))
    return set(re.findall(r'"([a-z][a-z_]*(?:\.[a-z_]+)*)"', sources)) - set(
        re.findall(r"^([\w.]+):", pages_own, flags=re.M)
    )


def test_every_pack_form_register_report_print_and_role_is_listed() -> None:
    names = [folder.name for folder in packs()] + [role["role"] for role in roles()]
    for kind, key in (
        ("forms", "form"),
        ("registers", "register"),
        ("reports", "report"),
        ("dashboards", "dashboard"),
        ("prints", "print"),
    ):
        names += [one.content[key] for one in definitions(kind)]
    assert _unnamed(names, "packs.md") == []


def test_every_folder_of_the_source_stands_in_the_architecture_page() -> None:
    folders = {path.parent.relative_to(SOURCE) for path in committed() if path.is_relative_to(SOURCE)}
    rooms = {path for path in folders if path.parts and len(path.parts) <= 2 and path.parts[0] != "packs"}
    rooms |= {Path("packs") / folder.name for folder in packs()} | {Path("packs/demo")}
    page = _text("architecture.md")
    names = sorted(path.as_posix() for path in rooms)
    assert [name for name in names if not re.search(rf"(?:^|`){name}/", page, flags=re.M)] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(page.read_text("utf-8"))
                    if "://" not in target and not target.startswith("#")]  # fmt: skip
    assert sorted(inner(page) for page in set(DOCS.rglob("*.md")) - reached) == []


@pytest.mark.parametrize("page", pages(), ids=inner)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        if not found.exists() or (
            anchor and found.suffix == ".md" and anchor not in headings(found.read_text("utf-8"))
        ):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=inner)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """A file is named from the root, src/anlan, its kernel, web or templates; patterns and examples are left alone."""
    places = (ROOT, SOURCE, KERNEL, SOURCE / "web", SOURCE / "web" / "templates", page.parent)
    examples = (
        "reports/delivered.yaml",
        "registers/lent.yaml",
        "forms/loan.yaml",
    )  # of packs that a how-to makes
    named = {name for name in NAMED_FILE.findall(page.read_text("utf-8")) if not re.search(r"[*{}<>,]", name)}
    missing = [
        name
        for name in named
        if not name.startswith(examples) and not any((place / name).exists() for place in places)
    ]
    assert sorted(missing) == []


def test_pages_that_code_and_comments_name_exist() -> None:
    named = {
        (name, inner(path))
        for path in committed()
        if path.suffix in {".py", ".md", ".yaml", ".js", ".css", ".html", ".sql", ".toml"}
        or path.name == "Makefile"
        for name in NAMED_PAGE.findall(path.read_text("utf-8"))
    }
    assert sorted((name, where) for name, where in named if not (ROOT / name).exists()) == []


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guide_says_the_same_steps_in_both_languages(page: Path) -> None:
    zh, _, en = page.read_text("utf-8").partition("\n## English\n")
    assert "\n## 中文\n" in zh
    assert not CHINESE.search(re.sub(r"`[^`]*`|\([^)]*\)", "", en)), "Chinese words in the English part"
    for pattern in (r"^### ", r"^\d+\. ", r"^\| "):
        counts = [len(re.findall(pattern, text, flags=re.M)) for text in (zh.partition("\n## 中文\n")[2], en)]
        assert counts[0] == counts[1], f"{counts} of {pattern!r}"


def _words_on_screen() -> set[str]:
    """Every Chinese label and sentence that a page may show."""
    sources = [text for path, text in texts(SOURCE, ".yaml")]
    found = {word for text in sources for word in re.findall(r"zh: \"?([^,\"}\n]+)", text)}
    return {word.strip() for word in found} | set(messages().sentences["zh"].values())


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_what_a_guide_puts_between_quotes_stands_on_a_screen(page: Path) -> None:
    shown = _words_on_screen()
    quoted = re.findall("“([^”]+)”", page.read_text("utf-8").partition("\n## English\n")[0])
    assert [words for words in quoted if words not in shown] == []


NAME = re.compile(r"`(@?[A-Za-z_][\w.]*)(?:\([^`]*\))?`")
TOLD = [DOCS / "architecture.md", *HOWTOS, *sorted((DOCS / "internals").glob("*.md"))]


@pytest.mark.parametrize("page", TOLD, ids=inner)
def test_functions_and_classes_that_a_page_names_exist(page: Path) -> None:
    """Names with an underscore or a capital: `assign_gapless`, `Context.settle`; each part is a word of the source."""
    known = set(
        re.findall(r"\w+", "\n".join(text for _, text in texts(ROOT, ".py", ".yaml", ".sql", ".js", ".txt")))
    )
    known |= {path.name for path in committed()} | {path.stem for path in committed()}
    named = {
        name.lstrip("@") for name in NAME.findall(page.read_text("utf-8")) if re.search(r"_|[A-Z]", name)
    }
    known |= {name for name in named if name.startswith("test_")} | {"on_hold"}  # what a reader is to write
    assert sorted(name for name in named if not set(name.split(".")) <= known and name not in known) == []


ROOMS = ("record", "query", "register", "series", "describe", "report", "catalogue.change")


@pytest.mark.parametrize("room", ROOMS)
def test_every_call_of_the_kernel_that_others_use_stands_on_its_page(room: str) -> None:
    offered = importlib.import_module(f"anlan.kernel.{room}").__all__
    calls = [name for name in offered if name.islower() and name != "report_formulas"]
    page, short = _text("internals/kernel.md"), room.rpartition(".")[2]
    assert [name for name in calls if not re.search(rf"\b{short}\.{name}\b", page)] == []


def test_the_readme_lets_people_of_the_demo_in() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"`{PASSWORD}`" in readme
    named = re.search(r"other people of the company \((.*?)\)", readme, flags=re.S)
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named[1])) <= {person.code for person in PEOPLE}


def test_every_benchmark_has_its_goal_on_the_page_of_figures() -> None:
    files = [
        inner(path) for path in committed() if path.parent == ROOT / "benchmarks" and path.suffix == ".py"
    ]
    names = [name for name in files if Path(name).stem not in {"__init__", "common"}]
    assert [
        name for name in names if f"`{name}`" not in _text("performance.md").partition("## Figures")[0]
    ] == []


@pytest.mark.parametrize("page", HOWTOS, ids=lambda page: page.stem)
def test_a_how_to_is_numbered_and_ends_with_the_test_to_write(page: Path) -> None:
    text = page.read_text("utf-8")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", text, flags=re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 4
    assert "test" in text[text.rindex(f"\n{numbers[-1]}. ") :].lower()


def test_the_changelog_tells_of_this_version_in_both_languages() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version = re.search(r'^version = "([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), flags=re.M)
    assert version is not None
    part = changes.partition(f"## {version[1]}")[2]
    assert part
    assert CHINESE.search(part)
    assert "### English" in part
