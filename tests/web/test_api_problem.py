"""A refusal becomes a problem in the caller's language, with every fault's place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anlan.kernel.errors import Fault, Refused
from anlan.kernel.formula import DesignError
from anlan.kernel.i18n import Messages
from anlan.web.api import words
from anlan.web.api.problem import problem, refused_formula

MESSAGES = Path(words.__file__).parent / "messages"


def say(code: str, given: Mapping[str, Any]) -> str:
    sentences = {
        "title.422": "Does not pass",
        "too_few": "{field} has too few.",
        "too_few.help": "Add some to {field}.",
        "several_faults": "{count} faults; first: {first}",
        "formula.syntax": "Not complete near {near}.",
    }
    return Messages({"en": sentences, "zh": {}}).text(code, "en", **dict(given))


def test_every_fault_has_path_code_message_and_help() -> None:
    fault = Fault("too_few", "lines[2].quantity", {"field": "Quantity"})
    body = problem(Refused(422, "too_few", [fault]), say, "r-1")
    assert body == {
        "type": "urn:anlan:problem:too_few",
        "title": "Does not pass",
        "status": 422,
        "detail": "Quantity has too few.",
        "code": "too_few",
        "request_id": "r-1",
        "errors": [
            {
                "path": "lines[2].quantity",
                "code": "too_few",
                "message": "Quantity has too few.",
                "help": "Add some to Quantity.",
            }
        ],
    }


def test_a_refusal_without_faults_names_itself_as_the_one_error() -> None:
    body = problem(Refused(409, "too_few", params={"field": "X"}), say, "r-1")
    assert [(one["path"], one["code"]) for one in body["errors"]] == [("", "too_few")]


def test_several_faults_are_counted_in_the_detail() -> None:
    faults = [Fault("too_few", f"lines[{n}]", {"field": n}) for n in range(3)]
    body = problem(Refused(422, "invalid", faults), say, "r-1")
    assert body["detail"] == "3 faults; first: 0 has too few." and len(body["errors"]) == 3


def test_data_of_a_refusal_stands_beside_the_fixed_members_and_cannot_replace_them() -> None:
    body = problem(Refused(412, "too_few", data={"current": {"version": 4}, "status": 200}), say, "r-1")
    assert body["current"] == {"version": 4} and body["status"] == 412


def test_a_formula_that_cannot_be_accepted_has_a_position_and_its_own_sentence() -> None:
    body = problem(refused_formula(DesignError("syntax", 7, near=")"), "where"), say, "r-1")
    error = body["errors"][0]
    assert (body["status"], error["code"], error["path"], error["position"]) == (422, "syntax", "where", 7)
    assert error["message"] == "Not complete near )."


def test_every_sentence_of_the_api_exists_in_both_languages_with_the_same_parameters() -> None:
    assert Messages.load([MESSAGES]).missing() == []


def test_accept_language_decides_then_the_callers_own_language() -> None:
    class Caller:
        language = "en"

    assert words.language({"accept-language": "zh-CN,en;q=0.5"}, Caller()) == "zh"
    assert words.tag({}, Caller()) == "en"
    assert words.tag({}, None) == "zh-CN"
