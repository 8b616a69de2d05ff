"""What a supervisor asks without a token: health, readiness, figures."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from anlan.kernel.access import tokens
from anlan.web import system
from anlan.web.metrics import Metrics


class Pool:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @contextmanager
    def connection(self, timeout: float) -> Any:
        if self.error is not None:
            raise self.error
        yield SimpleNamespace(execute=lambda text: None)

    def get_stats(self) -> dict[str, int]:
        return {"pool_size": 2}


def client(pool: Pool | None = None, forms: Any = ("demo.note",), address: str = "127.0.0.1") -> TestClient:
    site = SimpleNamespace(pool=pool or Pool(), catalogue=SimpleNamespace(forms=forms))
    return TestClient(Starlette(routes=system.routes(site, Metrics())), client=(address, 5000))


def test_the_process_lives_whatever_the_database_does() -> None:
    assert client(Pool(psycopg.OperationalError("gone"))).get("/healthz").text == "ok\n"


def test_ready_when_the_database_answers_and_the_catalogue_is_loaded() -> None:
    answer = client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "trouble": None})


@pytest.mark.parametrize("served", [client(Pool(psycopg.OperationalError("gone"))), client(forms=())])
def test_not_ready_is_503_and_says_why(served: TestClient) -> None:
    answer = served.get("/readyz")
    assert answer.status_code == 503 and answer.json()["trouble"]


def test_figures_are_for_this_machine_or_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tokens, "resolve_token", lambda site, text, address: object() if text == "good" else None
    )
    assert "anlan_database_pool_size 2" in client().get("/metrics").text
    assert client(address="::1").get("/metrics").status_code == 200
    away = client(address="10.0.0.7")
    assert away.get("/metrics").status_code == 401
    assert away.get("/metrics", headers={"Authorization": "Bearer bad"}).status_code == 401
    assert away.get("/metrics", headers={"Authorization": "Bearer good"}).status_code == 200


def test_a_proxy_on_this_machine_does_not_open_the_figures_to_the_world() -> None:
    assert client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
