"""The recycle bin and the second factor, as pages and over a whole site."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from starlette.testclient import TestClient

from anlan.kernel.errors import Refused
from anlan.kernel.site import Site
from page_site import PASSWORD, as_person


def deleted_order(client: TestClient, reference: str) -> str:
    """A draft that its maker deleted; its id."""
    lines = [{"item": "A001", "quantity": "2", "price": "4.50"}]
    answer = client.post(
        "/api/v1/records/sales.order", json={"customer": "C001", "reference": reference, "lines": lines}
    )
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["id"]
    assert client.delete(f"/api/v1/records/sales.order/{key}").status_code == 204
    return key


def test_what_one_deleted_comes_back_from_the_bin_with_its_lines(app: Any) -> None:
    clerk = as_person(app, "clerk")
    key = deleted_order(clerk, "PO-back")
    page = clerk.get("/recycle").text
    assert f"/recycle/{key}/restore" in page
    assert "销售订单" in page
    answer = clerk.post(f"/recycle/{key}/restore")
    assert answer.headers["location"] == f"/f/sales.order/{key}"
    again = clerk.get(f"/api/v1/records/sales.order/{key}").json()
    assert (again["state"], again["reference"], again["gross"]) == ("draft", "PO-back", "10.17")
    assert f"/recycle/{key}/restore" not in clerk.get("/recycle").text
    assert clerk.post(f"/recycle/{key}/restore").status_code == 404


def test_the_bin_of_others_is_the_administrators_only(app: Any) -> None:
    key = deleted_order(as_person(app, "clerk"), "PO-others")
    stranger = as_person(app, "stranger")
    assert "回收站是空的" in stranger.get("/recycle").text
    assert stranger.post(f"/recycle/{key}/restore").status_code == 404
    assert f"/recycle/{key}/restore" in as_person(app, "admin").get("/recycle").text


def test_what_cannot_come_back_stays_in_the_bin_with_the_reason(app: Any) -> None:
    admin = as_person(app, "admin")
    first = admin.post("/api/v1/records/base.party", json={"code": "C777", "name": "One"}).json()["id"]
    assert admin.delete(f"/api/v1/records/base.party/{first}").status_code == 204
    assert admin.post("/api/v1/records/base.party", json={"code": "C777", "name": "Two"}).status_code == 201
    answer = admin.post(f"/recycle/{first}/restore")
    assert answer.status_code in {409, 422}
    assert 'role="alert"' in answer.text
    assert f"/recycle/{first}/restore" in answer.text


def test_the_api_lists_and_restores_what_its_caller_deleted(app: Any) -> None:
    clerk = as_person(app, "clerk")
    key = deleted_order(clerk, "PO-api")
    rows = clerk.get("/api/v1/recycle-bin?form=sales.order").json()["data"]
    assert [one["deleted_by"]["code"] for one in rows if one["id"] == key] == ["clerk"]
    assert clerk.get("/api/v1/recycle-bin?form=sales.invoice").json()["data"] == []
    answer = clerk.post(f"/api/v1/recycle-bin/{key}/restore")
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    assert clerk.post("/api/v1/recycle-bin/no-id/restore").status_code == 404


@pytest.mark.parametrize(("language", "title"), [("zh", "两步验证"), ("en", "Two-step log-in")])
def test_the_second_factor_is_explained_in_both_languages(app: Any, language: str, title: str) -> None:
    assert f"<h1>{title}</h1>" in as_person(app, "clerk", language=language).get("/me/second-factor").text


def test_a_second_factor_is_switched_on_by_a_code_asked_at_log_in_and_switched_off_by_the_password(
    app: Any, site: Site
) -> None:
    clerk = as_person(app, "clerk")
    begun = clerk.post("/me/second-factor")
    found = re.search(r'class="secret"[^>]*>([A-Z2-7]+)<', begun.text)
    assert found is not None
    assert begun.headers["cache-control"] == "no-store"
    assert f"otpauth://totp/Anlan:clerk?secret={found[1]}" in begun.text
    wrong = clerk.post("/me/second-factor/confirm", data={"code": "abc"})
    assert wrong.status_code == 422
    assert 'name="code"' in wrong.text  # it may be typed again; the phone has the key already
    assert found[1] not in wrong.text
    code = pyotp.TOTP(found[1]).at(site.clock.now())
    assert clerk.post("/me/second-factor/confirm", data={"code": code}).status_code == 303
    assert "已开启" in clerk.get("/me/second-factor").text

    asked = TestClient(app, follow_redirects=False).post(
        "/login", data={"login": "clerk", "password": PASSWORD}
    )
    assert asked.status_code == 401
    assert 'name="totp"' in asked.text

    refused = clerk.post("/me/second-factor/remove", data={"password": "not mine"})
    assert refused.status_code == 422
    assert "已开启" in clerk.get("/me/second-factor").text
    assert clerk.post("/me/second-factor/remove", data={"password": PASSWORD}).status_code == 303
    assert "未开启" in clerk.get("/me/second-factor").text
    assert as_person(app, "clerk").get("/").status_code == 200


def test_guessing_the_password_to_switch_it_off_is_counted_like_a_log_in(app: Any) -> None:
    stranger = as_person(app, "stranger")
    seen = {
        stranger.post("/me/second-factor/remove", data={"password": f"guess {n}"}).status_code
        for n in range(12)
    }
    assert seen == {422, 429}


def test_a_token_cannot_ask_for_its_owners_password(site: Site) -> None:
    from anlan.kernel.access import sessions
    from anlan.kernel.access.caller import system_caller

    with pytest.raises(Refused, match="403"):
        sessions.check_password(site, system_caller(site.catalogue.policies), PASSWORD, address=None)
