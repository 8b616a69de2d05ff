"""The whole application: where the API, the pages and the supervisor's questions are found."""

from collections.abc import Iterator

import pytest
from api_site import Served
from starlette.testclient import TestClient

from anlan.kernel.access import sessions
from anlan.web.api.caller import COOKIE
from anlan.web.app import create_app

pytest_plugins = ("api_site",)

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[TestClient]:
    with TestClient(create_app(served.site), raise_server_exceptions=False, follow_redirects=False) as opened:
        yield opened


def bearer(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {served.tokens['clerk']}"}


def test_health_and_readiness_need_no_token(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json()["ready"] is True


def test_the_api_answers_below_its_prefix_whatever_is_in_the_path(client: TestClient, served: Served) -> None:
    assert client.get("/api/v1/me", headers=bearer(served)).json()["login"] == "clerk"
    for path in ("/api/v1/nothing", "/api/v1/records/demo.item/a%0Ab", "/api/v1/"):
        answer = client.get(path, headers=bearer(served))
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


def test_the_documents_page_runs_only_scripts_of_our_own(client: TestClient) -> None:
    page, script = client.get("/api/docs"), client.get("/api/docs.js")
    assert page.status_code == 200 and "<script>" not in page.text
    assert "/api/v1/openapi.json" in script.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "http" not in policy


def test_a_page_sends_a_stranger_to_the_log_in(client: TestClient) -> None:
    assert client.get("/").status_code == 303


def test_a_browsers_session_may_use_the_api_from_our_own_pages_only(client: TestClient, served: Served) -> None:
    sessions.set_password(served.site, "clerk", PASSWORD, by=None, must_change=False)
    token = sessions.login(served.site, "clerk", PASSWORD, address="127.0.0.1", agent="test")
    cookie = {"Cookie": f"{COOKIE}={token}"}
    preview, body = "/api/v1/records/demo.item/preview", {"code": "A"}
    assert client.get("/api/v1/me", headers=cookie).json()["login"] == "clerk"
    own = client.post(preview, json=body, headers={**cookie, "Sec-Fetch-Site": "same-origin"})
    foreign = client.post(preview, json=body, headers={**cookie, "Sec-Fetch-Site": "cross-site"})
    assert (own.status_code, foreign.status_code, foreign.json()["code"]) == (200, 403, "cross_site")
    sessions.logout(served.site, token)
    assert client.get("/api/v1/me", headers=cookie).status_code == 401


def test_pages_and_api_agree_on_the_name_of_the_cookie() -> None:
    from anlan.web.pages import context

    assert context.COOKIE == COOKIE
