"""The queue's own tables: Procrastinate brings their SQL, and the upgrade steps between its versions.

Applied after the kernel's migrations. Which steps were applied is remembered in `queue_schema`; steps that a
later version of the package brings are applied in the order of their names, the way its documentation tells.
"""

from __future__ import annotations

from pathlib import Path

from procrastinate.schema import SchemaManager

from anlan.kernel.storage.pool import Connection

__all__ = ["ensure"]


def ensure(connection: Connection) -> list[str]:
    """Make or upgrade the queue's tables in the caller's transaction; return the steps applied now."""
    connection.execute("select pg_advisory_xact_lock(hashtext('anlan.queue_schema'))")
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    row = connection.execute("select step from queue_schema").fetchone()
    if row is None:
        connection.execute(SchemaManager.get_schema())
        applied = ["schema"]
    else:
        pending = [step for step in steps if step.stem > row[0]]
        for step in pending:
            connection.execute(step.read_text("utf-8").encode())
        applied = [step.stem for step in pending]
    if applied:
        connection.execute(
            "insert into queue_schema (step) values ($1)"
            " on conflict (one) do update set step = excluded.step",
            [steps[-1].stem],
        )
    return applied
