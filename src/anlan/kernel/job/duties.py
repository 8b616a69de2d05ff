"""What the kernel itself does on a schedule. Imported by the worker when it starts; nothing else needs it."""

from __future__ import annotations

from datetime import timedelta

from anlan.kernel.audit.seal import seal_all
from anlan.kernel.file.attachments import tidy
from anlan.kernel.job import outbox
from anlan.kernel.job.tasks import DUTY, Run, task
from anlan.kernel.job.ticks import schedule
from anlan.kernel.series import duties as _series_duties  # noqa: F401  # registers its own
from anlan.kernel.workflow import desk as _approval_duties  # noqa: F401  # the same

_KEPT = timedelta(days=30)
_ANSWERS_KEPT = timedelta(days=1)
_SESSIONS_KEPT = timedelta(days=90)
_TICKS_KEPT = timedelta(days=1)  # a duty that runs twice a minute leaves 2,880 rows a day


@task("job.purge", queue=DUTY, safe=True)
def purge(run: Run) -> int:
    """Delete the records of jobs that ended long ago; dead letters stay until somebody decides."""
    now = run.site.clock.now()
    with run.site.pool.connection() as connection:
        return outbox.purge(connection, done_before=now - _KEPT, ticks_before=now - _TICKS_KEPT)


@task("audit.seal", attempts=1, queue=DUTY, safe=True)
def seal(run: Run) -> int:
    """Chain what happened since the last time; note the chain's end outside the database."""
    home = run.site.settings.home
    with run.site.pool.connection() as connection:
        return seal_all(connection, now=run.site.clock.now(), heads=home / "seals.jsonl")


@task("file.tidy", queue=DUTY, safe=True)
def tidy_files(run: Run) -> int:
    """Delete files that were taken off records a day ago, and contents that no row names."""
    with run.site.pool.connection() as connection:
        return tidy(connection, run.site.settings.home, now=run.site.clock.now())


@task("site.sweep", queue=DUTY, safe=True)
def sweep(run: Run) -> int:
    """Delete answers kept for repeated requests after a day, and sessions that ended a season ago (see access:
    whence somebody logged in within 30 days is still asked for)."""
    now = run.site.clock.now()
    with run.site.pool.connection() as connection:
        answers = connection.execute("DELETE FROM idempotency WHERE created_at < $1", [now - _ANSWERS_KEPT])
        ended = connection.execute("DELETE FROM session WHERE expires_at < $1", [now - _SESSIONS_KEPT])
        return int(answers.rowcount + ended.rowcount)


schedule("site.sweep", cron="20 * * * *")
schedule("job.purge", cron="40 3 * * *")
schedule("file.tidy", cron="50 3 * * *")
schedule("audit.seal", every=30)
