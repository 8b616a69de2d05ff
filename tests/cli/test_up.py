"""The supervisor behind `anlan up`, with stand-ins for the web and worker processes and a real database."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from anlan.cli import processes
from anlan.kernel.settings import OperatorError
from anlan.kernel.storage import server

PROGRAM = [sys.executable, str(Path(__file__).with_name("fake_program.py"))]
UP = f"""
import sys
from pathlib import Path
from anlan.cli import supervisor
from anlan.kernel.settings import OperatorError, load
settings = load(home=Path(sys.argv[1]))
try:
    supervisor.run(settings, lambda url: print("ready", url, flush=True), program={PROGRAM!r})
except OperatorError as error:
    print(error, flush=True)
    sys.exit(1)
"""


@contextmanager
def up(home: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", UP, str(home)],
        env={**os.environ, "ANLAN_PORT": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ready(process: "subprocess.Popen[str]") -> str:
    word, _, url = line(process).partition(" ")
    assert word == "ready"
    return url


def answer(url: str) -> str:
    with urlopen(url, timeout=5) as response:
        return str(response.read().decode())


def eventually(holds: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():  # type: ignore[operator]
                return True
        except (URLError, OSError):
            pass
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_signal_ends_all_that_up_started(home: Path) -> None:
    with up(home) as process:
        ready(process)
        assert eventually(lambda: len(processes.running(home)) == 3), "supervisor, web, worker"
        pids = [one.note["pid"] for one in processes.running(home)]
        assert server.status(home).running
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not any(alive(pid) for pid in pids)
    assert not server.status(home).running
    assert processes.running(home) == []


def test_a_database_that_ran_before_is_left_running(home: Path) -> None:
    server.ensure_running(home)
    with up(home) as process:
        ready(process)
    assert server.status(home).running


def test_a_second_up_on_the_same_home_says_where_the_first_runs(home: Path) -> None:
    with up(home) as first:
        url = ready(first)
        with up(home) as second:
            assert line(second).startswith(f"{home} runs already ({url}) — ")
            assert second.wait(10) == 1
        assert answer(url)


def test_a_child_that_dies_is_started_again(home: Path) -> None:
    with up(home) as process:
        url = ready(process)
        first = int(answer(url))
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: int(answer(url)) != first)


def test_web_processes_share_one_socket(home: Path) -> None:
    with up(home, ANLAN_WORKERS="2") as process:
        url = ready(process)
        assert eventually(
            lambda: len([one for one in processes.running(home) if one.name.startswith("web")]) == 2
        )
        first = int(answer(url))
        os.kill(first, signal.SIGSTOP)
        try:
            assert eventually(lambda: int(answer(url)) != first)
        finally:
            os.kill(first, signal.SIGCONT)


def test_a_killed_database_is_started_again(home: Path) -> None:
    with up(home) as process:
        ready(process)
        pid = server.postmaster(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert eventually(
            lambda: server.postmaster(home) not in (None, pid) and server.status(home).running, 30
        )


def test_children_end_when_the_supervisor_is_killed_and_the_next_one_takes_over(home: Path) -> None:
    with up(home) as process:
        port = ready(process).rpartition(":")[2]
        pids = [one.note["pid"] for one in processes.running(home) if one.name != "up"]
        process.kill()
        process.wait()
        with up(home, ANLAN_PORT=port) as second:
            ready(second)
            assert not any(alive(pid) for pid in pids)
    assert not server.status(home).running, "the server of a killed supervisor belongs to the next"


def test_a_child_that_cannot_start_is_told_and_not_tried_for_ever(home: Path) -> None:
    (home / "broken").touch()
    with up(home) as process:
        assert line(process).startswith("the site does not start — ")
        assert process.wait(10) == 1
    assert not server.status(home).running


def test_a_taken_port_is_told_with_the_remedy(home: Path) -> None:
    from anlan.cli.serving import listen

    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with up(home, ANLAN_PORT=str(port)) as process:
            assert line(process).startswith(f"cannot listen on 127.0.0.1:{port}")


def test_children_get_the_clock_as_it_ran_on(home: Path) -> None:
    with up(home, ANLAN_CLOCK="2026-11-23T09:00:00+08:00") as process:
        url = ready(process)
        pid, clock = answer(url).split(" ")
        time.sleep(1.2)
        os.kill(int(pid), signal.SIGKILL)
        assert eventually(lambda: answer(url).split(" ")[0] != pid)
        assert "2026-11-23T01:00:00" <= clock < answer(url).split(" ")[1] < "2026-11-23T01:02:00"


def test_stop_ends_the_supervisor_and_what_it_started(home: Path) -> None:
    with up(home) as process:
        ready(process)
        assert processes.end_all(home) == ["up"]
        assert process.wait(10) == 0
    assert not server.status(home).running


def test_a_name_that_is_taken_is_refused_and_a_dead_ones_note_is_read(tmp_path: Path) -> None:
    with processes.registered(tmp_path, "up") as entry:
        entry.write(url="http://127.0.0.1:1")
        with pytest.raises(OperatorError, match="runs already"), processes.registered(tmp_path, "up"):
            pass
    (tmp_path / "processes" / "up.json").write_text(json.dumps({"pid": 1, "database": True}))
    with processes.registered(tmp_path, "up") as entry:
        assert entry.previous == {"pid": 1, "database": True}
