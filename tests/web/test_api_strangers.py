"""Every address asked by nobody, and by somebody without any role: neither learns or does anything."""

from uuid import uuid4

import pytest
from api_site import Api

from anlan.web.api.routing import Answer, Call, Route
from anlan.web.api.table import table

pytest_plugins = ("api_site",)


def nothing(call: Call) -> Answer:
    return Answer()


ROUTES = table(nothing)

# What everybody who is somebody may ask: about himself, or questions that touch no data of the site.
OWN = frozenset(
    {
        "openapi.read",
        "forms.list",
        "registers.list",
        "reports.list",
        "dashboards.list",
        "me.read",
        "me.password",
        "me.sessions",
        "me.end_session",
        "me.profile",
        "me.change_profile",
        "messages.list",
        "messages.read",
        "why.read",  # about oneself only: test_the_reason_tells_nothing_of_a_record_to_who_may_not_see_it
        "tokens.list",
        "tokens.create",
        "tokens.end",
        "todos.list",
        "todos.counts",
        "delegations.list",
        "search.find",
        "scan.find",
        "recycle.list",  # one's own: test_what_somebody_else_deleted_is_neither_seen_nor_restored
        "files.save",
        "files.read",
        "jobs.read",
        "records.batch",  # each operation asks for itself: test_a_batch_does_not_go_around_rights
        "formula.evaluate",
        "calendar.compute",
        "definitions.merge",
        "service.simulate",
    }
)


def address(route: Route, ask: Api) -> str:
    """The route's path, filled with things that exist."""
    order = ask.order(confirmed=True)
    parts = {
        "form": "demo.order",
        "id": order["id"],
        "transition": "cancel",
        "target_form": "demo.slip",
        "register": "demo.stock",
        "print": "demo.order",
        "file": str(uuid4()),
        "report": "demo.orders",
        "dashboard": "demo.board",
        "widget": "orders",
        "kind": "form",
        "name": "demo.order",
        "login": "admin",
        "role": "admin",
        "session": str(uuid4()),
        "token": str(uuid4()),
        "job": str(uuid4()),
        "decision": "retry",
    }
    return route.path.format(**parts)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_nobody_is_401_everywhere(route: Route, ask: Api) -> None:
    answer = ask(route.method, address(route, ask), by=None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_nobody_does_not_learn_which_addresses_exist(ask: Api) -> None:
    assert ask("GET", "/nothing/here", by=None).status_code == 401


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.name not in OWN], ids=lambda route: f"{route.method} {route.path}"
)
def test_somebody_without_a_role_is_refused(route: Route, ask: Api) -> None:
    path = address(route, ask)
    bodies = {
        "upload": {"files": {"file": ("a.csv", "code,name\n")}},
        "json": {"json": {"records": []}},
        "definition": {"json": {"definition": {}}},
    }
    answer = ask(route.method, path, by="stranger", headers={"If-Match": '"1"'}, **bodies.get(route.body, {}))
    assert answer.status_code in (403, 404), answer.text


def test_somebody_without_a_role_sees_empty_lists_of_what_there_is(ask: Api) -> None:
    for path in ("/forms", "/registers", "/dashboards", "/todos", "/search?q=ACME"):
        assert ask("GET", path, by="stranger").json()["data"] == [], path
    assert not [
        path for path in ask("GET", "/openapi.json", by="stranger").json()["paths"] if "demo." in path
    ]


def test_a_batch_does_not_go_around_rights(ask: Api) -> None:
    item = ask.item()
    operations = [
        {"op": "update", "form": "demo.item", "id": item["id"], "version": 1, "values": {"name": "stolen"}}
    ]
    for person in ("stranger", "reader"):
        assert ask("POST", "/batch", {"operations": operations}, by=person).status_code in (403, 404)
    assert ask("GET", f"/records/demo.item/{item['id']}").json()["name"] == "Bolt M8"


def test_another_ones_file_and_token_are_not_found(ask: Api) -> None:
    saved = ask("POST", "/files", files={"file": ("a.txt", "hello")}).json()
    token = ask("POST", "/tokens", {"name": "mine"})
    assert token.status_code == 201
    mine = ask("GET", "/tokens").json()["data"][0]["id"]
    assert ask("GET", f"/files/{saved['id']}", by="stranger").status_code == 404
    assert ask("DELETE", f"/tokens/{mine}", by="stranger").status_code == 404


def test_a_narrowed_token_does_only_what_it_is_narrowed_to(ask: Api) -> None:
    narrow = ask("POST", "/tokens", {"name": "narrow", "forms": ["demo.item"], "actions": ["read"]}).json()[
        "token"
    ]
    headers = {"Authorization": f"Bearer {narrow}"}
    assert ask("GET", "/records/demo.item", by=None, headers=headers).status_code == 200
    assert ask("GET", "/records/demo.order", by=None, headers=headers).status_code == 403
    assert (
        ask("POST", "/records/demo.item", {"code": "Z", "name": "Z"}, by=None, headers=headers).status_code
        == 403
    )
    assert ask("POST", "/tokens", {"name": "wider"}, by=None, headers=headers).status_code == 403


def test_what_somebody_else_deleted_is_neither_seen_nor_restored(ask: Api) -> None:
    item = ask.item()
    assert ask("DELETE", f"/records/demo.item/{item['id']}").status_code == 204
    for person in ("stranger", "reader"):
        assert ask("GET", "/recycle-bin", by=person).json()["data"] == []
        assert ask("POST", f"/recycle-bin/{item['id']}/restore", by=person).status_code == 404
    assert ask("POST", f"/recycle-bin/{item['id']}/restore").status_code == 200
