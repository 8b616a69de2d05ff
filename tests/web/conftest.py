"""What tests of pages share: a whole site, its application, people who are logged in. A file with a site of another
kind makes its own `site`, and the rest goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel.site import Site
from anlan.web.app import create_app
from page_site import as_person, page_site


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as opened:
        yield opened


@pytest.fixture(scope="module")
def app(site: Site) -> Iterator[Any]:
    with TestClient(create_app(site)) as client:
        yield client.app


@pytest.fixture(scope="module")
def admin(app: Any) -> TestClient:
    return as_person(app, "admin")


@pytest.fixture(scope="module")
def clerk(app: Any) -> TestClient:
    return as_person(app, "clerk")


@pytest.fixture(scope="module")
def stranger(app: Any) -> TestClient:
    return as_person(app, "stranger")
