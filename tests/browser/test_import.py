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
    expect(page.locator("#seen td.bad")).to_contain_text("也许")
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

    page.get_by_role("button", name="撤销这次导入").click()
    expect(page.locator(".notice")).to_contain_text("删除了 2 条记录")
    page.goto("/recycle")
    expect(page.locator("#main")).to_contain_text("BI3")


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
    bar = page.locator(".said")
    expect(bar).to_contain_text("已删除")
    bar.get_by_role("button", name="撤销").click()
    expect(page).to_have_url(f"{page.url.split('/f/')[0]}/f/sales.order/{key}")
    expect(page.locator("#field-reference")).to_have_value("PO-undo")
    page.goto("/f/sales.order")
    expect(page.locator(".said")).to_have_count(0)
