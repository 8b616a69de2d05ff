"""To-do boxes, the card, several at once, deputies and scanning through the API and the pages, over all packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import record
from anlan.kernel.catalogue import change
from anlan.kernel.site import Site
from anlan.kernel.workflow import desk
from page_site import as_person, context, order, page_site, with_approval


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as opened:
        with_approval(opened)
        yield opened


@pytest.fixture(scope="module")
def chief(app: Any) -> TestClient:
    return as_person(app, "chief")


def asked(clerk: TestClient) -> dict[str, Any]:
    lines = [{"item": "A003", "quantity": "40", "price": "59.90"}]
    made = clerk.post("/api/v1/records/sales.order", json={"customer": "C001", "lines": lines}).json()
    answer = clerk.post(f"/api/v1/records/sales.order/{made['id']}/do/confirm", json={"comment": "急用"}).json()
    found: dict[str, Any] = answer
    return found


def test_the_card_tells_who_wants_what_and_why_and_what_one_may_do(clerk: TestClient, chief: TestClient) -> None:
    waiting = asked(clerk)
    key = waiting["approval"]["id"]
    card = chief.get(f"/api/v1/approvals/{key}").json()
    assert card["request"]["comment"] == "急用"
    assert card["request"]["requested_by"]["label"] == "Clerk"
    assert card["may"][:3] == ["approve", "return", "reject"]
    assert len(card["figures"]) == 3 and all(isinstance(one["label"], str) for one in card["figures"])
    assert clerk.get(f"/api/v1/approvals/{key}").json()["may"] == ["withdraw", "urge", "copy"]
    page = chief.get(f"/todo/{waiting['id']}").text
    assert "急用" in page and 'data-decide="approve"' in page
    assert 'data-decide="approve"' not in clerk.get(f"/todo/{waiting['id']}").text


def test_a_stranger_neither_sees_nor_decides_anything(clerk: TestClient, stranger: TestClient) -> None:
    waiting = asked(clerk)
    key = waiting["approval"]["id"]
    assert stranger.get(f"/api/v1/approvals/{key}").status_code == 404
    assert stranger.get(f"/todo/{waiting['id']}").status_code in (403, 404)
    for path in ("decide", "transfer", "signers", "urge", "copies"):
        assert stranger.post(f"/api/v1/approvals/{key}/{path}", json={}).status_code == 404, path
    assert stranger.post("/api/v1/approvals/decide", json={"requests": [key], "decision": "approve"}).status_code == 403
    assert stranger.get("/api/v1/colleagues").status_code == 403
    day = {"from": "2099-01-01", "to": "2099-01-02", "deputy": "x"}
    assert stranger.post("/api/v1/me/delegations", json=day).status_code == 403


def test_several_are_approved_at_once_and_what_cannot_be_is_told_one_by_one(clerk: TestClient, chief: TestClient) -> None:
    first, second = asked(clerk), asked(clerk)
    clerk.post(f"/api/v1/approvals/{second['approval']['id']}/decide", json={"decision": "withdraw"})
    keys = [one["approval"]["id"] for one in (first, second)]
    found = chief.post("/api/v1/approvals/decide", json={"requests": keys, "decision": "approve"}).json()["data"]
    assert [(one["status"], one["code"]) for one in found] == [("approved", None), (None, "approval.ended")]
    assert "撤回" in found[1]["message"]
    assert clerk.get(f"/api/v1/records/sales.order/{first['id']}").json()["state"] == "confirmed"


def test_each_box_has_what_belongs_there(clerk: TestClient, chief: TestClient) -> None:
    waiting = asked(clerk)
    assert f"/todo/{waiting['id']}" in clerk.get("/todo?box=started").text
    assert f"/todo/{waiting['id']}" not in clerk.get("/todo?box=done").text
    chief.post(f"/api/v1/approvals/{waiting['approval']['id']}/decide", json={"decision": "approve"})
    assert f"/todo/{waiting['id']}" in chief.get("/todo?box=done").text
    counts = chief.get("/api/v1/todos/counts").json()
    assert counts["done"] >= 1
    (one,) = clerk.get(f"/api/v1/records/sales.order/{waiting['id']}/approvals").json()["data"]
    assert one["decisions"][0]["seconds"] >= 0


def test_a_deputy_is_set_on_the_page_and_a_wrong_turn_keeps_what_was_typed(clerk: TestClient, chief: TestClient, site: Site) -> None:
    deputy = next(one["id"] for one in chief.get("/api/v1/colleagues?q=admin").json()["data"])
    today = context(site).today
    wrong = {"deputy": deputy, "from": today.isoformat(), "to": (today - timedelta(days=1)).isoformat(), "reason": "出差"}
    answer = chief.post("/me/delegations", data=wrong)
    assert answer.status_code == 422
    assert "早于" in answer.text and 'value="出差"' in answer.text
    assert chief.post("/me/delegations", data=wrong | {"to": today.isoformat()}).status_code == 303
    (made,) = chief.get("/api/v1/me/delegations").json()["data"]
    assert (made["state"], made["reason"]) == ("running", "出差")
    assert chief.post(f"/me/delegations/{made['id']}/end").status_code == 303
    assert chief.get("/api/v1/me/delegations").json()["data"][0]["state"] == "over"


def test_the_clock_takes_the_step_through_the_record_path_once(clerk: TestClient, site: Site) -> None:
    ctx = context(site)
    overlay = {"set": {"timeout_hours": 1, "on_timeout": "approve"}}
    known = change.get(ctx, "approval", "sales.x_large_order")["definition"]
    change.put(ctx, "approval", "sales.x_large_order", {"definition": {**known, **overlay["set"]}})
    change.publish(context(site), "by the clock")
    waiting = asked(clerk)
    with site.pool.connection() as connection:
        connection.execute("UPDATE approval_request SET due_at = $2 WHERE id = $1", [waiting["approval"]["id"], site.clock.now()])
    assert desk.expire_due(site) == 1
    assert desk.expire_due(site) == 0
    found = record.read(context(site), "sales.order", waiting["id"])
    assert found["state"] == "confirmed"
    assert [one["kind"] for one in record.trail(context(site), "sales.order", waiting["id"])].count("confirm") == 1


@pytest.mark.parametrize(("form", "name"), [("sales.order", "sales.order_check"), ("purchase.order", "purchase.order_check")])
def test_the_approvals_that_packs_bring_can_be_turned_on(site: Site, form: str, name: str) -> None:
    ctx = context(site)
    change.put(ctx, "form", form, {"overlay": {"set": {"workflow.transitions.confirm.approval": name}}})
    change.publish(context(site), f"turn {name} on")
    assert site.catalogue.forms[form].transitions["confirm"].approval == name


def test_a_code_leads_to_the_record_only_for_who_may_read_it(clerk: TestClient, stranger: TestClient, site: Site) -> None:
    number = order(site, lines=1, customer="C002")["number"]
    admin = context(site)
    assert record.read(admin, "sales.order", number)["number"] == number
    assert [one["form"] for one in clerk.get("/api/v1/scan?code=A001").json()["data"]] == ["base.item"]
    assert stranger.get("/api/v1/scan?code=A001").json()["data"] == []
    parts = clerk.get("/api/v1/scan", params={"code": "(01)06901234567892(10)L24(17)261231"}).json()["parts"]
    assert (parts["lot"], parts["expiry"]) == ("L24", "2026-12-31")


def test_the_home_screen_gets_a_name_icons_and_a_worker_that_keeps_no_page(clerk: TestClient) -> None:
    manifest = clerk.get("/manifest.webmanifest").json()
    assert manifest["display"] == "standalone"
    for one in manifest["icons"]:
        assert clerk.get(one["src"]).headers["content-type"] == "image/png"
    worker = clerk.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "/* SHELL */" not in worker.text and "/api/" not in worker.text
    assert "没有网络" in TestClient(clerk.app).get("/offline").text
    assert clerk.get("/scan/sales.order/x").status_code == 404
