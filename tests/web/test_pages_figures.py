"""Reports, pivots and dashboards as pages: what opens what, what is said when nothing is there, who is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from anlan.kernel import dashboard, record
from anlan.kernel.site import Site
from page_site import as_person, context, order, page_site


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as opened:
        ctx = context(opened)
        delivery = record.make(ctx, "sales.order", order(opened)["id"], "sales.delivery")
        record.step(ctx, "sales.delivery", delivery["id"], "post")
        invoice = record.make(ctx, "sales.delivery", delivery["id"], "sales.invoice")
        record.step(ctx, "sales.invoice", invoice["id"], "post")
        yield opened


def links(text: str, start: str) -> list[str]:
    """The addresses on a page that begin in some way."""
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', text) if one.startswith(start)]


def test_a_figure_of_a_report_leads_by_links_to_its_document(admin: TestClient) -> None:
    page = admin.get("/r/sales.margin").text
    behind = next(one for one in links(page, "/r/sales.margin/behind?") if "is.customer" in one and "column=margin" in one)
    found = admin.get(behind)
    assert found.status_code == 200
    documents = links(found.text, "/f/sales.invoice/")
    assert documents
    assert admin.get(documents[0]).status_code == 200


def test_a_document_in_a_report_opens_it_and_an_account_opens_its_detail(admin: TestClient) -> None:
    assert links(admin.get("/r/stock.ledger").text, "/f/sales.delivery/")
    detail = links(admin.get("/r/finance.trial_balance").text, "/r/finance.account_detail?")
    assert detail
    page = admin.get(detail[0])
    assert page.status_code == 200
    assert links(page.text, "/f/finance.voucher/")


def test_parameters_stand_in_the_address_and_in_their_inputs(admin: TestClient) -> None:
    page = admin.get("/r/sales.margin?from=2020-01-01&to=2020-01-31&customer=C001").text
    assert 'name="from" value="2020-01-01"' in page
    assert 'name="customer" value="C001"' in page
    assert "没有数据" in page


def test_a_parameter_that_cannot_be_read_is_said_beside_what_was_typed(admin: TestClient) -> None:
    page = admin.get("/r/sales.margin?from=yesterday")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert 'value="yesterday"' in page.text


def test_a_report_that_was_just_opened_asks_for_what_it_needs_without_blame(admin: TestClient) -> None:
    page = admin.get("/r/finance.receivable_statement").text
    assert "请先选择客户" in page
    assert 'class="faults"' not in page
    assert "/api/v1/reports/" not in page  # nothing to take away yet


def test_a_needed_parameter_that_was_left_empty_is_named_by_its_label(admin: TestClient) -> None:
    page = admin.get("/r/finance.receivable_statement?party=&to=2026-11-25").text
    assert "客户必填，请填写。" in page


def test_a_pivots_cell_leads_to_the_list_with_its_filter(admin: TestClient) -> None:
    page = admin.get("/f/sales.order/pivot?rows=customer&columns=date@month&values=count").text
    cell = next(one for one in links(page, "/f/sales.order?") if "customer" in one and "DATE" in one)
    listed = admin.get(cell)
    assert listed.status_code == 200
    assert "SO" in listed.text


def test_a_pivot_by_line_leads_to_the_documents_with_such_a_line(admin: TestClient) -> None:
    page = admin.get("/f/sales.order/pivot?each=lines&rows=lines.item&values=sum:lines.net").text
    cell = next(one for one in links(page, "/f/sales.order?") if "COUNTIF" in one)
    listed = admin.get(cell)
    assert (listed.status_code, "SO" in listed.text) == (200, True)


def test_a_pivot_that_cannot_be_says_so_and_keeps_its_zones(admin: TestClient) -> None:
    page = admin.get("/f/sales.order/pivot?rows=customer&values=sum:colour")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert 'data-key="customer"' in page.text


def test_every_field_of_a_pivot_can_be_moved_by_a_link(admin: TestClient) -> None:
    page = admin.get("/f/sales.order/pivot?rows=customer&columns=state&values=count").text
    addresses = links(page, "/f/sales.order/pivot?")
    assert any("rows=customer%2Cstate" in one and "columns=&" in one for one in addresses)  # the column to the rows
    assert any("rows=&" in one for one in addresses)  # the row taken away


def test_the_home_page_has_the_dashboard_of_ones_role(admin: TestClient, app: Any) -> None:
    page = admin.get("/").text
    assert "经营总览" in page
    assert 'data-widget="margin"' in page
    clerk = as_person(app, "clerk").get("/").text
    assert "我的销售" in clerk
    assert "新建单据" in clerk


def test_each_widget_answers_for_itself_with_the_time_of_its_data(admin: TestClient) -> None:
    for board in ("finance.boss", "sales.overview", "stock.overview"):
        page = admin.get(f"/d/{board}?period=year").text
        parts = [unescape(one) for one in re.findall(r'hx-get="(/d/[^"]+)"', page)]
        assert len(parts) == len(re.findall("data-widget", page)) > 3
        for part in parts:
            answer = admin.get(part, headers={"hx-request": "true"})
            assert answer.status_code == 200
            assert "数据截至" in answer.text or "shortcuts" in part or "start" in part


def test_one_widgets_failure_stays_in_its_place(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(dashboard, "widget", broken)
    assert admin.get("/d/finance.boss").status_code == 200
    answer = admin.get("/d/finance.boss/margin", headers={"hx-request": "true"})
    assert answer.status_code == 500
    assert "<html" not in answer.text
    assert 'role="alert"' in answer.text


def test_a_refused_widget_says_why_in_its_place(admin: TestClient) -> None:
    answer = admin.get("/d/finance.boss/nothing", headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "没有组件" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/r/sales.margin", "/r/sales.margin/behind", "/r/sales.margin/pivot", "/f/sales.order/pivot", "/d/finance.boss", "/screen/finance.boss"],
)
def test_a_stranger_is_refused(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 403


def test_a_stranger_sees_no_dashboards(stranger: TestClient) -> None:
    assert "没有可看的仪表盘" in stranger.get("/d").text
    assert "没有组件" not in stranger.get("/").text


def test_a_stranger_reads_no_widget(stranger: TestClient) -> None:
    answer = stranger.get("/d/finance.boss/margin", headers={"hx-request": "true"})
    assert "89" not in answer.text
    assert 'class="figure"' not in answer.text


def test_a_report_page_takes_at_most_eight_statements_and_a_widget_few(site: Site, admin: TestClient) -> None:
    seen: list[str] = []
    run = psycopg.Connection.execute

    def counted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        if query not in ("BEGIN", "COMMIT"):
            seen.append(str(query))
        return run(self, query, *args, **more)

    for path, most in (
        ("/r/sales.margin", 8),
        ("/r/stock.ledger", 8),
        ("/r/finance.trial_balance", 8),
        ("/d/finance.boss/revenue?period=month", 4),
        ("/d/finance.boss/by_customer?period=month", 3),
    ):
        admin.get(path)
        seen.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", counted)
            assert admin.get(path).status_code == 200
        assert len(seen) <= most, [one[:120] for one in seen]
