"""Order to delivery as a clerk does it, with the hands on the keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from anlan.kernel import record
from page_site import PASSWORD, Served, context, order, stock_of

pytestmark = pytest.mark.browser


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def type_line(page: Page, item: str, quantity: str) -> None:
    """One line by code and quantity; Ctrl+Enter opens the next one. Keys besides the data: 2."""
    page.keyboard.type(item)
    press(page, "Enter")
    page.keyboard.type(quantity)


def cell(page: Page, line: int, column: str) -> str:
    """The text of a cell, by the words in the head of its column."""
    heads = [text.strip("* \n") for text in page.locator("table.lines-grid thead th").all_inner_texts()]
    return (
        page.locator("table.lines-grid tbody tr")
        .nth(line)
        .locator("td")
        .nth(heads.index(column))
        .inner_text()
    )


def test_an_order_becomes_a_posted_delivery_and_the_stock_goes_down(page: Page, served: Served) -> None:
    before = stock_of(served.site, "A001")
    page.goto("/f/sales.order/new")
    page.keyboard.type("C001")
    press(page, "Enter")
    page.locator("table.lines-grid tbody td").nth(1).click()
    type_line(page, "A001", "3")
    press(page, "Control+Enter")
    type_line(page, "A002", "2")
    press(page, "Control+Enter")
    type_line(page, "A003", "1")
    press(page, "Alt+s")

    expect(page.locator("h1")).to_have_text(re.compile(r"^SO\d{4}-\d{4}$"))
    expect(page.locator(".record-state")).to_have_text("已确认")
    assert [cell(page, line, "数量") for line in range(3)] == ["3", "2", "1"]
    # 3 × 4.50 + 2 × 6.80 + 59.90, and 13 % on top, rounded line by line.
    expect(page.locator("[data-total=net]")).to_have_text("87.00")
    expect(page.locator("[data-total=gross]")).to_have_text("98.32")

    press(page, "Alt+s")
    page.wait_for_url(re.compile("/f/sales.delivery/"))
    expect(page.locator("table.lines-grid tbody tr")).to_have_count(3)
    press(page, "Alt+s")
    expect(page.locator(".record-state")).to_have_text("已过账")
    assert float(before) - float(stock_of(served.site, "A001")) == 3
    expect(page.locator(".chain")).to_contain_text("销售订单")


def test_twenty_lines_typed_without_a_pause_all_arrive(page: Page) -> None:
    page.goto("/f/sales.order/new")
    page.keyboard.type("C001")
    press(page, "Enter")
    page.locator("table.lines-grid tbody td").nth(1).click()
    for n in range(20):
        type_line(page, ("A001", "A002", "A003")[n % 3], str(n + 1))
        press(page, "Control+Enter")
    press(page, "Alt+s")
    expect(page.locator(".record-state")).to_have_text("已确认")
    expect(page.locator("table.lines-grid tbody tr")).to_have_count(20)
    assert [cell(page, line, "数量") for line in (0, 9, 19)] == ["1", "10", "20"]
    assert ["A001" in cell(page, 18, "物料"), "A002" in cell(page, 19, "物料")] == [True, True]


def test_a_missing_quantity_is_told_beside_its_cell_and_nothing_typed_is_lost(page: Page) -> None:
    page.goto("/f/stock.issue/new")
    page.keyboard.type("WH1")
    press(page, "Enter")
    page.locator("table.lines-grid tbody td").nth(1).click()
    page.keyboard.type("A002")
    press(page, "Enter", "Alt+s")
    expect(page.locator("#faults")).to_be_visible()
    expect(page.locator("td.bad")).to_have_count(1)
    page.locator("#faults a").first.click()
    page.keyboard.type("4")
    press(page, "Alt+s")
    expect(page.locator(".record-state")).to_have_text("已过账")
    assert "A002" in cell(page, 0, "物料")


def test_a_block_from_excel_fills_lines_and_unknown_codes_wait_to_be_mended(page: Page) -> None:
    page.goto("/f/sales.order/new")
    page.locator("table.lines-grid tbody td").nth(1).click()
    paste(page, "A001\t5\nNO-SUCH\t6\n白砂糖 1kg\t7\n")
    expect(page.locator("td.bad")).to_have_count(1)
    assert [cell(page, line, "数量") for line in range(3)] == ["5", "6", "7"]
    assert "A002" in cell(page, 2, "物料")
    page.locator("td.bad").click()
    page.keyboard.type("A003")
    press(page, "Enter")
    expect(page.locator("td.bad")).to_have_count(0)
    press(page, "Control+z")
    expect(page.locator("td.bad")).to_have_count(1)


def paste(page: Page, text: str) -> None:
    page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const how = { clipboardData: data, bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        text,
    )


def test_somebody_elses_change_is_shown_and_ones_own_input_is_kept(page: Page, served: Served) -> None:
    draft = order(served.site, lines=1, confirmed=False)
    page.goto(f"/f/sales.order/{draft['id']}")
    record.update(
        context(served.site), "sales.order", draft["id"], {"reference": "PO-77"}, version=draft["version"]
    )
    page.locator("#field-note").fill("请周五前送到")
    press(page, "Control+s")
    conflict = page.locator("#conflict")
    expect(conflict).to_contain_text("PO-77")
    conflict.get_by_role("button", name="用我的").click()
    expect(page.locator("#saved")).to_contain_text("已保存")
    kept = record.read(context(served.site), "sales.order", draft["id"])
    assert (kept["note"], kept["reference"]) == ("请周五前送到", "PO-77")


def test_a_first_log_in_asks_for_a_password_of_ones_own(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(locale="zh-CN", base_url=served.url)
    page = context.new_page()
    page.goto("/f/sales.order")
    page.get_by_label("登录名").fill("keeper")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    press(page, "Enter")
    page.get_by_label("新密码").fill("another-calm-day")
    press(page, "Enter")
    page.wait_for_url("**/f/sales.order")
    cookie = next(one for one in context.cookies() if one["name"] == "anlan_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
    context.close()
