"""An approval by two people in two browsers: submitted, returned with a reason, submitted again, approved."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from page_site import PASSWORD, Served, order, with_approval

pytestmark = pytest.mark.browser


def test_two_people_pass_an_order_to_and_fro_until_it_is_approved(
    page: Page, chromium: Browser, served: Served
) -> None:
    with_approval(served.site, 'reference = "ASK-FIRST"')
    key = order(served.site, lines=1, confirmed=False, customer="C002", reference="ASK-FIRST")["id"]
    other = chromium.new_context(locale="zh-CN", base_url=served.url)
    other.set_default_timeout(8000)
    other.request.post("/login", form={"login": "chief", "password": PASSWORD})
    chief = other.new_page()

    page.goto(f"/f/sales.order/{key}")
    page.locator(".record-head [data-step=confirm]").click()
    expect(page.locator("#saved")).to_contain_text("等待 Chief 审批")
    expect(page.locator(".approval")).to_contain_text("等待 Chief 审批")
    expect(page.get_by_role("button", name="撤回")).to_be_visible()
    expect(page.locator("#field-reference")).to_have_count(0)

    chief.goto("/todo")
    chief.locator(f'[data-rows] a[href="/todo/{key}"]').first.click()
    chief.get_by_role("button", name="退回…").click()
    chief.locator("#decide textarea").fill("请先确认交期")
    chief.locator("#decide [data-send=return]").click()
    expect(chief.locator(".said")).to_contain_text("已退回")

    page.goto("/todo")
    returned = page.locator("[data-rows] tbody tr", has_text="请先确认交期")
    expect(returned).to_have_count(1)
    returned.locator("a").first.click()
    page.locator(".record-head [data-step=confirm]").click()
    expect(page.locator(".approval")).to_be_visible()

    chief.goto(f"/f/sales.order/{key}")
    chief.get_by_role("button", name="同意").click()
    expect(chief.locator(".record-state")).to_have_text("已确认")
    expect(chief.locator("#saved")).not_to_contain_text("等待")
    expect(chief.locator("#trail")).to_contain_text("同意")
    other.close()
