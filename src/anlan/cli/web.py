"""`anlan web`: one web process, for a service manager or as a child of `up`."""

import os
import socket

import click

from anlan.cli import processes, site_use
from anlan.cli.children import end_with_parent, logging_to_stderr
from anlan.cli.terminal import Terminal, command, option


@command("web", "运行一个网页进程（通常由 up 启动）", "Run one web process (up starts them by itself).")
@option("--host", zh="监听的地址（默认 127.0.0.1）", en="Address to listen on (default 127.0.0.1).")
@option(
    "--port", type=click.IntRange(0, 65535), metavar="N", zh="端口（默认 8000）", en="Port (default 8000)."
)
@click.option("--fd", type=int, hidden=True)
@click.option("--supervised", is_flag=True, hidden=True)
def web(terminal: Terminal, host: str | None, port: int | None, fd: int | None, supervised: bool) -> None:
    from anlan.cli.serving import listen, serve

    settings = terminal.settings
    logging_to_stderr(settings)
    if supervised:
        end_with_parent()
    site_use.require(settings)
    if fd is not None:
        listener = socket.socket(fileno=fd)
    else:
        listener = listen(host or settings.host, settings.port if port is None else port)
    with processes.registered(settings.home, f"web-{os.getpid()}") as entry:
        entry.write(supervised=supervised)
        serve(settings, listener)
