"""The chain of order_to_cash.py through the HTTP API: one client, and eight clients against two web processes.

Each client keeps its connection, as an integration would. The clients run on the same machine and take their share
of its processors.

    python -m benchmarks.order_to_cash_http [seconds]
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from anlan.kernel.storage import server
from anlan.kernel.storage.pool import connect
from benchmarks.common import per_second, table
from benchmarks.order_to_cash import LINES, Minimal

ANLAN = str(Path(sys.executable).parent / "anlan")
START_SECONDS = 60


class Client:
    """One integration: a token and a connection that is kept."""

    def __init__(self, port: int, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, body: Any) -> Any:
        self.connection.request("POST", f"/api/v1{path}", json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {content[:300]!r}")
        return json.loads(content)

    def prepare(self) -> None:
        for place in range(20):
            self.post("/records/base.item", {"code": f"I{place}", "name": f"物料{place}", "unit": "PCS", "tax_rate": "0.13"})
        self.post("/records/base.party", {"code": "C1", "name": "东湖超市", "is_customer": True})
        made = self.post("/records/stock.receipt", {"warehouse": "WH1", "lines": [
            {"item": f"I{place}", "quantity": "100000000", "unit_cost": "10"} for place in range(20)]})
        self.post(f"/records/stock.receipt/{made['id']}/do/post", {})

    def chain(self) -> None:
        order = self.post("/records/sales.order", {"customer": "C1", "lines": [
            {"item": f"I{place}", "quantity": "2", "price": "20.5"} for place in range(LINES)]})
        self.post(f"/records/sales.order/{order['id']}/do/confirm", {})
        delivery = self.post(f"/records/sales.order/{order['id']}/make/sales.delivery", {})
        self.post(f"/records/sales.delivery/{delivery['id']}/do/post", {})
        invoice = self.post(f"/records/sales.delivery/{delivery['id']}/make/sales.invoice", {})
        self.post(f"/records/sales.invoice/{invoice['id']}/do/post", {})


def many(port: int, token: str, seconds: float, done: Any) -> None:
    """One of the eight clients, in a process of its own."""
    client = Client(port, token)
    stop = time.perf_counter() + seconds
    while time.perf_counter() < stop:
        client.chain()
        done.value += 1


def serve(home: Path, workers: int) -> tuple[subprocess.Popen[str], int]:
    """`anlan up` on the home; its process and port."""
    process = subprocess.Popen([ANLAN, "up", "--home", str(home), "--port", "0", "--workers", str(workers)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"LANG": "C.UTF-8"})
    stop = time.monotonic() + START_SECONDS
    while time.monotonic() < stop:
        line = process.stdout.readline() if process.stdout else ""
        if line.startswith("ready "):
            return process, int(line.rsplit(":", 1)[1])
    raise SystemExit("anlan up did not become ready")


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    home = Path(tempfile.mkdtemp(prefix="anlan-bench-", dir="/tmp"))
    home.chmod(0o711)
    try:
        subprocess.run([ANLAN, "init", "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run([ANLAN, "token", "create", "admin", "--name", "bench", "--home", str(home)], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
        process, port = serve(home, 1)
        client = Client(port, token)
        client.prepare()
        one = per_second(client.chain, seconds=seconds)
        with connect(server.ensure_running(home)) as connection:
            floor = per_second(Minimal(connection).chain, seconds=seconds)
        end(process)
        process, port = serve(home, 2)
        per_second(Client(port, token).chain, seconds=1)
        counts = [multiprocessing.Value("i", 0) for _ in range(8)]
        clients = [multiprocessing.Process(target=many, args=(port, token, seconds, count)) for count in counts]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        end(process)
        eight = sum(count.value for count in counts) / seconds
        table("Order of 10 lines to posted invoice through the HTTP API, chains a second", [
            ("minimal floor (plain psycopg, least writes)", floor, "1/s"),
            ("one client, one web process", one, "1/s"),
            ("  of the minimal floor (at least 0.25)", one / floor, ""),
            ("eight clients, two web processes", eight, "1/s"),
            ("  of one client (at least 1.4)", eight / one, ""),
            ("  least chains of a client", float(min(count.value for count in counts)), f"most {max(count.value for count in counts)}"),
        ])
    finally:
        server.stop(home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
