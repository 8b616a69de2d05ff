"""A Chromium, a real site behind a real port, and a page that is logged in.

Without a Chromium these tests fail when CI=true; elsewhere they are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from anlan.web.app import create_app
from page_site import PASSWORD, Served, page_site

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("ANLAN_CHROMIUM") or next(
        (path for name in NAMES if (path := shutil.which(name))), None
    )
    if found is None:
        reason = "no Chromium on this machine: the browser tests did not run"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(address: str) -> Iterator[Served]:
    """All packs, a few records, on a port of its own."""
    with page_site(address) as site, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(site), log_level="warning", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        for _ in range(200):
            if server.started:
                break
            time.sleep(0.05)
        try:
            yield Served(site, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    """A page of the administrator, in Chinese; what a script complains of fails the test."""
    context = chromium.new_context(
        locale="zh-CN", viewport={"width": 1440, "height": 900}, base_url=served.url
    )
    context.set_default_timeout(8000)
    context.request.post("/login", form={"login": "admin", "password": PASSWORD})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield opened
    context.close()
    assert complaints == []
