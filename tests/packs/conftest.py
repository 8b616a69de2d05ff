"""A site with all packs: made once a run, copied for every test module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from trade import Trade

from anlan.kernel import site as sites
from anlan.kernel.settings import Secret, Settings
from databases import temporary_database

NOON = datetime.fromisoformat("2026-11-16T12:00:00+08:00")


def settings_for(conninfo: str, home: Path) -> Settings:
    """Settings of a site in the database at `conninfo`; its clock begins on 2026-11-16."""
    return Settings(
        home=home,
        database_url=Secret(conninfo),
        replica_url=None,
        mode="live",
        clock=NOON,
        host="127.0.0.1",
        port=0,
        workers=1,
        pool_size=12,
        log_level="warning",
    )


@pytest.fixture(scope="session")
def made_site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with a fresh site, to be copied."""
    with temporary_database(address, "template0") as conninfo:
        sites.create(settings_for(conninfo, tmp_path_factory.mktemp("made")))
        yield str(conninfo_to_dict(conninfo)["dbname"])


@contextmanager
def copied_site(address: str, template: str, home: Path) -> Iterator[sites.Site]:
    """An open site in a copy of a database, with an epoch of its own."""
    with temporary_database(address, template) as conninfo:
        with psycopg.connect(conninfo) as connection:
            connection.execute("update site_version set epoch = %s", [uuid4()])  # a copy is a site of its own
        opened = sites.open(settings_for(conninfo, home))
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture(scope="module")
def site(address: str, made_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.Site]:
    """A fresh site of this module's own."""
    with copied_site(address, made_site, tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture
def fresh_site(address: str, made_site: str, tmp_path: Path) -> Iterator[sites.Site]:
    """A fresh site of this test's own."""
    with copied_site(address, made_site, tmp_path) as opened:
        yield opened


@pytest.fixture
def trade(site: sites.Site) -> Trade:
    """Short calls for trading in the site; every test gets goods and parties of its own."""
    return Trade(site)
