"""`anlan up`: run the site in the foreground."""

import logging
from collections.abc import Callable
from dataclasses import replace

import click

from anlan.cli import site_use, supervisor
from anlan.cli.terminal import Terminal, command, option


def serving_options(work: Callable[..., None]) -> Callable[..., None]:
    """`--port` and `--workers`, which up and demo share."""
    work = option(
        "--workers",
        type=click.IntRange(1, 256),
        metavar="N",
        zh="网页进程数（默认 1）",
        en="Number of web processes (default 1).",
    )(work)
    return option(
        "--port", type=click.IntRange(0, 65535), metavar="N",
        zh="端口（默认 8000；0 为自动选取）", en="Port (default 8000; 0 picks a free one).",
    )(work)  # fmt: skip


@command(
    "up",
    "在前台运行数据库、网页服务和后台作业；Ctrl-C 结束它启动的一切",
    "Run database, web and worker in the foreground; Ctrl-C ends all that it started.",
)
@serving_options
def up(terminal: Terminal, port: int | None, workers: int | None) -> None:
    serve(terminal, port, workers)


def serve(terminal: Terminal, port: int | None, workers: int | None) -> None:
    """Run until a signal comes; prints `ready http://127.0.0.1:N` when the site answers."""
    site_use.require(terminal.settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = replace(
        terminal.settings,
        port=terminal.settings.port if port is None else port,
        workers=workers or terminal.settings.workers,
    )
    supervisor.run(settings, lambda url: terminal.answer({"url": url}, f"ready {url}"))
