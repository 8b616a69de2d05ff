"""Rows of a list, lines of a record and the words of a template, which are all drawn at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup, escape

from anlan.web.pages import show
from anlan.web.pages.frame import words
from anlan.web.pages.lines import drawn_lines
from anlan.web.pages.rows import drawn_rows
from anlan.web.pages.templating import compiled_for

ZONE = ZoneInfo("Asia/Shanghai")
BAD = "<img src=x onerror='go()'>\"&"
FORM = {"form": "demo.note"}
STATE = {"type": "state", "path": "state", "options": {"draft": {"label": {"zh": "草稿", "en": "Draft"}, "colour": "grey"}, "odd": {"label": BAD, "colour": BAD}}}
COLUMNS: list[dict[str, Any]] = [
    {"type": "text", "path": "number"}, {"type": "link", "path": "thing"}, {"type": "text", "path": "thing.code"},
    {"type": "money", "path": "total"}, {"type": "date", "path": "day"}, {"type": "instant", "path": "at"},
    {"type": "boolean", "path": "urgent"}, STATE, {"type": "multi_choice", "path": "tags", "options": {"a": "A"}},
]  # fmt: skip
ROW = {
    "id": "018f", "number": BAD, "thing": {"id": "1", "code": BAD, "name": "B", "label": "螺栓"}, "total": "-1234.5", "day": "2026-11-24",
    "at": "2026-11-24T01:02:03+00:00", "urgent": False, "state": "odd", "tags": ["a", "b"],
}  # fmt: skip


def rows(*records: dict[str, Any], steps: dict[str, tuple[str, Any]] | None = None, language: str = "en") -> Markup:
    return drawn_rows(FORM, records, columns=COLUMNS, steps=steps or {}, language=language, zone=ZONE)


def test_nothing_of_a_record_becomes_markup_in_a_list() -> None:
    drawn = rows(ROW, ROW | {"id": BAD, "state": BAD})
    assert "<img" not in drawn and "onerror='" not in drawn
    assert str(escape(BAD)) in drawn


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_cell_reads_as_the_same_value_does_elsewhere(language: str) -> None:
    found = rows(ROW, language=language).split("<td class=")[3:-1]
    for column, text in zip(COLUMNS[1:], found, strict=True):
        content = BAD if column["path"] == "thing.code" else ROW[column["path"]]
        assert text.partition(">")[2].strip() == f"{show.value(content, column, language, ZONE)}</td>"


def test_a_value_that_comes_again_is_told_apart_from_its_look_alikes() -> None:
    draw = show.drawer({"type": "money"}, "en", ZONE)
    assert [str(draw(one)) for one in ("1", 1, "1.50", "1", None)] == [
        "1.00", "1.00", "1.50", "1.00", str(show.value(None, {"type": "money"}, "en", ZONE)),
    ]  # fmt: skip


def test_a_row_offers_the_step_of_its_state_only() -> None:
    step = {"draft": ("confirm", {"zh": "确认", "en": f"Confirm {BAD}"})}
    assert 'data-row-step="confirm"' in rows(ROW | {"state": "draft"}, steps=step)
    assert "data-row-step" not in rows(ROW, steps=step)
    assert "data-state" not in rows({**ROW, "state": None}, steps=step)
    assert "<img" not in rows(ROW | {"state": "draft"}, steps=step)


def test_a_record_without_a_number_still_has_a_way_to_it_and_a_name() -> None:
    drawn = rows(ROW | {"number": None})
    assert '<a href="/f/demo.note/018f"><span class="quiet">' in drawn
    assert drawn.count(words().text("record.no_number", "en")) == 2


def test_a_line_tells_the_code_of_its_first_link_only() -> None:
    thing = {"id": "1", "code": "T<1", "label": "Bolt"}
    field = {"fields": {"one": {"type": "link", "label": "One"}, "two": {"type": "link", "label": BAD}, "n": {"type": "quantity"}}}
    drawn = drawn_lines(field, [{"one": thing, "two": thing, "n": "2.50"}, {}], order=["one", "two", "n"], language="en", zone=ZONE)
    assert drawn.count('<span class="code">T&lt;1</span>') == 1
    assert drawn.count("<tr ") == 2 and 'aria-rowindex="3"' in drawn
    assert '<td class="num" data-label="n">2.5</td>' in drawn and "<img" not in drawn


def test_words_of_a_template_are_put_in_once_and_those_with_parameters_each_time(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ t('plain') }}|{{ t('told', n=n) }}|{{ t('by.' ~ n) }}|{{ icon('x') }}|{{ say(t('plain')) }}")
    asked: list[str] = []

    def text(code: str, **given: Any) -> str:
        asked.append(code)
        return f"<{code} {given.get('n', '')}>"

    def icon(name: str) -> Markup:
        return Markup("<svg {}>").format(name)

    known: dict[str, Callable[..., str]] = {"t": text, "icon": icon}
    templates = compiled_for(tmp_path, known)
    templates.globals.update(t=text, icon=icon, say=str.upper)
    page = templates.get_template("page.html")
    asked.clear()
    for n in (1, 2):
        assert page.render(n=n) == f"&lt;plain &gt;|&lt;told {n}&gt;|&lt;by.{n} &gt;|<svg x>|&lt;PLAIN &gt;"
    assert asked == ["told", "by.1", "told", "by.2"]
