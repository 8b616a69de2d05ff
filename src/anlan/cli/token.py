"""`anlan token`: tokens for programs. The text of a token is shown when it is made, and never again."""

from datetime import UTC, datetime

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text
from anlan.kernel.access import tokens


@click.group(help=text("程序访问用的令牌", "Tokens for programs."))
def token() -> None:
    pass


@command(
    "create",
    "为用户 USER 建立令牌；标准输出只含令牌本身",
    "Make a token for USER; standard output holds the token alone.",
)
@click.argument("user")
@option(
    "--name", required=True, zh="令牌的名称，例如用途", en="What the token is called, for instance its use."
)
@option(
    "--form", "forms", multiple=True, zh="只限这些表单（可重复）", en="Only these forms (may be repeated)."
)
@option(
    "--action",
    "actions",
    multiple=True,
    zh="只限这些操作（可重复）",
    en="Only these actions (may be repeated).",
)
@option(
    "--address",
    "addresses",
    multiple=True,
    zh="只限这些网段（可重复）",
    en="Only these networks (may be repeated).",
)
@option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), zh="失效日期（UTC）", en="The day on which it ends (UTC)."
)
def create(
    terminal: Terminal, *, user: str, name: str, forms: tuple[str, ...], actions: tuple[str, ...],
    addresses: tuple[str, ...], expires: datetime | None,
) -> None:  # fmt: skip
    with site_use.opened(terminal.settings) as site:
        made = tokens.create(
            site, user, name, forms=forms or None, actions=actions or None, addresses=addresses or None,
            expires=expires.replace(tzinfo=UTC) if expires else None,
        )  # fmt: skip
    terminal.answer({"token": made}, made)


token.add_command(create)
