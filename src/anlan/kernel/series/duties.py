"""What the worker does for series registers on a schedule. Imported by the worker when it starts."""

from __future__ import annotations

from anlan.kernel.job.tasks import Run, task
from anlan.kernel.job.ticks import schedule
from anlan.kernel.series.rollup import roll_up, tidy

__all__ = ["drop_old", "roll"]


@task("series.roll_up", attempts=1, safe=True)
def roll(run: Run) -> int:
    """Roll up what has come in since the last time."""
    site = run.site
    return sum(roll_up(site.pool, register, now=site.clock.now(), zone=site.zone_name)
               for register in site.catalogue.registers.values() if register.definition.kind == "series")


@task("series.tidy", safe=True)
def drop_old(run: Run) -> int:
    """Drop measurements and roll-ups that are older than their register keeps them."""
    site = run.site
    return sum(len(tidy(site.pool, register, now=site.clock.now()))
               for register in site.catalogue.registers.values() if register.definition.kind == "series")


schedule("series.roll_up", every=60)
schedule("series.tidy", cron="20 4 * * *")
