"""Query strings and headers become plain values, or a refusal that names the parameter."""

import pytest

from anlan.kernel.errors import Refused
from anlan.web.api import params


def test_known_parameters_are_decoded() -> None:
    raw = b"where=name+%3D+%22%E8%9E%BA%E6%A0%93%22&limit=20"
    assert params.query_of(raw, ("where", "limit")) == {"where": 'name = "螺栓"', "limit": "20"}


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        (b"wher=1", "unknown_parameter", "wher"),
        (b"limit=1&limit=2", "repeated_parameter", "limit"),
        (b"where=a%00b", "bad_character", "where"),
        (b"where=%ff", "bad_query", ""),
        (b"where=\xff", "bad_query", ""),
        (b"&".join([b"a=1"] * 300), "bad_query", ""),
    ],
)
def test_a_parameter_that_cannot_be_used_is_422(raw: bytes, code: str, path: str) -> None:
    with pytest.raises(Refused) as caught:
        params.query_of(raw, ("where", "limit"))
    assert caught.value.status == 422
    assert (caught.value.faults[0].code, caught.value.faults[0].path) == (code, path)


@pytest.mark.parametrize("text", ["0", "501", "-1", "1.5", "abc", "", "９", "9" * 30])
def test_a_limit_out_of_range_is_422(text: str) -> None:
    with pytest.raises(Refused) as caught:
        params.whole({"limit": text}, "limit", 50, 1, 500)
    assert (caught.value.status, caught.value.faults[0].path) == (422, "limit")


def test_lists_are_parted_by_commas() -> None:
    assert params.names({"sort": " -date, number,,"}, "sort") == ["-date", "number"]
    assert params.names({}, "sort") == []


@pytest.mark.parametrize(("text", "version"), [('"3"', 3), ("3", 3), ('W/"12"', 12)])
def test_if_match_names_a_version(text: str, version: int) -> None:
    assert params.if_match({"if-match": text}) == version


@pytest.mark.parametrize("text", ["*", '"x"', "", '"-1"', '"1", "2"'])
def test_if_match_that_names_no_version_is_422(text: str) -> None:
    with pytest.raises(Refused) as caught:
        params.if_match({"if-match": text})
    assert (caught.value.status, caught.value.code) == (422, "bad_if_match")


def test_a_body_of_another_type_is_422() -> None:
    for body in ([], "text", 7, True):
        with pytest.raises(Refused) as caught:
            params.object_body(body)
        assert (caught.value.status, caught.value.code) == (422, "wrong_type")
