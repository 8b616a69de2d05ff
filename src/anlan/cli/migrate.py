"""`anlan migrate`: bring the site to this version of the program."""

from typing import Literal

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text


@command(
    "migrate",
    "把站点升级到当前程序的版本",
    "Bring the site to this version of the program.",
)
@option(
    "--phase", type=click.Choice(["all", "pre", "post"]), default="all",
    zh="pre：新程序启动前；post：旧程序全部结束后；all：两者",
    en="pre: before the new program runs; post: when none of the old runs; all: both.",
)  # fmt: skip
def migrate(terminal: Terminal, phase: Literal["all", "pre", "post"]) -> None:
    from anlan.kernel import site as sites

    site_use.require(terminal.settings)
    with site_use.database(terminal.settings):
        applied = sites.migrate(terminal.settings, phase=phase)
    lines = [text(f"已应用：{name}", f"applied: {name}") for name in applied]
    terminal.answer({"applied": applied}, *(lines or [text("已是最新", "nothing to do")]))
