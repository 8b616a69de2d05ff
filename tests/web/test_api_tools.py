"""Questions that store nothing, definitions, reports, registers."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from api_site import Api

pytest_plugins = ("api_site",)

CASES = Path(__file__).parents[1] / "cases"


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASES / name).read_text("utf-8"))["cases"]
    return found


@pytest.mark.parametrize("case", cases("merge_examples.yaml"), ids=lambda case: case["id"])
def test_a_merge_example_comes_out_as_written(ask: Api, case: dict[str, Any]) -> None:
    answer = ask(
        "POST", "/definitions/merge", {name: case[name] for name in ("base", "overlay", "new")}
    ).json()
    assert answer["merged"] == case["merged"]
    assert sorted(answer["conflicts"]) == sorted(case["conflicts"])


def test_a_merge_of_another_shape_is_422(ask: Api) -> None:
    for body in (
        {},
        {"base": {}},
        {"base": [], "overlay": {}, "new": {}},
        {"base": {}, "overlay": 1, "new": {}},
    ):
        assert ask("POST", "/definitions/merge", body).status_code == 422, body


def test_a_formula_has_a_value_an_error_value_or_a_design_error(ask: Api) -> None:
    body = {
        "expression": "SUM(明细.金额) * 2",
        "values": {"明细": [{"金额": 10.5}, {"金额": "9"}]},
        "types": {"明细.金额": "number"},
    }
    assert ask("POST", "/formula/evaluate", body).json() == {"value": "39", "type": "number"}
    assert ask("POST", "/formula/evaluate", {"expression": "1/0"}).json() == {"error": "#DIV/0!"}
    wrong = ask("POST", "/formula/evaluate", {"expression": "1 + nothing"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["code"] == "unknown_field" and wrong.json()["errors"][0]["position"] == 4


@pytest.mark.parametrize(
    "change",
    [
        {"expression": 7},
        {"expression": ""},
        {"values": []},
        {"types": "x"},
        {"today": "yesterday"},
        {"today": 5},
        {"more": 1},
        {"types": {"a": "nonsense"}},
    ],
)
def test_a_wrong_question_about_a_formula_is_422(ask: Api, change: dict[str, Any]) -> None:
    answer = ask("POST", "/formula/evaluate", {"expression": "a", "values": {"a": 1}, **change})
    assert answer.status_code == 422


def test_a_formulas_today_is_the_one_that_is_given(ask: Api) -> None:
    answer = ask("POST", "/formula/evaluate", {"expression": "TODAY() + 1", "today": "2026-02-28"})
    assert answer.json() == {"value": "2026-03-01", "type": "date"}


def test_working_time_is_computed(ask: Api) -> None:
    calendar = {"zone": "Asia/Shanghai", "week": {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}}
    body = {"calendar": calendar, "op": "add", "at": "2026-11-23T11:00:00", "seconds": 7200}
    assert ask("POST", "/calendar/compute", body).json() == {"at": "2026-11-23T14:00:00+08:00"}
    assert ask("POST", "/calendar/compute", {**body, "op": "nonsense"}).status_code == 422
    assert (
        ask(
            "POST", "/calendar/compute", {"calendar": {"zone": "Nowhere"}, "op": "is_open", "at": 1}
        ).status_code
        == 422
    )


def test_a_field_is_added_in_a_draft_planned_published_and_taken_back(ask: Api) -> None:
    path = "/definitions/form/demo.item"
    change = {
        "overlay": {"set": {"fields.x_colour": {"type": "text", "label": {"zh": "颜色", "en": "Colour"}}}}
    }
    version = ask("GET", "/catalogue/versions", by="boss").json()["data"][0]["version"]
    assert ask("PUT", path, change, by="boss").json()["definition"]["fields"]["x_colour"]["type"] == "text"
    planned = ask("POST", "/catalogue/plan", by="boss").json()
    assert planned["steps"] and planned["failing"] == []
    assert "x_colour" not in ask("GET", "/forms/demo.item").json()["fields"]
    published = ask("POST", "/catalogue/publish", {"comment": "colours"}, by="boss").json()
    assert published["version"] > version
    assert ask("GET", "/forms/demo.item").json()["fields"]["x_colour"]["label"] == "Colour"
    item = ask.made("demo.item", {"code": f"D{uuid4().hex[:8]}", "name": "n", "x_colour": "red"})
    assert item["x_colour"] == "red"
    schemas = ask("GET", "/openapi.json").json()["components"]["schemas"]
    assert "x_colour" in schemas["demo.item.change"]["properties"]
    assert ask("POST", "/catalogue/rollback", {"version": version}, by="boss").status_code == 200
    assert "x_colour" not in ask("GET", "/forms/demo.item").json()["fields"]


def test_definitions_are_for_administrators(ask: Api) -> None:
    listed = ask("GET", "/definitions", by="boss").json()["data"]
    assert ("form", "demo.order", "demo") in [(one["kind"], one["name"], one["pack"]) for one in listed]
    assert ask("GET", "/definitions/form/demo.order", by="boss").json()["base"]["form"] == "demo.order"
    for path in ("/definitions/form/no.such", "/definitions/secrets/demo.order"):
        assert ask("GET", path, by="boss").status_code == 404
    for method, path, body in (
        ("GET", "/definitions", None),
        ("GET", "/catalogue/versions", None),
        ("POST", "/catalogue/plan", None),
        ("PUT", "/definitions/form/demo.order", {"overlay": {}}),
        ("POST", "/catalogue/publish", {}),
        ("POST", "/catalogue/rollback", {"version": 1}),
        ("DELETE", "/definitions/form/demo.order", None),
    ):
        assert ask(method, path, body).status_code == 403, path


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"overlay": []},
        {"definition": {}, "overlay": {}},
        {"overlay": {"set": {"fields.colour": {"type": "text"}}}},
        {"overlay": {"set": {"fields.x_a": {"type": "nonsense"}}}},
        {"overlay": {"set": {"fields.x_a": {"type": "decimal", "formula": "nothing + 1"}}}},
    ],
)
def test_a_change_that_would_not_hold_is_422_and_leaves_no_draft(ask: Api, body: dict[str, Any]) -> None:
    assert ask("PUT", "/definitions/form/demo.item", body, by="boss").status_code == 422
    assert ask("POST", "/catalogue/publish", {}, by="boss").json()["code"] == "definition.no_draft"


def test_going_back_to_a_version_that_never_was_is_404(ask: Api) -> None:
    assert ask("POST", "/catalogue/rollback", {"version": 10**9}, by="boss").status_code == 404
    for body in ({}, {"version": "1"}, {"version": True}, {"version": -1}, {"version": 10**30}):
        assert ask("POST", "/catalogue/rollback", body, by="boss").status_code == 422


def test_a_report_is_json_or_a_file(ask: Api) -> None:
    ask.order(quantity="4")
    table = ask("GET", "/reports/demo.orders", params={"party": "ACME"}).json()
    assert [one["label"] for one in table["columns"]] == ["Party", "Total"]
    assert table["rows"][0]["party"] == "ACME" and table["totals"]["total"] == table["rows"][0]["total"]
    for kind, start in (("xlsx", b"PK"), ("pdf", b"%PDF"), ("csv", b"\xef\xbb\xbf")):
        answer = ask("GET", "/reports/demo.orders", params={"format": kind})
        assert answer.content.startswith(start) and "attachment" in answer.headers["content-disposition"]
    assert ask("GET", "/reports/demo.orders", params={"format": "doc"}).status_code == 422
    assert ask("GET", "/reports/demo.orders", params={"nonsense": "1"}).status_code == 422
    assert ask("GET", "/reports/demo.orders", by="stranger").status_code == 403


def test_a_register_tells_balance_turnover_and_movements(ask: Api) -> None:
    order = ask.order(quantity="7", confirmed=True)
    slip = ask("POST", f"/records/demo.order/{order['id']}/make/demo.slip").json()
    assert ask("POST", f"/records/demo.slip/{slip['id']}/do/post").status_code == 200
    item = order["lines"][0]["item"]
    where = {"where": f'item = "{item["code"]}"'}
    balance = ask("GET", "/registers/demo.stock/balance", params={**where, "by": "item"}).json()
    assert balance["data"] == [{"item": item, "quantity": "-7"}] and balance["at"]
    period = {"from": "2020-01-01", "to": "2099-12-31", **where}
    turnover = ask("GET", "/registers/demo.stock/turnover", params=period).json()["data"]
    assert turnover[0]["quantity"] == {"opening": "0", "in": "0", "out": "7", "closing": "-7"}
    movements = ask("GET", "/registers/demo.stock/movements", params=where).json()["data"]
    assert [one["document"]["id"] for one in movements] == [slip["id"]]


@pytest.mark.parametrize(
    "query",
    [
        "balance?at=tomorrow",
        "balance?by=nothing",
        "balance?zero=2",
        "balance?where=nothing=1",
        "turnover",
        "turnover?from=2026-01-01",
        "turnover?from=x&to=y",
        "turnover?from=2026-02-01&to=2026-01-01",
        "movements?after=x",
        "movements?limit=0",
        "balance?at=0000-00-00",
    ],
)
def test_a_wrong_question_to_a_register_is_422(ask: Api, query: str) -> None:
    assert ask("GET", f"/registers/demo.stock/{query}").status_code == 422


def test_typeahead_finds_by_code_and_name(ask: Api) -> None:
    code = f"T{uuid4().hex[:6]}".upper()
    ask.made("demo.item", {"code": code, "name": "内六角螺栓"})
    for typed in (code[:5], "六角", "nljls"):
        found = ask("GET", "/suggest/demo.item", params={"q": typed, "limit": "50"}).json()["data"]
        assert code in [one["code"] for one in found], typed


def test_search_finds_what_the_caller_may_see(ask: Api) -> None:
    item = ask.item()
    assert item["id"] in [
        one["id"] for one in ask("GET", "/search", params={"q": item["code"]}).json()["data"]
    ]
    assert ask("GET", "/search", params={"q": item["code"]}, by="stranger").json()["data"] == []
    assert ask("GET", "/search").status_code == 422


def test_who_i_am_and_my_sessions(ask: Api) -> None:
    assert ask("GET", "/me").json()["login"] == "clerk"
    assert ask("GET", "/me/sessions").json()["data"] == []
    assert ask("DELETE", f"/me/sessions/{uuid4()}").status_code == 404
    assert ask("POST", "/me/password", {"old": "wrong", "new": "long enough word"}).status_code in (422, 429)
    assert [one["code"] for one in ask("GET", "/users", by="boss", params={"sort": "code"}).json()["data"]][
        :2
    ] == ["admin", "boss"]
    assert "clerk" in [one["role"] for one in ask("GET", "/roles", by="boss").json()["data"]]


def test_a_file_comes_back_as_it_was_brought_and_never_runs_in_place(ask: Api) -> None:
    page = b"<html><script>alert(1)</script></html>"
    saved = ask("POST", "/files", files={"file": ("页面.html", page)}).json()
    answer = ask("GET", f"/files/{saved['id']}")
    assert answer.content == page
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    order = ask.order()
    hung = ask("POST", f"/records/demo.order/{order['id']}/files", files={"file": ("a.txt", b"hello")})
    assert hung.status_code == 201
    path = f"/records/demo.order/{order['id']}/files"
    assert [one["name"] for one in ask("GET", path).json()["data"]] == ["a.txt"]
    assert ask("DELETE", f"{path}/{hung.json()['id']}").status_code == 204
    assert ask("GET", path).json()["data"] == []


def test_a_record_is_printed_as_pdf(ask: Api) -> None:
    order = ask.order(confirmed=True)
    answer = ask("GET", f"/records/demo.order/{order['id']}/print/demo.order")
    assert answer.content.startswith(b"%PDF") and answer.headers["content-type"] == "application/pdf"
    assert ask("GET", f"/records/demo.order/{order['id']}/print/no.such").status_code == 404


def test_a_register_of_balances_is_no_series(ask: Api) -> None:
    assert ask("GET", "/series/demo.stock").json()["code"] == "register.is_balance"
    assert ask("POST", "/series/demo.stock", {"rows": []}).status_code == 403
    assert ask("POST", "/series/demo.stock", {"rows": []}, by="boss").json()["code"] == "register.is_balance"
    assert ask("POST", "/series/demo.stock", {"rows": 5}, by="boss").status_code == 422
    assert ask("GET", "/series/demo.nothing", by="boss").status_code == 404
