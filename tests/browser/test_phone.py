"""A phone: approving from the message, receiving goods by scanning, a network that comes and goes, logging out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from anlan.kernel import record
from page_site import ITEMS, PASSWORD, Served, context, order, with_approval

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def approvals(served: Served) -> None:
    with_approval(served.site, 'reference = "ASK-FIRST"')


@pytest.fixture
def phone(chromium: Browser, served: Served) -> Iterator[BrowserContext]:
    opened = chromium.new_context(
        locale="zh-CN", base_url=served.url, viewport={"width": 375, "height": 760}, has_touch=True, is_mobile=True,
        timezone_id="America/Los_Angeles",
    )  # fmt: skip
    opened.set_default_timeout(8000)
    yield opened
    opened.close()


def logged_in(phone: BrowserContext, login: str) -> Page:
    phone.request.post("/login", form={"login": login, "password": PASSWORD})
    page = phone.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints  # type: ignore[attr-defined]
    return page


def asked(served: Served, **values: Any) -> dict[str, Any]:
    made = order(served.site, lines=2, confirmed=False, customer="C002", reference="ASK-FIRST", **values)
    return record.step(context(served.site), "sales.order", made["id"], "confirm", comment="老客户，急用")


def test_who_is_asked_approves_in_two_taps_after_opening_the_message(phone: BrowserContext, served: Served) -> None:
    first, second = asked(served), asked(served)
    page = logged_in(phone, "chief")
    page.goto("/")
    page.locator("[popovertarget=bell]").tap()
    taps = 0
    page.locator(f"#bell a[href='/todo/{first['id']}']").first.tap()
    taps += 1
    expect(page.locator(".card-why")).to_have_text("老客户，急用")
    expect(page.locator(".figures > div")).to_have_count(3)
    expect(page.locator(".card-lines .head-count").first).to_have_text("2")
    for button in page.locator(".card-bar .btn").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44
    page.get_by_role("button", name="同意").tap()
    taps += 1
    expect(page.locator(".said")).to_contain_text("已同意")
    assert taps <= 3
    assert page.url.rstrip("/").rsplit("/", 1)[-1] != first["id"], "the next one opens by itself"
    assert record.read(context(served.site), "sales.order", first["id"])["state"] == "confirmed"
    assert record.read(context(served.site), "sales.order", second["id"])["state"] == "draft"
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert page.complaints == []  # type: ignore[attr-defined]


def test_returning_asks_for_a_reason_that_one_tap_gives(phone: BrowserContext, served: Served) -> None:
    waiting = asked(served)
    page = logged_in(phone, "chief")
    page.goto(f"/todo/{waiting['id']}")
    page.get_by_role("button", name="退回…").tap()
    page.locator("#decide [data-send=return]").tap()
    expect(page.locator("#decide [data-missing]")).to_be_visible()
    page.locator("#decide [data-reason]").first.tap()
    page.locator("#decide [data-send=return]").tap()
    expect(page.locator(".said")).to_contain_text("已退回")
    trail = record.trail(context(served.site), "sales.order", waiting["id"])
    assert next(one for one in trail if one["kind"] == "return")["comment"]


def purchase(served: Served) -> dict[str, Any]:
    ctx = context(served.site)
    lines = [{"item": code, "quantity": "3", "price": "2"} for code, _, _ in ITEMS]
    made = record.create(ctx, "purchase.order", {"supplier": "C001", "lines": lines})
    return record.step(ctx, "purchase.order", made["id"], "confirm")


def scan(page: Page, code: str) -> None:
    page.locator("#scan-code").fill(code)
    page.locator("#scan-code").press("Enter")


def test_goods_are_received_against_an_order_by_scanning_with_less_than_two_taps_a_line(
    phone: BrowserContext, served: Served
) -> None:
    bought = purchase(served)
    page = logged_in(phone, "admin")
    page.goto("/scan")
    taps = 0
    scan(page, bought["number"])
    expect(page.locator(".scan-hit")).to_contain_text("采购订单")
    page.locator(".scan-hit button.btn-primary").first.tap()
    taps += 1
    expect(page.locator(".scan-rows li")).to_have_count(3)
    row = page.locator(".scan-rows li").first.bounding_box()
    assert row is not None and row["width"] > 330, "the rows take the whole width"
    for code, _, _ in ITEMS:
        for _ in range(3 if code != "A003" else 2):
            scan(page, code)
    expect(page.locator(".scan-rows li.full")).to_have_count(2)
    scan(page, "NOT-THERE")
    expect(page.locator(".scan-said.bad")).to_contain_text("NOT-THERE")
    page.locator("[data-scan-save]").tap()
    taps += 1
    page.wait_for_url("**/f/purchase.receipt/*")
    received = record.read(context(served.site), "purchase.receipt", page.url.rsplit("/", 1)[-1])
    assert [line["quantity"].rstrip("0").rstrip(".") for line in received["lines"]] == ["3", "3", "2"]
    assert taps <= 2 * len(ITEMS)
    assert page.complaints == []  # type: ignore[attr-defined]


def test_what_is_counted_without_a_network_is_kept_and_sent_once_when_it_is_back(
    phone: BrowserContext, served: Served
) -> None:
    ctx = context(served.site)
    lines = [{"item": "A001", "quantity": "0"}]
    count = record.create(ctx, "stock.count", {"warehouse": "WH1", "lines": lines})
    page = logged_in(phone, "admin")
    page.goto(f"/scan/stock.count/{count['id']}")
    expect(page.locator(".scan-rows li")).not_to_contain_text("/")  # blind: nothing says what is expected
    scan(page, "A001")
    phone.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    scan(page, "A001")
    scan(page, "A002")
    expect(page.locator(".scan-rows li")).to_have_count(2)
    page.locator("[data-scan-save]").tap()
    expect(page.locator("[data-offline]")).to_be_visible()
    assert record.read(ctx, "stock.count", count["id"])["version"] == 1
    phone.set_offline(False)
    page.wait_for_url("**/f/stock.count/*")
    found = record.read(context(served.site), "stock.count", count["id"])
    assert found["version"] == 2, "it was sent once"
    assert {line["item"]["code"]: line["quantity"].rstrip("0").rstrip(".") for line in found["lines"]} == {
        "A001": "2", "A002": "1",
    }  # fmt: skip


def test_without_a_network_a_page_says_so_and_nothing_of_a_person_is_kept(
    phone: BrowserContext, served: Served
) -> None:
    page = logged_in(phone, "admin")
    page.goto("/todo")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.goto("/f/sales.order")
    kept = page.evaluate(
        "caches.keys().then(async (names) => (await Promise.all(names.map(async (one) => (await (await caches.open(one)).keys()).map((k) => new URL(k.url).pathname)))).flat())"
    )
    assert kept and all(one.startswith("/static/") or one == "/offline" for one in kept)
    phone.set_offline(True)
    page.goto("/todo")
    expect(page.locator("h1")).to_have_text("没有网络")
    phone.set_offline(False)
    page.goto("/todo")
    page.locator(".tabbar [popovertarget=person-menu]").tap()
    page.get_by_role("button", name="退出").tap()
    page.wait_for_url("**/login")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_the_day_of_a_document_is_the_servers_whatever_zone_the_phone_is_in(
    phone: BrowserContext, served: Served
) -> None:
    page = logged_in(phone, "admin")
    page.goto("/f/sales.order/new")
    today = context(served.site).today.isoformat()
    expect(page.locator("#field-date")).to_have_value(today)
    read = page.evaluate("import('/static/base.js').then((base) => base.readDate(String(new Date(document.body.dataset.today).getUTCDate())))")
    assert read == today


def test_the_foot_of_the_screen_leads_to_what_one_needs_on_the_way(phone: BrowserContext, served: Served) -> None:
    page = logged_in(phone, "admin")
    page.goto("/")
    for item in page.locator(".tabbar > *").all():
        box = item.bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 44
    page.locator(".tabbar a[href='/scan']").tap()
    expect(page.locator("#scan-code")).to_be_visible()
    scan(page, "A001")
    page.wait_for_url("**/f/base.item/*")
