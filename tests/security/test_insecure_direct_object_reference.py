"""IDOR: asking for a record that is somebody else's, by every address that names one.

`clerk` and `twin` sell for the same company and see their own orders; `branch_clerk` sells for another company.
"""

from __future__ import annotations

from typing import Any

import pytest

from whole_site import Api, Record, Trade

pytest_plugins = ["whole_site"]

OUTSIDERS = ("twin", "branch_clerk", "stranger")


@pytest.fixture(scope="module")
def order(ask: Api) -> Record:
    """A confirmed order of the clerk's, with a number."""
    lines = [{"item": "A-0", "quantity": "2", "price": "7.77"}]
    made = ask.ok(
        "POST",
        "/records/sales.order",
        {"customer": "C-0", "reference": "only mine", "lines": lines},
        by="clerk",
    )
    done: Record = ask.ok("POST", f"/records/sales.order/{made['id']}/do/confirm", by="clerk")
    return done


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_idor_every_address_of_a_record_is_closed_to_whom_it_does_not_belong(
    ask: Api, order: Record, outsider: str
) -> None:
    for key in (order["id"], order["number"], order["id"].upper(), f"{order['number']}"):
        path = f"/records/sales.order/{key}"
        calls: list[tuple[str, str, Any]] = [
            ("GET", "", None), ("PATCH", "", {"note": "mine"}), ("DELETE", "", None), ("GET", "/trail", None),
            ("GET", "/links", None), ("POST", "/comments", {"text": "hello"}), ("GET", "/files", None),
            ("GET", "/print/sales.order", None), ("POST", "/do/cancel", None), ("POST", "/do/close", None),
            ("POST", "/make/sales.delivery", None), ("POST", "/make/sales.invoice", None),
        ]  # fmt: skip
        for method, rest, body in calls:
            headers = {"If-Match": f'"{order["version"]}"'} if method == "PATCH" else {}
            answer = ask(method, path + rest, body, by=outsider, headers=headers)
            assert answer.status_code in (403, 404), (method, rest, answer.text[:200])
            assert "only mine" not in answer.text and "7.77" not in answer.text
        for step in ({"op": "do", "transition": "cancel"}, {"op": "make", "to": "sales.delivery"},
                     {"op": "update", "version": order["version"], "values": {"note": "mine"}}):  # fmt: skip
            operation = {**step, "form": "sales.order", "id": key}
            assert ask("POST", "/batch", {"operations": [operation]}, by=outsider).status_code in (403, 404)
    assert ask.ok("GET", f"/records/sales.order/{order['id']}")["version"] == order["version"]


@pytest.mark.parametrize("outsider", ("twin", "branch_clerk"))
def test_idor_lists_searches_exports_and_suggestions_leave_out_what_is_not_ones_own(
    ask: Api, order: Record, outsider: str
) -> None:
    where = {"where": f'id = "{order["id"]}"'}
    assert ask.ok("GET", "/records/sales.order", by=outsider, params=where)["data"] == []
    assert (
        ask.ok("GET", "/records/sales.order", by=outsider, params={"search": order["number"]})["data"] == []
    )
    counted = ask.ok(
        "GET",
        "/records/sales.order",
        by=outsider,
        params={"count": "exact", "where": 'reference = "only mine"'},
    )
    assert counted["count"] == 0
    assert order["number"] not in ask("GET", "/export/sales.order?format=csv", by=outsider).text
    assert order["id"] not in str(ask.ok("GET", "/search", by=outsider, params={"q": order["number"]}))
    assert order["id"] not in str(
        ask.ok("GET", "/suggest/sales.order", by=outsider, params={"q": order["number"]})
    )


def test_idor_a_preview_of_somebody_elses_record_is_refused(ask: Api, order: Record) -> None:
    answer = ask("POST", "/records/sales.order/preview", {"id": order["id"], "note": "x"}, by="twin")
    assert "7.77" not in answer.text and "only mine" not in answer.text


def test_idor_an_order_that_links_to_a_chain_does_not_show_what_row_rules_hide(
    ask: Api, order: Record
) -> None:
    """Deliveries are open to all clerks; the order behind one is not, so its name must not stand in the chain."""
    delivery = ask.ok("POST", f"/records/sales.order/{order['id']}/make/sales.delivery", by="clerk")
    assert ask("GET", f"/records/sales.delivery/{delivery['id']}", by="twin").status_code == 200
    chain = ask.ok("GET", f"/records/sales.delivery/{delivery['id']}/links", by="twin")
    assert order["id"] not in str(chain) and order["number"] not in str(chain)


def test_idor_the_chain_does_not_cross_companies(ask: Api, order: Record) -> None:
    chain = ask.ok("GET", f"/records/sales.order/{order['id']}/links", by="clerk")["data"]
    assert {link["record"]["form"] for link in chain} <= {"sales.delivery", "sales.invoice"}


def test_idor_a_record_cannot_be_put_into_a_company_that_is_not_ones_own(ask: Api, order: Record) -> None:
    lines = [{"item": "A-0", "quantity": "1", "price": "1"}]
    made = ask(
        "POST", "/records/sales.order", {"customer": "C-0", "company": "BRANCH", "lines": lines}, by="clerk"
    )
    assert made.status_code == 403, made.text
    own = ask.ok("POST", "/records/sales.order", {"customer": "C-0", "lines": lines}, by="clerk")
    moved = ask(
        "PATCH",
        f"/records/sales.order/{own['id']}",
        {"company": "BRANCH"},
        by="clerk",
        headers={"If-Match": '"1"'},
    )
    assert moved.status_code in (403, 422), moved.text


def test_idor_a_link_to_another_companys_record_is_an_unknown_link(ask: Api) -> None:
    store = ask.ok("GET", "/records/stock.warehouse/ZB")["id"]
    for key in ("ZB", store, {"code": "ZB"}, {"id": store}):
        values = {"customer": "C-0", "warehouse": key, "lines": [{"item": "A-0", "quantity": "1"}]}
        answer = ask("POST", "/records/sales.delivery", values, by="clerk")
        assert answer.status_code == 422, answer.text
        assert "Branch store" not in answer.text


def test_idor_a_line_of_another_companys_order_gives_nothing_away(ask: Api, trade: Trade) -> None:
    """A delivery line names the order line that it fulfils; its price would come along as a default."""
    branch = ask.ok("GET", "/records/system.company/BRANCH")["id"]
    hidden = trade.order("C-0", "A-0", 3, "98.76", company=branch)
    line = {"source_line": hidden["lines"][0]["id"], "item": "A-0", "quantity": "1"}
    answer = ask(
        "POST",
        "/records/sales.delivery",
        {"customer": "C-0", "warehouse": "WH1", "lines": [line]},
        by="clerk",
    )
    assert "98.76" not in answer.text
    assert answer.status_code in (403, 422), answer.text[:300]


def test_idor_registers_show_ones_own_company_only(ask: Api, trade: Trade) -> None:
    item = trade.item()
    branch = ask.ok("GET", "/records/system.company/BRANCH")["id"]
    trade.receive(item, 5, "3", warehouse="ZB", company=branch)
    where = {"where": f'item = "{item}"'}
    mine = ask.ok("GET", "/registers/stock.on_hand/balance", by="branch_keeper", params=where)["data"]
    assert [row["quantity"] for row in mine] == ["5"]
    for path in ("balance", "movements"):
        assert ask.ok("GET", f"/registers/stock.on_hand/{path}", by="keeper", params=where)["data"] == []
    turned = {**where, "from": "2026-01-01", "to": "2026-12-31"}
    assert ask.ok("GET", "/registers/stock.on_hand/turnover", by="keeper", params=turned)["data"] == []
    assert ask("GET", "/registers/stock.on_hand/balance", by="stranger").status_code == 403


def test_idor_files_are_read_by_who_may_read_their_record(ask: Api, order: Record) -> None:
    saved = ask.ok(
        "POST",
        f"/records/sales.order/{order['id']}/files",
        by="clerk",
        files={"file": ("contract.txt", b"secret terms", "text/plain")},
    )
    assert ask("GET", f"/files/{saved['id']}", by="clerk").content == b"secret terms"
    for outsider in OUTSIDERS:
        assert ask("GET", f"/files/{saved['id']}", by=outsider).status_code in (403, 404), outsider
    loose = ask.ok("POST", "/files", by="clerk", files={"file": ("note.txt", b"draft", "text/plain")})
    assert ask("GET", f"/files/{loose['id']}", by="twin").status_code in (403, 404)
    stolen = ask("POST", "/records/sales.order", {"customer": "C-0", "note": loose["id"]}, by="twin")
    assert "draft" not in stolen.text.replace('"state":"draft"', "")
    assert ask(
        "DELETE", f"/records/sales.order/{order['id']}/files/{saved['id']}", by="twin"
    ).status_code in (403, 404)


def test_idor_tokens_sessions_and_jobs_of_others_do_not_exist(ask: Api) -> None:
    mine = ask.ok("GET", "/tokens", by="clerk")["data"]
    assert mine and all("token" not in one or one["token"] is None for one in mine)
    assert ask("DELETE", f"/tokens/{mine[0]['id']}", by="twin").status_code in (403, 404)
    assert ask("GET", "/me", by="clerk").status_code == 200
    assert ask("POST", "/tokens", {"name": "x", "user": "admin"}, by="clerk").status_code == 403
    assert ask("GET", "/jobs/01a20e6a-fd32-79f5-96f0-20430349668c", by="clerk").status_code == 404


def test_idor_users_of_other_companies_are_not_listed(ask: Api) -> None:
    seen = {row["code"] for row in ask.ok("GET", "/records/system.user?limit=100", by="clerk")["data"]}
    assert "branch_clerk" not in seen and "clerk" in seen
