"""`anlan user`: people who may log in. It is for the operator and asks for no password of his own."""

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text


@click.group(help=text("可以登录的用户", "People who may log in."))
def user() -> None:
    pass


@command("add", "新增用户 LOGIN，并显示一次初始密码", "Add the user LOGIN, and show the first password once.")
@click.argument("login")
@option("--name", zh="姓名（默认同登录名）", en="The person's name (default: the log-in name).")
@option("--role", "roles", multiple=True, zh="角色（可重复）", en="A role (may be repeated).")
@option("--company", metavar="CODE", zh="所属公司的编码", en="Code of the company he belongs to.")
@option("--email", zh="电子邮箱", en="E-mail address.")
@option("--language", type=click.Choice(["zh-CN", "en"]), zh="界面语言", en="Language of the pages.")
def add(
    terminal: Terminal, *, login: str, name: str | None, roles: tuple[str, ...], company: str | None,
    email: str | None, language: str | None,
) -> None:  # fmt: skip
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        made = users.add(
            site, login, name or login, roles=roles, company=company, email=email, language=language
        )
    _show_password(terminal, login, made)


@command("list", "列出用户", "List the users.")
def list_users(terminal: Terminal) -> None:
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        found = users.list_of(site)
    lines = [
        f"{'*' if one['active'] else '-'} {one['login']:<16} {','.join(one['roles']):<24} {one['name']}"
        for one in found
    ]
    terminal.answer({"users": found}, *lines)


@command("roles", "把用户 LOGIN 的角色设为 ROLES", "Give the user LOGIN exactly the roles ROLES.")
@click.argument("login")
@click.argument("roles", nargs=-1)
def roles(terminal: Terminal, login: str, roles: tuple[str, ...]) -> None:
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        users.set_roles(site, login, roles)
    names = ", ".join(roles) or "-"
    terminal.answer(
        {"user": login, "roles": list(roles)}, text(f"{login} 的角色：{names}", f"roles of {login}: {names}")
    )


@command(
    "password",
    "为用户 LOGIN 重设密码，并显示一次；其会话随即结束",
    "Give the user LOGIN a new password, and show it once; his sessions end.",
)
@click.argument("login")
@option("--drop-second-factor", is_flag=True, zh="同时解除动态口令", en="Also forget his one-time passwords.")
def password(terminal: Terminal, login: str, drop_second_factor: bool) -> None:
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        made = users.reset_password(site, login, drop_second_factor=drop_second_factor)
    _show_password(terminal, login, made)


@command(
    "lock",
    "停用用户 LOGIN：会话结束，令牌失效",
    "Do not let the user LOGIN in any more: his sessions end, his tokens rest.",
)
@click.argument("login")
def lock(terminal: Terminal, login: str) -> None:
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        users.lock(site, login)
    terminal.answer({"user": login, "active": False}, text(f"已停用 {login}", f"locked: {login}"))


@command(
    "unlock",
    "重新启用用户 LOGIN，也用于多次输错密码之后",
    "Let the user LOGIN in again, also after too many wrong passwords.",
)
@click.argument("login")
def unlock(terminal: Terminal, login: str) -> None:
    from anlan.kernel.access import users

    with site_use.opened(terminal.settings) as site:
        users.unlock(site, login)
    terminal.answer({"user": login, "active": True}, text(f"已启用 {login}", f"unlocked: {login}"))


def _show_password(terminal: Terminal, login: str, made: str) -> None:
    terminal.answer(
        {"user": login, "password": made},
        text(f"用户：{login}", f"user: {login}"),
        text(f"密码：{made}", f"password: {made}"),
        text("（只显示这一次；首次登录时须更改）", "(shown only now; the first log-in asks for another)"),
    )


for each in (add, list_users, roles, password, lock, unlock):
    user.add_command(each)
