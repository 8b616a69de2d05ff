"""docs/api.md names every address and every code of the API, and nothing that does not exist."""

import re
from pathlib import Path

from anlan.kernel.i18n import Messages
from anlan.web.api import words
from anlan.web.api.routing import Answer, Call
from anlan.web.api.table import table

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
WORDS = Messages.load([Path(words.__file__).parent / "messages"]).sentences["en"]


def nothing(call: Call) -> Answer:
    return Answer()


def test_the_page_names_exactly_the_routes_of_the_table() -> None:
    routes = {f"{route.method} {route.path}" for route in table(nothing)}
    named = {
        f"{method} {path}"
        for method, path in re.findall(r"^\| `(GET|POST|PATCH|PUT|DELETE) (\S+)`", PAGE, re.M)
    }
    assert named == routes


def test_every_route_has_a_sentence_in_the_messages_and_every_sentence_a_route() -> None:
    names = {f"api.{route.name}" for route in table(nothing)}
    sentences = {code for code in WORDS if code.startswith("api.")} - {"api.description", "api.problem"}
    assert sentences == names


def test_every_code_of_this_floor_is_on_the_page() -> None:
    codes = {
        code
        for code in WORDS
        if not code.startswith(("api.", "title.", "kind.")) and code != "several_faults"
    }
    assert {code for code in codes if not re.search(rf"\b{re.escape(code)}\b", PAGE)} == set()
