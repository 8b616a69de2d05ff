"""How the site is: what an operator looks at first, and what to do about it.

Each check is a line: `name`, `level` (ok, attention, bad), `figures` for its sentence `admin.health.<name>`, and
for what is not well a remedy `admin.remedy.<name>`. `anlan doctor` looks at the machine besides; here is what a
running process can see of itself.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import Any, Literal, NamedTuple

from anlan.kernel.admin.guard import require_admin
from anlan.kernel.context import Context
from anlan.kernel.storage import migrate, place
from anlan.kernel.storage.pool import Connection

__all__ = ["Health", "health"]

Level = Literal["ok", "attention", "bad"]
FREE_BYTES = 1 << 30  # below this a busy day may fill the disk; the same as in `anlan doctor`
WORKER_SILENT = timedelta(seconds=40)  # four missed heartbeats
WAITS_TOO_LONG = timedelta(minutes=5)
UNSEALED = timedelta(minutes=5)


class Health(NamedTuple):
    """One line."""

    name: str
    level: Level
    figures: Mapping[str, Any]


def health(ctx: Context) -> list[Health]:
    """All checks, about ten statements that read little. Refused 403."""
    require_admin(ctx)
    found = [_program(), _disk(ctx), _clock(ctx), _definitions(ctx)]
    with ctx.site.pool.connection() as connection:
        found += [
            _database(connection),
            _checksums(connection),
            _steps(connection),
            _worker(connection),
            _queue(connection, ctx),
            _failed(connection),
            _seals(connection, ctx),
        ]
    return found


def _program() -> Health:
    python = ".".join(map(str, sys.version_info[:3]))
    return Health("program", "ok", {"version": version("anlan"), "python": python})


def _disk(ctx: Context) -> Health:
    noted = place.recorded(ctx.site.home)
    free = shutil.disk_usage(ctx.site.home if noted is None else noted.base).free
    return Health("disk", "ok" if free >= FREE_BYTES else "bad", {"free": f"{free / 1e9:.1f}"})


def _clock(ctx: Context) -> Health:
    told = ctx.site.settings.clock
    if told is None:
        return Health("clock", "ok", {})
    return Health("clock_set", "attention", {"shown": told.isoformat()})


def _definitions(ctx: Context) -> Health:
    if ctx.site.trouble:
        return Health("definitions_trouble", "bad", {"trouble": ctx.site.trouble})
    return Health("definitions", "ok", {"version": ctx.catalogue.version, "forms": len(ctx.catalogue.forms)})


def _database(connection: Connection) -> Health:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    number = connection.info.server_version
    size = 0 if row is None else row[0]
    figures = {"version": f"{number // 10000}.{number % 10000}", "size": f"{size / 1e6:,.0f}"}
    return Health("database", "ok" if number >= 180000 else "bad", figures)


def _checksums(connection: Connection) -> Health:
    on = connection.execute("SHOW data_checksums").fetchone() == ("on",)
    return Health("checksums" if on else "checksums_off", "ok" if on else "attention", {})


def _steps(connection: Connection) -> Health:
    missing = migrate.pending(connection)
    if missing:
        return Health("steps_missing", "bad", {"names": ", ".join(step.name for step in missing)})
    return Health("steps", "ok", {})


def _worker(connection: Connection) -> Health:
    row = connection.execute("SELECT to_regclass('procrastinate_workers') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        return Health("worker_none", "bad", {})
    beat = connection.execute(
        "SELECT count(*) FILTER (WHERE last_heartbeat > now() - $1), count(*) FROM procrastinate_workers",
        [WORKER_SILENT],
    ).fetchone()
    alive = 0 if beat is None else beat[0]
    return Health("worker", "ok", {"count": alive}) if alive else Health("worker_none", "bad", {})


def _queue(connection: Connection, ctx: Context) -> Health:
    row = connection.execute(
        "SELECT count(*), min(run_at) FROM outbox WHERE state = 'waiting' AND run_at <= $1", [ctx.now]
    ).fetchone()
    count, oldest = (0, None) if row is None else row
    if oldest is not None and ctx.now - oldest > WAITS_TOO_LONG:
        return Health(
            "queue_late",
            "attention",
            {"count": count, "minutes": int((ctx.now - oldest).total_seconds() // 60)},
        )
    return Health("queue", "ok", {"count": count})


def _failed(connection: Connection) -> Health:
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = 'dead'").fetchone()
    count = 0 if row is None else row[0]
    return Health("failed", "attention", {"count": count}) if count else Health("failed_none", "ok", {})


def _seals(connection: Connection, ctx: Context) -> Health:
    row = connection.execute("SELECT max(position) FROM event_seal_head").fetchone()
    sealed = 0 if row is None else row[0] or 0
    waiting = connection.execute(
        "SELECT min(recorded_at) FROM event WHERE seq > coalesce("
        "(SELECT seq FROM event_seal_head ORDER BY position DESC LIMIT 1), 0)"
    ).fetchone()
    oldest = None if waiting is None else waiting[0]
    if oldest is not None and ctx.now - oldest > UNSEALED:
        return Health("seals_late", "attention", {"minutes": int((ctx.now - oldest).total_seconds() // 60)})
    return Health("seals", "ok", {"count": sealed})
