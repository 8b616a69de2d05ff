"""Which long-running processes of ours work on a home: each keeps a locked file in `<home>/processes/`.

    up.json         {"pid": 4711, "url": "http://127.0.0.1:8000", "database": true}    at most one
    web-4720.json   {"pid": 4720}

The lock, not the file, says that a process lives: it goes away with the process, however it ended.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from anlan.kernel.settings import OperatorError, Words

STOP_SECONDS = 60.0


class Running(NamedTuple):
    """A process that lives, and what it noted about itself."""

    name: str
    path: Path
    note: dict[str, Any]


class Entry:
    """This process's own file. `previous` is what one that died before it left there."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.previous = _content(file)

    def write(self, **facts: Any) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), **facts}, self._file)
        self._file.flush()

    def clear(self) -> None:
        """The file itself stays: unlinking it would let two processes lock two files of one name."""
        self._file.seek(0)
        self._file.truncate()


@contextmanager
def registered(home: Path, name: str) -> Iterator[Entry]:
    """Be listed as `name` while the block runs; OperatorError when another process has that name."""
    folder = home / "processes"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.json"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note = _content(file)
            where = note.get("url") or f"pid {note.get('pid')}"
            raise OperatorError(
                Words(f"{home} 已在运行（{where}）", f"{home} runs already ({where})"),
                Words("请先运行 anlan stop，或打开上面的地址", "open that address, or run anlan stop first"),
            ) from None
        entry = Entry(file)
        entry.write()
        yield entry
        entry.clear()  # not when the block raised: the next start reads what was left


def running(home: Path) -> list[Running]:
    """Return the processes that live, the supervisor first; files of dead ones go away."""
    found = []
    for path in sorted((home / "processes").glob("*.json"), key=lambda path: (path.stem != "up", path.stem)):
        with path.open("r", encoding="utf-8") as file:
            if _is_locked(file):
                found.append(Running(path.stem, path, _content(file)))
            elif path.stem != "up":
                path.unlink(missing_ok=True)
    return found


def end_all(home: Path) -> list[str]:
    """Ask all processes of this home to end, the supervisor first, and wait; return their names.

    Children of the supervisor end with it, so that none is restarted meanwhile. Raises OperatorError when one
    does not end within STOP_SECONDS; nothing is killed, because it may be writing.
    """
    ended = []
    while found := running(home):
        first = found[0]
        if (pid := first.note.get("pid")) is not None:
            _terminate(pid)
        _wait(first)
        ended.append(first.name)
    return ended


def end_orphans(home: Path) -> None:
    """Wait for children whose supervisor was killed: they end by themselves, but may still hold the port."""
    for process in running(home):
        if process.note.get("supervised"):
            _terminate(process.note["pid"])
            _wait(process)


def _terminate(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _wait(process: Running) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            with process.path.open("r", encoding="utf-8") as file:
                if not _is_locked(file):
                    return
        except FileNotFoundError:
            return
        time.sleep(0.05)
    pid = process.note.get("pid")
    raise OperatorError(
        Words(f"进程 {process.name}（{pid}）没有结束", f"the process {process.name} ({pid}) does not end"),
        Words(f"请查看日志，必要时 kill -9 {pid}", f"look at its log; if it hangs: kill -9 {pid}"),
    )


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _content(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    written = file.read()
    try:
        note: dict[str, Any] = json.loads(written) if written else {}
    except json.JSONDecodeError:  # its writer died, or is at it
        note = {}
    return note
