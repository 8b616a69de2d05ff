"""Background work: written with the business, run after it committed, at least once, by any worker.

    @job.task("demo.remind", attempts=5)
    def remind(run: job.Run) -> object: ...

    job.enqueue(connection, "demo.remind", {"record": id}, key=f"remind:{id}", at=tomorrow, now=ctx.now)
    job.state(connection, id)   →   {"id": …, "state": "done", "result": …}

docs/internals/jobs.md tells the steps and what happens when one of them fails.
"""

from anlan.kernel.job.outbox import State, cancel, dead, discard, enqueue, retry, state, stop
from anlan.kernel.job.tasks import Run, Site, Task, task
from anlan.kernel.job.ticks import Schedule, schedule

__all__ = [
    "Run",
    "Schedule",
    "Site",
    "State",
    "Task",
    "cancel",
    "dead",
    "discard",
    "enqueue",
    "retry",
    "schedule",
    "state",
    "stop",
    "task",
]
