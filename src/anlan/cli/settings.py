"""`anlan settings`: what can be set, and what holds now."""

from anlan.cli.terminal import Terminal, command, say
from anlan.kernel.settings import shown


@command("settings", "列出全部设置及其当前值", "List all settings and what holds now.")
def settings(terminal: Terminal) -> None:
    rows = shown(terminal.settings)
    terminal.answer(
        {"settings": [{"name": row.name, "value": value, "default": row.default, "meaning": say(row.meaning)}
                      for row, value in rows]},
        *(f"{row.name:<20} {value or '-':<28} {say(row.meaning)}" for row, value in rows),
    )  # fmt: skip
