"""The import pages over a whole site: from a file to records and back, faults in their cells, who may."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import job, query, record
from anlan.kernel.errors import Refused
from anlan.kernel.job.tasks import TASKS
from anlan.kernel.query import Query
from anlan.kernel.site import Site
from anlan.web.pages import importing
from page_site import as_person, context

HEAD = "编码,名称,来自哪里\n"


@pytest.fixture
def admin(app: Any) -> TestClient:
    return as_person(app, "admin")


def brought(client: TestClient, content: str, form: str = "base.party") -> tuple[str, str]:
    """The address of the file's page, and the page."""
    answer = client.post(f"/f/{form}/import", files={"file": ("parties.csv", content.encode())})
    assert answer.status_code == 303, answer.text
    address: str = answer.headers["location"]
    return address, client.get(address).text


def filled(page: str, **changes: str) -> dict[str, Any]:
    """What the page's form would send; `changes` by the header of a column."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    columns = []
    for label, options in re.findall(r'name="column" aria-label="([^"]*)">(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        columns.append(changes.get(unescape(label), chosen[1] if chosen else ""))
    return {**hidden, "column": columns}


def imported(client: TestClient, page: str, form: str = "base.party", *, how: str = "all", **changes: str) -> str:
    """Press a button of the page; the page of the result."""
    answer = client.post(f"/f/{form}/import/run", data={**filled(page, **changes), "run": how})
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["location"]).text


def parties(site: Site, prefix: str) -> list[str]:
    found = query.records(context(site), "base.party", Query(search=prefix, sort=["code"]))["data"]
    return [one["code"] for one in found if one["code"].startswith(prefix)]


def test_a_sheet_is_matched_previewed_imported_and_taken_back(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, HEAD + "IM1,一号客户,展会\nIM2,二号客户,\n")
    assert re.search(r"<b>2</b> 条新建", page)
    assert "未识别，不导入" in page
    assert parties(site, "IM") == []  # a preview writes nothing
    sent = filled(page)
    assert sent["column"] == ["code", "name", "?"]
    done = imported(admin, page)
    assert "新建 2 条，修改 0 条" in done
    assert parties(site, "IM") == ["IM1", "IM2"]
    assert re.search(r'<a href="/f/base.party/[0-9a-f-]{36}">IM2</a>', done)
    run = re.search(r'name="import" value="([^"]+)"', done)
    assert run is not None
    gone = admin.post("/f/base.party/import/undo", data={"import": run[1]})
    assert "删除了 2 条记录" in gone.text
    assert parties(site, "IM") == []
    again = admin.post("/f/base.party/import/undo", data={"import": run[1]})
    assert again.status_code == 409


def test_pressing_twice_imports_once(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, HEAD + "TW1,两次,\n")
    for _ in range(2):
        assert "新建 1 条，修改 0 条" in imported(admin, page)
    assert parties(site, "TW") == ["TW1"]


def test_a_fault_stands_in_its_cell_and_the_good_rows_come_in_without_it(
    admin: TestClient, site: Site
) -> None:
    table = "编码,名称,是客户\nGO1,好的,是\nGO2,坏的,也许\nGO3,,否\n"
    _, page = brought(admin, table)
    cell = re.search(r'name="cell.3.2" value="([^"]*)"', page)
    assert cell is not None and cell[1] == "也许"
    assert 'value="all"' not in page.partition('id="seen"')[2]
    assert "名称必填，请填写。" in page
    done = imported(admin, page, how="good")
    assert "新建 1 条" in done
    assert "跳过了 2 条" in done
    assert parties(site, "GO") == ["GO1"]


def test_all_or_nothing_refuses_a_sheet_with_a_fault(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, "编码,名称,是客户\nAL1,好的,是\nAL2,坏的,也许\n")
    answer = admin.post("/f/base.party/import/run", data={**filled(page), "run": "all"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert parties(site, "AL") == []


def test_what_was_chosen_for_a_header_is_proposed_the_next_time(admin: TestClient) -> None:
    table = "编码,名称,行业代号\nRE1,记得,税号一\n"
    _, page = brought(admin, table)
    assert filled(page)["column"][2] == "?"
    sent = filled(page, 行业代号="tax_no")
    admin.post("/f/base.party/import/run", data={**sent, "run": "all"})
    _, page = brought(admin, table)
    assert filled(page)["column"] == ["code", "name", "tax_no"]


def test_one_field_for_two_columns_is_told_and_not_imported(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, HEAD + "DU1,双,\n")
    sent = filled(page, 来自哪里="name")
    part = admin.post("/f/base.party/import/check", data=sent).text
    assert "有两列选了同一个字段" in part
    assert "<button" not in part
    answer = admin.post("/f/base.party/import/run", data={**sent, "run": "all"})
    assert answer.status_code == 422
    assert parties(site, "DU") == []


def test_another_choice_of_columns_is_looked_through_anew(admin: TestClient) -> None:
    _, page = brought(admin, HEAD + "CH1,名,\n")
    part = admin.post("/f/base.party/import/check", data=filled(page, 名称="")).text
    assert "必填字段没有对应的列：名称" in part
    assert "<html" not in part


def test_documents_come_in_with_their_lines(admin: TestClient, site: Site) -> None:
    table = "客户,客户单号,物料,数量,单价\nC001,PO-IMP,A001,2,4.5\n,,A002,3,6.8\n"
    _, page = brought(admin, table, "sales.order")
    assert re.search(r"<b>1</b> 条新建", page), page
    assert '<optgroup label="明细' in page
    assert "新建 1 条" in imported(admin, page, "sales.order")
    ctx = context(site)
    (row,) = query.records(ctx, "sales.order", Query(where='reference = "PO-IMP"'))["data"]
    made = record.read(ctx, "sales.order", row["id"])
    assert made["state"] == "draft"
    assert [one["item"]["code"] for one in made["lines"]] == ["A001", "A002"]


def test_a_long_sheet_is_imported_by_a_job_whose_page_tells_the_result(
    admin: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(importing, "MOST_LOOKED", 1)
    _, page = brought(admin, HEAD + "JO1,一,\nJO2,二,\n")
    assert "共 2 行，这里只检查了前 1 行" in page
    answer = admin.post("/f/base.party/import/run", data={**filled(page), "run": "all"})
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "正在后台导入" in admin.get(address).text
    key = address.rpartition("/")[2]
    with site.pool.connection() as connection:
        task, payload, owner = (
            connection.execute("select task, payload, owner from outbox where id = $1", [key]).fetchone()
            or ()
        )
    result = TASKS[task].function(job.Run(id=key, site=site, payload=payload, owner=owner, attempt=1))
    with site.pool.connection() as connection:
        connection.execute(
            "update outbox set state = 'done', result = $2::json, finished_at = now() where id = $1",
            [key, json.dumps(result)],
        )
    page = admin.get(f"{address}?part=1").text
    assert "新建 2 条" in page
    assert "hx-get" not in page
    assert parties(site, "JO") == ["JO1", "JO2"]
    assert as_person(admin.app, "clerk").get(address).status_code in {403, 404}


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_what_is_no_sheet_is_told_at_once(admin: TestClient, content: bytes) -> None:
    answer = admin.post("/f/base.party/import", files={"file": ("photo.png", content)})
    assert answer.status_code in {415, 422}
    assert 'class="faults"' in answer.text
    assert 'type="file"' in answer.text


def test_nobody_and_who_may_not_import_get_no_page_and_send_no_file(app: Any) -> None:
    nobody = TestClient(app, follow_redirects=False)
    files = {"file": ("a.csv", b"x,y\n1,2\n")}
    assert nobody.post("/f/base.party/import", files=files).headers["location"].startswith("/login")
    clerk, stranger = as_person(app, "clerk"), as_person(app, "stranger")
    for person in (clerk, stranger):
        assert person.get("/f/base.party/import").status_code == 403
        assert person.post("/f/base.party/import", files=files).status_code == 403
        assert person.post("/f/base.party/import/run", data={"file": "x"}).status_code == 403
    assert "/import" not in clerk.get("/f/sales.order").text


def test_anothers_file_and_what_is_no_file_are_not_found(app: Any, admin: TestClient) -> None:
    other = (
        as_person(app, "clerk").post("/api/v1/files", files={"file": ("a.csv", b"x,y\n1,2\n")}).json()["id"]
    )
    for key in (other, "no-file"):
        assert admin.get(f"/f/base.party/import?file={key}").status_code == 404
        assert admin.post("/f/base.party/import/check", data={"file": key}).status_code == 404


def test_the_list_leads_to_the_import_also_when_it_is_empty(admin: TestClient) -> None:
    assert 'href="/f/base.party/import"' in admin.get("/f/base.party").text
    empty = admin.get("/f/finance.project").text
    assert empty.count('href="/f/finance.project/import"') == 2


def test_the_pages_speak_english_too(app: Any) -> None:
    admin = as_person(app, "admin", language="en")
    assert "Choose a file" in admin.get("/f/base.party/import").text
    _, page = brought(admin, "Code,Name\nEN1,Party\n")
    assert "Import all (1)" in page
    assert not re.search(
        r"[\u4e00-\u9fff]", re.sub(r"<[^>]+>", "", page.partition('id="main"')[2].partition("</main>")[0])
    )


def test_two_files_one_after_the_other_are_two_imports(admin: TestClient, site: Site) -> None:
    for code in ("TF1", "TF2"):
        _, page = brought(admin, HEAD + f"{code},名,\n")
        assert "新建 1 条" in imported(admin, page)
    assert parties(site, "TF") == ["TF1", "TF2"]


def test_a_cell_is_put_right_and_the_page_remembers_it(admin: TestClient, site: Site) -> None:
    address, page = brought(admin, "编码,名称,是客户\nMR1,甲,也许\n")
    sent = {**filled(page), "cell.2.2": "是"}
    part = admin.post("/f/base.party/import/check", data=sent).text
    assert "已改正 1 个单元格" in part and 'value="all"' in part
    page = admin.get(address).text
    assert re.search(r'name="cell.2.2" value="是"', page)
    assert "没有做完的导入" in admin.get("/f/base.party/import").text
    answer = admin.post("/f/base.party/import/run", data={**sent, "run": "all"})
    assert answer.status_code == 303
    assert parties(site, "MR") == ["MR1"]
    assert f'file={sent["file"]}' not in admin.get("/f/base.party/import").text


def test_a_name_that_nothing_has_is_settled_once_for_all_its_rows(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, "物料编码,名称,库存单位\nNU1,甲,大箱\nNU2,乙,大箱\n", "base.item")
    assert page.count('name="link_text"') == 1
    chosen = {"link_form": "base.unit", "link_text": "大箱", "link_do": "other", "link_to": "PCS"}
    part = admin.post("/f/base.item/import/check", data={**filled(page), **chosen}).text
    assert "<b>0</b> 条有问题" in part
    made = {**chosen, "link_do": "new", "link_to": ""}
    part = admin.post("/f/base.item/import/check", data={**filled(page), **made}).text
    assert "<b>0</b> 条有问题" in part
    answer = admin.post("/f/base.item/import/run", data={**filled(page), **made, "run": "all"})
    assert "新建 2 条" in admin.get(answer.headers["location"]).text
    assert query.records(context(site), "base.unit", Query(where='code = "大箱"'))["data"][0]["name"] == "大箱"


def test_rows_that_are_there_are_only_changed_where_that_was_chosen(admin: TestClient, site: Site) -> None:
    _, page = brought(admin, HEAD + "OC1,甲,\n")
    imported(admin, page)
    _, page = brought(admin, HEAD + "OC1,乙,\nOC2,丙,\n")
    sent = {**filled(page), "does": "update"}
    part = admin.post("/f/base.party/import/check", data=sent).text
    assert "没有“OC2”，而这次只修改已有记录" in part
    answer = admin.post("/f/base.party/import/run", data={**sent, "run": "good"})
    assert "新建 0 条，修改 1 条" in admin.get(answer.headers["location"]).text
    assert parties(site, "OC") == ["OC1"]


def test_past_imports_are_a_list_that_leads_to_their_results(admin: TestClient, app: Any) -> None:
    _, page = brought(admin, HEAD + "PA1,甲,\n")
    answer = admin.post("/f/base.party/import/run", data={**filled(page), "run": "all"})
    address = answer.headers["location"]
    assert f'href="{address}"' in admin.get("/f/base.party/import/past").text
    assert admin.get(address.replace("base.party", "base.item")).status_code == 404
    clerk = as_person(app, "clerk")
    assert clerk.get("/f/base.party/import/past").status_code == 403
    assert clerk.get(address).status_code == 403


def test_a_file_that_was_begun_can_be_given_up(admin: TestClient) -> None:
    _, page = brought(admin, HEAD + "GU1,甲,\n")
    key = filled(page)["file"]
    assert f"file={key}" in admin.get("/f/base.party/import").text
    assert admin.post("/f/base.party/import/forget", data={"file": key}).status_code == 303
    assert f"file={key}" not in admin.get("/f/base.party/import").text


def test_a_long_import_shows_its_progress_and_is_stopped_on_its_page(
    admin: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_AT_ONCE", 1)
    _, page = brought(admin, HEAD + "ST1,一,\nST2,二,\n")
    address = admin.post("/f/base.party/import/run", data={**filled(page), "run": "all"}).headers["location"]
    key = address.rpartition("/")[2]
    with site.pool.connection() as connection:
        connection.execute(
            "update outbox set state = 'running', progress = '{\"done\": 1, \"total\": 2}' where id = $1", [key]
        )
    assert "已处理 1 / 2 条" in admin.get(address).text
    assert as_person(admin.app, "clerk").post(f"{address}/stop").status_code in {403, 404}
    assert admin.post(f"{address}/stop").status_code == 303
    with site.pool.connection() as connection:
        row = connection.execute("select task, payload, owner from outbox where id = $1", [key]).fetchone()
    task, payload, owner = row or ()
    with pytest.raises(Refused):
        TASKS[task].function(job.Run(id=key, site=site, payload=payload, owner=owner, attempt=1))
    assert parties(site, "ST") == []
    with site.pool.connection() as connection:
        connection.execute(
            "update outbox set state = 'failed', error = '{\"code\": \"job.stopped\"}' where id = $1", [key]
        )
    assert "已按要求停止，没有写入任何记录" in admin.get(address).text
    assert "已停止，没有写入任何记录" in admin.post("/bell").text
