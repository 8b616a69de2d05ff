"""Every operation of our own OpenAPI document asked with whatever its schemas allow: never a 5xx, and every
answer is one that the document describes."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from api_site import Api
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytest_plugins = ("api_site",)
pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
# They would log the fuzzer itself out.
LEFT_OUT = ("/me/password", "/me/sessions/{id}", "/tokens/{id}")
quietly = settings(
    max_examples=30,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations(ask: Api) -> list[Any]:
    """The operations of the document as an administrator sees it."""
    for _ in range(3):
        ask.order(confirmed=True)
    schema = schemathesis.openapi.from_dict(ask("GET", "/openapi.json", by="boss").json())
    schema.app = ask.door
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if one.path not in LEFT_OUT]


def of_group(operations: list[Any], group: int, groups: int) -> Iterator[Any]:
    return (one for place, one in enumerate(operations) if place % groups == group)


@pytest.mark.parametrize("group", range(8))
def test_no_operation_answers_5xx_or_what_the_document_does_not_say(
    operations: list[Any], ask: Api, group: int
) -> None:
    headers = {"Authorization": f"Bearer {ask.served.tokens['boss']}"}
    for operation in of_group(operations, group, 8):

        @quietly
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            case.validate_response(case.call(headers=headers), checks=CHECKS)

        run()
