"""The icons of the home screen, drawn from static/mark.svg by a Chromium: `python tools/icons.py [CHROMIUM]`.

    icon-192.png, icon-512.png     the mark as it is
    icon-maskable-512.png          on a full square, with the room that a round mask needs
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[1] / "src" / "anlan" / "web" / "static"
GROUND = "#0f6b66"


def main(chromium: str) -> None:
    """Write the three files."""
    mark = (STATIC / "mark.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, size, share, ground in (
            ("icon-192", 192, 1.0, "transparent"),
            ("icon-512", 512, 1.0, "transparent"),
            ("icon-maskable-512", 512, 0.72, GROUND),
        ):
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(
                f'<body style="margin:0;display:grid;place-items:center;height:100vh;background:{ground}">'
                f'<div style="width:{size * share}px;height:{size * share}px">{mark}</div></body>'
            )
            page.screenshot(path=STATIC / f"{name}.png", omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/usr/bin/chromium")
