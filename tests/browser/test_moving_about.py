"""Finding things and getting about: lists, palette, narrow screens, contrast of both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from page_site import Served, order

pytestmark = pytest.mark.browser

FORTY_KEYS = """() => {
  const start = performance.now();
  for (let n = 0; n < 40; n += 1) {
    const key = n % 2 ? "ArrowUp" : "ArrowDown";
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }
  return (performance.now() - start) / 40;
}"""
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")


@pytest.mark.parametrize(("typed", "code"), [("墨竹", "MZ-1"), ("mzsp", "MZ-2")])
def test_the_palette_finds_a_partner_by_a_part_of_its_name_and_by_initials(page: Page, typed: str, code: str) -> None:
    made = page.request.post(
        "/api/v1/records/base.party", data={"code": code, "name": "墨竹食品有限公司", "is_customer": True}
    )
    assert made.ok, made.text()
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type(typed)
    expect(page.locator("#palette-hits .hit").first).to_contain_text("墨竹食品有限公司")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(re.compile("MZ-"))


def test_the_palette_opens_a_document_by_its_number_and_a_new_one_by_its_name(
    page: Page, served: Served
) -> None:
    number = order(served.site, lines=1)["number"]
    page.goto("/")
    page.keyboard.press("Control+k")
    page.keyboard.type(number.lower())
    expect(page.locator("#palette-hits .hit").first).to_contain_text(number)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(number)
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type("新建 销售订单")
    page.locator("#palette-hits .hit").filter(has_text="新建").first.click()
    expect(page.locator("h1")).to_have_text("新建销售订单")


def test_a_filter_becomes_a_chip_and_the_address_and_survives_back(page: Page, served: Served) -> None:
    order(served.site, lines=1)
    page.goto("/f/sales.order?view=all")
    page.get_by_role("button", name="筛选").click()
    page.locator("select[name=add_value]").select_option("confirmed")
    page.get_by_role("button", name="添加条件").click()
    expect(page.locator(".chip")).to_have_text(re.compile("状态\\s*是\\s*已确认"))
    assert "confirmed" in page.url
    expect(page.locator("#count")).to_have_text(re.compile(r"\d+"))
    page.locator("[data-rows] tbody tr a").first.click()
    expect(page.locator(".record-state")).to_have_text("已确认")
    page.go_back()
    expect(page.locator(".chip")).to_be_visible()


def test_rows_are_walked_and_opened_by_keys(page: Page, served: Served) -> None:
    number = order(served.site, lines=1)["number"]
    page.goto("/f/sales.order?view=all&sort=-number")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(page.locator(".peek-head h2")).to_have_text(number)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(number)


def test_the_rail_is_a_drawer_on_a_phone_and_nothing_is_wider_than_the_screen(
    page: Page, served: Served
) -> None:
    draft = order(served.site, lines=2, confirmed=False)
    page.set_viewport_size({"width": 375, "height": 760})
    for path in ("/", "/f/sales.order?view=all", f"/f/sales.order/{draft['id']}", "/todo", "/search?q=清河"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
    page.locator("[data-act=open-rail]").click()
    expect(page.locator("#rail").get_by_role("link", name="首页")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#rail")).to_be_hidden()


def test_five_hundred_lines_open_and_take_keys_without_lag(page: Page, served: Served) -> None:
    draft = order(served.site, lines=500, confirmed=False)
    page.goto(f"/f/sales.order/{draft['id']}")
    grid = page.locator("table.lines-grid")
    expect(grid).to_have_attribute("aria-rowcount", "501")
    expect(grid.locator("tbody tr:not(.gap)").first).to_be_visible()
    assert grid.locator("tbody tr").count() < 120  # only what is near the screen is in the page
    grid.locator("tbody tr").nth(2).locator("td").nth(2).click()
    page.keyboard.press("Control+End")
    last = grid.locator("tr[aria-rowindex='501']")
    expect(last).to_be_in_viewport()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("8")
    page.keyboard.press("ArrowUp")
    expect(last.locator("td").nth(2)).to_have_text("8")
    spent = min(page.evaluate(FORTY_KEYS) for _ in range(6))  # the machine may be busy with something else
    assert spent < 30, f"{spent:.1f} ms a key"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_have_enough_contrast_in_both_themes(page: Page, served: Served, theme: str) -> None:
    found = order(served.site, lines=2)
    page.context.add_cookies([{"name": "anlan_theme", "value": theme, "url": served.url}])
    for path in ("/f/sales.order?view=all", f"/f/sales.order/{found['id']}", "/f/base.item/new"):
        page.goto(path)
        expect(page.locator("main .shape")).to_have_count(0)
        assert page.evaluate(CONTRAST) == [], path
