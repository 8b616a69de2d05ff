"""`anlan demo`: a company with data, in one step."""

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, text
from anlan.cli.up import serve, serving_options


@command(
    "demo",
    "还没有站点时先建立演示站点，然后运行（同 up）",
    "Make a site with demo data if there is none yet, then run it like up.",
)
@serving_options
def demo(terminal: Terminal, port: int | None, workers: int | None) -> None:
    if not site_use.exists(terminal.settings):
        terminal.answer(
            {"step": "init"},
            text("正在建立演示公司，约需一分钟……", "making the demo company, about a minute …"),
        )
        from anlan.kernel import site as sites

        with site_use.database(terminal.settings):      # stops what it started: `up` then starts its own, and ends it
            password = sites.create(terminal.settings, packs=None, demo=True)
        terminal.answer(
            {"user": "admin", "password": password},
            text(f"用户 admin，密码 {password}", f"user admin, password {password}"),
        )
    serve(terminal, port, workers)
