"""Words of the web floor: both languages, and every code that templates and scripts use."""

from __future__ import annotations

import re
from pathlib import Path

from anlan.web.pages.frame import STATIC, WEB, words

TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted(STATIC.glob("*.js"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _used(files: list[Path], pattern: str) -> set[str]:
    return {code for file in files for code in re.findall(pattern, file.read_text("utf-8"))}


def test_every_sentence_exists_in_both_languages_with_the_same_parameters() -> None:
    assert words().missing() == []


def test_every_code_that_templates_use_has_a_sentence() -> None:
    assert _used(TEMPLATES, r"\bt\('([a-z][\w.]*[a-z_])'") - set(words().sentences["en"]) == set()


def test_every_code_that_scripts_use_has_a_sentence() -> None:
    assert {f"js.{code}" for code in _used(SCRIPTS, r"\bsay\(\"(\w+)\"")} - set(
        words().sentences["en"]
    ) == set()


def test_no_sentence_for_scripts_is_left_that_no_script_says() -> None:
    scripts = "".join(file.read_text("utf-8") for file in SCRIPTS)
    known = {code[3:] for code in words().sentences["en"] if code.startswith("js.")}
    assert {code for code in known if f'"{code}"' not in scripts} == set()


def test_templates_hold_no_words_of_their_own() -> None:
    said = {
        (file.name, line)
        for file in TEMPLATES
        for line in file.read_text("utf-8").splitlines()
        if CHINESE.search(line)
    }
    assert {name for name, line in said if "中文" not in line} == set()


def test_htmx_attributes_stand_in_macros_only() -> None:
    strays = [
        file.name
        for file in TEMPLATES
        if file.name != "hx.html" and re.search(r"\shx-(?!target|swap)", file.read_text("utf-8"))
    ]
    assert strays == []


def test_no_template_has_an_inline_handler_or_an_inline_style() -> None:
    strays = [file.name for file in TEMPLATES if re.search(r"\s(on[a-z]+|style)=", file.read_text("utf-8"))]
    assert strays == []
