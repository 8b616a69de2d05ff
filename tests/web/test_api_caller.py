"""Who asks: a token in the header, or a cookie that only our own pages may use for writing."""

from types import SimpleNamespace
from typing import Any

import pytest

from anlan.kernel.access import sessions, tokens
from anlan.kernel.errors import Refused
from anlan.web.api.caller import COOKIE, caller_of

SITE: Any = SimpleNamespace()
TOKEN_USER, SESSION_USER = SimpleNamespace(user="by token"), SimpleNamespace(user="by session")
OWN = {"cookie": f"theme=dark; {COOKIE}=good", "host": "erp.example"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tokens, "resolve_token", lambda site, text, address: TOKEN_USER if text == "good" else None
    )
    monkeypatch.setattr(sessions, "resolve", lambda site, text: SESSION_USER if text == "good" else None)


def user(headers: dict[str, str], method: str = "GET") -> str:
    return str(caller_of(SITE, headers, method, "10.0.0.7").user)


def refused(headers: dict[str, str], method: str = "GET") -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        user(headers, method)
    return caught.value.status, caught.value.code


def test_a_token_or_a_session_says_who_asks() -> None:
    assert user({"authorization": "Bearer good"}) == "by token"
    assert user({"authorization": "bearer  good "}) == "by token"
    assert user(OWN) == "by session"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer bad"},
        {"authorization": "Basic Z29vZA=="},
        {"authorization": ""},
        {"cookie": f"{COOKIE}=bad"},
        {"cookie": "other=good"},
        {"cookie": f"x{COOKIE}=good"},
        {"cookie": ";;==,"},
    ],
)
def test_nobody_is_401(headers: dict[str, str]) -> None:
    assert refused(headers) == (401, "unauthenticated")


def test_a_bad_token_is_not_mended_by_a_good_cookie() -> None:
    assert refused({**OWN, "authorization": "Bearer bad"})[0] == 401


@pytest.mark.parametrize(
    "foreign",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "nonsense"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://erp.example.evil.example"},
        {"origin": "https://erp.example", "sec-fetch-site": "cross-site"},
    ],
)
def test_cross_site_request_forgery_with_a_cookie_is_403(foreign: dict[str, str]) -> None:
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        assert refused({**OWN, **foreign}, method) == (403, "cross_site")


@pytest.mark.parametrize(
    "own",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://erp.example"},
        {},
    ],
)
def test_a_write_from_our_own_pages_passes(own: dict[str, str]) -> None:
    assert user({**OWN, **own}, "POST") == "by session"


def test_a_token_may_write_from_anywhere_because_no_browser_sends_it_by_itself() -> None:
    assert user({"authorization": "Bearer good", "sec-fetch-site": "cross-site"}, "POST") == "by token"


def test_reading_with_a_cookie_needs_no_origin() -> None:
    assert user({**OWN, "sec-fetch-site": "cross-site"}) == "by session"
