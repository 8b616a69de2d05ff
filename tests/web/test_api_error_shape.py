"""The contract of all error answers: every route is driven into the errors that it can have.

`Api` of api_site checks the shape of each answer of 400 and above.
"""

from urllib.parse import quote
from uuid import uuid4

import pytest
from api_site import Api

from anlan.web.api.routing import Answer, Call, Route
from anlan.web.api.table import table

pytest_plugins = ("api_site",)


def nothing(call: Call) -> Answer:
    return Answer()


ROUTES = table(nothing)
JSON = {"Content-Type": "application/json"}
NAMES = {
    "form": "demo.order",
    "id": str(uuid4()),
    "transition": "confirm",
    "target_form": "demo.slip",
    "register": "demo.stock",
    "print": "demo.order",
    "file": str(uuid4()),
    "report": "demo.orders",
    "dashboard": "demo.board",
    "widget": "orders",
    "login": "boss",
    "role": "admin",
    "session": "0190b5a0-0000-7000-8000-00000000abcd",
    "token": "0190b5a0-0000-7000-8000-00000000abcd",
    "job": "0190b5a0-0000-7000-8000-00000000abcd",
    "decision": "retry",
    "kind": "form",
    "name": "demo.order",
}
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


def with_body(*kinds: str) -> pytest.MarkDecorator:
    chosen = [route for route in ROUTES if route.body in kinds]
    return pytest.mark.parametrize("route", chosen, ids=lambda route: f"{route.method} {route.path}")


def path(route: Route, **changes: str) -> str:
    return route.path.format(**{**NAMES, **changes})


@with_body("json", "optional", "definition")
def test_a_body_that_is_no_json_is_400(route: Route, ask: Api) -> None:
    answer = ask(route.method, path(route), content=b'{"a": ', headers={**JSON, "If-Match": '"1"'}, by="boss")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


@with_body("json", "optional", "definition")
def test_a_body_of_another_media_type_is_415(route: Route, ask: Api) -> None:
    assert (
        ask(route.method, path(route), content=b"{}", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )


@with_body("upload")
def test_json_where_a_file_is_wanted_is_415(route: Route, ask: Api) -> None:
    assert ask(route.method, path(route), {}).status_code == 415


@with_body("json", "definition")
def test_a_body_that_is_no_object_is_422(route: Route, ask: Api) -> None:
    for body in ([], "text", 7, [[]]):
        answer = ask(route.method, path(route), body, headers={"If-Match": '"1"'}, by="boss")
        assert answer.status_code == 422, body


@with_body("json", "optional")
def test_a_nul_in_the_body_is_422(route: Route, ask: Api) -> None:
    answer = ask(
        route.method, path(route), content=b'{"a": "\\u0000"}', headers={**JSON, "If-Match": '"1"'}, by="boss"
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "bad_character")


@every_route
def test_another_method_is_405(route: Route, ask: Api) -> None:
    answer = ask("TRACE", path(route))
    assert answer.status_code == 405
    assert route.method in answer.headers["allow"].split(", ")


@pytest.mark.parametrize(
    "route",
    [one for one in ROUTES if one.query is not None and one.method == "GET"],
    ids=lambda route: route.path,
)
def test_an_unknown_parameter_is_422(route: Route, ask: Api) -> None:
    answer = ask("GET", path(route) + "?no_such_parameter=1", by="boss")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "no_such_parameter")


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.parameters], ids=lambda route: f"{route.method} {route.path}"
)
@pytest.mark.parametrize("name", ["nothing", "no.such", "a/b", "记", "'; --", "x" * 5000, "..", "0", "%"])
def test_what_does_not_exist_is_404(route: Route, name: str, ask: Api) -> None:
    wrong = quote(name, safe="")
    bodies = {"upload": {"files": {"file": ("a.csv", "code,name\n")}}, "json": {"json": {}}}
    answer = ask(
        route.method,
        path(route, **{route.parameters[0]: wrong}),
        headers={"If-Match": '"1"'},
        by="boss",
        **bodies.get(route.body, {}),
    )
    assert answer.status_code in (404, 422) if route.body == "json" else 404, answer.text


@pytest.mark.parametrize("key", ["nothing", "0190b5a0-0000-7000-8000-00000000abcd", "' or 1=1 --", "记-001"])
def test_a_record_that_does_not_exist_is_404(key: str, ask: Api) -> None:
    for route in ROUTES:
        if route.path.startswith("/records/{form}/{id}"):
            bodies = {
                "upload": {"files": {"file": ("a.txt", "x")}},
                "json": {"json": {"text": "x"} if "comments" in route.path else {}},
            }
            answer = ask(
                route.method, path(route, id=key), headers={"If-Match": '"1"'}, **bodies.get(route.body, {})
            )
            assert answer.status_code == 404, (route.path, answer.text)


def test_messages_are_in_both_languages_and_have_no_holes(ask: Api) -> None:
    for language, word in (("zh-CN", "不存在"), ("en", "does not exist")):
        answer = ask("GET", "/records/demo.order/nothing", headers={"Accept-Language": language})
        assert word in answer.json()["detail"] and "{" not in answer.json()["detail"]


def test_what_later_issues_bring_says_so(ask: Api) -> None:
    answer = ask("POST", "/service/simulate", {})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_yet")
