"""The export pages: columns and format are chosen, short lists come at once, long ones by a job with its page; who may."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import exchange, job
from anlan.kernel.exchange.jobs import run_export
from anlan.kernel.site import Site
from anlan.web.pages import exporting
from page_site import ITEMS, as_person


def hidden(page: str) -> dict[str, str]:
    return {name: unescape(text) for name, text in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


def test_a_list_goes_out_with_its_filter_and_columns_or_with_all_of_them(app: Any) -> None:
    admin = as_person(app, "admin")
    listed = admin.get("/f/base.item?where=code%20%3D%20%22A001%22").text
    link = re.search(r'href="(/f/base.item/export[^"]*)"', listed)
    assert link is not None
    page = admin.get(unescape(link[1])).text
    assert "共 1 条" in page
    widths = []
    for columns in ("seen", "all"):
        answer = admin.post("/f/base.item/export", data={**hidden(page), "columns": columns, "format": "csv"})
        assert answer.status_code == 303
        content = admin.get(answer.headers["location"])
        assert content.headers["content-disposition"].startswith("attachment")
        table = exchange.read(content.content, "a.csv")
        assert [cells[table.headers.index("物料编码")] for _, cells in table.rows] == ["A001"]
        widths.append(len(table.headers))
    assert widths[0] < widths[1]


def test_a_long_list_is_a_job_whose_page_tells_its_progress_and_leads_to_the_file(
    app: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_AT_ONCE", 1)
    admin = as_person(app, "admin")
    assert "会在后台生成" in admin.get("/f/base.item/export").text
    answer = admin.post("/f/base.item/export", data={"format": "xlsx", "columns": "all"})
    address = answer.headers["location"]
    assert "正在生成文件" in admin.get(address).text
    key = address.rpartition("/")[2]
    with site.pool.connection() as connection:
        payload, owner = connection.execute("select payload, owner from outbox where id = $1", [key]).fetchone() or ()
        connection.execute("update outbox set state = 'running' where id = $1", [key])
    run = job.Run(id=key, site=site, payload=payload, owner=owner, attempt=1)
    result = run_export(run)
    assert f"已处理 {len(ITEMS)} / {len(ITEMS)} 条" in admin.get(f"{address}?part=1").text
    with site.pool.connection() as connection:
        run.finish(connection, result)
    page = admin.get(address).text
    link = re.search(r'href="(/api/v1/files/[^"]+)"', page)
    assert link is not None
    table = exchange.read(io.BytesIO(admin.get(link[1]).content).read(), "a.xlsx")
    assert len(table.rows) == len(ITEMS)
    assert as_person(app, "clerk").get(address).status_code in {403, 404}
    assert "已生成" in admin.post("/bell").text


def test_a_long_export_is_stopped_on_its_page(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_AT_ONCE", 1)
    admin = as_person(app, "admin")
    address = admin.post("/f/base.item/export", data={"format": "xlsx"}).headers["location"]
    assert admin.post(f"{address}/stop").status_code == 303
    assert "已按要求停止" in admin.get(address).text


def test_who_may_not_export_gets_no_page_and_no_file(app: Any) -> None:
    stranger = as_person(app, "stranger")
    assert stranger.get("/f/base.item/export").status_code == 403
    assert stranger.post("/f/base.item/export", data={}).status_code == 403
    nobody = TestClient(app, follow_redirects=False)
    assert nobody.get("/f/base.item/export").headers["location"].startswith("/login")
