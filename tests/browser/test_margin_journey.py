"""The month's gross margin by customer, from the dashboard to one document: at most four clicks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from anlan.kernel import record
from page_site import Served, context, order

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def invoice(served: Served) -> str:
    """The number of an invoice of this month, its goods delivered."""
    ctx = context(served.site)
    delivery = record.make(ctx, "sales.order", order(served.site)["id"], "sales.delivery")
    record.step(ctx, "sales.delivery", delivery["id"], "post")
    made = record.make(ctx, "sales.delivery", delivery["id"], "sales.invoice")
    return str(record.step(ctx, "sales.invoice", made["id"], "post")["number"])


CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
FIGURES = ("/", "/d/finance.boss", "/d", "/r/sales.margin", "/r/stock.ledger", "/f/sales.order/pivot")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_of_figures_have_enough_contrast_in_both_themes(
    page: Page, served: Served, invoice: str, theme: str
) -> None:
    assert invoice
    page.context.add_cookies([{"name": "anlan_theme", "value": theme, "url": served.url}])
    for path in FIGURES:
        page.goto(path)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator("main .shape")).to_have_count(0)
        assert page.evaluate(CONTRAST) == [], path


def test_nothing_of_figures_is_wider_than_a_phone(page: Page, invoice: str) -> None:
    assert invoice
    page.set_viewport_size({"width": 375, "height": 780})
    for path in FIGURES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path


def drag(page: Page, what: str, where: str) -> None:
    """From the middle of one thing to the middle of another, in steps as a hand does it."""
    begin, end = page.locator(what).first.bounding_box(), page.locator(where).first.bounding_box()
    assert begin is not None and end is not None
    page.mouse.move(begin["x"] + 12, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + end["height"] / 2, steps=12)
    page.mouse.move(end["x"] + 24, end["y"] + end["height"] - 3, steps=4)
    page.mouse.up()


def test_the_months_margin_leads_from_the_dashboard_to_one_document_in_three_clicks(
    page: Page, invoice: str
) -> None:
    page.goto("/")
    margin = page.locator("[data-widget=margin]")
    figure = margin.locator("a.figure")
    expect(figure).to_be_visible()
    told = figure.inner_text()

    figure.click()  # 1: the report by customer
    expect(page.locator("h1")).to_have_text("客户毛利")
    expect(page.locator("tfoot td").nth(3)).to_have_text(told)
    page.locator("tbody tr").first.locator("td").nth(3).locator("a").click()  # 2: what the figure is made of
    expect(page.locator(".head-count")).to_be_visible()
    page.get_by_role("link", name=invoice).click()  # 3: one document
    expect(page.locator("h1")).to_have_text(invoice)


def test_charts_are_drawn_and_have_their_figures_as_a_table(page: Page, invoice: str) -> None:
    assert invoice
    page.goto("/d/finance.boss")
    chart = page.locator("[data-widget=by_customer]")
    expect(chart.locator("canvas")).to_be_visible()
    chart.get_by_text("看数字").click()
    expect(chart.locator("table tbody tr").first).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_a_field_is_put_into_the_columns_by_its_button_and_by_drag(page: Page, invoice: str) -> None:
    assert invoice
    page.goto("/f/sales.order/pivot?rows=customer&columns=&values=count")
    page.get_by_role("link", name="放到列: 状态").click()
    expect(page.locator("[data-zone=columns] [data-key=state]")).to_be_visible()
    drag(page, "[data-zone=columns] [data-key=state] span", "[data-zone=rows] [data-key=customer]")
    expect(page.locator("[data-zone=rows] [data-key=state]")).to_be_visible()
    expect(page.locator("[data-zone=columns] [data-key]")).to_have_count(0)
    page.go_back()
    expect(page.locator("[data-zone=columns] [data-key=state]")).to_be_visible()


def test_a_screen_on_the_wall_keeps_the_last_good_figures_when_the_server_is_away(
    page: Page, invoice: str
) -> None:
    assert invoice
    page.clock.install()
    page.goto("/screen/finance.boss")
    figure = page.locator(".widget-number .figure").first
    expect(figure).to_be_visible()
    expect(page.locator("[data-stamp]")).to_contain_text("更新于")
    told = figure.inner_text()
    page.route("**/d/**", lambda route: route.abort())
    page.clock.run_for(61_000)
    expect(page.locator("[data-stamp]")).to_contain_text("连接不上，显示")
    expect(figure).to_have_text(told)
    page.unroute("**/d/**")
    page.clock.run_for(61_000)
    expect(page.locator("[data-stamp]")).to_contain_text("更新于")
