"""One's own pages: the first log-in, the profile, notifications, help, the palette, the picture of a secret."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import message, record
from anlan.kernel.access.sessions import set_password
from anlan.kernel.paper.qr import TooLong, matrix
from anlan.kernel.site import Site
from anlan.web.pages import guide
from page_site import PASSWORD, as_person, context, order


def tell(site: Site, login: str, n: int = 1) -> None:
    user = record.read(context(site), "system.user", login)["id"]
    made = order(site, lines=1, confirmed=False)
    with site.pool.connection() as connection:
        for number in range(n):
            params = {"who": "Chief", "record": f"SO-told-{number}"}
            message.notify(
                connection,
                [user],
                "approval.wanted",
                params,
                now=site.clock.now(),
                record=("sales.order", made["id"]),
            )


def test_the_rules_are_told_before_a_password_is_chosen_and_the_welcome_comes_after_it(
    app: Any, site: Site
) -> None:
    set_password(site, "keeper", PASSWORD, by=None, must_change=True)
    client = TestClient(app, follow_redirects=False, headers={"accept-language": "zh-CN"})
    first = client.post("/login", data={"login": "keeper", "password": PASSWORD})
    assert "至少 10 个字符" in first.text and "不能与登录名相同" in first.text
    wrong = client.post("/me/password", data={"password": PASSWORD, "new_password": "keeper", "next": "/"})
    assert wrong.status_code == 422 and "不能与登录名相同" in wrong.text
    done = client.post(
        "/me/password", data={"password": PASSWORD, "new_password": "quiet-harbour-77", "next": "/"}
    )
    assert done.headers["location"] == "/me/welcome"
    welcome = client.get("/me/welcome").text
    assert "Asia/Shanghai" in welcome and "开启两步验证" in welcome


def test_a_person_changes_his_own_name_and_language_without_the_right_to_users(app: Any, site: Site) -> None:
    clerk = as_person(app, "clerk")
    own = clerk.get("/api/v1/me/profile").json()
    refused = clerk.patch(
        "/api/v1/records/system.user/clerk", json={"name": "x"}, headers={"if-match": f'"{own["version"]}"'}
    )
    assert refused.status_code == 403
    company = record.read(context(site), "system.user", "clerk")["company"]["id"]
    assert clerk.post("/me", data={"name": "柜员", "language": "en", "company": company}).status_code == 303
    found = record.read(context(site), "system.user", "clerk")
    assert (found["name"], found["language"], found["roles"]) == ("柜员", "en", ["sales_clerk"])
    assert record.trail(context(site), "system.user", "clerk")[0]["actor"]["code"] == "clerk"
    clerk.post("/me", data={"name": "Clerk", "language": "zh-CN", "company": company})


def test_nobody_moves_himself_to_a_company_that_is_not_his(app: Any, site: Site) -> None:
    values = {"code": "OTHER", "name": "另一家", "zone": "Asia/Shanghai", "currency": "CNY"}
    other = record.create(context(site), "system.company", values)
    answer = as_person(app, "clerk").post(
        "/me", data={"name": "留着我", "language": "zh-CN", "company": other["id"]}
    )
    assert answer.status_code == 422
    assert "留着我" in answer.text


def test_rows_are_closer_when_the_person_prefers_them_so(app: Any) -> None:
    clerk = as_person(app, "clerk")
    assert "compact" not in re.findall(r'<body class="([^"]*)"', clerk.get("/").text)[0]
    clerk.post("/me/prefer", data={"density": "compact"})
    assert "compact" in re.findall(r'<body class="([^"]*)"', clerk.get("/").text)[0]


def test_notifications_are_listed_filtered_and_marked_one_by_one(app: Any, site: Site) -> None:
    tell(site, "clerk", 2)
    clerk = as_person(app, "clerk")
    page = clerk.get("/messages").text
    assert "SO-told-0" in page and "/f/sales.order/" in page
    one = re.search(r'name="id" value="([^"]+)"', page)
    assert one is not None
    clerk.post("/messages/read", data={"id": one[1]})
    assert message.unread(_as(site, "clerk")) == 1
    assert len(re.findall("SO-told", clerk.get("/messages?only=unread").text)) >= 1
    assert "SO-told" not in clerk.get("/messages?kind=approval.told_approved").text
    clerk.post("/messages/read")
    assert "没有未读消息" in clerk.get("/messages?only=unread").text


def test_notifications_of_somebody_else_are_neither_seen_nor_marked(app: Any, site: Site) -> None:
    tell(site, "clerk")
    told = message.inbox(_as(site, "clerk"), unread=True)[0]
    stranger = as_person(app, "stranger")
    assert "SO-told" not in stranger.get("/messages").text
    stranger.post("/messages/read", data={"id": told["id"]})
    assert message.unread(_as(site, "clerk")) == 1


def _as(site: Site, login: str) -> Any:
    from anlan.kernel.admin.why import caller_for
    from anlan.kernel.context import Context

    return Context(site, caller_for(context(site), login), via="page")


@pytest.mark.parametrize(("path", "name"), [
    ("/admin/people", "administration"), ("/f/sales.order/x", "order-to-cash"), ("/f/base.item", "first-day"), ("/", "first-day"),
])  # fmt: skip
def test_each_page_has_its_text_of_the_guide(path: str, name: str) -> None:
    found = guide.guide_of(path)
    assert found is not None and found.name == name


def test_every_page_of_the_guide_is_shown_in_both_languages_without_its_markup(app: Any) -> None:
    clerk = as_person(app, "clerk")
    for name, page in guide.guides().items():
        assert clerk.get(f"/help/{name}").status_code == 200
        for lang in ("zh", "en"):
            assert (
                ("<ol>" in page.html[lang] or "<h3>" in page.html[lang]) and "help:" not in page.html[lang] and '.md"' not in page.html[lang]
            )
    assert clerk.get("/help/nothing").status_code == 404


def test_markup_in_a_text_is_shown_and_not_carried_out() -> None:
    assert "<script" not in guide.rendered("a <script>alert(1)</script> [b](javascript:alert(1))")
    assert "javascript:" not in guide.rendered("[b](javascript:alert(1))").replace("javascript:alert(1))", "")


def test_the_palette_finds_pages_help_and_the_pages_own_actions_by_pinyin(app: Any) -> None:
    clerk = as_person(app, "clerk")
    assert 'href="/f/sales.order"' in clerk.get("/palette?q=xsdd").text
    here = clerk.get("/palette", params={"q": "qrdd", "here": "打印|确认订单"}).text
    assert 'data-here="1"' in here and 'data-here="0"' not in here
    assert 'href="/help/first-day"' in clerk.get("/palette", params={"q": "录一张"}).text
    assert "/admin" not in clerk.get("/palette?q=admin").text


def test_the_keys_are_those_of_the_page(app: Any) -> None:
    clerk = as_person(app, "clerk")
    assert "Ctrl" in clerk.get("/help/keys?path=/me").text
    assert "F9" not in clerk.get("/help/keys?path=/me").text
    assert "F9" in clerk.get("/help/keys?path=/f/sales.order/SO-1").text


@pytest.mark.parametrize(("text", "mask", "digest"), [
    ("otpauth://totp/Anlan:lin?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Anlan", 3,
     "78a01748e9223b7e6031e4e4d699190b6aeeeda1987660873921feddf9d1486d"),
    ("安澜" * 30, 5, "2db57596a913e63ba93af0d344ab1677943ba21bea1c4cbeb6ad8860c0ba1a4c"),
])  # fmt: skip
def test_a_qr_code_is_the_one_that_another_encoder_draws(text: str, mask: int, digest: str) -> None:
    """The digests are of the modules that the `qrcode` package gave for the same text, correction and mask."""
    drawn = "".join("1" if one else "0" for row in matrix(text, mask=mask) for one in row)
    assert hashlib.sha256(drawn.encode()).hexdigest() == digest


def test_a_text_that_no_code_holds_is_refused() -> None:
    assert len(matrix("a" * 213)) == 57
    with pytest.raises(TooLong):
        matrix("a" * 214)


def test_the_second_factor_is_shown_as_a_picture(app: Any) -> None:
    answer = as_person(app, "stranger").post("/me/second-factor")
    assert '<svg class="qr"' in answer.text and answer.headers["cache-control"] == "no-store"
