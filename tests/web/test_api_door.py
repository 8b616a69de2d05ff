"""One request through the door: limits, headers, languages, and no way out but an answer."""

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from starlette.testclient import TestClient

from anlan.kernel.clock import TestClock
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.formula import DesignError
from anlan.kernel.site import making
from anlan.web.api import caller as callers
from anlan.web.api import reading
from anlan.web.api.body import LIMIT_BYTES
from anlan.web.api.door import Door
from anlan.web.api.routing import Answer, Call, Route, Router
from anlan.web.metrics import Metrics

Client = Callable[..., TestClient]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """`client(handler)` serves the handler at GET, POST (JSON) and PUT (optional JSON) /x."""
    caller = SimpleNamespace(user="u", language="en")
    monkeypatch.setattr(callers, "caller_of", lambda *_: caller)
    opened: list[tuple[TestClient, Door]] = []
    site = SimpleNamespace(
        catalogue=SimpleNamespace(forms={}),
        clock=TestClock(datetime(2026, 11, 24, tzinfo=UTC)),
        zone=ZoneInfo("Asia/Shanghai"),
        messages=making.messages(),
    )

    def make(handler: Callable[[Call], Answer]) -> TestClient:
        routes = [
            Route("GET", "/x", "x.get", handler, query=None),
            Route("POST", "/x", "x.post", handler, "json"),
            Route("PUT", "/x", "x.put", handler, "optional"),
            Route("PATCH", "/x", "x.patch", handler, "upload"),
        ]
        door = Door(site, Router(routes), Metrics(), threads=2)
        opened.append((TestClient(door), door))
        return opened[-1][0]

    yield make
    for _, door in opened:
        door.close()


def echo(call: Call) -> Answer:
    return Answer({"body": call.body, "query": dict(call.query)})


def raising(error: Exception) -> Callable[[Call], Answer]:
    def handler(call: Call) -> Answer:
        raise error

    return handler


def test_every_answer_has_a_request_id_and_safe_headers(client: Client) -> None:
    for answer in (
        client(echo).get("/x"),
        client(raising(Refused(409, "busy"))).get("/x"),
        client(echo).get("/y"),
    ):
        assert len(answer.headers["x-request-id"]) == 36
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused(409, "busy", retry_after=3), 409, "busy"),
        (invalid([Fault("required", "name")]), 422, "required"),
        (DesignError("syntax", 3), 422, "syntax"),
        (PoolTimeout("no connection"), 503, "database_unavailable"),
        (psycopg.errors.DeadlockDetected("deadlock"), 409, "busy"),
        (psycopg.errors.QueryCanceled("statement timeout"), 409, "busy"),
        (psycopg.OperationalError("server closed the connection"), 503, "database_unavailable"),
    ],
)
def test_what_the_kernel_raises_becomes_a_problem(
    client: Client, error: Exception, status: int, code: str
) -> None:
    answer = client(raising(error)).get("/x")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_retry_after_is_a_header(client: Client) -> None:
    assert client(raising(Refused(429, "too_busy", retry_after=3))).get("/x").headers["retry-after"] == "3"


def test_a_defect_is_500_with_an_id_and_logged_once_with_its_cause(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client(raising(ZeroDivisionError("the secret cause"))).get("/x")
    assert answer.status_code == 500 and answer.json()["code"] == "internal"
    assert "secret cause" not in answer.text and "Traceback" not in answer.text
    logged = [one for one in caplog.records if answer.json()["request_id"] in one.getMessage()]
    assert len(logged) == 1 and logged[0].exc_info is not None


def test_an_answer_that_cannot_be_written_as_json_is_a_defect_too(client: Client) -> None:
    assert client(lambda call: Answer({"x": object()})).get("/x").status_code == 500


def test_no_json_is_400_and_another_type_415(client: Client) -> None:
    served = client(echo)
    assert served.post("/x", content=b"{", headers=JSON).status_code == 400
    assert served.post("/x", content=b"", headers=JSON).status_code == 400
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", ""):
        assert served.post("/x", content=b"{}", headers={"Content-Type": kind}).status_code == 415, kind
    assert served.post("/x", content=b"{}", headers={**JSON, "Content-Encoding": "gzip"}).status_code == 415
    assert (
        served.post("/x", content=b"{}", headers={"Content-Type": "application/merge-patch+json"}).status_code
        == 200
    )
    assert served.patch("/x", content=b"{}", headers=JSON).status_code == 415


def test_a_broken_upload_is_400(client: Client) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for content in (b"", b"--b\r\nnonsense", b"--c\r\n\r\n--c--"):
        answer = client(lambda call: Answer(call.body.texts)).patch("/x", content=content, headers=headers)
        assert answer.status_code in (200, 400), content
    answer = client(echo).patch("/x", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_upload")


def test_an_optional_body_may_be_missing(client: Client) -> None:
    assert client(echo).put("/x").json()["body"] is None
    assert client(echo).put("/x", content=b"{}", headers=JSON).json()["body"] == {}


def test_a_body_over_the_limit_is_413_also_without_a_content_length(client: Client) -> None:
    served = client(echo)

    def chunks() -> Iterator[bytes]:
        for _ in range(LIMIT_BYTES // 2**20 + 2):
            yield b" " * 2**20

    for content in (b" " * (LIMIT_BYTES + 1), chunks()):
        answer = served.post("/x", content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_at_the_limit_is_read(client: Client) -> None:
    content = b'"' + b"x" * (LIMIT_BYTES - 2) + b'"'
    assert (
        client(lambda call: Answer(len(call.body))).post("/x", content=content, headers=JSON).json()
        == len(content) - 2
    )


def test_head_is_get_without_a_body(client: Client) -> None:
    served = client(echo)
    head, get = served.head("/x"), served.get("/x")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_options_and_405_name_the_methods(client: Client) -> None:
    served = client(echo)
    options, wrong = served.options("/x"), served.delete("/x")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PATCH, POST, PUT")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, options.headers["allow"])


def test_a_large_answer_is_compressed_for_who_takes_it(client: Client) -> None:
    served = client(lambda call: Answer({"data": ["text"] * 5000}))
    with served.stream("GET", "/x", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and len(raw) < 2000
    assert len(json.loads(gzip.decompress(raw))["data"]) == 5000
    plain = served.get("/x", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and len(plain.json()["data"]) == 5000


def test_a_small_answer_is_not_compressed(client: Client) -> None:
    assert "content-encoding" not in client(echo).get("/x", headers={"Accept-Encoding": "gzip"}).headers


def test_messages_are_in_the_language_asked_for(client: Client) -> None:
    served = client(raising(Refused(429, "too_busy")))
    zh = served.get("/x", headers={"Accept-Language": "zh-CN"})
    en = served.get("/x", headers={"Accept-Language": "en-GB, zh;q=0.3"})
    own = served.get("/x")  # the caller's own language
    assert "系统繁忙" in zh.json()["detail"] and zh.headers["content-language"] == "zh"
    assert "busy" in en.json()["detail"] and own.json()["detail"] == en.json()["detail"]


def test_numbers_reach_the_handler_as_decimals(client: Client) -> None:
    answer = client(lambda call: Answer(type(call.body["n"]).__name__)).post(
        "/x", content=b'{"n": 0.1}', headers=JSON
    )
    assert answer.json() == "Decimal"


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey"])
def test_an_unusable_idempotency_key_is_422(client: Client, key: str) -> None:
    answer = client(echo).post("/x", content=b"{}", headers={**JSON, "Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")


def test_requests_are_counted_by_route_and_status(client: Client) -> None:
    served = client(echo)
    served.get("/x")
    served.get("/nowhere")
    door: Any = served.app
    text = door.metrics.text(SimpleNamespace(get_stats=lambda: {"pool_size": 3}))
    assert 'anlan_http_requests_total{route="x.get",method="GET",status="200"} 1' in text
    assert 'anlan_http_requests_total{route="none",method="GET",status="404"} 1' in text
    assert "anlan_database_pool_size 3" in text


def test_an_upload_over_the_limit_is_413_and_takes_no_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "UPLOAD_BYTES", 2**20)
    answer = client(echo).patch("/x", files={"file": ("a.bin", bytes(2**20 + 1))})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    small = client(lambda call: Answer(call.body.file("file")[0])).patch(
        "/x", files={"file": ("a.bin", b"x")}
    )
    assert small.json() == "a.bin"
