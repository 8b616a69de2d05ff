"""`anlan init`: make a site."""

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text
from anlan.kernel.storage import server


@command(
    "init",
    "建立站点，并显示一次管理员 admin 的初始密码",
    "Make a site, and show the first password of the administrator, admin, once.",
)
@option("--demo", is_flag=True, zh="同时装入演示公司的数据", en="Load the demo company too.")
@option(
    "--packs", metavar="A,B", zh="只安装这些应用包（默认全部）", en="Install only these packs (default: all)."
)
def init(terminal: Terminal, demo: bool, packs: str | None) -> None:
    from anlan.kernel import site as sites

    names = [name.strip() for name in packs.split(",") if name.strip()] if packs else None
    server.make_home(terminal.settings.home)
    with site_use.database(terminal.settings):
        password = sites.create(terminal.settings, packs=names, demo=demo)
    terminal.answer(
        {"home": terminal.settings.home, "user": "admin", "password": password},
        text(f"站点已建立：{terminal.settings.home}", f"site: {terminal.settings.home}"),
        text("用户：admin", "user: admin"),
        text(f"密码：{password}", f"password: {password}"),
        text("（只显示这一次；首次在浏览器登录时须更改）",
             "(shown only now; the first log-in in a browser asks for another)"),
        text("下一步：anlan up", "next: anlan up"),
    )  # fmt: skip
