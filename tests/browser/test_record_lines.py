"""Every key of the lines grid, blocks from Excel with unknown codes, an input method, hints while typing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from grid_hands import active, cell, paste, press, rows, texts
from page_site import Served, order

pytestmark = pytest.mark.browser


@pytest.fixture
def grid(page: Page, served: Served) -> Iterator[Page]:
    """A draft of three lines: A001 1, A002 2, A003 3; the hands in the first quantity."""
    draft = order(served.site, lines=3, confirmed=False)
    page.goto(f"/f/sales.order/{draft['id']}")
    cell(page, 0, "数量").click()
    yield page


def test_enter_and_tab_go_to_the_next_input_cell_and_back(grid: Page) -> None:
    press(grid, "Enter")
    assert active(grid) == (0, "单位")
    press(grid, "Tab")
    assert active(grid) == (0, "单价")
    press(grid, "Shift+Tab", "Shift+Enter")
    assert active(grid) == (0, "数量")


def test_enter_skips_what_is_computed_and_opens_a_line_at_the_end(grid: Page) -> None:
    cell(grid, 2, "备注").click()
    press(grid, "Enter")
    assert active(grid) == (3, "物料")
    press(grid, "Enter", "Enter")  # an empty line: on through its cells
    assert active(grid)[0] == 3


def test_arrows_walk_and_down_on_the_last_filled_line_adds_one(grid: Page) -> None:
    press(grid, "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "ArrowDown")
    assert active(grid) == (2, "数量")
    press(grid, "ArrowDown")
    expect(rows(grid)).to_have_count(4)
    press(grid, "ArrowDown")  # an empty last line adds none
    expect(rows(grid)).to_have_count(4)


def test_typing_replaces_f2_edits_and_esc_restores(grid: Page) -> None:
    grid.keyboard.type("7")
    press(grid, "Escape")
    expect(cell(grid, 0, "数量")).to_have_text("1")
    press(grid, "F2")
    grid.keyboard.type("5")
    press(grid, "Enter")
    expect(cell(grid, 0, "数量")).to_have_text("15")


def test_esc_twice_and_tab_leave_the_grid(grid: Page) -> None:
    press(grid, "Escape", "Tab")
    expect(grid.locator("table.lines-grid td.active")).to_have_count(0)


def test_alt_down_and_f4_open_the_picker_and_enter_takes_the_first(grid: Page) -> None:
    for key in ("Alt+ArrowDown", "F4"):
        cell(grid, 1, "物料").click()
        press(grid, key)
        expect(grid.get_by_role("option").first).to_contain_text("A001")
        press(grid, "Escape")
    press(grid, "F4")
    expect(grid.get_by_role("option")).to_have_count(3)
    press(grid, "ArrowDown", "ArrowDown", "Enter")
    assert texts(grid, "物料")[1] == "A003"


def test_ctrl_d_copies_the_cell_above_fills_a_range_and_f9_copies_the_line(grid: Page) -> None:
    press(grid, "ArrowDown", "Control+d")
    assert texts(grid, "数量") == ["1", "1", "3"]
    press(grid, "Control+z", "ArrowUp", "Shift+ArrowDown", "Shift+ArrowDown", "Control+d")
    assert texts(grid, "数量") == ["1", "1", "1"]
    cell(grid, 2, "数量").click()
    press(grid, "F9")
    assert texts(grid, "物料") == ["A001", "A002", "A002"]


def test_a_line_is_inserted_removed_moved_and_taken_back(grid: Page) -> None:
    press(grid, "Control+Enter")
    expect(rows(grid)).to_have_count(4)
    press(grid, "Control+Delete")
    expect(rows(grid)).to_have_count(3)
    cell(grid, 0, "数量").click()
    press(grid, "Control+Shift+ArrowDown")
    assert texts(grid, "物料") == ["A002", "A001", "A003"]
    press(grid, "Control+Shift+ArrowUp", "Control+Delete")
    assert texts(grid, "物料") == ["A002", "A003"]
    press(grid, "Control+z")
    assert texts(grid, "物料") == ["A001", "A002", "A003"]


def test_home_end_and_pages_go_where_they_say(grid: Page) -> None:
    press(grid, "Control+End")
    assert active(grid)[0] == 2
    press(grid, "Control+Home")
    assert active(grid) == (0, "物料")
    press(grid, "PageDown")
    assert active(grid)[0] == 2
    press(grid, "PageUp", "End")
    assert active(grid)[0] == 0


def test_a_range_is_copied_as_excel_takes_it(grid: Page) -> None:
    press(grid, "Shift+ArrowDown")
    expect(grid.locator("td.in-range")).to_have_count(2)
    copied = grid.evaluate(
        """() => {
          const data = new DataTransfer();
          const how = { clipboardData: data, bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new ClipboardEvent("copy", how));
          return data.getData("text/plain");
        }"""
    )
    assert copied == "1\n2"
    press(grid, "Control+a")
    assert grid.locator("td.in-range").count() > 30


def test_forty_unknown_codes_of_a_pasted_block_are_mended_in_place(page: Page) -> None:
    page.goto("/f/sales.order/new")
    cell(page, 0, "物料").click()
    block = [f"OLD-{n % 4}\t{n + 1}" for n in range(40)] + [f"A00{n % 3 + 1}\t{n}" for n in range(1, 9)]
    paste(page, "\n".join(block))
    bar = page.locator(".paste-bar")
    expect(bar).to_contain_text("48 行 2 列")
    expect(bar.locator(".unknown li")).to_have_count(4)
    expect(page.locator("td.bad")).to_have_count(40)
    for code in ("A001", "A002", "A003"):
        bar.locator(".unknown input").first.fill(code)
        expect(page.get_by_role("option").first).to_contain_text(code)
        press(page, "Enter")
    expect(page.locator("td.bad")).to_have_count(10)
    bar.get_by_role("button", name="去掉这些行").click()
    expect(page.locator("td.bad")).to_have_count(0)
    expect(rows(page)).to_have_count(38)
    expect(bar.locator(".unknown")).to_have_count(0)


def test_an_input_method_keeps_its_enter_and_its_text(grid: Page) -> None:
    cell(grid, 0, "备注").click()
    client = grid.context.new_cdp_session(grid)
    client.send("Input.imeSetComposition", {"text": "jia", "selectionStart": 3, "selectionEnd": 3})
    grid.evaluate(
        "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert active(grid) == (0, "备注")
    client.send("Input.insertText", {"text": "加急"})
    press(grid, "Enter")
    expect(cell(grid, 0, "备注")).to_have_text("加急")


def test_stock_and_the_last_price_stand_beside_the_choices(page: Page, served: Served) -> None:
    order(served.site, lines=1)
    page.goto("/f/sales.order/new")
    page.keyboard.type("C001")
    press(page, "Enter")
    cell(page, 0, "物料").click()
    page.keyboard.type("A00")
    first = page.get_by_role("option").first
    expect(first).to_contain_text("现存")
    expect(first).to_contain_text("上次价 4.50")
