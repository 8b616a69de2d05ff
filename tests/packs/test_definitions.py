"""The packs as they ship: they build, speak both languages, and name only what exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from anlan import packs
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.store import pack_sources
from anlan.kernel.i18n import Messages

FOLDER = Path(packs.__file__ or "").parent
NAMES = ("base", "stock", "sales", "purchase", "finance")


@cache
def catalogue() -> Catalogue:
    from anlan.kernel.catalogue.build import assemble, build_catalogue

    return build_catalogue(assemble(pack_sources(FOLDER, "anlan.packs")), version=1)


def test_all_packs_build_one_catalogue() -> None:
    assert set(NAMES) <= catalogue().packs.keys()


def _fields() -> Iterator[tuple[str, Any]]:
    for form in catalogue().forms.values():
        for item in form.all_fields():
            if not item.reserved:
                yield f"{form.name}.{item.path}", item.definition


def test_every_field_has_a_label_and_every_shown_one_a_place_in_the_order() -> None:
    nameless = [name for name, definition in _fields() if definition.label is None]
    lost = []
    for form in catalogue().forms.values():
        order = form.definition.order or []
        lost += [
            f"{form.name}.{key}"
            for key, item in form.definition.fields.items()
            if not item.hidden and order and key not in order and key != "company"
        ]
    assert (nameless, lost) == ([], [])


def test_chinese_labels_are_chinese_and_english_ones_are_not() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    wrong = []
    for name, definition in _fields():
        for text in (definition.label, definition.help, definition.check_message):
            if text is not None and (not chinese.search(text.zh) or chinese.search(text.en)):
                wrong.append((name, text))
    assert [entry for entry in wrong if not entry[0].startswith("system.")] == []


@pytest.mark.parametrize("pack", NAMES)
def test_sentences_exist_in_both_languages_with_the_same_parameters(pack: str) -> None:
    assert Messages.load([FOLDER / pack / "messages"]).missing() == []


def test_every_code_that_packs_refuse_with_has_a_sentence() -> None:
    messages = Messages.load([FOLDER / pack / "messages" for pack in NAMES])
    used = {
        limit.code
        for register in catalogue().registers.values()
        for limit in register.definition.limits.values()
    }
    used |= {
        code
        for rules in catalogue().rules.values()
        for rule in rules
        for code in rule.codes
        if rule.pack in NAMES
    }
    spoken = re.compile(r'fault\(\s*\w+,\s*"([a-z_]+\.[a-z_]+)"|Fault\(\s*"([a-z_]+\.[a-z_]+)"')
    used |= {first or second for path in FOLDER.rglob("*.py")
             for first, second in spoken.findall(path.read_text("utf-8"))}  # fmt: skip
    assert used - messages.sentences["zh"].keys() == set()
    assert messages.sentences["zh"].keys() - used == set(), "sentences that nothing says"


def test_prints_show_fields_that_exist_with_a_width_for_each_column() -> None:
    wrong = []
    for definition in catalogue().prints.values():
        form = catalogue().forms[definition.form]
        for key, block in definition.blocks.items():
            for path in (*block.fields, *(f"{block.each}.{column}" for column in block.columns)):
                if not _exists(form, re.sub(r"^RMBCAP\((.*)\)$", r"\1", path)):
                    wrong.append((definition.print, path))
            if block.widths and len(block.widths) != len(block.columns):
                wrong.append((definition.print, f"{key}.widths"))
    assert wrong == []


def _exists(form: Any, path: str) -> bool:
    fields, at = form.fields, form
    for part in path.split("."):
        if part not in fields:
            return False
        item = fields[part]
        if item.type.is_lines:
            fields = at.lines[part].fields
        elif item.to in catalogue().forms:
            at = catalogue().forms[item.to]
            fields = at.fields
        else:
            fields = {}
    return True


def test_views_and_sections_show_fields_that_exist() -> None:
    wrong = []
    for form in catalogue().forms.values():
        for key, view in form.definition.views.items():
            wrong += [(form.name, key, path) for path in (*view.columns, *view.sort, *view.totals)
                      if not _exists(form, path.lstrip("-"))]  # fmt: skip
        for key, section in form.definition.sections.items():
            wrong += [(form.name, key, path) for path in section.fields if not _exists(form, path)]
    assert wrong == []


def test_every_pack_says_what_it_is() -> None:
    assert [pack for pack in NAMES if not (FOLDER / pack / "README.md").exists()] == []


def test_no_two_forms_number_their_documents_alike():
    """An order and an issue that are both called SO2611-0001 could not be told apart on paper."""
    patterns: dict[str, str] = {}
    for form in catalogue().forms.values():
        number = form.definition.number
        if number is None or not number.pattern.split("{")[0]:
            continue
        prefix = number.pattern.split("{")[0]
        assert prefix not in patterns, f"{form.name} and {patterns[prefix]} both begin with {prefix}"
        patterns[prefix] = form.name
