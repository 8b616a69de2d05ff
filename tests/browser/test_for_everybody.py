"""Pages for everybody: axe-core finds nothing on any kind of page, at 200 % zoom nothing is lost, the keyboard suffices.

`make vendor` brings axe-core (MPL-2.0) for these tests only.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from page_site import PASSWORD, Served, order

AXE = Path(__file__).parent / "axe.min.js"
KINDS = [
    "/", "/todo", "/search?q=A001", "/messages", "/me", "/me/sessions", "/me/second-factor", "/me/welcome", "/recycle",
    "/help", "/help/first-day", "/f/sales.order?view=all", "/f/sales.order/new", "/f/base.item/new", "/f/base.item/import",
    "/r/sales.order_book", "/registers/stock.on_hand", "/no/such/page",
    "/why?form=sales.order", "/admin/health", "/admin/people", "/admin/people/clerk", "/admin/departments",
    "/admin/roles?pack=sales", "/admin/roles/sales_clerk", "/admin/roles/sales_clerk/grant?form=sales.order",
    "/admin/sessions", "/admin/tokens", "/admin/jobs", "/admin/audit", "/admin/catalogue", "/admin/settings",
]  # fmt: skip
RUN = """async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})).violations
    .map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 160)} ${one.nodes[0].failureSummary}`)"""


@pytest.fixture
def axe(page: Page) -> str:
    if not AXE.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("axe.min.js is not there: run make vendor")
        pytest.skip("axe.min.js is not there: run make vendor")
    return AXE.read_text("utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_kind_of_page(page: Page, served: Served, axe: str, theme: str) -> None:
    made = order(served.site, lines=2)
    page.context.add_cookies([{"name": "anlan_theme", "value": theme, "url": served.url}])
    found = {}
    for path in [*KINDS, f"/f/sales.order/{made['id']}"]:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.evaluate(axe)
        violations = page.evaluate(RUN)
        if violations:
            found[path] = violations
    assert found == {}


@pytest.mark.parametrize("path", ["/admin/people", "/admin/roles?pack=sales", "/admin/audit", "/me", "/f/sales.order/new"])
def test_nothing_is_lost_at_twice_the_size(chromium: Browser, served: Served, path: str) -> None:
    """1280 px at 200 % are 640 px of CSS: nothing beyond the edge but tables, which scroll by themselves."""
    context = chromium.new_context(viewport={"width": 640, "height": 512}, device_scale_factor=2, base_url=served.url)
    context.request.post("/login", form={"login": "admin", "password": PASSWORD})
    page = context.new_page()
    page.goto(path)
    page.wait_for_load_state("networkidle")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    context.close()
    assert wide <= 0


def test_a_person_is_made_with_the_keyboard_alone_and_the_focus_is_seen(page: Page) -> None:
    page.goto("/admin/people")
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(() => { const one = document.activeElement, look = getComputedStyle(one);"
            " return [one.name || one.textContent.trim().slice(0, 20), look.outlineStyle, look.boxShadow]; })()"
        )
        seen.append(at)
        if at[0] == "code":
            break
    else:
        pytest.fail(f"the form is not reached: {seen}")
    assert [one for one in seen if one[1] == "none" and one[2] == "none"] == []
    page.keyboard.type("typist")
    page.keyboard.press("Tab")
    page.keyboard.type("打字员")
    page.keyboard.press("Enter")
    page.wait_for_selector(".once .secret")
    assert page.locator("td", has_text="打字员").count() == 1


def test_the_palette_does_what_the_page_offers_with_keys_only(page: Page, served: Served) -> None:
    made = order(served.site, lines=1, confirmed=False)
    page.goto(f"/f/sales.order/{made['id']}")
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette .hit")
    page.keyboard.type("qrdd")
    page.wait_for_selector("#palette .hit[data-here]:has-text('确认订单')")
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    page.wait_for_selector(".record-state:has-text('已确认')")


def test_help_opens_by_f1_with_the_text_of_the_page_and_closes_by_escape(page: Page) -> None:
    page.goto("/admin/people")
    page.keyboard.press("F1")
    page.wait_for_selector("#help[open] .guide h3")
    assert "管理" in page.locator("#help h2").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#help[open]").count() == 0
