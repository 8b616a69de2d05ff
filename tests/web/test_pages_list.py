"""The list's page: saved views as tabs, columns, filters in words, the side panel, bulk work, board and calendar."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_plus

import psycopg
import pytest
from starlette.testclient import TestClient

from anlan.kernel import record, view
from anlan.kernel.access.caller import system_caller
from anlan.kernel.catalogue import change
from anlan.kernel.context import Context
from anlan.kernel.site import Site
from page_site import as_person, context, order

ALL = "/f/sales.order?view=all"


def saved(admin: TestClient, **values: Any) -> dict[str, Any]:
    answer = admin.post("/api/v1/views/sales.order", json={"label": "我的", **values})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bulk(client: TestClient, body: dict[str, Any], form: str = "sales.order") -> Any:
    return client.post(f"/f/{form}/bulk", data={"body": json.dumps(body)})


def columns_of(page: str) -> list[str]:
    return re.findall(r'<th scope="col" data-path="([^"]+)"', page)


def test_columns_in_the_address_are_shown_in_their_order(admin: TestClient, site: Site) -> None:
    order(site, lines=1)
    page = admin.get(f"{ALL}&columns=gross,number,note").text
    assert columns_of(page) == ["gross", "number", "note"]


def test_a_saved_view_opens_with_what_it_was_saved_with_and_its_address_is_short(admin: TestClient, site: Site) -> None:
    order(site, lines=1, confirmed=False)
    made = saved(admin, label="我的草稿", where='state = "draft"', columns=["number", "gross", "state"], totals=["gross"], sort=["-gross"])
    page = admin.get(f"/f/sales.order?view={made['id']}").text
    assert columns_of(page) == ["number", "gross", "state"]
    assert "我的草稿" in page and 'class="chip"' in page and 'id="totals"' in page
    part = admin.get(f"/f/sales.order?view={made['id']}&part=list")
    assert part.headers["HX-Push-Url"] == f"/f/sales.order?view={made['id']}"
    without = admin.get(f"/f/sales.order?view={made['id']}&where=&part=list")
    assert without.headers["HX-Push-Url"] == f"/f/sales.order?view={made['id']}&where="


def test_what_a_person_opens_first_opens_without_a_name_but_never_under_an_address_that_says_more(
    admin: TestClient,
) -> None:
    made = saved(admin, label="先开", columns=["number"])
    admin.put("/api/v1/views/sales.order/layout", json={"first": made["id"]})
    assert f'"view":"{made["id"]}"' in admin.get("/f/sales.order").text
    assert f'"view":"{made["id"]}"' not in admin.get("/f/sales.order?search=SO").text
    admin.put("/api/v1/views/sales.order/layout", json={"first": None})


def test_a_view_that_is_gone_is_told_and_the_usual_one_is_shown(admin: TestClient) -> None:
    page = admin.get("/f/sales.order?view=01a20ee0-0000-7000-8000-000000000000")
    assert page.status_code == 200
    assert "要打开的视图已被删除" in page.text


def test_a_view_whose_field_was_retired_opens_and_says_what_was_left_out(admin: TestClient, site: Site) -> None:
    ctx = context(site)
    label = {"zh": "天气", "en": "Weather"}
    change.put(ctx, "form", "sales.order", {"overlay": {"set": {"fields.x_weather": {"type": "text", "label": label}}}})
    change.publish(context(site), "weather")
    made = saved(admin, label="天气", where='AND(x_weather = "fine", state = "draft")', columns=["number", "x_weather"])
    ctx = context(site)
    change.remove(ctx, "form", "sales.order")
    change.publish(context(site), "no weather")
    page = admin.get(f"/f/sales.order?view={made['id']}")
    assert page.status_code == 200
    assert "这个视图里的条件“x_weather”用到的字段已不存在，没有采用。" in page.text
    assert "这个视图里的列“x_weather”用到的字段已不存在，没有采用。" in page.text
    assert page.text.count('class="chip"') == 1


def test_widths_and_frozen_columns_of_a_person_are_in_his_list(admin: TestClient, site: Site) -> None:
    order(site, lines=1)
    layout = {"widths": {"number": 222}, "frozen": 2, "columns": {"all": ["number", "gross"]}}
    admin.put("/api/v1/views/sales.order/layout", json={"layout": layout})
    page = admin.get(ALL).text
    assert '<col data-path="number" width="222">' in page and 'data-frozen="2"' in page
    assert columns_of(page) == ["number", "gross"]
    admin.put("/api/v1/views/sales.order/layout", json={"layout": {}})


def test_a_chip_is_changed_in_its_place(admin: TestClient) -> None:
    where = 'AND(state = "draft", gross > 5)'
    menu = admin.get("/f/sales.order/filter", params={"view": "all", "where": where, "edit": "0"}).text
    assert 'name="edit" value="0"' in menu and 'value="draft" selected' in menu
    asked = [("view", "all"), ("where", where), ("edit", "0"), ("add_field", "state"), ("add_operator", "in"), ("add_value", "draft"), ("add_value", "confirmed")]
    answer = admin.get("/f/sales.order", params=asked)
    assert 'where=AND(IN(state, "draft", "confirmed"), gross > 5)' in unquote_plus(answer.headers["location"])


@pytest.mark.parametrize("word", ["today", "this_week", "last_month", "this_quarter", "last_30", "past"])
def test_words_for_days_are_conditions_that_the_database_understands(admin: TestClient, word: str) -> None:
    for form, field in (("sales.order", "date"), ("sales.order", "created_at")):
        answer = admin.get(f"/f/{form}?view=all&add_field={field}&add_operator=during&add_value={word}")
        assert admin.get(answer.headers["location"]).status_code == 200


def test_members_of_a_link_are_conditions_that_the_database_understands(admin: TestClient, site: Site) -> None:
    number = order(site, lines=1)["number"]
    page = admin.get(ALL, params={"view": "all", "where": 'IN(customer, "C001", "C009")', "search": number}).text
    assert page.count("data-href=") == 1


def test_the_side_panel_has_the_record_and_its_next_action_and_no_frame(admin: TestClient, site: Site) -> None:
    draft = order(site, lines=1, confirmed=False)
    panel = admin.get(f"/f/sales.order/{draft['id']}?part=peek").text
    assert 'data-peek-step="confirm"' in panel
    assert "<html" not in panel and 'id="field-customer"' not in panel


def test_bulk_work_tells_of_each_record_and_a_stranger_gets_nothing_done(
    admin: TestClient, stranger: TestClient, site: Site
) -> None:
    draft, done = order(site, lines=1, confirmed=False), order(site, lines=1)
    body = {"action": "step", "transition": "confirm", "ids": [draft["id"], done["id"]]}
    assert bulk(stranger, body).status_code == 403
    told = bulk(admin, body).text
    assert told.count('data-outcome="done"') == 1 and told.count('data-outcome="refused"') == 1
    assert done["number"] in told


def test_a_bulk_job_shows_its_progress_to_who_asked_for_it_and_to_nobody_else(
    admin: TestClient, app: Any, site: Site
) -> None:
    found = order(site, lines=1)
    told = bulk(admin, {"print": "sales.order", "ids": [found["id"]] * 1}).text
    address = re.search(r'hx-get="(/f/sales.order/bulk/[\w-]+)', told)
    assert address is not None and "正在处理" in told
    assert admin.get(address[1]).status_code == 200
    assert as_person(app, "clerk").get(address[1]).status_code == 404


def test_a_board_has_a_lane_for_each_state_with_its_count(admin: TestClient, site: Site) -> None:
    order(site, lines=1, confirmed=False)
    page = admin.get("/f/sales.order?view=board").text
    assert re.findall(r'data-lane="(\w+)"', page)[:2] == ["draft", "confirmed"]
    assert page.count('class="card-item"') >= 1 and 'data-movable="yes"' in page


def test_any_form_with_a_choice_is_a_board_and_one_without_says_so(admin: TestClient) -> None:
    for form in ("base.item", "stock.receipt"):
        assert "data-lane=" in admin.get(f"/f/{form}?kind=board").text
    assert "不能显示为看板" in admin.get("/f/base.currency?kind=board").text


def test_a_calendar_has_records_on_their_day_in_month_and_week(admin: TestClient, site: Site) -> None:
    found = order(site, lines=1, date="2026-03-10")
    for span in ("", "&span=week"):
        page = admin.get(f"/f/sales.order?kind=calendar&by=date&view=all&at=2026-03-11{span}").text
        day = page.partition('aria-label="2026-03-10"')[2].partition("</section>")[0]
        assert found["number"] in day
    assert admin.get("/f/sales.order?kind=calendar&at=not-a-day").status_code == 200


def test_a_board_or_calendar_shows_no_more_than_the_grants_allow(app: Any, site: Site) -> None:
    made = order(site, lines=1, date="2026-04-10")
    clerk = as_person(app, "clerk")
    for address in ("/f/sales.order?view=board", "/f/sales.order?view=all&kind=calendar&by=date&at=2026-04-10"):
        assert made["number"] not in clerk.get(address).text  # of another handler: the row rule hides it


def test_the_statements_of_a_list_page_are_at_most_eight_whatever_the_rows(
    admin: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    run = psycopg.Cursor.execute

    def noted(self: Any, text: Any, *more: Any, **named: Any) -> Any:
        if text not in ("BEGIN", "COMMIT"):
            sent.append(str(text))
        return run(self, text, *more, **named)

    def count(address: str) -> int:
        return min(counted(address) for _ in range(2))  # who asks is looked up again every five seconds

    def counted(address: str) -> int:
        admin.get(address)
        sent.clear()
        monkeypatch.setattr(psycopg.Cursor, "execute", noted)
        assert admin.get(address).status_code == 200
        monkeypatch.setattr(psycopg.Cursor, "execute", run)
        return len(sent)

    addresses = (ALL, "/f/sales.order?view=board", "/f/sales.order?view=all&kind=calendar&by=date")
    before = [count(one) for one in addresses]
    assert 3 < max(before) <= 8, (before, sent)
    for _ in range(8):
        order(site, lines=1)
    assert [count(one) for one in addresses] == before


def test_a_shared_view_is_a_tab_for_everybody_who_sees_the_list(admin: TestClient, app: Any, site: Site) -> None:
    ctx = Context(site, system_caller(site.catalogue.policies))
    view.create(ctx, "base.party", {"label": "常用客户", "shared": True, "columns": ["code", "name"]})
    record.read(ctx, "base.party", "C001")
    assert "常用客户" in as_person(app, "clerk").get("/f/base.party").text
