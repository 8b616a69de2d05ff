"""`anlan verify`: is the chain of events whole?"""

import sys

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, text
from anlan.kernel.audit.verify import verify as walk
from anlan.kernel.storage.pool import connect


@command(
    "verify",
    "检查审计链：有无被删除、改动或截断的事件",
    "Check the chain of events: was one removed, edited or cut off? Exit 1 if so.",
)
def verify(terminal: Terminal) -> None:
    site_use.require(terminal.settings)
    with site_use.database(terminal.settings) as conninfo, connect(conninfo) as connection:
        report = walk(connection, heads=terminal.settings.home / "seals.jsonl")
    told = [f"{one.kind} position {one.position or '?'} event {one.seq or '?'}" for one in report.findings]
    if report.more:
        told.append(text(f"另有 {report.more} 处", f"and {report.more} more"))
    line = text(
        f"已封存 {report.sealed} 条，待封存 {report.waiting} 条",
        f"{report.sealed} sealed, {report.waiting} waiting",
    )
    terminal.answer(
        {"intact": report.intact, "sealed": report.sealed, "waiting": report.waiting,
         "findings": [one._asdict() for one in report.findings], "more": report.more},
        line, *(told or [text("完整", "intact")]), ok=report.intact,
    )  # fmt: skip
    if not report.intact:
        sys.exit(1)
