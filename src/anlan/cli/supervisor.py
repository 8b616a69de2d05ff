"""`anlan up`: a database, web processes that share one listening socket, a worker; kept alive.

1. Be the only supervisor of this home. 2. Start the embedded database, unless the site has another. 3. Bind
the port, so that a taken one is told at once and restarted web processes never lose it. 4. Start the
children. 5. Say where it is ready when /readyz answers. 6. Look five times a second: a child that ended is
started again after a growing pause, a database that died at once. 7. On SIGTERM, SIGINT or SIGHUP end the
children, then the database if it was started here.

If the supervisor itself is killed, its children see the end of their standard input and end; the next `up`
finds the note that the database is its own.
"""

import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from anlan.cli import processes
from anlan.cli.serving import listen
from anlan.kernel.clock import Clock
from anlan.kernel.settings import OperatorError, Settings, Words
from anlan.kernel.storage import server

_log = logging.getLogger("anlan.up")

PROGRAM = (sys.executable, "-m", "anlan.cli")

_LOOK_SECONDS = 0.2
_READY_SECONDS = 180.0
_GRACE_SECONDS = 20.0  # requests and jobs under way; uvicorn's own limit is shorter
_STEADY_SECONDS = 60.0  # a child that lived so long starts again without a pause
_MAX_PAUSE_SECONDS = 30.0
_TRIES_BEFORE_READY = 4  # a child that cannot start at all is a fault to tell, not to repeat for ever


class Child:
    """One process that is started again when it ends."""

    def __init__(self, name: str, command: Sequence[str], *, clock: Clock, fds: tuple[int, ...] = ()) -> None:
        self.name = name
        self._command = command
        self._clock = clock
        self._fds = fds
        self.failures = 0
        self._not_before = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def look(self) -> None:
        """Start the process if it does not run and its pause is over. Call it again and again."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            lived = time.monotonic() - self._started
            self.failures = 1 if lived > _STEADY_SECONDS else self.failures + 1
            pause = min(0.25 * 2**self.failures, _MAX_PAUSE_SECONDS)
            _log.warning("%s ended with %s after %.0f s; next start in %.1f s", self.name, code, lived, pause)
            self._close()
            self._not_before = time.monotonic() + pause
        if time.monotonic() >= self._not_before:
            self._start()

    def _start(self) -> None:
        environment = dict(os.environ)
        if self._clock.is_set:  # the clock ran on since this process began
            environment["ANLAN_CLOCK"] = self._clock.now().isoformat()
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, pass_fds=self._fds, env=environment, start_new_session=True
        )
        self._started = time.monotonic()

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, deadline: float) -> None:
        """Wait for its end, and kill it at the deadline (a monotonic time)."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.error("%s did not end in time and is killed", self.name)
            self._process.kill()
            self._process.wait()
        self._close()

    def owns(self, pid: int) -> bool:
        return self._process is not None and self._process.pid == pid

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def run(settings: Settings, ready: Callable[[str], None], *, program: Sequence[str] = PROGRAM) -> None:
    """Run the site in the foreground until a signal; `ready` is called once with the address.

    `program` is what a child's command begins with. Raises OperatorError when the home runs already, the port
    is taken, or a child ends again and again before the site was ready.
    """
    with processes.registered(settings.home, "up") as entry, _signals() as stop:
        processes.end_orphans(settings.home)
        ours = settings.database_url is None and (
            entry.previous.get("database") is True or not server.status(settings.home).running
        )
        entry.write(database=ours)  # before the start: whoever kills us now must not leave a server to nobody
        server.conninfo(settings)
        try:
            with listen(settings.host, settings.port) as listener:
                url = _url(settings.host, listener.getsockname()[1])
                entry.write(url=url, database=ours)
                _serve(settings, listener, stop, ready=lambda: ready(url), program=program)
        finally:
            if ours:
                server.stop(settings.home)


def _serve(
    settings: Settings, listener: socket.socket, stop: list[int], *, ready: Callable[[], None],
    program: Sequence[str],
) -> None:  # fmt: skip
    clock = Clock(settings.clock)
    fd = listener.fileno()
    common = ("--home", str(settings.home), "--supervised")
    web = (*program, "web", "--fd", str(fd), *common)
    children = [Child("worker", (*program, "worker", *common), clock=clock)]
    children += [Child(f"web {n}", web, clock=clock, fds=(fd,)) for n in range(1, settings.workers + 1)]
    address = listener.getsockname()[:2]
    deadline: float | None = time.monotonic() + _READY_SECONDS
    try:
        while not stop:
            for child in children:
                child.look()
            _reap_strangers(children)
            _keep_database(settings)
            if deadline is not None:
                if _is_ready(*address):
                    deadline = None
                    ready()
                elif (
                    time.monotonic() > deadline
                    or max(one.failures for one in children) >= _TRIES_BEFORE_READY
                ):
                    raise OperatorError(
                        Words("站点没有启动成功", "the site does not start"),
                        Words(
                            "原因见上面的日志，或运行 anlan doctor",
                            "the lines above say why; see also anlan doctor",
                        ),
                    )
            time.sleep(_LOOK_SECONDS)
    finally:
        for child in children:
            child.ask_to_end()
        end = time.monotonic() + _GRACE_SECONDS
        for child in children:
            child.wait(end)


def _keep_database(settings: Settings) -> None:
    """Start the embedded server again when it is gone; the children connect again by themselves."""
    if settings.database_url is None and server.postmaster(settings.home) is None:
        _log.warning("the database is gone and is started again")
        server.ensure_running(settings.home)


def _reap_strangers(children: list[Child]) -> None:
    """As process 1 of a container we inherit orphans; a dead postmaster would stay a zombie for ever."""
    if os.getpid() != 1:
        return
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if any(child.owns(found.si_pid) for child in children):
                return  # its Popen collects it
            os.waitpid(found.si_pid, 0)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that mean "end"; the list stays empty until one comes."""
    caught: list[int] = []
    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {name: signal.signal(name, lambda number, _frame: caught.append(number)) for name in names}
    try:
        yield caught
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(
        {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=2
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
