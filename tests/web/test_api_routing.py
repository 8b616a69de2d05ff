"""A request finds its line of the table."""

import pytest

from anlan.kernel.errors import Refused
from anlan.web.api.routing import Answer, Call, Route, Router


def nothing(call: Call) -> Answer:
    return Answer()


ROUTER = Router(
    [
        Route("GET", "/records/{form}", "list", nothing),
        Route("POST", "/records/{form}", "create", nothing),
        Route("POST", "/records/{form}/batch", "batch", nothing),
        Route("GET", "/records/{form}/{id}", "read", nothing),
        Route("PATCH", "/records/{form}/{id}", "change", nothing),
        Route("POST", "/records/{form}/{id}/do/{transition}", "step", nothing),
    ]
)


def test_placeholders_are_filled() -> None:
    found = ROUTER.find("POST", "/records/demo.note/N-1/do/confirm")
    assert (found.route.name, found.path) == (
        "step",
        {"form": "demo.note", "id": "N-1", "transition": "confirm"},
    )


def test_a_fixed_word_wins_over_a_placeholder() -> None:
    assert ROUTER.find("POST", "/records/demo.note/batch").route.name == "batch"


def test_a_record_whose_code_is_a_fixed_word_can_be_read() -> None:
    assert ROUTER.find("GET", "/records/demo.note/batch").path["id"] == "batch"


def test_a_slash_in_a_code_is_written_as_percent_2f() -> None:
    assert ROUTER.find("GET", "/records/demo.note/A%2F1").path["id"] == "A/1"
    assert ROUTER.find("GET", "/records/demo.note/%E8%AE%B0-1").path["id"] == "记-1"


def test_head_finds_what_get_finds() -> None:
    assert ROUTER.find("HEAD", "/records/demo.note").route.name == "list"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/record",
        "/records",
        "/records/",
        "/records/a/b/c",
        "/records/a//",
        "/records/%ff",
        "/records/a%00",
    ],
)
def test_an_unknown_address_is_404(path: str) -> None:
    with pytest.raises(Refused) as caught:
        ROUTER.find("GET", path)
    assert (caught.value.status, caught.value.code) == (404, "unknown_address")


def test_a_wrong_method_is_405_and_names_the_right_ones() -> None:
    with pytest.raises(Refused) as caught:
        ROUTER.find("PUT", "/records/demo.note/7")
    assert (caught.value.status, caught.value.params["allow"]) == (405, "GET, HEAD, OPTIONS, PATCH")


def test_two_lines_for_one_address_are_an_error_at_start() -> None:
    with pytest.raises(AssertionError):
        Router([Route("GET", "/a/{x}", "one", nothing), Route("GET", "/a/{y}", "two", nothing)])
