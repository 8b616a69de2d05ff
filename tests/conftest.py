"""The database that tests run on: one server a run, started when the first test asks for it.

`ANLAN_TEST_DATABASE_URL` names a server of your own instead; its role must be allowed to create databases.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from anlan.kernel.storage import server
from anlan.kernel.storage.pool import Connection, connect
from databases import temporary_database


@contextmanager
def temporary_home() -> Iterator[Path]:
    """An empty home that the server's user can pass through (it cannot through pytest's tmp_path)."""
    home = Path(tempfile.mkdtemp(prefix="anlan-test-", dir="/tmp"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        server.stop(home)
        shutil.rmtree(home)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of this test's own, for tests about the server itself."""
    with temporary_home() as made:
        yield made


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    """One home for all tests of a module: for what takes seconds to make."""
    with temporary_home() as made:
        yield made


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The conninfo of a database on the run's server; with xdist each worker has a server of its own."""
    given = os.environ.get("ANLAN_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with temporary_home() as home:
        conninfo = server.ensure_running(home)
        with psycopg.connect(server.admin_conninfo(home), autocommit=True) as connection:
            # No test pulls the plug of the machine; a killed server loses nothing by this.
            connection.execute("alter system set fsync = off")
            connection.execute("alter system set autovacuum = off")    # its worker may not be ended by the one who drops a database
            connection.execute("select pg_reload_conf()")
        yield conninfo


@pytest.fixture
def database(address: str) -> Iterator[str]:
    """The conninfo of a fresh, empty database."""
    with temporary_database(address) as conninfo:
        yield conninfo


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A configured connection to a fresh, empty database."""
    with connect(database) as opened:
        yield opened
