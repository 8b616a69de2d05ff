"""A record's life over HTTP: create, read, list, change, step, make, trail."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from api_site import Api

pytest_plugins = ("api_site",)


def test_a_created_record_has_a_location_and_an_etag(ask: Api) -> None:
    answer = ask("POST", "/records/demo.item", {"code": f"C{uuid4().hex[:8]}", "name": "Nut"})
    record = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/records/demo.item/{record['id']}"
    assert answer.headers["etag"] == '"1"'
    assert ask("GET", f"/records/demo.item/{record['id']}").json() == record


def test_a_number_keeps_its_digits(ask: Api) -> None:
    content = f'{{"code": "N{uuid4().hex[:8]}", "name": "n", "rate": 0.1234567891}}'.encode()
    answer = ask("POST", "/records/demo.item", content=content, headers={"Content-Type": "application/json"})
    assert answer.json()["rate"] == "0.1234567891"


def test_a_record_is_found_by_its_code_and_number(ask: Api) -> None:
    item, order = ask.item(), ask.order(confirmed=True)
    assert ask("GET", f"/records/demo.item/{item['code']}").json()["id"] == item["id"]
    assert ask("GET", f"/records/demo.order/{order['number']}").json()["id"] == order["id"]


def test_one_answer_names_all_faults(ask: Api) -> None:
    values = {"party": 7, "nonsense": 1, "lines": [{"item": "no such", "quantity": "x"}]}
    answer = ask("POST", "/records/demo.order", values)
    assert answer.status_code == 422
    assert {one["path"] for one in answer.json()["errors"]} >= {"party", "nonsense", "lines[0].quantity"}


def test_a_list_filters_sorts_counts_and_pages(ask: Api) -> None:
    mark = uuid4().hex[:6]
    for n in range(5):
        ask.made("demo.item", {"code": f"P{mark}{n}", "name": mark, "rate": n})
    asked = {
        "where": f'AND(name = "{mark}", rate > 0)',
        "sort": "-code",
        "limit": "3",
        "count": "exact",
        "fields": "code",
    }
    first = ask("GET", "/records/demo.item", params=asked).json()
    assert ([one["code"][-1] for one in first["data"]], first["count"]) == (["4", "3", "2"], 4)
    second = ask("GET", "/records/demo.item", params={**asked, "after": first["next"]}).json()
    assert ([one["code"][-1] for one in second["data"]], second["next"]) == (["1"], None)
    assert ask("POST", "/records/demo.item/query", {**asked, "limit": 3, "sort": ["-code"]}).json() == first


@pytest.mark.parametrize(
    "parameters",
    [
        {"wher": "x"},
        {"limit": "0"},
        {"limit": "501"},
        {"count": "all"},
        {"where": "code ="},
        {"where": "nothing = 1"},
        {"where": "code"},
        {"sort": "nothing"},
        {"fields": "nothing"},
        {"after": "nonsense"},
        {"after": "WzFd"},
    ],
)
def test_a_wrong_parameter_of_a_list_is_422(ask: Api, parameters: dict[str, str]) -> None:
    for answer in (
        ask("GET", "/records/demo.item", params=parameters),
        ask("POST", "/records/demo.item/query", parameters),
    ):
        assert answer.status_code == 422, parameters


def test_a_change_needs_the_version_that_was_read(ask: Api) -> None:
    path = f"/records/demo.order/{ask.order()['id']}"
    assert ask("PATCH", path, {"party": "B"}).status_code == 428
    changed = ask("PATCH", path, {"party": "B"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["party"], changed.headers["etag"]) == (200, "B", '"2"')
    stale = ask("PATCH", path, {"party": "C"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_since")


def test_lines_that_are_sent_are_the_whole_list(ask: Api) -> None:
    order = ask.order()
    line = order["lines"][0]
    lines = [{"id": line["id"], "quantity": "3"}, {"item": line["item"], "quantity": 4}]
    changed = ask(
        "PATCH", f"/records/demo.order/{order['id']}", {"lines": lines}, headers={"If-Match": '"1"'}
    ).json()
    assert [one["quantity"] for one in changed["lines"]] == ["3", "4"] and changed["total"] == "7"
    assert changed["lines"][0]["id"] == line["id"]


def test_a_step_that_the_state_does_not_allow_is_409(ask: Api) -> None:
    path = f"/records/demo.order/{ask.order(confirmed=True)['id']}"
    assert ask("POST", f"{path}/do/confirm").status_code == 409
    assert ask("POST", f"{path}/do/nonsense").status_code == 404


def test_a_step_checks_the_version_if_one_is_sent(ask: Api) -> None:
    path = f"/records/demo.order/{ask.order()['id']}/do/confirm"
    assert ask("POST", path, headers={"If-Match": '"7"'}).status_code == 412
    assert ask("POST", path, {"comment": "go"}, headers={"If-Match": '"1"'}).json()["state"] == "confirmed"


def test_the_next_document_takes_what_is_open_and_then_nothing_is(ask: Api) -> None:
    order = ask.order(quantity="10", confirmed=True)
    path = f"/records/demo.order/{order['id']}"
    made = ask("POST", f"{path}/make/demo.slip")
    slip = made.json()
    assert made.status_code == 201 and slip["lines"][0]["quantity"] == "10"
    assert slip["lines"][0]["source_line"] == order["lines"][0]["id"]
    assert ask("POST", f"/records/demo.slip/{slip['id']}/do/post").status_code == 200
    again = ask("POST", f"{path}/make/demo.slip")
    assert (again.status_code, again.json()["code"]) == (409, "conversion.nothing_open")
    linked = ask("GET", f"{path}/links").json()["data"]
    assert [(one["relation"], one["record"]["id"]) for one in linked] == [("target", slip["id"])]


def test_the_trail_has_the_steps_newest_first(ask: Api) -> None:
    path = f"/records/demo.order/{ask.order(confirmed=True)['id']}"
    assert ask("POST", f"{path}/comments", {"text": "看过了"}).status_code == 201
    assert [one["kind"] for one in ask("GET", f"{path}/trail").json()["data"]] == [
        "comment",
        "confirm",
        "create",
    ]


def test_a_preview_stores_nothing_and_tells_what_is_wrong(ask: Api) -> None:
    item = ask.item()
    values = {"party": "X", "lines": [{"item": item["code"], "quantity": "-1"}]}
    seen = ask("POST", "/records/demo.order/preview", values).json()
    assert seen["record"]["total"] == "-1"
    assert [one["path"] for one in seen["faults"]] == ["lines[0].quantity"]
    assert (
        ask("GET", "/records/demo.order", params={"where": 'party = "X"', "count": "exact"}).json()["count"]
        == 0
    )


def test_a_batch_of_records_is_all_or_none(ask: Api) -> None:
    mark = uuid4().hex[:6]
    rows = [{"code": f"B{mark}{n}", "name": mark} for n in range(3)]
    answer = ask("POST", "/records/demo.item/batch", {"records": [*rows, {"code": f"B{mark}9", "rate": "x"}]})
    assert answer.status_code == 422
    assert all(one["path"].startswith("records[3].") for one in answer.json()["errors"])
    assert len(ask("POST", "/records/demo.item/batch", {"records": rows}).json()["data"]) == 3


@pytest.mark.parametrize(
    "body", [{}, {"records": {}}, {"records": [1]}, {"records": [], "more": 1}, {"records": [{}] * 1001}]
)
def test_a_batch_of_another_shape_is_422(ask: Api, body: Any) -> None:
    assert ask("POST", "/records/demo.item/batch", body).status_code == 422


def test_operations_use_what_earlier_ones_made_in_one_transaction(ask: Api) -> None:
    code = f"O{uuid4().hex[:8]}"
    operations = [
        {"op": "create", "form": "demo.item", "values": {"code": code, "name": "n"}},
        {
            "op": "create",
            "form": "demo.order",
            "values": {"party": "P", "lines": [{"item": "$0.id", "quantity": 2}]},
        },
        {"op": "do", "form": "demo.order", "id": "$1.id", "transition": "confirm"},
        {"op": "make", "form": "demo.order", "id": "$1.id", "to": "demo.slip"},
    ]
    done = ask("POST", "/batch", {"operations": operations}).json()["data"]
    assert (done[2]["state"], done[3]["lines"][0]["source_line"]) == ("confirmed", done[1]["lines"][0]["id"])
    broken = [
        {**operations[0], "values": {"code": code + "x", "name": "n"}},
        {**operations[2], "id": "no such"},
    ]
    assert ask("POST", "/batch", {"operations": broken}).status_code == 404
    assert ask("GET", f"/records/demo.item/{code}x").status_code == 404


def test_only_what_nothing_happened_to_can_be_deleted(ask: Api) -> None:
    draft, confirmed = ask.order(), ask.order(confirmed=True)
    assert ask("DELETE", f"/records/demo.order/{draft['id']}").status_code == 204
    assert ask("GET", f"/records/demo.order/{draft['id']}").status_code == 404
    assert ask("DELETE", f"/records/demo.order/{confirmed['id']}").status_code == 409


def test_a_masked_field_is_neither_shown_nor_changed_nor_guessed_by_filtering(ask: Api) -> None:
    item = ask.made("demo.item", {"code": f"M{uuid4().hex[:8]}", "name": "n", "cost": "9"}, by="boss")
    path = f"/records/demo.item/{item['id']}"
    assert item["cost"] == "9" and "cost" not in ask("GET", path).json()
    ask("PATCH", path, {"cost": "1", "name": "m"}, headers={"If-Match": '"1"'})
    assert ask("GET", path, by="boss").json()["cost"] == "9"
    assert ask("GET", "/records/demo.item", params={"where": "cost > 1"}).status_code == 422


def test_a_row_rule_hides_a_record_from_reading_and_from_lists(ask: Api) -> None:
    draft = ask.order()
    assert ask("GET", f"/records/demo.order/{draft['id']}", by="reader").status_code == 404
    states = {one["state"] for one in ask("GET", "/records/demo.order", by="reader").json()["data"]}
    assert states <= {"confirmed"}


def test_the_same_post_under_a_key_is_done_once(ask: Api) -> None:
    values, key = {"code": f"K{uuid4().hex[:8]}", "name": "n"}, {"Idempotency-Key": uuid4().hex}
    first = ask("POST", "/records/demo.item", values, headers=key)
    second = ask("POST", "/records/demo.item", values, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json() and second.headers["idempotency-replayed"] == "true"
    assert (
        second.headers["location"] == first.headers["location"]
        and second.headers["etag"] == first.headers["etag"]
    )
    assert (
        ask("POST", "/records/demo.item", {**values, "name": "m"}, headers=key).json()["code"]
        == "idempotency_key_reused"
    )


def test_a_refused_post_leaves_its_key_free(ask: Api) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    assert ask("POST", "/records/demo.item", {"code": "x" * 50, "name": "n"}, headers=key).status_code == 422
    assert (
        ask(
            "POST", "/records/demo.item", {"code": f"F{uuid4().hex[:8]}", "name": "n"}, headers=key
        ).status_code
        == 201
    )


def test_a_double_click_confirms_once(ask: Api) -> None:
    path = f"/records/demo.order/{ask.order()['id']}/do/confirm"
    key = {"Idempotency-Key": uuid4().hex}
    answers: list[int] = []

    def click() -> None:
        answers.append(ask("POST", path, headers=key).status_code)

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 200 in answers and set(answers) <= {200, 409}
    trail = ask("GET", path.replace("/do/confirm", "/trail")).json()["data"]
    assert [one["kind"] for one in trail] == ["confirm", "create"]


def test_a_made_token_is_shown_once_also_under_a_key(ask: Api) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first = ask("POST", "/tokens", {"name": "robot"}, headers=key).json()
    again = ask("POST", "/tokens", {"name": "robot"}, headers=key).json()
    assert first["token"].startswith("anlan_") and again["token"] is None
    mine = [one for one in ask("GET", "/tokens").json()["data"] if one["name"] == "robot"]
    assert len(mine) == 1 and "token" not in mine[0]
    assert ask("DELETE", f"/tokens/{mine[0]['id']}").status_code == 204
    assert ask("DELETE", f"/tokens/{mine[0]['id']}").status_code == 404
