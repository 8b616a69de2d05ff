"""Habits that keep the house easy to live in: short functions, said reasons, nothing left for later."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from house import KERNEL, PACKS, ROOT, SOURCE, definitions, inner, texts

MOST_LINES = 80  # of a function: 40 are the aim, more than a screen is the end
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Put together so that this file does not match itself.
LATER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|coming " + r"soon|敬请" + r"期待")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{inner(path)}:{node.lineno} {node.name}"
        for path, text in texts(SOURCE, ".py")
        for node in _functions(ast.parse(text))
        if (node.end_lineno or 0) - node.lineno >= MOST_LINES
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    assert [
        inner(path) for path, text in texts(SOURCE, ".py") if not ast.get_docstring(ast.parse(text))
    ] == []


def test_what_the_kernel_offers_says_what_it_does() -> None:
    """Functions that stand in a module's `__all__`."""
    silent = []
    for path, text in texts(KERNEL, ".py"):
        tree = ast.parse(text)
        offered = {
            element.value
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
            for element in getattr(node.value, "elts", ())
        }
        silent += [
            f"{inner(path)}:{node.lineno} {node.name}"
            for node in tree.body
            if isinstance(node, Function) and node.name in offered and not ast.get_docstring(node)
        ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{inner(path)}:{number}"
        for path, text in texts(ROOT, ".py", ".js", ".css", ".html", ".yaml", ".sql", ".md")
        for number, line in enumerate(text.splitlines(), 1)
        if LATER.search(line)
    ]
    assert found == []


def test_whoever_catches_everything_says_why() -> None:
    silent = [
        f"{inner(path)}:{number}"
        for path, text in texts(SOURCE, ".py")
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"except(?: Exception| BaseException)?(?: as \w+)?:", line)
        and re.search(r"except\s*:|Exception", line)
        and not re.search(r"# noqa: BLE001 +# \w", line)
    ]
    assert silent == []


def _labels(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a definition that people read."""
    if isinstance(value, dict):
        for key, part in value.items():
            here = f"{path}.{key}"
            both = isinstance(part, dict) and part.keys() == {"zh", "en"}
            if both or (isinstance(part, str) and key in ("label", "help", "check_message", "message")):
                yield here, part
            else:
                yield from _labels(part, here)
    elif isinstance(value, list):
        for part in value:
            yield from _labels(part, path)


def test_every_label_of_a_pack_is_chinese_and_english() -> None:
    wrong, seen = [], 0
    for kind in ("forms", "extends", "registers", "reports", "prints"):
        for file, content in definitions(kind):
            for path, label in _labels(content):
                seen += 1
                if isinstance(label, str) or not CHINESE.search(label["zh"]) or CHINESE.search(label["en"]):
                    wrong.append(f"{inner(file)}{path}")
    assert seen > 500
    assert wrong == []


def test_only_packs_and_the_demo_lie_among_the_packs() -> None:
    folders = {path.relative_to(PACKS).parts[0] for path, _ in texts(PACKS, ".py", ".yaml")} - {"__init__.py"}
    assert folders == {file.parent.name for file in PACKS.glob("*/pack.yaml")} | {"demo"}


def test_every_block_of_the_style_sheet_is_closed() -> None:
    """A brace that is missing switches the rest of the sheet off, and nothing else says so."""
    sheet = (SOURCE / "web" / "static" / "anlan.css").read_text("utf-8")
    bare = re.sub(r'"[^"]*"|/\*.*?\*/', "", sheet, flags=re.S)
    depth, parts = 0, []
    for number, line in enumerate(bare.splitlines(), 1):
        depth += line.count("{") - line.count("}")
        parts += [number] if depth < 0 else []
    assert (depth, parts) == (0, [])
