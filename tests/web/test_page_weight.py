"""What a browser loads for the first page that it opens: HTML, style, scripts and the modules that they import, as sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from anlan.kernel.site import Site
from anlan.web.app import create_app
from page_site import PASSWORD, order

BUDGET = 250_000  # bytes: a second on a slow mobile line
PAGES = (
    "/", "/todo", "/search?q=A001", "/f/sales.order", "/f/base.item", "/f/sales.order/new", "/f/base.item/A001", "{order}",
    "/f/base.item/import", "/f/base.item/import/past", "/recycle", "/me/sessions", "/me/password", "/me/second-factor",
    "/r/sales.book", "/registers/stock.on_hand",
)  # fmt: skip
_LOADED = re.compile(r'<(?:link[^>]+rel="(?:stylesheet|icon|modulepreload)"[^>]*|script[^>]+src="[^"]+"[^>]*|use [^>]*)>')
_ADDRESS = re.compile(r'(?:href|src)="([^"#]+)')
_IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
_IN_CSS = re.compile(r"url\(\s*[\"']?(?!data:)([^)\"']+)")


@pytest.fixture(scope="module")
def admin(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site)) as client:
        client.post("/login", data={"login": "admin", "password": PASSWORD})
        yield client


def sent(client: TestClient, address: str) -> tuple[int, str]:
    """How many bytes came over the line, and the text."""
    with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        text = answer.headers.get("content-type", "")
    readable = client.get(address).text if text.startswith(("text/", "application/javascript", "image/svg")) else ""
    return len(raw), readable


def weight(client: TestClient, page: str) -> dict[str, int]:
    """Bytes of the page and of all that it loads, by address."""
    size, html = sent(client, page)
    found = {page: size}
    waiting = [unescape(one) for tag in _LOADED.findall(html) for one in _ADDRESS.findall(tag)]
    while waiting:
        address = waiting.pop()
        if address in found or not address.startswith("/static/"):
            continue
        found[address], text = sent(client, address)
        pattern = _IN_CSS if ".css" in address else _IMPORTED if ".js" in address else None
        waiting += [urljoin(address, one) for one in pattern.findall(text)] if pattern else []
    return found


@pytest.mark.parametrize("page", PAGES)
def test_the_first_page_is_light_whichever_it_is(admin: TestClient, site: Site, page: str) -> None:
    address = page.format(order=f"/f/sales.order/{order(site, lines=20)['id']}") if "{" in page else page
    found = weight(admin, address)
    assert any(".css" in one for one in found) and any(".js" in one for one in found), found
    assert sum(found.values()) < BUDGET, sorted(found.items(), key=lambda one: -one[1])


def test_the_page_to_log_in_is_light_too(site: Site) -> None:
    assert sum(weight(TestClient(create_app(site)), "/login").values()) < BUDGET


def style(client: TestClient) -> str:
    (found,) = re.findall(r'href="(/static/anlan\.css\?v=[^"]+)"', client.get("/todo").text)
    return str(found)


def test_style_is_sent_packed_and_kept_and_plain_to_who_takes_no_packed_text(admin: TestClient) -> None:
    address = style(admin)
    packed = admin.get(address, headers={"accept-encoding": "br, gzip;q=0.8"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "immutable" in packed.headers["cache-control"]
    assert packed.headers["vary"] == "accept-encoding"
    assert packed.headers["content-type"].startswith("text/css")
    plain = admin.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == packed.text


def test_a_script_that_did_not_change_is_not_sent_again(admin: TestClient) -> None:
    first = admin.get("/static/base.js", headers={"accept-encoding": "gzip"})
    again = admin.get("/static/base.js", headers={"accept-encoding": "gzip", "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_no_file_outside_the_folder_is_sent(admin: TestClient) -> None:
    assert admin.get("/static/..%2f..%2fpages%2f__init__.py").status_code == 404

