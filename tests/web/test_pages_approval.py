"""An approval that the company puts before a step by an overlay: who asks, who is asked, what each sees and may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel.site import Site
from page_site import as_person, page_site, with_approval

LINES = [{"item": "A003", "quantity": "40", "price": "59.90"}]


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as opened:
        with_approval(opened)
        yield opened


@pytest.fixture
def clerk(app: Any) -> TestClient:
    return as_person(app, "clerk")


@pytest.fixture
def chief(app: Any) -> TestClient:
    return as_person(app, "chief")


def asked(clerk: TestClient, reference: str) -> str:
    """A large order that its clerk has confirmed; its id."""
    made = clerk.post(
        "/api/v1/records/sales.order", json={"customer": "C001", "reference": reference, "lines": LINES}
    ).json()
    answer = step(clerk, made["id"], "confirm")
    assert answer["state"] == "draft"
    assert [one["label"] for one in answer["approval"]["who"]] == ["Chief"]
    key: str = made["id"]
    return key


def step(client: TestClient, key: str, name: str, **body: str) -> dict[str, Any]:
    answer = client.post(f"/api/v1/records/sales.order/{key}/do/{name}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def offered(page: str) -> list[str]:
    """The steps that the page's bar and head offer."""
    return re.findall(r'data-step="(\w+)"', page)


def test_a_small_order_is_confirmed_at_once(clerk: TestClient) -> None:
    lines = [{"item": "A001", "quantity": "1", "price": "4.50"}]
    made = clerk.post("/api/v1/records/sales.order", json={"customer": "C001", "lines": lines}).json()
    assert step(clerk, made["id"], "confirm")["state"] == "confirmed"


def test_who_asked_sees_who_is_asked_may_withdraw_and_types_nothing_meanwhile(clerk: TestClient) -> None:
    key = asked(clerk, "PO-wait")
    page = clerk.get(f"/f/sales.order/{key}").text
    assert "等待 Chief 审批" in page
    assert offered(page) == ["withdraw"]
    assert '"editable":[]' in page
    assert clerk.patch(
        f"/api/v1/records/sales.order/{key}", json={"reference": "X"}, headers={"If-Match": '"2"'}
    ).status_code in {409, 412}
    step(clerk, key, "withdraw")
    page = clerk.get(f"/f/sales.order/{key}").text
    assert "审批：" not in page
    assert "confirm" in offered(page)


def test_who_is_asked_finds_it_in_the_to_do_list_and_approves(clerk: TestClient, chief: TestClient) -> None:
    key = asked(clerk, "PO-good")
    assert f"/todo/{key}" in chief.get("/todo").text
    assert f"/todo/{key}" not in clerk.get("/todo").text
    page = chief.get(f"/f/sales.order/{key}").text
    assert offered(page) == ["reject", "return", "approve"]
    assert step(chief, key, "approve")["state"] == "confirmed"
    assert f"/todo/{key}" not in chief.get("/todo").text
    page = clerk.get(f"/f/sales.order/{key}").text
    assert "已确认" in page
    assert "approve" not in offered(page)
    trail = clerk.get(f"/f/sales.order/{key}/trail").text
    assert [word for word in ("提交审批", "同意") if word not in trail] == []
    assert "submit" not in re.sub(r"<[^>]+>", "", trail)


def test_what_was_returned_is_on_the_list_of_who_asked_with_the_reason(
    clerk: TestClient, chief: TestClient
) -> None:
    key = asked(clerk, "PO-return")
    step(chief, key, "return", comment="先收定金")
    todo = clerk.get("/todo").text
    assert f"/f/sales.order/{key}" in todo
    assert "先收定金" in todo
    assert "<td>Chief</td>" in todo
    assert "先收定金" in clerk.get(f"/f/sales.order/{key}/trail").text
    assert "confirm" in offered(clerk.get(f"/f/sales.order/{key}").text)


def test_who_is_not_asked_may_not_decide(clerk: TestClient, chief: TestClient) -> None:
    key = asked(clerk, "PO-own")
    answer = clerk.post(f"/api/v1/records/sales.order/{key}/do/approve", json={})
    assert answer.status_code in {403, 409}
    step(chief, key, "reject", comment="额度已满")
    assert clerk.get(f"/api/v1/records/sales.order/{key}").json()["state"] == "draft"


def test_who_has_nobody_else_to_ask_decides_himself_and_the_trail_says_so(chief: TestClient) -> None:
    key = asked(chief, "PO-self")
    assert offered(chief.get(f"/f/sales.order/{key}").text) == ["withdraw", "reject", "return", "approve"]
    assert step(chief, key, "approve")["state"] == "confirmed"
    assert "提交人是唯一可询问的人" in chief.get(f"/f/sales.order/{key}/trail").text
