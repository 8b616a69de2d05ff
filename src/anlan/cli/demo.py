"""`anlan demo`: a company with data, in one step; and how its data goes again."""

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, option, text
from anlan.cli.up import serve, serving_options
from anlan.kernel.settings import OperatorError, Words


@command(
    "demo",
    "还没有站点时先建立演示站点，然后运行（同 up）",
    "Make a site with demo data if there is none yet, then run it like up.",
)
@serving_options
@option("--months", type=click.IntRange(1, 24), default=12, zh="演示数据的月数（默认 12）", en="Months of demo data (default 12).")
@option(
    "--remove", is_flag=True, zh="移除演示数据，保留公司自己的设置和记录",
    en="Remove the demo data; the company's own settings and records stay.",
)  # fmt: skip
def demo(terminal: Terminal, port: int | None, workers: int | None, months: int, remove: bool) -> None:
    if remove:
        _remove(terminal)
        return
    if not site_use.exists(terminal.settings):
        terminal.answer(
            {"step": "init"},
            text("正在建立演示公司，约需一分钟……", "making the demo company, about a minute …"),
        )
        from anlan.kernel import site as sites

        with site_use.database(terminal.settings):      # stops what it started: `up` then starts its own, and ends it
            password = sites.create(terminal.settings, packs=None, demo=True, months=months)
        terminal.answer(
            {"user": "admin", "password": password},
            text(f"用户 admin，密码 {password}", f"user admin, password {password}"),
        )
    serve(terminal, port, workers)


def _remove(terminal: Terminal) -> None:
    """Take the example out; what hangs on it is told, a line each, and nothing is removed then."""
    from anlan.kernel.errors import Refused
    from anlan.kernel.site import example

    with site_use.opened(terminal.settings) as site:
        try:
            gone = example.remove(site, by=None)
        except Refused as refused:
            listed = refused.data.get("records", []) if refused.data else []
            for one in listed:
                terminal.answer({"record": dict(one)}, f"{one['form']} {one['number']} {one['title']} → {one['on']}")
            sentence = {
                lang: site.messages.text(refused.code, lang, **refused.params) for lang in ("zh-CN", "en")
            }
            raise OperatorError(
                Words(sentence["zh-CN"], sentence["en"]), Words("没有移除任何东西", "nothing was removed")
            ) from None
    terminal.answer(
        {"removed": gone},
        text(f"已移除 {gone} 条演示记录，自己的设置和记录都还在", f"{gone} demo records are gone; your own settings and records stay"),
    )
