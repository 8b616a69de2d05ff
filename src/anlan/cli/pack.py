"""`anlan pack`: the packs that this program brings."""

import click

from anlan.cli import site_use
from anlan.cli.terminal import Terminal, command, language, text


@click.group(help=text("应用包", "Packs."))
def pack() -> None:
    pass


@command("list", "列出应用包，以及本站点已安装的", "List the packs, and which of them this site has.")
def list_packs(terminal: Terminal) -> None:
    from anlan.kernel import site as sites

    site_use.require(terminal.settings)
    with site_use.database(terminal.settings):
        found = sites.packs(terminal.settings)
    rows = [
        {"name": one.name, "label": one.label[language()], "version": one.version, "installed": one.installed}
        for one in found
    ]
    lines = [
        f"{'*' if row['installed'] else ' '} {row['name']:<12} {row['version']:<8} {row['label']}"
        for row in rows
    ]
    terminal.answer({"packs": rows}, *lines)


pack.add_command(list_packs)
