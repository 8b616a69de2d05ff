"""`anlan user`: people who may log in."""

import click

from anlan.cli.terminal import text


@click.group(help=text("可以登录的用户", "People who may log in."))
def user() -> None:
    pass
