"""Attacks through a browser: cross-site request forgery, session fixation, stored script, clickjacking.

The whole application is asked, pages and API, as a browser with a cookie would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import record
from anlan.kernel.access.sessions import set_password
from anlan.kernel.site import Site
from anlan.web.api.caller import COOKIE
from anlan.web.app import create_app
from whole_site import as_anlan

pytest_plugins = ["whole_site"]

PASSWORD = "calm-waters-2026"
SCRIPTS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>", "javascript:alert(1)",
    "{{7*7}}${7*7}<%=7*7%>", "</textarea><script>alert(1)</script>", "&lt;script&gt;", "<a href=javascript:alert(1)>x</a>",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[TestClient]:
    set_password(site, "manager", PASSWORD, by=None, must_change=False)
    with TestClient(create_app(site), base_url="http://anlan.test", raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="module")
def browser(client: TestClient) -> TestClient:
    """Logged in as the sales manager."""
    answer = _log_in(client)
    assert answer.status_code == 303, answer.text[:300]
    return client


def _log_in(client: TestClient, **headers: str) -> Any:
    given = {"login": "manager", "password": PASSWORD}
    return client.post("/login", data=given, headers=headers, follow_redirects=False)


def test_session_fixation_a_cookie_from_before_the_log_in_is_never_a_session(site: Site) -> None:
    with TestClient(create_app(site), base_url="http://anlan.test") as victim:
        victim.cookies.set(COOKIE, "chosen-by-the-attacker", domain="anlan.test")
        set_password(site, "manager", PASSWORD, by=None, must_change=False)
        answer = _log_in(victim)
        given = answer.headers["set-cookie"]
        assert "chosen-by-the-attacker" not in given
        assert "HttpOnly" in given and "samesite=lax" in given.lower()
    with TestClient(create_app(site), base_url="http://anlan.test") as attacker:
        attacker.cookies.set(COOKIE, "chosen-by-the-attacker", domain="anlan.test")
        assert attacker.get("/api/v1/me").status_code == 401


def test_session_fixation_a_log_out_ends_the_session_on_the_server(site: Site) -> None:
    set_password(site, "manager", PASSWORD, by=None, must_change=False)
    with TestClient(create_app(site), base_url="http://anlan.test") as victim:
        _log_in(victim)
        token = victim.cookies[COOKIE]
        assert victim.get("/api/v1/me").status_code == 200
        victim.post("/logout", follow_redirects=False)
        victim.cookies.set(COOKIE, token, domain="anlan.test")
        assert victim.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("origin", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.test"}, {"origin": "null"}])  # fmt: skip
def test_csrf_a_write_from_another_site_with_the_persons_cookie_is_refused(
    browser: TestClient, origin: dict[str, str]
) -> None:
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/v1/records/base.party", {"json": {"code": "CSRF", "name": "x"}}),
        ("POST", "/api/v1/batch", {"json": {"operations": []}}),
        ("POST", "/api/v1/tokens", {"json": {"name": "x"}}),
        ("POST", "/api/v1/files", {"files": {"file": ("a.txt", b"x")}}),
        ("DELETE", "/api/v1/records/base.party/C-0", {}),
        ("POST", "/me/prefer", {"data": {"theme": "dark"}}),
        ("POST", "/me/password", {"data": {"password": PASSWORD, "new_password": "evil-evil-2026"}}),
        ("POST", "/logout", {}),
        ("POST", "/login", {"data": {"login": "manager", "password": PASSWORD}}),
    ]
    for method, path, body in writes:
        answer = browser.request(method, path, headers=origin, follow_redirects=False, **body)
        assert answer.status_code == 403, (method, path, answer.status_code, answer.text[:200])
    assert browser.get("/api/v1/me").status_code == 200


def test_csrf_a_form_that_pretends_to_be_json_is_refused(browser: TestClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = browser.post(
            "/api/v1/records/base.party", content='{"code": "CSRF"}', headers={"content-type": kind}
        )
        assert answer.status_code == 415


@pytest.mark.parametrize("script", SCRIPTS)
def test_stored_script_in_names_is_text_on_every_page(browser: TestClient, site: Site, script: str) -> None:
    ctx = as_anlan(site)
    code = f"XSS{abs(hash(script)) % 10**9}"
    record.create(ctx, "base.party", {"code": code, "name": script, "address": script, "is_customer": True})
    record.create(ctx, "base.item", {"code": code, "name": script, "unit": "KG", "spec": script})
    order = record.create(
        ctx, "sales.order",
        {"customer": code, "reference": script[:60], "note": script,
         "lines": [{"item": code, "quantity": "1", "price": "1", "note": script}]},
    )  # fmt: skip
    record.step(ctx, "sales.order", order["id"], "confirm")
    record.comment(ctx, "sales.order", order["id"], script)
    pages = [
        "/f/base.party", f"/f/base.party/{code}", f"/f/base.party?search={code}", "/f/base.item", f"/f/base.item/{code}",
        "/f/sales.order", f"/f/sales.order/{order['id']}", f"/f/sales.order/{order['id']}/trail",
        f"/f/sales.order/{order['id']}/links", f"/search?q={code}", f"/palette?q={code}", "/",
    ]  # fmt: skip
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        assert "text/html" in answer.headers["content-type"]
        if re.search(r"<(script|img|svg|a )", script):
            assert script not in answer.text, page
        assert not re.search(r"<(img|svg)[^>]*\son(error|load)=alert", answer.text), page
        assert not re.search(r"<a\s[^>]*href=[\"']?javascript:", answer.text, re.IGNORECASE), page
        assert "49$49" not in answer.text


@pytest.mark.parametrize("script", SCRIPTS)
def test_reflected_script_in_addresses_is_text(browser: TestClient, script: str) -> None:
    for page, params in (
        ("/search", {"q": script}), ("/f/base.party", {"search": script}), ("/f/base.party", {"where": script}),
        ("/f/base.party", {"sort": script}), ("/login", {"next": script}), ("/palette", {"q": script}),
    ):  # fmt: skip
        answer = browser.get(page, params=params, follow_redirects=False)
        assert answer.status_code < 500, (page, params)
        if "<" in script:
            assert script not in answer.text, page


def test_clickjacking_and_sniffing_every_page_forbids_frames_inline_script_and_guessing(
    browser: TestClient,
) -> None:
    for page in ("/", "/login", "/f/sales.order", "/api/v1/me", "/api/docs", "/no/such/page"):
        answer = browser.get(page)
        policy = answer.headers.get("content-security-policy", "")
        assert "frame-ancestors 'none'" in policy, page
        assert "unsafe-inline" not in policy.split("style-src")[0], page
        assert answer.headers["x-content-type-options"] == "nosniff", page


def test_a_file_that_is_a_page_is_never_shown_as_one(browser: TestClient) -> None:
    """Stored script by upload: HTML and SVG come back as a download, under a policy that runs nothing."""
    for name, content in (
        ("evil.html", b"<script>alert(1)</script>"), ("evil.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("evil.png", b"<html><script>alert(1)</script></html>"), ("evil.xml", b"<?xml version='1.0'?><x xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></x>"),
    ):  # fmt: skip
        saved = browser.post(
            "/api/v1/files",
            files={"file": (name, content, "text/html")},
            headers={"sec-fetch-site": "same-origin"},
        )
        if saved.status_code in (415, 422):
            continue
        assert saved.status_code == 201, saved.text
        answer = browser.get(f"/api/v1/files/{saved.json()['id']}")
        kind = answer.headers["content-type"].partition(";")[0]
        disposition = answer.headers.get("content-disposition", "")
        assert disposition.startswith("attachment") or kind not in (
            "text/html",
            "image/svg+xml",
            "text/xml",
            "application/xml",
            "application/xhtml+xml",
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (
            kind != "text/html"
            or "sandbox" in answer.headers["content-security-policy"]
            or disposition.startswith("attachment")
        )
