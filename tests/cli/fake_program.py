"""Stands in for `python -m anlan.cli`: a web process that answers its pid, and a worker."""

import argparse
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from anlan.cli import processes
from anlan.cli.children import end_with_parent


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{os.getpid()} {os.environ.get('ANLAN_CLOCK', '')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("--fd", type=int)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--supervised", action="store_true")
    given = parser.parse_args()
    if (given.home / "broken").exists():
        sys.exit(3)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    end_with_parent()
    with processes.registered(given.home, f"{given.kind}-{os.getpid()}") as entry:
        entry.write(supervised=True)
        if given.kind == "worker":
            threading.Event().wait()
        httpd = HTTPServer(("127.0.0.1", 0), Answer, bind_and_activate=False)
        httpd.socket.close()
        httpd.socket = socket.socket(fileno=given.fd)
        httpd.serve_forever()


if __name__ in ("__main__", "__mp_main__"):     # with -c it is __main__ too; doctest only looks
    main()
