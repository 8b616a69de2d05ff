"""The pages over a whole site: who sees what, what a list's address means, what an error looks like."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import describe, message, query, record
from anlan.kernel.query import Query
from anlan.kernel.site import Site
from page_site import PASSWORD, as_person, context, order

PAGES = [
    "/",
    "/todo",
    "/search?q=A001",
    "/palette?q=A",
    "/me/sessions",
    "/help/keys",
    "/f/sales.order",
    "/f/base.item/new",
]


@pytest.mark.parametrize("path", [*PAGES, "/registers/stock.on_hand", "/no/such/page"])
def test_nobody_sees_a_page_without_logging_in(app: Any, path: str) -> None:
    answer = TestClient(app, follow_redirects=False).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", [*PAGES, "/f/sales.order/new", "/registers/stock.on_hand"])
def test_an_administrator_sees_every_page(admin: TestClient, path: str) -> None:
    assert admin.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/f/sales.order", "/f/sales.order/new", "/f/sales.order/count", "/registers/stock.on_hand"]
)
def test_a_stranger_is_told_that_he_may_not(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 403
    assert "没有权限" in answer.text


def test_a_stranger_has_no_form_in_the_rail_and_finds_nothing(stranger: TestClient, site: Site) -> None:
    order(site, lines=1)
    assert "/f/" not in stranger.get("/").text
    assert "/f/" not in stranger.get("/palette?q=SO").text


def test_a_stranger_cannot_read_a_record_by_its_address(stranger: TestClient, site: Site) -> None:
    found = order(site, lines=1)
    for part in ("", "/trail", "/links", "/chain", "/files", "/related"):
        assert stranger.get(f"/f/sales.order/{found['id']}{part}").status_code in {403, 404}
    assert stranger.get(f"/f/sales.order/new?copy={found['id']}").status_code in {403, 404}


def test_whoever_was_given_his_password_can_do_nothing_before_he_has_his_own(app: Any) -> None:
    keeper = as_person(app, "keeper", asked=True)
    assert keeper.get("/f/stock.receipt").headers["location"] == "/me/password"


def test_a_wrong_password_and_an_unknown_name_read_alike(app: Any) -> None:
    said = []
    for login in ("admin", "nobody-of-that-name"):
        answer = TestClient(app).post("/login", data={"login": login, "password": "wrong"})
        assert answer.status_code == 401
        said.append(re.findall(r'class="login-error"[^>]*>([^<]+)<', answer.text))
    assert said[0] == said[1] != []


def test_logging_out_ends_the_session(app: Any) -> None:
    client = as_person(app, "clerk")
    token = client.cookies["anlan_session"]
    client.post("/logout")
    again = TestClient(app, follow_redirects=False, cookies={"anlan_session": token})
    assert again.get("/").status_code == 303


def test_a_session_that_is_revoked_is_over(app: Any) -> None:
    here, there = as_person(app, "clerk"), as_person(app, "clerk")
    page = here.get("/me/sessions").text
    for session in re.findall(r"/me/sessions/([\w-]+)/revoke", page):
        here.post(f"/me/sessions/{session}/revoke")
    assert there.get("/").status_code == 303
    assert here.get("/").status_code == 200


def test_a_list_keeps_its_filter_its_search_and_its_sort_in_the_address(
    admin: TestClient, site: Site
) -> None:
    order(site, lines=1, confirmed=False, reference="PO-1")
    order(site, lines=1, reference="PO-2")
    page = admin.get(
        "/f/sales.order", params={"view": "all", "where": 'AND(state = "draft", reference = "PO-1")'}
    ).text
    assert page.count("data-href=") == 1
    assert "草稿" in page
    assert "state+%3D+%22draft%22" in page


def test_a_chip_of_the_filter_menu_becomes_a_formula_in_the_address(admin: TestClient) -> None:
    answer = admin.get("/f/sales.order?view=all&add_field=gross&add_operator=above&add_value=100")
    assert answer.status_code == 303
    assert "where=gross+%3E+100" in answer.headers["location"]


def test_pages_of_a_list_follow_each_other_without_gaps(admin: TestClient, site: Site) -> None:
    ctx = context(site)
    record.create_many(ctx, "base.party", [{"code": f"P{n:03d}", "name": f"客户 {n}"} for n in range(120)])
    seen: list[str] = []
    url = "/f/base.party?view=all&sort=code&search=客户"
    for _ in range(5):
        page = admin.get(url).text
        seen += re.findall(r'data-href="/f/base.party/([\w-]+)"', page)
        more = re.search(r'hx-get="([^"]+part=rows[^"]+)"', page)
        if more is None:
            break
        url = more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_counts_and_totals_come_after_the_rows(admin: TestClient, site: Site) -> None:
    order(site, lines=2)
    part = admin.get("/f/sales.order/count?view=all").text
    assert re.search(r'hx-target="#count"[^>]*>[\d,]+<', part)


def test_an_unknown_formula_in_the_address_is_told_in_words(admin: TestClient) -> None:
    answer = admin.get("/f/sales.order?where=no_such_field+%3D+1")
    assert answer.status_code == 422
    assert "no_such_field" in answer.text


def test_a_confirmed_order_offers_the_next_document_and_shows_text_where_nothing_may_change(
    admin: TestClient, site: Site
) -> None:
    found = order(site, lines=1)
    page = admin.get(f"/f/sales.order/{found['id']}").text
    assert 'data-make="sales.delivery"' in page
    assert 'id="field-customer"' not in page
    assert 'data-text="customer"' in page


def test_hostile_text_stays_text_on_every_page(admin: TestClient, site: Site) -> None:
    bad = '</script><img src=x onerror="alert(1)">'
    found = order(site, lines=1, confirmed=False, note=bad, reference=bad)
    for path in (
        f"/f/sales.order/{found['id']}",
        "/f/sales.order?view=all",
        f"/search?q={bad}",
        f"/f/sales.order?search={bad}",
    ):
        assert "<img src=x" not in admin.get(path).text, path


def test_a_comment_appears_in_the_trail(admin: TestClient, site: Site) -> None:
    found = order(site, lines=1)
    record.comment(context(site), "sales.order", found["id"], "请电话确认")
    part = admin.get(f"/f/sales.order/{found['id']}/trail").text
    assert "请电话确认" in part


def test_changes_are_told_with_labels_old_and_new(admin: TestClient, site: Site) -> None:
    draft = order(site, lines=1, confirmed=False)
    record.update(context(site), "sales.order", draft["id"], {"reference": "PO-9"}, version=draft["version"])
    part = admin.get(f"/f/sales.order/{draft['id']}/trail").text
    assert "客户单号" in part
    assert "PO-9" in part


@pytest.mark.parametrize(("language", "words"), [("zh", "我的待办"), ("en", "To do")])
def test_a_person_reads_in_the_language_he_chose(admin: TestClient, language: str, words: str) -> None:
    page = admin.get(
        "/todo",
        headers={"cookie": f"anlan_session={admin.cookies['anlan_session']}; anlan_language={language}"},
    )
    assert f"<h1>{words}" in page.text


def test_a_page_that_is_not_there_says_so_with_the_frame_around(admin: TestClient) -> None:
    answer = admin.get("/f/sales.order/no-such-number")
    assert answer.status_code == 404
    assert 'id="rail"' in answer.text


def test_scripts_are_our_own_files_and_data_cannot_run(admin: TestClient, site: Site) -> None:
    found = order(site, lines=1)
    answer = admin.get(f"/f/sales.order/{found['id']}")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for attributes in re.findall(r"<script([^>]*)>", answer.text):
        assert 'src="/static/' in attributes or 'type="application/json"' in attributes


def test_every_form_has_a_list_and_a_page_for_a_new_record(admin: TestClient, site: Site) -> None:
    ctx = context(site)
    failed = []
    for form in describe.forms(ctx):
        paths = [f"/f/{form['form']}", f"/f/{form['form']}/count"]
        if "create" in form["actions"]:
            paths.append(f"/f/{form['form']}/new")
        failed += [
            (path, answer.status_code) for path in paths if (answer := admin.get(path)).status_code != 200
        ]
    assert failed == []


def test_every_view_of_every_form_opens_with_its_count(admin: TestClient, site: Site) -> None:
    ctx = context(site)
    failed = []
    for form in describe.forms(ctx):
        for view in describe.form(ctx, form["form"])["views"]:
            for path in (f"/f/{form['form']}?view={view}", f"/f/{form['form']}/count?view={view}"):
                if (answer := admin.get(path)).status_code != 200:
                    failed.append((path, answer.status_code))
    assert failed == []


def test_every_report_opens_with_what_its_parameters_are_by_default(admin: TestClient, site: Site) -> None:
    reports = [one["report"] for one in describe.reports(context(site))]
    assert reports
    assert [(name, admin.get(f"/r/{name}").status_code) for name in reports] == [
        (name, 200) for name in reports
    ]


def test_links_to_files_and_prints_lead_to_files(admin: TestClient, site: Site) -> None:
    found = order(site, lines=1)
    pages = [admin.get(path).text for path in (f"/f/sales.order/{found['id']}", "/f/sales.order/import")]
    links = {
        link.replace("&amp;", "&") for page in pages for link in re.findall(r'href="(/api/v1/[^"]+)"', page)
    }
    assert {link.split("/")[3] for link in links} == {"records", "import"}
    for link in links:
        answer = admin.get(link)
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].startswith("application/"), link


def test_the_bell_shows_what_one_was_told_and_counts_it_as_read(clerk: TestClient, site: Site) -> None:
    ctx = context(site)
    user = next(
        one["id"] for one in query.records(ctx, "system.user", Query())["data"] if one["code"] == "clerk"
    )
    with ctx.transaction() as tx:
        message.notify(tx.connection, [user], "home.title", {}, now=ctx.now)
    assert "data-unread" in clerk.get("/").text
    assert "首页" in clerk.post("/bell").text
    assert "data-unread" not in clerk.get("/").text


def test_a_defect_of_ours_shows_the_id_that_the_log_has(
    admin: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("anlan.kernel.query.search", broken)
    answer = admin.get("/search?q=x")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert answer.headers["x-request-id"] in caplog.text


def test_a_refusal_names_the_form_by_its_label(stranger: TestClient) -> None:
    assert "sales.order" not in re.sub(r"<[^>]+>", "", stranger.get("/f/sales.order").text)


def test_the_trail_names_what_was_linked_and_never_shows_an_id(admin: TestClient, site: Site) -> None:
    ctx = context(site)
    found = order(site, lines=1, confirmed=False)
    lines = [*found["lines"], {"item": "A003", "quantity": "1", "price": "1"}]
    record.update(
        ctx, "sales.order", found["id"], {"customer": "C002", "lines": lines}, version=found["version"]
    )
    trail = re.sub(r"<[^>]+>", " ", admin.get(f"/f/sales.order/{found['id']}/trail").text)
    assert "清河食品有限公司" in trail
    assert "东湖超市" in trail
    assert "一级大豆油 5L" in trail
    assert re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-7", trail) == []


# -- the people of an example


def test_the_log_in_page_of_ones_own_site_offers_nobody(app: Any) -> None:
    page = TestClient(app).get("/login").text
    assert "data-login" not in page
    assert "login.js" not in page


def test_the_log_in_page_of_an_example_offers_its_people(app: Any, site: Site) -> None:
    people = '[{"login": "clerk", "name": "林", "role": "admin"}]'
    with site.pool.connection() as connection:
        connection.execute(
            "INSERT INTO example (loaded_at, people, password, changed) VALUES (now(), $1::json, $2, '[]')",
            [people, PASSWORD],
        )
    try:
        page = TestClient(app, headers={"accept-language": "zh-CN"}).get("/login").text
        assert 'data-login="clerk"' in page
        assert "系统管理员" in page
    finally:
        with site.pool.connection() as connection:
            connection.execute("DELETE FROM example")


def test_only_an_administrator_sees_what_removing_the_example_means(
    admin: TestClient, clerk: TestClient, stranger: TestClient
) -> None:
    assert "本站点没有演示数据" in admin.get("/example").text
    assert admin.post("/example/remove", data={"sure": "yes"}).status_code == 404
    for client in (clerk, stranger):
        assert client.get("/example").status_code == 403
        assert client.post("/example/remove", data={"sure": "yes"}).status_code == 403
