"""Every refusal has a sentence, in Chinese and in English, and the parameters that the sentence names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from anlan.kernel.dashboard import PERIODS
from anlan.kernel.definition.reader import KINDS
from anlan.kernel.fieldtype.types import FIELD_TYPES
from anlan.kernel.formula.errors import DESIGN_CODES
from anlan.kernel.i18n import LANGUAGES
from anlan.kernel.pivot.fields import GRAINS
from anlan.kernel.pivot.run import WAYS
from anlan.kernel.site.making import messages
from anlan.web.pages.frame import ADMIN
from anlan.web.pages.pivots import CHARTS
from house import PACKS, SOURCE, definitions, inner, texts

# Where a code stands in a call: Fault(code, path, params), Refused(status, code, …), batch.fault(document, code, path, …).
PLACES = {"Fault": 0, "Refused": 1, "conflict": 0, "Unreadable": 0, "fault": 1}
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
PLACEHOLDER = re.compile(r"\{(\w+)\}")

# What is added where a sentence is made (web/api/problem.py, limits, reading of values).
ALWAYS = {"field", "label", "form", "request_id"}


class Raised(NamedTuple):
    """A code in a call: `params` when all of them stand there as literals, else None."""

    where: str
    code: str
    params: frozenset[str] | None


@cache
def sentences() -> dict[str, dict[str, str]]:
    return {language: dict(messages().sentences[language]) for language in LANGUAGES}


def _calls() -> Iterator[Raised]:
    for path, text in texts(SOURCE, ".py"):
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = PLACES.get(name)
            if place is None or len(node.args) <= place or "definition/" in inner(path):
                continue  # findings of the merge are codes below `merge.`, see the test of its own
            code = node.args[place]
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and CODE.fullmatch(code.value):
                yield Raised(f"{inner(path)}:{node.lineno}", code.value, _params(name, node))


def _params(name: str, node: ast.Call) -> frozenset[str] | None:
    if name == "Unreadable" or (name == "Refused" and len(node.args) > 2):
        return None
    if name in ("conflict", "fault"):
        return (
            frozenset(one.arg or "" for one in node.keywords)
            if all(one.arg for one in node.keywords)
            else None
        )
    given = node.args[2] if name == "Fault" and len(node.args) > 2 else \
        next((one.value for one in node.keywords if one.arg == "params"), None)  # fmt: skip
    if given is None:
        return frozenset()
    if not isinstance(given, ast.Dict):
        return None
    keys = [key.value for key in given.keys if isinstance(key, ast.Constant)]
    return frozenset(str(key) for key in keys) if len(keys) == len(given.keys) else None


@cache
def raised() -> tuple[Raised, ...]:
    return tuple(_calls())


def _limits() -> Iterator[tuple[str, str, frozenset[str]]]:
    """(register, code, parameters) of every limit."""
    for _, register in definitions("registers"):
        for limit in register.get("limits", {}).values():
            yield register["register"], limit["code"], frozenset(
                {"short", "left", *register["dimensions"], *register["resources"]})  # fmt: skip


def test_every_sentence_exists_in_both_languages_with_the_same_parameters() -> None:
    assert messages().missing() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_is_raised_has_a_sentence(language: str) -> None:
    assert [one[:2] for one in raised() if one.code not in sentences()[language]] == []


def test_the_calls_are_found() -> None:
    assert {"not_found", "period.closed", "finance.unbalanced"} <= {one.code for one in raised()}


def test_a_sentence_asks_for_no_parameter_that_is_not_given() -> None:
    wanting = []
    for one in raised():
        if one.params is not None and one.code in sentences()["en"]:
            missing = set(PLACEHOLDER.findall(sentences()["en"][one.code])) - one.params - ALWAYS
            wanting += [(one.where, one.code, sorted(missing))] if missing else []
    assert wanting == []


def test_every_limit_has_a_sentence_with_what_the_register_knows() -> None:
    wrong = []
    for register, code, known in _limits():
        for language in LANGUAGES:
            sentence = sentences()[language].get(code)
            if sentence is None or set(PLACEHOLDER.findall(sentence)) - known:
                wrong.append((register, code, language))
    assert wrong == []


def test_what_rules_declare_to_refuse_with_has_a_sentence() -> None:
    declared = {
        element.value
        for _, text in texts(PACKS, ".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.keyword) and node.arg == "codes" and isinstance(node.value, ast.Tuple)
        for element in node.value.elts
        if isinstance(element, ast.Constant)
    }
    assert declared, "no rule declares a code"
    assert declared - set(sentences()["en"]) == set()


def test_codes_that_are_put_together_have_sentences() -> None:
    made = {f"formula.{code}" for code in DESIGN_CODES} | {f"kind.{key}" for key in FIELD_TYPES}
    made |= {f"admin.kind.{kind}" for kind in KINDS}
    assert made - set(sentences()["en"]) == set()


def test_no_sentence_is_left_that_nothing_says() -> None:
    """Codes that are put together from parts are known by their first part."""
    parts = ("access.why.", "action.", "admin.access.", "admin.action.", "admin.finding.", "admin.health.", "admin.job.",
             "admin.jobs.", "admin.kind.", "admin.level.", "admin.remedy.", "admin.touched.", "admin.via.", "api.", "approval.", "audit.", "bulk.outcome.", "card.", "days.", "delegation.", "error.",
             "event.", "field.", "filter.", "formula.", "js.", "keys.", "kind.", "me.density.", "merge.", "message.approval.", "record.line_",
             "theme.", "title.", "todo.box.", "todo.kind.", "todo.none_", "todo.status.", "views.left.", "views.part.", "weekday.")  # fmt: skip
    made = {f"unknown_{kind}" for kind in ("form", "register", "report", "dashboard")} | {
        f"not_{key}" for key in FIELD_TYPES
    }
    made |= {f"admin.{section}" for section in ADMIN}
    made |= {f"dashboard.{period}" for period in PERIODS}
    made |= {f"pivot.{one}" for one in ("rows", "columns", "values", *CHARTS, *GRAINS, *WAYS)}
    sources = "\n".join(
        text for path, text in texts(SOURCE, ".py", ".yaml", ".html", ".js") if "messages" not in path.parts
    )
    said = set(re.findall(r"[a-z][a-z0-9_.]*[a-z0-9_]", sources))
    assert [
        code for code in sorted(sentences()["en"]) if not code.startswith(parts) and code not in said | made
    ] == []


def test_a_pack_says_its_own_codes_only() -> None:
    wrong = []
    for path, text in texts(PACKS, ".yaml"):
        if path.parent.name == "messages":
            codes = re.findall(r"^([a-z][\w.]*):", text, flags=re.M)
            wrong += [code for code in codes if not code.startswith(f"{path.parents[1].name}.")]
    assert wrong == []
