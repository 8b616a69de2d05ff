"""A sheet comes in by the browser: dropped, matched, a fault mended by another choice, imported, taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SHEET = "编码,名称,行业,是客户\nBI1,一号,食品,是\nBI2,二号,百货,也许\nBI3,三号,百货,否\n"


def test_a_sheet_is_dropped_matched_imported_and_taken_back(page: Page) -> None:
    page.goto("/f/base.party")
    page.get_by_role("link", name="导入").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "客户.csv", "mimeType": "text/csv", "buffer": SHEET.encode()}
    )
    expect(page.locator("#seen .counts")).to_have_text("3 条新建0 条修改1 条有问题")
    expect(page.locator("#seen .import-why")).to_contain_text("也许")
    expect(page.get_by_role("button", name="全部导入")).to_have_count(0)

    page.get_by_label("行业").select_option("name")
    expect(page.locator("#seen [role=alert]")).to_contain_text("两列选了同一个字段")
    page.get_by_label("行业").select_option("note")
    page.get_by_label("是客户").select_option("")
    expect(page.get_by_role("button", name="全部导入（3）")).to_be_visible()
    page.get_by_label("是客户").select_option("is_customer")
    page.get_by_role("button", name="只导入没有问题的（2）").click()
    expect(page.locator(".notice")).to_have_text("导入完成：新建 2 条，修改 0 条。")
    expect(page.locator("#main")).to_contain_text("跳过了 1 条")
    expect(page.get_by_role("link", name="BI3")).to_be_visible()

    page.get_by_role("button", name="撤销这次导入").click()
    expect(page.locator(".notice")).to_contain_text("删除了 2 条记录")
    page.goto("/recycle")
    expect(page.locator("#main")).to_contain_text("BI3")


ITEMS = "物料编码,名称,库存单位,标准售价\nBM1,一,PCS,1\nBM2,二,大箱,2\nBM3,三,大箱,待定\nBM4,,PCS,￥１，２００元\n"


def test_cells_and_names_are_put_right_on_the_page_by_keyboard_and_survive_leaving_it(page: Page) -> None:
    page.goto("/f/base.item/import")
    page.locator("input[type=file]").set_input_files(
        {"name": "物料.csv", "mimeType": "text/csv", "buffer": ITEMS.encode("gbk")}
    )
    expect(page.locator("#seen .counts")).to_contain_text("3 条有问题")
    names = page.locator(".import-links tbody tr")
    expect(names).to_have_count(1)  # two rows use it, it is settled once
    names.locator("[data-link-to]").fill("PCS")
    names.locator("[data-link-to]").press("Enter")
    expect(page.locator("#seen .counts")).to_contain_text("2 条有问题")

    price = page.get_by_label("第 4 行 标准售价")
    price.click()
    price.fill("3.5")
    price.press("Enter")
    name = page.get_by_label("第 5 行 名称")
    expect(name).to_be_focused()
    expect(page.locator("#seen .counts")).to_contain_text("1 条有问题")
    expect(name).to_be_focused()  # what was checked meanwhile does not take the cursor away

    page.goto("/f/base.item/import")
    page.get_by_role("link", name="物料.csv").click()
    expect(page.locator(".import-mended summary")).to_contain_text("已改正 1 个单元格")
    name = page.get_by_label("第 5 行 名称")
    name.fill("四")
    name.press("Enter")
    page.get_by_role("button", name="全部导入（4）").click()
    expect(page.locator(".notice")).to_have_text("导入完成：新建 4 条，修改 0 条。")
    page.get_by_role("link", name="导入记录").click()
    expect(page.locator("#main tbody tr").first).to_contain_text("物料.csv")


def test_a_deleted_draft_is_taken_back_from_the_list(page: Page) -> None:
    answer = page.request.post(
        "/api/v1/records/sales.order", data={"customer": "C002", "reference": "PO-undo"}
    )
    assert answer.ok
    key = answer.json()["id"]
    page.goto(f"/f/sales.order/{key}")
    page.get_by_role("button", name="更多操作").click()
    page.get_by_role("menuitem", name="删除草稿").click()
    page.locator("#ask-yes").click()
    page.wait_for_url("**/f/sales.order")
    bar = page.locator(".said")
    expect(bar).to_contain_text("已删除")
    bar.get_by_role("button", name="撤销").click()
    expect(page).to_have_url(f"{page.url.split('/f/')[0]}/f/sales.order/{key}")
    expect(page.locator("#field-reference")).to_have_value("PO-undo")
    page.goto("/f/sales.order")
    expect(page.locator(".said")).to_have_count(0)
