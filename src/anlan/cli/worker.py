"""`anlan worker`: one worker process, for a service manager or as a child of `up`."""

import os

import click

from anlan.cli import processes, site_use
from anlan.cli.children import end_with_parent, logging_to_stderr
from anlan.cli.terminal import Terminal, command


@command(
    "worker", "运行一个后台作业进程（通常由 up 启动）", "Run one worker process (up starts one by itself)."
)
@click.option("--supervised", is_flag=True, hidden=True)
def worker(terminal: Terminal, supervised: bool) -> None:
    from anlan.kernel.job import worker as work

    settings = terminal.settings
    logging_to_stderr(settings)
    if supervised:
        end_with_parent()
    with processes.registered(settings.home, f"worker-{os.getpid()}") as entry:
        entry.write(supervised=supervised)
        with site_use.opened(settings) as site:
            work.run(site)
