"""kill -9 of web process, worker and PostgreSQL while clients post: nothing acknowledged is lost, nothing half done.

A client of this test behaves as an integrator should: it repeats a call under its Idempotency-Key until somebody answers.
What must come out: every document that was begun is posted exactly once, and the invariants hold.

A full disk is not simulated: it would need a file system of its own, which takes root and is not there on CI.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from anlan.kernel import record, register, settings
from anlan.kernel import site as sites
from anlan.kernel.access import tokens
from anlan.kernel.storage import server
from conftest import temporary_home
from invariants import check_invariants
from whole_site import as_anlan

pytestmark = pytest.mark.slow

CLIENTS = 4
BUSY_SECONDS = 1.5  # between two kills: long enough that each client is in the middle of something
PATIENCE_SECONDS = 90.0
FINE = {200, 201}
LATER = {409, 429, 503}  # busy, too busy, the database is away: ask again


class Running(NamedTuple):
    home: Path
    pid: int
    url: str
    token: str


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A site of its own with its embedded database, served by `anlan up` with one web process and a worker."""
    with temporary_home() as home:
        chosen = settings.load({"ANLAN_HOME": str(home), "ANLAN_POOL_SIZE": "8"})
        sites.create(chosen)
        site = sites.open(chosen)
        record.create(as_anlan(site), "base.item", {"code": "A", "name": "A", "unit": "KG"})
        token = tokens.create(site, "admin", "load")
        site.close()
        command = [sys.executable, "-m", "anlan.cli", "up", "--home", str(home), "--port", "0"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
            env={**os.environ, "ANLAN_LANGUAGE": "en"},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            word, _, url = process.stdout.readline().strip().partition(" ")
            assert word == "ready"
            yield Running(home, process.pid, url, token)
        finally:
            process.terminate()
            process.wait(60)


def child(parent: int, word: str) -> int:
    """The pid of the supervisor's child whose command holds a word."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parts = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if int(parts[1]) == parent and word.encode() in command:
            return int(entry.name)
    raise AssertionError(f"no {word} process")


class Load:
    """Clients that post receipts of one piece until they are told to stop; each finishes what it began."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.begun: list[str] = []
        self.posted: list[str] = []
        self.statuses: Counter[int | str] = Counter()
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(n,)) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)

    def _client(self, n: int) -> None:
        with httpx.Client(base_url=f"{self.running.url}/api/v1", timeout=10) as http:
            count = 0
            while not self._stop.is_set():
                count += 1
                key = f"{time.monotonic_ns()}-{n}-{count}"
                values = {"warehouse": "WH1", "lines": [{"item": "A", "quantity": "1", "unit_cost": "2"}]}
                made = self._insist(http, "/records/stock.receipt", f"c{key}", values)
                self.begun += [made["id"]] if made else []
                done = made and self._insist(
                    http, f"/records/stock.receipt/{made['id']}/do/post", f"p{key}", {}
                )
                if done:
                    self.posted.append(done["id"])

    def _insist(self, http: httpx.Client, path: str, key: str, body: object) -> dict[str, str] | None:
        headers = {"Authorization": f"Bearer {self.running.token}", "Idempotency-Key": key}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = http.post(path, json=body, headers=headers)
            except httpx.TransportError as error:
                self.statuses[type(error).__name__] += 1
                time.sleep(0.05)
                continue
            self.statuses[answer.status_code] += 1
            if answer.status_code in FINE:
                found: dict[str, str] = answer.json()
                return found
            if answer.status_code not in LATER:
                self.wrong.append(f"{path}: {answer.status_code} {answer.text[:300]}")
                return None
            time.sleep(0.05)
        self.wrong.append(f"{path}: nobody answered")
        return None


def wait_until_ready(running: Running) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{running.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the site did not come back")


@pytest.mark.parametrize("victim", ["web", "postgres", "worker", "web", "postgres", "all at once"])
def test_kill_nine_during_posting_loses_nothing_and_leaves_nothing_half_done(
    running: Running, victim: str
) -> None:
    wait_until_ready(running)
    load = Load(running)
    load.start()
    try:
        for _ in range(2):
            time.sleep(BUSY_SECONDS)
            for pid in _pids(running, victim):
                os.kill(pid, signal.SIGKILL)
            wait_until_ready(running)
    finally:
        load.finish()
    assert load.wrong == [], load.statuses
    assert len(load.posted) == len(set(load.posted)) > CLIENTS, load.statuses
    assert sorted(load.begun) == sorted(load.posted)
    _nothing_is_missing(running, load.posted)


def _pids(running: Running, victim: str) -> list[int]:
    found = []
    if victim in ("web", "all at once"):
        found.append(child(running.pid, "web"))
    if victim in ("worker", "all at once"):
        found.append(child(running.pid, "worker"))
    if victim in ("postgres", "all at once"):
        postmaster = server.postmaster(running.home)
        assert postmaster is not None
        found.append(postmaster)
    return found


def _nothing_is_missing(running: Running, posted: list[str]) -> None:
    """Every document is posted and moved one piece; no other moved anything; the invariants hold."""
    site = sites.open(settings.load({"ANLAN_HOME": str(running.home), "ANLAN_POOL_SIZE": "2"}))
    try:
        check_invariants(site)
        movements = site.catalogue.registers["stock.on_hand"].movement_table
        with site.pool.connection() as connection:
            moved: dict[str, Decimal] = dict(
                connection.execute(
                    f"SELECT document, sum(quantity) FROM {movements} GROUP BY document"
                ).fetchall()
            )
            states: dict[str, str] = dict(
                connection.execute("SELECT id, state FROM stock_receipt").fetchall()
            )
            connection.rollback()
        assert {states[one] for one in posted} == {"posted"}
        assert {moved.get(one) for one in posted} == {Decimal(1)}
        assert moved.keys() == {one for one, state in states.items() if state == "posted"}
        rows = register.balance(as_anlan(site), "stock.on_hand", where='item = "A"')["data"]
        assert sum(Decimal(row["quantity"]) for row in rows) == len(moved)
    finally:
        site.close()
