"""Lists with a real browser: finding by keys, views of one's own, columns, many at once, a card that is dragged."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from anlan.kernel import record
from page_site import Served, context, order

CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
MOST_KEYS, MOST_SECONDS = 12, 2.0


def test_an_order_of_last_month_is_found_by_a_part_of_the_customers_name(page: Page, served: Served) -> None:
    """The journey of docs/ui.md: at most 12 keys and 2 seconds, from the list to the order."""
    ctx = context(served.site)
    last_month = ctx.today.replace(day=1) - timedelta(days=3)
    wanted = order(served.site, lines=1, customer="C002", date=last_month.isoformat())["number"]
    order(served.site, lines=1, date=last_month.isoformat())
    order(served.site, lines=1, customer="C002")
    keys = ["/", *"上月 东湖", "Enter", "Enter"]
    assert len(keys) <= MOST_KEYS
    # The best of three: the budget is the page's, and others may be busy on the machine.
    spent = min(_found_by(page, keys, wanted) for _ in range(3))
    assert spent < MOST_SECONDS, f"{spent:.2f} s"


def _found_by(page: Page, keys: list[str], wanted: str) -> float:
    """Seconds from the first key in the list to the order's page."""
    page.goto("/f/sales.order?view=all")
    expect(page.locator("#count")).to_have_text(re.compile(r"\d"))
    started = time.monotonic()
    for key in keys[:-1]:
        page.keyboard.press(key) if key.isascii() else page.keyboard.insert_text(key)
    expect(page.locator("tr.walked")).to_contain_text(wanted)
    page.keyboard.press(keys[-1])
    expect(page.locator("h1")).to_have_text(wanted)
    return time.monotonic() - started


def test_a_view_is_saved_opened_first_deleted_and_brought_back(page: Page, served: Served) -> None:
    order(served.site, lines=1)
    page.goto('/f/sales.order?view=all&where=state+%3D+"confirmed"&columns=number,gross')
    page.locator(".tabs-row > button[data-view=create]").click()
    page.locator("#view-dialog input[name=label]").fill("已确认的")
    page.locator("#view-dialog button[value=yes]").click()
    expect(page.locator(".tabs a.here")).to_contain_text("已确认的")
    expect(page.locator("th[scope=col]")).to_have_count(2)
    page.get_by_role("button", name="视图操作").click()
    page.get_by_role("menuitem", name="设为默认打开").click()
    expect(page.locator("#view-menu [data-view=not-first]")).to_have_count(1)
    page.goto("/f/sales.order")
    expect(page.locator(".tabs a.here")).to_contain_text("已确认的")
    page.get_by_role("button", name="视图操作").click()
    page.get_by_role("menuitem", name="删除视图").click()
    expect(page.locator(".said")).to_contain_text("已确认的")
    page.get_by_role("button", name="撤销").click()
    expect(page.locator(".tabs a.here")).to_contain_text("已确认的")
    page.get_by_role("button", name="视图操作").click()
    page.get_by_role("menuitem", name="删除视图").click()
    expect(page.locator(".tabs")).not_to_contain_text("已确认的")


def test_columns_are_chosen_moved_by_buttons_and_kept(page: Page, served: Served) -> None:
    order(served.site, lines=1)
    page.goto("/f/purchase.order?view=all")
    page.goto("/f/sales.order?view=confirmed")
    page.get_by_role("button", name="列", exact=True).click()
    page.locator("[data-columns] li[data-path=currency] input").uncheck()
    page.locator("[data-columns] li[data-path=customer] [data-move='-1']").focus()
    page.keyboard.press("Enter")
    page.locator("select[data-frozen]").select_option("1")
    page.locator("[data-use-columns]").click()
    expect(page.locator("th[scope=col]").nth(1)).to_contain_text("客户")
    assert "columns=number%2Ccustomer" in page.url
    expect(page.locator("th.held")).to_have_count(2)
    page.goto("/f/sales.order?view=confirmed")
    expect(page.locator("th[scope=col]").nth(1)).to_contain_text("客户")
    page.get_by_role("button", name="列", exact=True).click()
    page.locator("[data-reset-columns]").click()
    expect(page.locator("th[scope=col]").nth(1)).to_contain_text("日期")


def test_a_range_is_confirmed_at_once_and_what_was_refused_stays_selected(page: Page, served: Served) -> None:
    done = order(served.site, lines=1)["number"]
    for _ in range(2):
        order(served.site, lines=1, confirmed=False)
    page.goto("/f/sales.order?view=all&sort=-created_at")
    page.locator("[data-pick]").nth(0).click()
    page.locator("[data-pick]").nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 3 条")
    page.get_by_role("button", name="流程").click()
    page.get_by_role("menuitem", name="确认订单").click()
    page.locator("#ask-yes").click()
    told = page.locator("#bulk-told tr[data-outcome]")
    expect(told).to_have_count(3)
    expect(page.locator("#bulk-told tr[data-outcome=refused]")).to_contain_text(done)
    page.get_by_role("button", name="关闭").click()
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 1 条")
    expect(page.locator("tr.picked")).to_contain_text(done)


def dragged(page: Page, card: Locator, lane: Locator) -> None:
    """A card, pulled by the mouse into a lane."""
    card.scroll_into_view_if_needed()
    start, end = card.bounding_box(), lane.bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + 60, start["y"] + 60)
    page.mouse.down()
    for step in range(1, 11):
        x = start["x"] + 60 + (end["x"] + 80 - start["x"] - 60) * step / 10
        y = start["y"] + 60 + (end["y"] + 20 - start["y"] - 60) * step / 10
        page.mouse.move(x, y)
        page.wait_for_timeout(30)
    page.mouse.up()


def test_a_dragged_card_takes_the_step_and_one_that_may_not_goes_back(page: Page, served: Served) -> None:
    draft = order(served.site, lines=1, confirmed=False)
    page.goto("/f/sales.order?view=board")
    card = page.locator(f"[data-id='{draft['id']}']")
    dragged(page, card, page.locator("[data-lane=closed] [data-cards]"))
    expect(page.locator(".said")).to_contain_text("不能从“草稿”直接到“已关闭”")
    expect(page.locator(f"[data-lane=draft] [data-id='{draft['id']}']")).to_be_visible()
    dragged(page, card, page.locator("[data-lane=confirmed] [data-cards]"))
    expect(page.locator("#announce")).to_have_text(re.compile("已确认"))
    expect(page.locator(f"[data-lane=confirmed] [data-id='{draft['id']}']")).to_be_visible()
    assert record.read(context(served.site), "sales.order", draft["id"])["state"] == "confirmed"


def test_the_button_on_a_card_does_the_same_without_a_mouse(page: Page, served: Served) -> None:
    draft = order(served.site, lines=1, confirmed=False)
    page.goto("/f/sales.order?view=board")
    page.locator(f"[data-id='{draft['id']}'] [data-card-menu]").focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="确认订单").press("Enter")
    expect(page.locator(f"[data-lane=confirmed] [data-id='{draft['id']}']")).to_be_visible()


def test_rows_far_from_the_screen_leave_the_document_and_come_back(page: Page, served: Served) -> None:
    ctx = context(served.site)
    record.create_many(ctx, "base.party", [{"code": f"L{n:04d}", "name": f"长列表 {n}"} for n in range(900)])
    page.goto("/f/base.party?view=all&sort=code")
    expect(page.locator("[data-rows] tbody tr").first).to_be_visible()
    for _ in range(60):
        page.evaluate("document.querySelector('.table-wrap').scrollTo(0, 1e7)")
        page.wait_for_timeout(120)
        if not page.locator("tbody.more").count():
            break
    expect(page.locator("tbody.more")).to_have_count(0)
    expect(page.get_by_text("L0899")).to_be_attached()
    assert page.locator("[data-rows] tr[data-id]").count() < 500
    page.evaluate("document.querySelector('.table-wrap').scrollTo(0, 0)")
    expect(page.get_by_text("C001", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/f/sales.order?view=all", "/f/sales.order?view=board", "/f/sales.order?view=all&kind=calendar&by=date"])
def test_nothing_of_a_list_is_wider_than_a_phone(page: Page, served: Served, path: str) -> None:
    order(served.site, lines=1, confirmed=False)
    page.set_viewport_size({"width": 375, "height": 760})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_of_boards_calendars_and_the_side_panel_have_enough_contrast(
    page: Page, served: Served, theme: str
) -> None:
    order(served.site, lines=1)
    page.context.add_cookies([{"name": "anlan_theme", "value": theme, "url": served.url}])
    for address in ("/f/sales.order?view=board", "/f/sales.order?view=all&kind=calendar&by=date", "/f/sales.order?view=all"):
        page.goto(address)
        expect(page.locator("main .shape")).to_have_count(0)
        assert page.evaluate(CONTRAST) == [], address
    page.locator("[data-pick]").first.click()
    page.locator("[data-peek]").first.click(force=True)
    expect(page.locator(".peek-head h2")).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_one_order_is_made_of_several_requisitions_and_what_they_disagree_about_is_asked(page: Page, served: Served) -> None:
    ctx = context(served.site)
    asked = []
    for item, supplier in (("A001", "C002"), ("A002", None)):
        values = {"reason": "并单", "needed_by": ctx.today.isoformat(), "supplier": supplier, "lines": [{"item": item, "quantity": "5"}]}
        made = record.create(ctx, "purchase.requisition", values)
        asked.append(record.step(ctx, "purchase.requisition", made["id"], "submit"))
    page.goto("/f/purchase.requisition?view=to_order&search=并单")
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="合并下推").click()
    page.get_by_role("menuitem", name="下采购订单").click()
    page.get_by_role("button", name="生成一张").click()
    dialog = page.locator("#make-one")
    expect(dialog.locator("[role=alert]")).to_contain_text("供应商")
    supplier = dialog.get_by_label("供应商")
    expect(supplier).to_be_focused()
    page.keyboard.type("东湖")
    dialog.locator(".suggest [role=option]").first.click()  # above the dialog, and to be clicked
    expect(supplier).to_have_value("C002")
    page.get_by_role("button", name="生成一张").click()
    page.wait_for_url("**/f/purchase.order/*")
    order_made = record.read(context(served.site), "purchase.order", page.url.rsplit("/", 1)[-1])
    assert order_made["supplier"]["code"] == "C002"
    assert [line["item"]["code"] for line in order_made["lines"]] == ["A001", "A002"]


def test_orders_of_two_customers_are_not_put_into_one_delivery(page: Page, served: Served) -> None:
    ids = {order(served.site, lines=1, customer=code)["id"] for code in ("C001", "C002")}
    page.goto("/f/sales.order?view=all")
    for key in ids:
        page.locator(f"tr[data-id='{key}'] [data-pick]").check()
    page.get_by_role("button", name="合并下推").click()
    page.get_by_role("menuitem", name="出库").click()
    page.get_by_role("button", name="生成一张").click()
    expect(page.locator("#make-one [role=alert]")).to_contain_text("客户")
    expect(page.locator("#make-one input")).to_have_count(0)
    page.locator("#make-one").get_by_role("button", name="返回").click()
    expect(page.locator("[data-bulk-count]")).to_have_text("已选 2 条")
