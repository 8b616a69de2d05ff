"""What is typed stays: through a lost network, an ended session, a reload, a second tab, and the back button."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from anlan.kernel import record
from anlan.kernel.access import sessions
from page_site import PASSWORD, Served, context, order

pytestmark = pytest.mark.browser

KEPT = "Object.keys(localStorage).filter(one => one.startsWith('anlan.kept.'))"


def wait_until_kept(page: Page, count: int) -> None:
    """Until the browser keeps the input of so many records; two seconds at most."""
    for _ in range(40):
        if len(page.evaluate(KEPT)) == count:
            return
        page.wait_for_timeout(50)
    assert page.evaluate(KEPT) == count


def draft_of(served: Served, page: Page, *, lines: int = 2) -> str:
    made = order(served.site, lines=lines, confirmed=False)
    page.goto(f"/f/sales.order/{made['id']}")
    return str(made["id"])


def note_of(served: Served, key: str) -> str | None:
    found: str | None = record.read(context(served.site), "sales.order", key)["note"]
    return found


def test_a_draft_says_when_it_was_saved(page: Page, served: Served) -> None:
    key = draft_of(served, page)
    page.locator("#field-note").fill("周五前送到")
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_have_text(re.compile(r"^已保存 \d\d:\d\d$"))
    assert note_of(served, key) == "周五前送到"
    assert page.evaluate(KEPT) == []


def test_input_survives_a_lost_network_and_a_reload(page: Page, served: Served) -> None:
    key = draft_of(served, page)
    page.route("**/api/v1/records/**", lambda route: route.abort())
    page.locator("#field-note").fill("网络断了")
    page.keyboard.press("Tab")
    page.locator("table.lines-grid tbody tr").nth(0).locator("td").nth(2).click()
    page.keyboard.type("77")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("连不上服务器")
    page.unroute("**/api/v1/records/**")
    page.reload()
    expect(page.locator("#kept")).to_contain_text("已恢复")
    expect(page.locator("#field-note")).to_have_value("网络断了")
    expect(page.locator("#saved")).to_contain_text("已保存")
    kept = record.read(context(served.site), "sales.order", key)
    assert (kept["note"], kept["lines"][0]["quantity"]) == ("网络断了", "77")


def test_a_creation_whose_answer_was_lost_is_made_once(page: Page, served: Served) -> None:
    before = page.request.get("/api/v1/records/sales.order?count=exact&limit=1").json()["count"]
    lost: list[str] = []

    def lose(route: object) -> None:
        if not lost:
            lost.append("first")
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route(re.compile(r"/api/v1/records/sales\.order$"), lose)
    page.goto("/f/sales.order/new")
    page.keyboard.type("C001")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("连不上服务器")
    page.locator("#field-reference").fill("PO-1")
    page.keyboard.press("Tab")
    expect(page.locator("#saved")).to_contain_text("已保存", timeout=9000)
    page.wait_for_url(re.compile("/f/sales.order/[0-9a-f-]{36}$"))
    after = page.request.get("/api/v1/records/sales.order?count=exact&limit=1").json()["count"]
    assert after == before + 1
    key = page.url.rsplit("/", 1)[1]
    wait_until_kept(page, 0)
    assert record.read(context(served.site), "sales.order", key)["reference"] == "PO-1"


def test_a_half_filled_master_survives_a_reload_and_can_be_given_up(page: Page) -> None:
    page.goto("/f/base.party/new")
    page.locator("#field-name").fill("南山面粉厂")
    page.reload()
    expect(page.locator("#field-name")).to_have_value("南山面粉厂")
    page.locator("#kept").get_by_role("button", name="放弃").click()
    expect(page.locator("#kept")).to_be_hidden()
    expect(page.locator("#field-name")).to_have_value("")


def test_an_ended_session_is_entered_again_in_place(page: Page, served: Served) -> None:
    key = draft_of(served, page)
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "anlan_session")
    sessions.logout(served.site, token)
    page.locator("#field-note").fill("会话过期")
    page.keyboard.press("Tab")
    dialog = page.get_by_role("dialog", name="登录已过期")
    expect(dialog).to_be_visible()
    dialog.get_by_label("密码").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#saved")).to_contain_text("已保存")
    assert note_of(served, key) == "会话过期"


def test_the_second_of_two_tabs_sees_what_changed_and_keeps_its_own_cells(page: Page, served: Served) -> None:
    key = draft_of(served, page)
    theirs = record.read(context(served.site), "sales.order", key)
    lines = [{"id": one["id"], "quantity": "9" if at else one["quantity"]} for at, one in enumerate(theirs["lines"])]
    record.update(
        context(served.site),
        "sales.order",
        key,
        {"lines": [*lines, {"item": "A003", "quantity": "4"}]},
        version=theirs["version"],
    )
    page.locator("table.lines-grid tbody tr").nth(0).locator("td").nth(2).click()
    page.keyboard.type("55")
    page.keyboard.press("Enter")
    conflict = page.locator("#conflict")
    expect(conflict).to_contain_text("第 2 行")
    expect(conflict).to_contain_text("加行")
    conflict.get_by_role("button", name="用我的").click()
    expect(page.locator("#saved")).to_contain_text("已保存")
    kept = record.read(context(served.site), "sales.order", key)
    assert [one["quantity"] for one in kept["lines"]] == ["55", "9", "4"]


def test_the_back_button_after_posting_shows_the_record_as_it_is_now(page: Page, served: Served) -> None:
    draft_of(served, page)
    page.keyboard.press("Alt+s")
    expect(page.locator(".record-state")).to_have_text("已确认")
    page.goto("/f/sales.order")
    page.go_back()
    expect(page.locator(".record-state")).to_have_text("已确认")
    assert page.evaluate(KEPT) == []


def test_nothing_of_a_person_stays_after_log_out(page: Page) -> None:
    page.goto("/f/base.party/new")
    page.locator("#field-name").fill("不该留下")
    page.keyboard.press("Tab")
    wait_until_kept(page, 1)
    page.locator(".person").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login")
    assert page.evaluate(KEPT) == []
