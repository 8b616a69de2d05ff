"""Around a record: comments that call colleagues, files, the steps of its chain, copies, next and previous, scanning."""

from __future__ import annotations

import random
import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from anlan.kernel import query, record
from anlan.kernel.query import Query
from grid_hands import cell, press, rows, texts
from page_site import Served, context, order, with_chief

pytestmark = pytest.mark.browser


def png(width: int = 2, height: int = 2, *, noise: bool = False) -> bytes:
    """A picture; `noise` makes one that does not compress."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = (lambda: b"\0" + random.Random(1).randbytes(width * 3)) if noise else (lambda: b"\0" + b"\x20\x80\x90" * width)
    body = b"".join(line() for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body, 0 if noise else 6)) + chunk(b"IEND", b"")


def test_a_colleague_is_named_in_a_comment_and_the_bell_leads_to_it(page: Page, served: Served) -> None:
    with_chief(served.site)
    made = order(served.site, lines=1)
    page.goto(f"/f/sales.order/{made['id']}")
    box = page.locator("#comment")
    box.press_sequentially("@chi")
    expect(page.get_by_role("option").first).to_contain_text("Chief")
    press(page, "Enter")
    box.press_sequentially("请看价格")
    page.reload()  # what is half written stays
    expect(box).to_have_value("@Chief 请看价格")
    press(page, "Tab")
    page.get_by_role("button", name="发送").click()
    expect(page.locator(".trail-comment").first).to_have_text("@Chief 请看价格")
    expect(box).to_have_value("")
    told = page.request.get(f"/api/v1/records/sales.order/{made['id']}/trail").json()["data"][0]
    page.goto(f"/f/sales.order/{made['id']}#event-{told['seq']}")
    expect(page.locator(f"#event-{told['seq']}.meant")).to_be_visible()


def test_files_are_added_looked_at_taken_off_and_put_back(page: Page, served: Served) -> None:
    made = order(served.site, lines=1)
    page.goto(f"/f/sales.order/{made['id']}")
    page.locator("[data-files-add]").first.set_input_files({"name": "收货照片.png", "mimeType": "image/png", "buffer": png()})
    listed = page.locator(".files[data-files-list]")
    expect(listed).to_contain_text("收货照片.png")
    expect(listed).to_contain_text("管理员")
    listed.locator("[data-preview]").first.click()
    expect(page.locator("dialog.preview img")).to_be_visible()
    press(page, "Escape")
    listed.locator("li").hover()
    listed.locator("[data-file-off]").click()
    expect(listed).to_contain_text("还没有附件")
    page.locator("[data-files-said]").get_by_role("button", name="撤销").click()
    expect(listed).to_contain_text("收货照片.png")


def test_a_large_picture_is_made_smaller_and_a_large_file_is_told(
    page: Page, served: Served, tmp_path: Path
) -> None:
    made = order(served.site, lines=1)
    page.goto(f"/f/sales.order/{made['id']}")
    large = png(3200, 3200, noise=True)  # 30 MB
    assert len(large) > 30_000_000
    (tmp_path / "大照片.png").write_bytes(large)
    page.locator("[data-files-add]").first.set_input_files(tmp_path / "大照片.png")
    expect(page.locator(".files[data-files-list]")).to_contain_text("大照片.jpg", timeout=30_000)
    kept = page.request.get(f"/api/v1/records/sales.order/{made['id']}/files").json()["data"]
    assert kept[0]["media_type"] == "image/jpeg"
    assert kept[0]["size"] < 12_000_000
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(51_000_000)], "录像.bin"));
          for (const kind of ["dragenter", "drop"]) {
            document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
          }
        }"""
    )
    expect(page.locator("[data-files-going]")).to_contain_text("最多 50.0 MB")


def test_the_chain_shows_what_is_done_and_open_and_makes_the_next(page: Page, served: Served) -> None:
    made = order(served.site, lines=2)
    page.goto(f"/f/sales.order/{made['id']}")
    steps = page.locator(".doc-step")
    expect(steps.first).to_contain_text("销售订单")
    expect(page.locator(".doc-step.open").first).to_contain_text("销售出库单")
    expect(page.locator(".chain-steps")).not_to_contain_text("退货")
    page.locator(".doc-step.open").first.get_by_role("button").click()
    page.wait_for_url(re.compile("/f/sales.delivery/"))
    press(page, "Alt+s")
    expect(page.locator(".record-state")).to_have_text("已过账")
    page.goto(f"/f/sales.order/{made['id']}")
    expect(page.locator(".doc-step.done")).to_contain_text("DN")


def test_a_partner_shows_what_refers_to_it_with_the_way_to_all(page: Page, served: Served) -> None:
    for _ in range(6):
        order(served.site, lines=1, customer="C002")
    page.goto("/f/base.party/C002")
    group = page.locator(".related").filter(has_text="销售订单").first
    expect(group.locator("li")).to_have_count(5)
    group.get_by_role("link", name="查看全部").click()
    expect(page.locator(".chip")).to_contain_text("C002")
    expect(page.locator("tr[data-href]").first).to_contain_text("东湖超市")


def test_a_copy_is_a_draft_of_its_own(page: Page, served: Served) -> None:
    made = order(served.site, lines=2, reference="PO-5")
    page.goto(f"/f/sales.order/{made['id']}")
    page.get_by_role("button", name="更多操作").click()
    page.get_by_role("menuitem", name="复制为新的").click()
    expect(page.locator("#saved")).to_contain_text("已保存")
    page.wait_for_url(re.compile("/f/sales.order/[0-9a-f-]{36}$"))
    key = page.url.rsplit("/", 1)[1]
    copy = record.read(context(served.site), "sales.order", key)
    assert key != made["id"]
    assert (copy["state"], copy["reference"], len(copy["lines"])) == ("draft", None, 2)


def test_next_and_previous_follow_the_list_one_came_from(page: Page, served: Served) -> None:
    for _ in range(3):
        order(served.site, lines=1)
    page.goto("/f/sales.order?view=all")
    wanted = [page.locator("tr[data-href]").nth(n).get_attribute("data-href") for n in range(3)]
    page.locator("tr[data-href] a").nth(0).click()
    page.wait_for_url(f"**{wanted[0]}")
    press(page, "Alt+PageDown")
    page.wait_for_url(f"**{wanted[1]}")
    expect(page.locator(".walk-place")).to_contain_text("2 /")
    page.locator("[data-walk='1']").click()
    page.wait_for_url(f"**{wanted[2]}")
    press(page, "Alt+PageUp")
    page.wait_for_url(f"**{wanted[1]}")


def test_scans_add_lines_and_count_and_what_is_unknown_is_told(page: Page, served: Served) -> None:
    ctx = context(served.site)
    item = query.records(ctx, "base.item", Query(where='code = "A002"', fields=["code"]))["data"][0]
    found = record.read(ctx, "base.item", item["id"])
    record.update(ctx, "base.item", item["id"], {"barcode": "6901234567892"}, version=found["version"])
    page.goto("/f/sales.order/new")
    page.keyboard.type("C001")
    press(page, "Enter")
    page.get_by_role("button", name="扫码录入").click()
    for code in ("6901234567892", "A001", "(01)06901234567892(17)271231(10)L-7", "]d20106901234567892172712311010"):
        page.keyboard.type(code)
        press(page, "Enter")
    told = page.locator(".scan-told")
    expect(told).to_contain_text("数量 3")
    assert texts(page, "物料") == ["A002", "A001"]
    assert texts(page, "数量") == ["3", "1"]
    page.keyboard.type("999")
    press(page, "Enter")
    expect(told).to_have_class(re.compile("bad"))
    expect(told).to_contain_text("999")
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_label("扫码录入").last).to_be_focused()
    expect(page.locator("#saved")).to_contain_text("已保存")


def test_a_card_on_a_phone_is_typed_into_with_figures_and_a_total_in_sight(page: Page, served: Served) -> None:
    draft = order(served.site, lines=2, confirmed=False)
    page.set_viewport_size({"width": 375, "height": 760})
    page.goto(f"/f/sales.order/{draft['id']}")
    field = cell(page, 1, "数量")
    field.click()
    box = field.bounding_box()
    assert box is not None and box["height"] >= 44
    assert page.evaluate("document.activeElement.inputMode") == "decimal"
    page.keyboard.type("9")
    press(page, "Enter")
    expect(page.locator(".bar-total b")).to_have_text("50.86")  # (1 + 9) × 4.50 and 13 %, line by line
    expect(page.locator(".bar-total")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
