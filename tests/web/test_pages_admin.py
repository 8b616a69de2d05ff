"""The administrator's pages over a whole site: who sees them, and that each does what its button says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import job, record
from anlan.kernel.access import sessions
from anlan.kernel.site import Site
from anlan.web.pages.admin.shared import touched
from anlan.web.pages.frame import ADMIN
from page_site import as_person, context, order

PAGES = [f"/admin/{one}" for one in ADMIN] + ["/admin/people/clerk", "/admin/roles/sales_clerk"]
WRITES = [
    "/admin/people", "/admin/people/clerk", "/admin/people/clerk/do", "/admin/roles/admin", "/admin/tokens",
    "/admin/jobs/1", "/admin/audit/verify", "/admin/catalogue", "/admin/see-as", "/admin/sessions/1/end",
]  # fmt: skip
SECRET = re.compile(r'class="secret"[^>]*>([^<]+)<')


def add(admin: TestClient, login: str, *roles: str, **more: str) -> str:
    """Make a person at the page; the first password that it shows."""
    answer = admin.post(
        "/admin/people", data={"code": login, "name": login.title(), "roles": list(roles), **more}
    )
    assert answer.status_code == 200, answer.text
    found = SECRET.search(answer.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", [*PAGES, "/admin/audit/export"])
def test_only_an_administrator_sees_the_administration(app: Any, admin: TestClient, path: str) -> None:
    assert admin.get(path).status_code == 200
    for login in ("clerk", "stranger"):
        assert as_person(app, login).get(path).status_code == 403
    assert TestClient(app, follow_redirects=False).get(path).status_code == 303


@pytest.mark.parametrize("path", WRITES)
def test_nobody_else_changes_anything_there(app: Any, path: str) -> None:
    given = {"do": "publish", "login": "clerk", "user": "admin", "name": "x", "code": "x"}
    assert as_person(app, "clerk").post(path, data=given).status_code == 403


def test_the_rail_leads_there_for_administrators_only(app: Any, admin: TestClient) -> None:
    assert 'href="/admin/people"' in admin.get("/").text
    assert "/admin/" not in as_person(app, "clerk").get("/").text


def test_a_new_person_logs_in_with_the_password_that_was_shown_once(app: Any, admin: TestClient) -> None:
    first = add(admin, "wang", "sales_clerk")
    assert first not in admin.get("/admin/people/wang").text
    answer = as_person(app, "wang", first, asked=True).get("/")
    assert answer.headers["location"] == "/me/password"


def test_what_was_typed_stays_when_a_person_cannot_be_made(admin: TestClient) -> None:
    answer = admin.post("/admin/people", data={"code": "clerk", "name": "另一个人", "roles": ["sales_clerk"]})
    assert answer.status_code in {409, 422}
    assert "另一个人" in answer.text and 'role="alert"' in answer.text


def test_roles_and_names_are_saved_and_the_trail_says_who_did(admin: TestClient, site: Site) -> None:
    add(admin, "zhao")
    page = admin.get("/admin/people/zhao").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    saved = admin.post(
        "/admin/people/zhao",
        data={"version": version[1], "name": "赵一", "language": "zh-CN", "roles": ["warehouse_keeper"]},
    )
    assert saved.status_code == 303, saved.text
    found = record.read(context(site), "system.user", "zhao")
    assert (found["name"], found["roles"]) == ("赵一", ["warehouse_keeper"])
    assert record.trail(context(site), "system.user", "zhao")[0]["actor"]["code"] == "admin"


def test_a_reset_password_ends_the_sessions_of_the_person(app: Any, admin: TestClient) -> None:
    first = add(admin, "qian", "sales_clerk")
    old = as_person(app, "qian", first, asked=True)
    answer = admin.post("/admin/people/qian/do", data={"do": "password"})
    second = SECRET.search(answer.text)
    assert second is not None and second[1] != first
    assert old.get("/").headers["location"].startswith("/login")


def test_a_disabled_person_is_out_and_comes_back_when_enabled(app: Any, admin: TestClient) -> None:
    first = add(admin, "sun", "sales_clerk")
    inside = as_person(app, "sun", first, asked=True)
    assert admin.post("/admin/people/sun/do", data={"do": "disable"}).status_code == 303
    assert inside.get("/").headers["location"].startswith("/login")
    assert admin.post("/admin/people/sun/do", data={"do": "enable"}).status_code == 303
    as_person(app, "sun", first, asked=True)


def test_the_last_administrator_cannot_be_disabled(admin: TestClient) -> None:
    answer = admin.post("/admin/people/admin/do", data={"do": "disable"})
    assert answer.status_code == 422
    assert admin.get("/admin/people").status_code == 200


def test_who_was_locked_out_is_let_in_again_when_unlocked(app: Any, admin: TestClient) -> None:
    first = add(admin, "li", "sales_clerk")
    anybody = TestClient(app, follow_redirects=False)
    for _ in range(6):
        anybody.post("/login", data={"login": "li", "password": "wrong-password-1"})
    assert anybody.post("/login", data={"login": "li", "password": first}).status_code == 429
    assert "已锁定" in admin.get("/admin/people/li").text
    admin.post("/admin/people/li/do", data={"do": "unlock"})
    as_person(app, "li", first, asked=True)


def test_a_role_is_given_and_taken_at_its_page(admin: TestClient, site: Site) -> None:
    add(admin, "zhou")
    had = re.findall(r'name="people" value="([^"]+)" checked', admin.get("/admin/roles/accountant").text)
    assert admin.post("/admin/roles/accountant", data={"people": [*had, "zhou"]}).status_code == 303
    assert record.read(context(site), "system.user", "zhou")["roles"] == ["accountant"]
    admin.post("/admin/roles/accountant", data={"people": had})
    assert not record.read(context(site), "system.user", "zhou")["roles"]


def test_a_role_says_what_it_may_in_words(admin: TestClient) -> None:
    text = admin.get("/admin/roles/sales_clerk").text
    assert "销售订单" in text and "新建" in text


def test_a_session_is_ended_from_the_list_of_all(app: Any, admin: TestClient, site: Site) -> None:
    inside = as_person(app, "stranger")
    user = record.read(context(site), "system.user", "stranger")["id"]
    for one in sessions.list_of(site, user):
        assert admin.post(f"/admin/sessions/{one['id']}/end").status_code == 303
    assert inside.get("/").headers["location"].startswith("/login")


def test_a_token_is_shown_once_works_as_narrowed_and_ends_when_revoked(app: Any, admin: TestClient) -> None:
    answer = admin.post(
        "/admin/tokens",
        data={
            "user": "clerk",
            "name": "夜间复制",
            "actions": ["read"],
            "forms": ["base.item"],
            "expires": "",
            "addresses": "",
        },
    )
    found = SECRET.search(answer.text)
    assert found is not None
    program = TestClient(app, headers={"authorization": f"Bearer {found[1]}"})
    assert program.get("/api/v1/records/base.item").status_code == 200
    assert program.get("/api/v1/records/sales.order").status_code == 403
    page = admin.get("/admin/tokens").text
    assert "夜间复制" in page and found[1] not in page
    ended = re.search(r'action="(/admin/tokens/[^"]+/end)"', page)
    assert ended is not None and admin.post(ended[1]).status_code == 303
    assert program.get("/api/v1/records/base.item").status_code == 401


def test_a_token_with_a_bad_network_is_refused_and_nothing_typed_is_lost(admin: TestClient) -> None:
    answer = admin.post(
        "/admin/tokens", data={"user": "clerk", "name": "复制库存", "addresses": "not-an-address"}
    )
    assert answer.status_code == 422
    assert "复制库存" in answer.text and "not-an-address" in answer.text


@job.task("demo.admin_pages", attempts=1)
def _fails(run: job.Run) -> object:
    raise ValueError("the printer is on fire")


def test_a_failed_job_is_seen_with_its_error_and_may_run_again(admin: TestClient, site: Site) -> None:
    from anlan.kernel.job.worker import drain

    with site.pool.connection() as connection:
        id = job.enqueue(connection, "demo.admin_pages", {}, now=site.clock.now())
    drain(site)
    page = admin.get("/admin/jobs?group=failed").text
    assert "the printer is on fire" in page
    assert "the printer is on fire" in admin.get("/admin/health").text
    assert admin.post(f"/admin/jobs/{id}", data={"do": "retry", "group": "failed"}).status_code == 303
    assert "demo.admin_pages" in admin.get("/admin/jobs?group=waiting").text
    again = admin.post(f"/admin/jobs/{id}", data={"do": "retry", "group": "waiting"})
    assert again.status_code == 409 and "状态已经变化" in again.text
    assert admin.post(f"/admin/jobs/{id}", data={"do": "cancel", "group": "waiting"}).status_code == 303


def test_the_trail_is_searched_by_who_and_by_record(admin: TestClient, site: Site) -> None:
    made = order(site, lines=1)
    found = admin.get(f"/admin/audit?record={made['number']}").text
    assert f"/f/sales.order/{made['id']}" in found
    nobody = admin.get(f"/admin/audit?who=stranger&record={made['number']}").text
    assert f"/f/sales.order/{made['id']}" not in nobody


def test_the_trail_names_fields_and_ways_in_words(admin: TestClient, site: Site) -> None:
    assert '<span class="quiet">网页</span>' in admin.get("/admin/audit?form=system.user").text
    told = touched(context(site), "sales.order", ["state", "customer", "approval", "x_unheard_of"])
    assert told in {"状态、客户、审批、x_unheard_of", "state, Customer, approval, x_unheard_of"}


def test_a_refusal_names_the_action_in_words(app: Any) -> None:
    keeper = as_person(app, "stranger")
    refusal = keeper.get("/f/sales.order/new").text
    assert "您没有对销售订单进行查看的权限" in refusal
    said = as_person(app, "stranger", language="en").get("/f/sales.order/new").text
    assert "You may not read Sales order" in said


def test_versions_and_packs_are_named_in_words(admin: TestClient) -> None:
    page = admin.get("/admin/catalogue").text
    assert "系统管理 <span class=\"code\">system</span>" in page
    assert "初始版本" in page
    assert ">init<" not in page


def test_a_day_that_is_none_is_refused_with_a_sentence(admin: TestClient) -> None:
    answer = admin.get("/admin/audit?start=yesterday")
    assert answer.status_code == 422 and 'role="alert"' in answer.text


def test_the_verifier_answers_on_the_page_and_the_export_is_a_zip(admin: TestClient) -> None:
    assert "审计链完整" in admin.post("/admin/audit/verify").text
    assert admin.get("/admin/audit/export?first=1&last=10").content[:2] == b"PK"


def test_seeing_as_somebody_shows_his_rail_changes_nothing_and_is_in_his_trail(app: Any, site: Site) -> None:
    looking = as_person(app, "admin")
    assert looking.post("/admin/see-as", data={"login": "clerk"}).status_code == 303
    page = looking.get("/")
    assert "您正在以 Clerk 的身份查看" in page.text and "/admin/people" not in page.text
    assert looking.get("/admin/people").status_code == 403
    assert looking.get("/registers/finance.ledger").status_code == 403
    refused = looking.post("/api/v1/records/base.item", json={"code": "Z1", "name": "Z"})
    assert refused.status_code == 403
    assert looking.get("/api/v1/me").json()["login"] == "clerk"
    assert looking.post("/me/second-factor").status_code == 403
    told = record.trail(context(site), "system.user", "clerk")[0]
    assert (told["kind"], told["actor"]["code"]) == ("seen_as", "admin")
    assert looking.post("/admin/see-as/end").status_code == 303
    assert looking.get("/api/v1/me").json()["login"] == "admin"


def test_a_mark_that_was_made_up_shows_nothing_of_anybody(app: Any) -> None:
    clerk = as_person(app, "clerk")
    clerk.cookies.set("anlan_as", "00" * 32 + ":admin")
    assert clerk.get("/api/v1/me").json()["login"] == "clerk"
    boss = as_person(app, "admin")
    boss.cookies.set("anlan_as", "00" * 32 + ":clerk")
    assert boss.get("/api/v1/me").json()["login"] == "admin"


def test_a_refused_page_leads_to_the_reason_and_names_the_role_that_would_grant_it(app: Any) -> None:
    stranger = as_person(app, "stranger")
    refused = stranger.get("/f/sales.order/SO-1").text
    link = re.search(r'href="(/why\?[^"]+)"', refused)
    assert link is not None
    reason = stranger.get(link[1].replace("&amp;", "&")).text
    assert "没有角色授予" in reason and "销售员" in reason


def test_the_reason_tells_nothing_of_a_record_to_who_may_not_see_it(
    app: Any, admin: TestClient, site: Site
) -> None:
    made = order(site, lines=1)
    stranger = as_person(app, "stranger")
    there, missing = (
        stranger.get(f"/why?form=sales.order&key={key}").text.replace(key, "KEY")
        for key in (made["number"], "SO-nothing-here")
    )
    strip = re.compile(r'nonce="[^"]*"|value="KEY"')
    assert strip.sub("", there) == strip.sub("", missing)
    assert stranger.get("/why?form=sales.order&login=admin").status_code == 403
    assert "看得到" in admin.get(f"/why?form=sales.order&key={made['number']}&login=clerk").text


def test_a_grant_is_changed_in_the_draft_holds_when_published_and_is_taken_back(
    admin: TestClient, site: Site
) -> None:
    page = "/admin/roles/sales_clerk/grant"
    before = site.catalogue.forms["sales.invoice"].definition.grants["sales_clerk"]
    given = {"form": "sales.invoice", "actions": ["read", "post"], "rows": "created_by = USER()"}
    assert admin.post(page, data=given | {"rows": "no such ("}).status_code == 422
    assert admin.post(page, data=given).headers["location"] == "/admin/catalogue"
    assert site.catalogue.forms["sales.invoice"].definition.grants["sales_clerk"] == before
    draft = admin.get("/admin/catalogue").text
    assert "您的草稿" in draft and "销售发票" in draft
    assert (
        admin.post("/admin/catalogue", data={"do": "publish", "comment": "开票员也过账"}).status_code == 303
    )
    now = site.catalogue.forms["sales.invoice"].definition.grants["sales_clerk"]
    assert (now.actions, now.rows, now.fields) == (["read", "post"], "created_by = USER()", before.fields)
    first = {"form": "sales.invoice", "actions": ["read"], "rows": ""}
    assert admin.post(page, data=first).status_code == 303
    assert admin.post("/admin/catalogue", data={"do": "discard"}).status_code == 303
    assert admin.post("/admin/catalogue", data={"do": "rollback", "version": "1"}).status_code == 303
    assert site.catalogue.forms["sales.invoice"].definition.grants["sales_clerk"] == before


def test_only_an_administrator_changes_a_grant(app: Any, admin: TestClient) -> None:
    given = {"form": "sales.order", "actions": ["read"], "rows": ""}
    assert as_person(app, "clerk").post("/admin/roles/sales_clerk/grant", data=given).status_code == 403
    assert admin.post("/admin/roles/admin/grant", data=given).status_code == 409
    assert admin.get("/admin/roles/sales_clerk/grant?form=no.such").status_code == 404
