"""Takes the pictures of docs/screenshots anew, from a demo that runs.

    anlan demo                                            in one terminal
    python tools/screenshots.py                           in another: all pictures
    python tools/screenshots.py list board --at http://127.0.0.1:8080

Needs Playwright and a Chromium (make chromium). Every picture is a PNG of at most 150 KB. Pictures read, and change
nothing but what the demo's own people have open: the import is only previewed, the scanned lines are not sent.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from anlan.packs.demo.beginning import PASSWORD

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
MOST = 150 * 1024
# Grey smoothing of letters: smaller files, and right on every screen.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--font-render-hinting=none"]
# Inputs of days speak the browser's own language, not the page's.
ENVIRONMENT: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "zh_CN"}
DESK, PHONE = (1280, 800), (375, 760)

# Columns as a file comes from outside; two cells are wrong, so that the preview has something to say.
ITEMS = """物料编码,名称,规格型号,库存单位,标准售价
N01,桂花酸梅汤,500ml×15,件,58.00
N02,冰糖雪梨汁,500ml×15,箱子,62.00
N03,陈皮红豆沙,280g×12,件,七十二
N04,手工凤梨酥,450g,件,36.50
"""


class Shot(NamedTuple):
    """One picture: its file without .png, who is logged in (empty: nobody), where, how."""

    name: str
    person: str
    path: str
    size: tuple[int, int] = DESK
    language: str = "zh"
    theme: str = "light"
    then: Callable[[Page], None] = lambda page: None


def first(page: Page, form: str, where: str, sort: str = "-date") -> str:
    """The id of the first record of `form` that `where` holds for. RuntimeError when there is none."""
    query = f"where={quote(where)}&sort={sort}&limit=1&fields=id"
    found = page.request.get(f"/api/v1/records/{form}?{query}").json()["data"]
    if not found:
        raise RuntimeError(f"the demo has no {form} with {where}")
    return str(found[0]["id"])


def record(form: str, where: str, sort: str = "-date") -> Callable[[Page], None]:
    """Opens the first record of that kind."""
    return lambda page: _go(page, f"/f/{form}/{first(page, form, where, sort)}")


def grid(page: Page) -> None:
    """The draft order that nobody has to approve, with a cell being typed into."""
    record("sales.order", 'AND(state = "draft", gross < 5000)', "-gross")(page)
    cell = page.locator("table.lines-grid tbody td.num").first
    cell.click()
    cell.press("F2")


def card(page: Page) -> None:
    """The card of the first document that waits for this person."""
    _go(page, "/todo")
    page.locator("[data-rows] tbody tr a").first.click()
    page.wait_for_load_state("networkidle")


def importing(page: Page) -> None:
    """The preview of a file with two faults."""
    page.locator("input[type=file]").first.set_input_files(
        {"name": "新物料.csv", "mimeType": "text/csv", "buffer": ITEMS.encode()}
    )
    page.wait_for_url("**/import?file=*")  # a chosen file is sent at once


def scanning(page: Page) -> None:
    """The lines of an order that is being received."""
    order = first(page, "purchase.order", 'state = "confirmed"')
    number = page.request.get(f"/api/v1/records/purchase.order/{order}").json()["number"]
    page.locator("#scan-code").fill(number)
    page.locator("#scan-code").press("Enter")
    page.locator(".scan-hit button.btn-primary").first.click()
    page.wait_for_selector(".scan-rows li")
    code = page.locator(".scan-item .code").first.inner_text().split()[0]
    page.locator("#scan-code").fill(code)
    page.locator("#scan-code").press("Enter")


SHOTS = (
    Shot("login", "", "/login"),
    Shot("dashboard", "he", "/"),
    Shot("dashboard-dark", "he", "/", language="en", theme="dark"),
    Shot("list", "zhou", "/f/sales.order?view=confirmed"),
    Shot("board", "zhou", "/f/sales.order?view=board"),
    Shot("calendar", "zhou", "/f/sales.delivery?view=calendar"),
    Shot("record", "zhou", "/", then=record("sales.order", 'state = "confirmed"')),
    Shot("grid", "lin", "/", then=grid),
    Shot("voucher", "sun", "/", then=record("finance.voucher", 'state = "posted"')),
    Shot("report", "he", "/r/sales.margin"),
    Shot("pivot", "he", "/r/sales.margin/pivot?rows=customer&values=margin&chart=bar"),
    Shot("todo", "he", "/", then=card),
    Shot("import", "jin", "/f/base.item/import", then=importing),
    Shot("administration", "jin", "/admin/people/lin"),
    Shot("list-phone", "zhou", "/f/sales.order?view=all", PHONE),
    Shot("approval-phone", "he", "/", PHONE, then=card),
    Shot("scan-phone", "wu", "/scan", PHONE, then=scanning),
)


def smaller(png: bytes) -> bytes:
    """A Chromium PNG (8 bits, RGB) with the 256 colours that it uses most; rare ones become their nearest."""
    width, height, rows = _pixels(png)
    counted = Counter(rows[at : at + 3] for at in range(0, len(rows), 3))
    palette = [colour for colour, _ in counted.most_common(256)]
    place = {colour: number for number, colour in enumerate(palette)}
    for colour in counted:
        if colour not in place:
            r, g, b = colour
            place[colour] = min(
                range(256),
                key=lambda n: (palette[n][0] - r) ** 2 + (palette[n][1] - g) ** 2 + (palette[n][2] - b) ** 2,
            )
    numbers = bytes(place[rows[at : at + 3]] for at in range(0, len(rows), 3))
    lines = b"".join(b"\0" + numbers[at : at + width] for at in range(0, len(numbers), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return png[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height, and the colours of all pixels, three bytes each. ValueError when it is another kind of PNG."""
    at, packed, head = 8, b"", (0, 0, 0, 0)
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + length]
        head = struct.unpack(">IIBB", data[:10]) if kind == b"IHDR" else head
        packed += data if kind == b"IDAT" else b""
        at += length + 12
    width, height, bits, colours = head
    if (bits, colours) != (8, 2):
        raise ValueError(f"a PNG of {bits} bits and kind {colours}; 8 and 2 were expected")
    raw, size, above, out = zlib.decompress(packed), width * 3, bytearray(width * 3), bytearray()
    for start in range(0, len(raw), size + 1):
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + size]), above)
        out += above
    return width, height, bytes(out)


def _unfiltered(kind: int, line: bytearray, above: bytearray) -> bytearray:
    """One row of pixels, from its difference to its left, upper and upper left neighbours (PNG, chapter 9)."""
    for i in range(len(line)):
        left, up, corner = (line[i - 3], above[i], above[i - 3]) if i > 2 else (0, above[i], 0)
        if kind == 1:
            line[i] = (line[i] + left) & 255
        elif kind == 2:
            line[i] = (line[i] + up) & 255
        elif kind == 3:
            line[i] = (line[i] + (left + up) // 2) & 255
        elif kind == 4:
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            near = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
            line[i] = (line[i] + near) & 255
    return line


def _go(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")


def take(browser: Browser, at: str, shot: Shot, *, folder: Path = FOLDER) -> int:
    """Writes one picture; its size in bytes. RuntimeError when the person is not let in."""
    width, height = shot.size
    phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if shot.size == PHONE else {}
    context = browser.new_context(
        base_url=at, viewport={"width": width, "height": height}, locale="zh-CN" if shot.language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai", reduced_motion="reduce", **phone,
    )  # fmt: skip
    try:
        context.add_cookies([
            {"name": "anlan_language", "value": shot.language, "url": at},
            {"name": "anlan_theme", "value": shot.theme, "url": at},
        ])  # fmt: skip
        page = context.new_page()
        if shot.person:
            answer = context.request.post("/login", form={"login": shot.person, "password": PASSWORD})
            if answer.url.endswith("/login"):
                raise RuntimeError(f"{shot.person} is not let in: is this the demo?")
        _go(page, shot.path)
        shot.then(page)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(700)  # charts draw after their figures came
        picture = smaller(page.screenshot())
        (folder / f"{shot.name}.png").write_bytes(picture)
        return len(picture)
    finally:
        context.close()


def main() -> None:
    """Takes the pictures that are named, or all; ends with 1 when one is larger than allowed."""
    parser = argparse.ArgumentParser(description="Take the pictures of docs/screenshots from a running demo.")
    parser.add_argument("names", nargs="*", help="pictures to take; none: all")
    parser.add_argument("--at", default="http://127.0.0.1:8000", help="where the demo is served")
    given = parser.parse_args()
    unknown = set(given.names) - {shot.name for shot in SHOTS}
    if unknown:
        parser.error(
            f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SHOTS)}"
        )
    chromium = os.environ.get("ANLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    too_large = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, env=ENVIRONMENT)
        for shot in SHOTS:
            if given.names and shot.name not in given.names:
                continue
            size = take(browser, given.at, shot)
            print(f"{shot.name:<16} {size / 1024:6.0f} KB")
            if size > MOST:
                too_large.append(shot.name)
        browser.close()
    if too_large:
        sys.exit(f"larger than {MOST // 1024} KB: {', '.join(too_large)}")


if __name__ == "__main__":
    main()
