"""The guards before every page, named after the attacks."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from anlan.web.pages.login import _next
from anlan.web.pages.security import Headers, SameSiteOnly, policy


def _echo(request: Request) -> Response:
    return PlainTextResponse(request.state.nonce)


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", _echo, methods=["GET", "POST"])])
    app.add_middleware(SameSiteOnly)
    app.add_middleware(Headers)
    return TestClient(app, base_url="http://anlan.test")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.test"},
        {"origin": "null"},
    ],
)
def test_a_write_from_another_sites_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://anlan.test"},
        {},
        {"sec-fetch-site": "cross-site", "authorization": "Bearer x"},
    ],
)
def test_our_own_pages_and_programs_may_write(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 200


def test_reading_is_never_refused(client: TestClient) -> None:
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_every_answer_has_a_policy_with_the_nonce_of_its_request(client: TestClient) -> None:
    first, second = client.get("/"), client.get("/")
    assert first.headers["content-security-policy"] == policy(first.text)
    assert first.text != second.text


def test_the_policy_allows_no_inline_script_and_no_framing() -> None:
    assert "unsafe" not in policy("n")
    assert "frame-ancestors 'none'" in policy("n")


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "", "/a\r\nx: y"]
)
def test_the_log_in_page_leads_nowhere_but_home_when_asked_to_leave_the_site(target: str) -> None:
    assert _next(target) == "/"


def test_the_log_in_page_leads_back_to_where_one_was() -> None:
    assert _next("/f/sales.order?where=x") == "/f/sales.order?where=x"
