"""Saved views and layouts through the API: whose they are, who may share, what is left out of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from api_site import Api

pytest_plugins = ("api_site",)

FORM = "/views/demo.item"


def view(ask: Api, *, by: str = "clerk", **values: Any) -> dict[str, Any]:
    """A new view of items."""
    answer = ask("POST", FORM, {"label": f"View {uuid4().hex[:6]}", **values}, by=by)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def of(ask: Api, key: str, *, by: str = "clerk") -> dict[str, Any] | None:
    """A view as somebody sees it in his list."""
    return next((one for one in ask("GET", FORM, by=by).json()["data"] if one["id"] == key), None)


def test_a_view_is_its_owners_alone_until_it_is_shared(ask: Api) -> None:
    made = view(ask, where='kind = "goods"', sort=["-code"], columns=["code", "name"])
    assert (of(ask, made["id"]) or {})["where"] == 'kind = "goods"'
    assert of(ask, made["id"], by="reader") is None
    assert ask("PATCH", f"{FORM}/{made['id']}", {"label": "Mine"}, by="reader").status_code == 404
    assert ask("DELETE", f"{FORM}/{made['id']}", by="boss").status_code == 404


def test_only_who_may_share_shares_and_changes_what_is_shared(ask: Api) -> None:
    assert ask("POST", FORM, {"label": "All", "shared": True}).status_code == 403
    shared = view(ask, by="boss", shared=True)
    seen = of(ask, shared["id"], by="reader")
    assert seen is not None and not seen["editable"]
    assert ask("PATCH", f"{FORM}/{shared['id']}", {"label": "Other"}).status_code == 403
    own = view(ask)
    assert ask("PATCH", f"{FORM}/{own['id']}", {"shared": True}).status_code == 403
    assert ask("PATCH", f"{FORM}/{shared['id']}", {"label": "Other"}, by="boss").json()["label"] == "Other"


def test_a_deleted_view_is_gone_and_comes_back_as_it_was(ask: Api) -> None:
    made = view(ask, kind="board", columns=["code"])
    assert ask("DELETE", f"{FORM}/{made['id']}").status_code == 204
    assert of(ask, made["id"]) is None
    assert ask("DELETE", f"{FORM}/{made['id']}").status_code == 404
    assert ask("POST", f"{FORM}/{made['id']}/restore").json() == made


def test_what_a_view_says_of_a_hidden_field_is_left_out_for_whom_it_is_hidden(ask: Api) -> None:
    made = view(ask, by="boss", shared=True, where='AND(kind = "goods", cost > 3)', sort=["-cost"], columns=["code", "cost"])
    assert made["left_out"] == []
    seen = of(ask, made["id"])
    assert seen is not None
    assert (seen["where"], seen["sort"], seen["columns"]) == ('kind = "goods"', [], ["code"])
    assert {(one["part"], one["reason"], one["name"]) for one in seen["left_out"]} == {
        ("filter", "hidden", ""),
        ("sort", "hidden", ""),
        ("column", "hidden", ""),
    }


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 41}, "label"),
        ({"label": "x", "where": "cost > 1"}, "where"),
        ({"label": "x", "where": "rate"}, "where"),
        ({"label": "x", "columns": ["no_such"]}, "columns"),
        ({"label": "x", "columns": "code"}, "columns"),
        ({"label": "x", "kind": "gallery"}, "kind"),
        ({"label": "x", "shared": "yes"}, "shared"),
    ],
)
def test_a_view_that_cannot_be_used_is_refused_with_its_place(ask: Api, values: dict[str, Any], path: str) -> None:
    answer = ask("POST", FORM, values)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == path


def test_a_layout_is_remembered_for_each_person_and_part_by_part(ask: Api) -> None:
    made = view(ask)
    layout = {"widths": {"code": 120}, "frozen": 2, "columns": {made["id"]: ["name", "code"]}}
    assert ask("PUT", f"{FORM}/layout", {"first": made["id"], "layout": layout}).json() == {"first": made["id"], "layout": layout}
    assert ask("PUT", f"{FORM}/layout", {"first": None}).json() == {"first": None, "layout": layout}
    assert ask("GET", FORM, by="boss").json()["layout"] == {"widths": {}, "frozen": 0, "columns": {}}
    for wrong in ({"frozen": 9}, {"widths": {"code": 1}}, {"columns": {"a": "code"}}, {"other": 1}):
        assert ask("PUT", f"{FORM}/layout", {"layout": wrong}).status_code == 422
