"""`anlan token`: tokens for programs. The text of a token is shown when it is made, and never again."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text

if TYPE_CHECKING:
    from anlan.kernel.site import Site


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
    from anlan.kernel.access import tokens

    with site_use.opened(terminal.settings) as site:
        made = tokens.create(
            site, user, name, forms=forms or None, actions=actions or None, addresses=addresses or None,
            expires=expires.replace(tzinfo=UTC) if expires else None,
        )  # fmt: skip
    terminal.answer({"token": made}, made)


@command("list", "列出用户 USER 的令牌（不含其内容）", "List the tokens of USER, without their text.")
@click.argument("user")
def list_tokens(terminal: Terminal, user: str) -> None:
    from anlan.kernel.access import tokens

    with site_use.opened(terminal.settings) as site:
        found = tokens.list_of(site, _id_of(site, user))
    terminal.answer({"tokens": found}, *(f"{one['id']}  {one['prefix']}…  {one['name']}" for one in found))


@command(
    "revoke",
    "收回用户 USER 的令牌 TOKEN（编号见 token list）",
    "End TOKEN of USER (its id is shown by token list).",
)
@click.argument("user")
@click.argument("token")
def revoke(terminal: Terminal, user: str, token: str) -> None:
    from anlan.kernel.access import tokens

    with site_use.opened(terminal.settings) as site:
        tokens.revoke(site, _id_of(site, user), token, by=None, via="cli")
    terminal.answer({"revoked": token}, text(f"已收回 {token}", f"revoked: {token}"))


def _id_of(site: "Site", login: str) -> str:
    from anlan.kernel.access.identity import load_by_login
    from anlan.kernel.errors import not_found

    with site.pool.connection() as connection:
        found = load_by_login(connection, login)
    if found is None:
        raise not_found("system.user", login)
    return found.user


for each in (create, list_tokens, revoke):
    token.add_command(each)
