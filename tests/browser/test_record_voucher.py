"""A voucher as an accountant's fingers know it, and the journeys with a budget: keys, clicks and waiting are counted."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from anlan.kernel import record
from grid_hands import active, cell, press, rows, texts
from page_site import Served, context, order

pytestmark = pytest.mark.browser

VOUCHER = (("存现", "1002", "113"), ("存现", "1001", ""), ("提现", "1001", "50"), ("提现", "1002", ""))


class Hands:
    """Types and presses, and counts the keys besides the data."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.waited = page, 0, 0.0

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        self.keys += len(keys)
        press(self.page, *keys)

    def wait(self, until: str, text: str | re.Pattern[str]) -> None:
        start = time.perf_counter()
        expect(self.page.locator(until)).to_have_text(text)
        self.waited += time.perf_counter() - start


def test_a_voucher_of_four_lines_takes_at_most_25_keys_besides_the_data(page: Page, served: Served) -> None:
    page.goto("/f/finance.voucher/new")
    cell(page, 0, "摘要").click()
    hands = Hands(page)
    for line, (summary, account, amount) in enumerate(VOUCHER):
        if line and VOUCHER[line - 1][0] == summary:
            hands.press("Control+d")
        else:
            hands.type(summary)
        hands.press("Enter")
        hands.type(account)
        hands.press("Enter")
        if amount:
            hands.type(amount)
        else:
            hands.press("=")
        if line < len(VOUCHER) - 1:
            hands.press("Control+Enter")
    expect(page.locator(".sides-foot .difference")).to_have_text("借贷平衡")
    expect(page.locator(".sides-foot .in-words")).to_have_text("合计 壹佰陆拾叁元整")
    hands.press("Alt+s")
    hands.wait(".record-state", "已过账")
    assert hands.keys <= 25, hands.keys
    key = page.url.rsplit("/", 1)[1]
    lines = record.read(context(served.site), "finance.voucher", key)["lines"]
    assert [(one["account"]["code"], float(one["debit"]), float(one["credit"])) for one in lines] == [
        ("1002", 113, 0), ("1001", 0, 113), ("1001", 50, 0), ("1002", 0, 50),
    ]  # fmt: skip
    assert [one["summary"] for one in lines] == [one[0] for one in VOUCHER]


def test_space_changes_sides_and_the_difference_is_red_until_it_is_nothing(page: Page) -> None:
    page.goto("/f/finance.voucher/new")
    cell(page, 0, "借方").click()
    page.keyboard.type("12.5")
    press(page, "Enter")
    difference = page.locator(".sides-foot .difference")
    expect(difference).to_have_class(re.compile("negative"))
    expect(difference).to_have_text("差额 12.50（贷方缺）")
    cell(page, 0, "借方").click()
    press(page, "Space")
    assert active(page) == (0, "贷方")
    assert (texts(page, "借方"), texts(page, "贷方")) == ([""], ["12.50"])
    press(page, "Control+Enter")
    cell(page, 1, "借方").click()
    press(page, "=")
    expect(difference).to_have_text("借贷平衡")
    page.keyboard.type("3")
    press(page, "Enter")
    expect(difference).to_have_text("差额 9.50（借方缺）")


def test_an_order_of_twenty_lines_without_a_mouse_is_within_its_budget(page: Page) -> None:
    page.goto("/f/sales.order/new")
    hands = Hands(page)
    hands.type("C001")
    hands.press("Enter")
    while not page.evaluate("Boolean(document.activeElement.closest('table.lines-grid'))"):
        hands.press("Enter")  # through the head, into the lines
        assert hands.keys < 20
    head = hands.keys
    for n in range(20):
        hands.type(("A001", "A002", "A003")[n % 3])
        hands.press("Enter")
        hands.type(str(n + 1))
        hands.press("Control+Enter")
    hands.press("Alt+s")
    hands.wait(".record-state", "已确认")
    expect(rows(page)).to_have_count(20)
    assert (hands.keys - head) / 20 <= 8
    assert hands.waited <= 2, hands.waited


def test_order_delivery_and_invoice_all_at_once_take_at_most_five_clicks(page: Page, served: Served) -> None:
    made = order(served.site, lines=3)
    page.goto(f"/f/sales.order/{made['id']}")
    clicks = 0
    for made_form, state in (("delivery", "草稿"), ("", "已过账"), ("invoice", "草稿"), ("", "已过账")):
        page.locator(".record-head .btn-primary:visible").click()
        clicks += 1
        if made_form:
            page.wait_for_url(re.compile(f"/f/sales.{made_form}/"))
        expect(page.locator(".record-state")).to_have_text(state)
    assert "/f/sales.invoice/" in page.url
    assert clicks <= 5


def test_who_changed_this_price_takes_at_most_three_clicks(page: Page, served: Served) -> None:
    made = order(served.site, lines=1)
    lines = [{"id": made["lines"][0]["id"], "price": "3.90"}]
    record.update(context(served.site), "sales.order", made["id"], {"lines": lines}, version=made["version"])
    page.goto("/f/sales.order?view=all")
    page.locator("tr[data-href] a", has_text=made["number"]).click()
    change = page.locator(".changes li", has_text="单价").first
    expect(change).to_contain_text("4.50")
    expect(change).to_contain_text("3.90")  # one click: the trail stands beside the record, with who and when
