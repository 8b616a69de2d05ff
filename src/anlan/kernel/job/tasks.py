"""Which tasks there are, and what a task is handed when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson
from psycopg.types.json import Json

from anlan.kernel.clock import Clock
from anlan.kernel.errors import Refused
from anlan.kernel.settings import Settings
from anlan.kernel.storage.pool import Connection, Pool

__all__ = ["DUTY", "TASKS", "Run", "Site", "Task", "backoff", "task"]

DUTY = "duty"  # a queue that is worked off beside the others: long jobs must not hold up the sealer
_FIRST_WAIT_SECONDS = 5
_LONGEST_WAIT_SECONDS = 3600


class Site(Protocol):
    """What the job room needs to know of a site."""

    @property
    def pool(self) -> Pool: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True)
class Run:
    """One attempt at one job. `attempt` counts from 1; `site` is whatever the worker was started with."""

    site: Any
    id: str
    payload: Mapping[str, Any]
    owner: str | None
    attempt: int

    def progress(self, done: int, total: int) -> None:
        """Say how far the work is; whoever asks for the state sees it at once. One small transaction.

        Refused 409 `job.stopped` when somebody asked the job to stop: let it go up, and nothing is kept.
        """
        with self.site.pool.connection() as connection:
            row = connection.execute(
                "update outbox set progress = $2 where id = $1 returning stop_at is not null",
                [self.id, Json({"done": done, "total": total})],
            ).fetchone()
        if row is not None and row[0]:
            raise Refused(409, "job.stopped")

    def finish(self, connection: Connection, result: object) -> None:
        """Mark the job as done inside the task's own transaction: then its work and its end are one.

        A task that does not call this may be run again if the worker dies between its commit and the mark.
        """
        connection.execute(
            "update outbox set state = 'done', result = $2, finished_at = $3 where id = $1",
            [self.id, plain(result), self.site.clock.now()],
        )


class Task(NamedTuple):
    """`attempts`: how often it is tried before it is a dead letter; `safe`: may run in a rehearsal."""

    name: str
    function: Callable[[Run], object]
    attempts: int
    queue: str
    safe: bool

    @property
    def place(self) -> str:
        """The queue it stands in. Safe tasks have queues of their own: a rehearsal reads only those."""
        return f"{self.queue}.safe" if self.safe else self.queue


TASKS: dict[str, Task] = {}


def task(
    name: str, *, attempts: int = 5, queue: str = "default", safe: bool = False
) -> Callable[[Callable[[Run], object]], Callable[[Run], object]]:
    """Register a function, which must be repeatable, under a name that stays: waiting rows speak of it.

    `name` is `<room or pack>.<what>`; what it returns is JSON-ready and becomes the job's result. Raising
    `Refused` ends the job as `failed` at once (asking again would change nothing); any other exception is
    tried again.
    """

    def register(function: Callable[[Run], object]) -> Callable[[Run], object]:
        known = TASKS.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise TypeError(f"two tasks are called {name}")
        TASKS[name] = Task(name, function, attempts, queue, safe)
        return function

    return register


def backoff(attempt: int) -> int:
    """Seconds to wait after the nth failed attempt: 5, 10, 20 … at most an hour.

    >>> [backoff(n) for n in (1, 2, 3, 20)]
    [5, 10, 20, 3600]
    """
    return min(_FIRST_WAIT_SECONDS << min(attempt - 1, 20), _LONGEST_WAIT_SECONDS)


def plain(value: object) -> Json:
    """Any value as JSON for a column; decimals and other strangers as their text."""
    return Json(value, dumps=lambda one: orjson.dumps(one, default=str))
