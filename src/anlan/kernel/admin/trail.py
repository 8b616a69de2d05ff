"""The trail of the whole site: who did what and when, whether the chain of events is whole, and its export.

Contents of records are for who may read them; an administrator may read all. Still the list shows which paths
changed, not their values: those stand on the record's own trail.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from anlan.kernel import audit
from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.admin.guard import require_admin
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, invalid

__all__ = ["events", "export", "verify"]

MOST_EXPORTED = 500_000


def events(
    ctx: Context,
    *,
    who: str | None = None,
    form: str | None = None,
    kind: str | None = None,
    record: str | None = None,
    start: date | None = None,
    end: date | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Events, newest first: `seq, when, who, form, kind, via, record {id, number, title}, paths, comment`.

    `who`: a log-in name; `record`: an id or a number; `start`, `end`: days of the site's zone, both included;
    `before`: the last seq seen, for the next page. Refused 403.
    """
    require_admin(ctx)
    asked = _conditions(ctx, who=who, form=form, kind=kind, record=record, start=start, end=end)
    where = "".join(f" AND {text.format(f'${n}')}" for n, (text, _) in enumerate(asked, 3))
    with ctx.transaction() as tx:
        rows = tx.connection.execute(
            f"""SELECT e.seq, e.recorded_at, u.code, u.name, e.form, e.kind, e.via, e.record, i.code, i.title,
                e.changes, e.comment
            FROM event e LEFT JOIN {USERS} u ON u.id = e.actor LEFT JOIN record_index i ON i.id = e.record
            WHERE e.seq < $1{where} ORDER BY e.seq DESC LIMIT $2""",
            [before or 2**62, min(limit, 500), *(value for _, value in asked)],
        ).fetchall()
    return [
        {"seq": row[0], "when": instant_text(row[1]),
         "who": {"login": row[2], "name": row[3] or row[2]} if row[2] else None, "form": row[4], "kind": row[5],
         "via": row[6], "record": {"id": row[7], "number": row[8], "title": row[9]} if row[7] else None,
         "paths": _paths(row[10]), "comment": row[11]}
        for row in rows
    ]  # fmt: skip


def verify(ctx: Context) -> dict[str, Any]:
    """Walk the whole chain: `{intact, sealed, waiting, findings, more}`. Reads every event once. Refused 403."""
    require_admin(ctx)
    heads: Path = ctx.site.home / "seals.jsonl"
    with ctx.site.pool.connection() as connection:
        report = audit.verify(connection, heads=heads if heads.exists() else None)
    return {
        "intact": report.intact,
        "sealed": report.sealed,
        "waiting": report.waiting,
        "findings": [dict(one._asdict()) for one in report.findings],
        "more": report.more,
    }


def export(ctx: Context, *, first: int = 1, last: int | None = None) -> bytes:
    """Events `first` to `last` with their seals and a verifier, as a ZIP file. Refused 403, 422 when too many."""
    require_admin(ctx)
    end = last if last is not None else 2**62
    if first < 1 or end < first:
        raise invalid([Fault("admin.bad_span", "first")])
    with ctx.site.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM event WHERE seq BETWEEN $1 AND $2", [first, end]
        ).fetchone()
    if row is not None and row[0] > MOST_EXPORTED:
        raise invalid([Fault("admin.too_many_events", "last", {"limit": MOST_EXPORTED})])
    with tempfile.TemporaryFile() as target:
        with ctx.site.pool.connection() as connection:
            audit.export(connection, target, first=first, last=end)
        target.seek(0)
        return target.read()


def _conditions(
    ctx: Context,
    *,
    who: str | None,
    form: str | None,
    kind: str | None,
    record: str | None,
    start: date | None,
    end: date | None,
) -> list[tuple[str, Any]]:
    """Only what is asked for stands in the statement, so that each question uses the index that it has."""
    first = None if start is None else datetime.combine(start, time(), ctx.site.zone)
    last = None if end is None else datetime.combine(end + timedelta(days=1), time(), ctx.site.zone)
    every = [
        (f"e.actor = (SELECT id FROM {USERS} WHERE code = {{}})", who),
        ("e.form = {}", form),
        ("e.kind = {}", kind),
        ("e.record IN (SELECT id FROM record_index WHERE code = {0} OR id::text = {0})", record),
        ("e.recorded_at >= {}", first),
        ("e.recorded_at < {}", last),
    ]
    return [(text, value) for text, value in every if value not in (None, "")]


def _paths(changes: Any) -> list[str]:
    """Which fields an event touched, each once; at most eight."""
    if isinstance(changes, Mapping):
        return []
    named = dict.fromkeys(
        str(one["path"]).partition("[")[0] for one in changes or () if isinstance(one, Mapping)
    )
    return list(named)[:8]
