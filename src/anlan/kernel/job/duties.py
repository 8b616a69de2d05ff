"""What the kernel itself does on a schedule. Imported by the worker; nothing else needs it."""

from __future__ import annotations

from datetime import timedelta

from anlan.kernel.job import outbox
from anlan.kernel.job.tasks import Run, task
from anlan.kernel.job.ticks import schedule

_KEPT = timedelta(days=30)
_TICKS_KEPT = timedelta(days=1)  # a duty that runs twice a minute leaves 2,880 rows a day


@task("job.purge", safe=True)
def purge(run: Run) -> int:
    """Delete the records of jobs that ended long ago; dead letters stay until somebody decides."""
    now = run.site.clock.now()
    with run.site.pool.connection() as connection:
        return outbox.purge(connection, done_before=now - _KEPT, ticks_before=now - _TICKS_KEPT)


schedule("job.purge", cron="40 3 * * *")
