"""Writes docs/cli.md from the commands themselves and from the list of settings, in both languages.

python -m anlan.cli.reference          (make docs)
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click

from anlan.cli import main as program
from anlan.kernel.settings import SETTINGS

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"

_HEAD = """\
# 命令行 · Command line

本页由 `make docs` 生成，请勿手工修改。 This page is made by `make docs`; do not edit it.

每个命令都接受 `--home DIR`、`--json` 和 `--help`。失败时输出一行“哪里不对 — 怎么办”，退出码为 1；
加 `--json` 时为 `{"ok": false, "message": …, "help": …}`。语言取自终端。

Every command takes `--home DIR`, `--json` and `--help`. A failure is one line, `what is wrong — what to do`,
and exit code 1; with `--json` it is `{"ok": false, "message": …, "help": …}`. The language is the terminal's
(`ANLAN_LANGUAGE`, `LC_ALL`, `LC_MESSAGES`, `LANG`).
"""
_COMMON = {"--home", "--json", "--help"}


class Described(NamedTuple):
    """A command in one language: its call, its help, its own options as (spelling, help)."""

    usage: str
    help: str
    options: list[tuple[str, str]]


def describe() -> dict[str, Described]:
    """Return all commands by full name, in the language of this process."""
    context = click.Context(program.cli, info_name="anlan")
    found: dict[str, Described] = {}
    for name in program.cli.list_commands(context):
        each = program.cli.get_command(context, name)
        if isinstance(each, click.Group):
            group = click.Context(each, parent=context, info_name=name)
            found |= {
                f"{name} {part}": _described(child, group, part) for part, child in each.commands.items()
            }
        elif each is not None:
            found[name] = _described(each, context, name)
    return found


def _described(command: click.Command, parent: click.Context, name: str) -> Described:
    context = click.Context(command, parent=parent, info_name=name)
    records = [one.get_help_record(context) for one in command.params if not getattr(one, "hidden", False)]
    options = [
        record for record in records if record and not _COMMON & set(record[0].replace(",", " ").split())
    ]
    usage = command.get_usage(context).removeprefix("Usage: ")
    return Described(" ".join(usage.split()), (command.help or "").strip(), options)


def page() -> str:
    """Return the text of docs/cli.md. Runs two processes, because help is in the language of the process."""
    zh, en = (_in_language(language) for language in ("zh", "en"))
    parts = [_HEAD]
    for name, told in en.items():
        other = zh[name]
        parts.append(f"## anlan {name}\n\n`{told.usage}`\n\n{other.help}\n\n{told.help}\n")
        rows = [
            f"| `{spelling}` | {words} | {english} |"
            for (spelling, english), (_, words) in zip(told.options, other.options, strict=True)
        ]
        if rows:
            parts.append("\n".join(["| 选项 option | 中文 | English |", "|---|---|---|", *rows]) + "\n")
    rows = [
        f"| `{row.name}` | `{row.default or ' '}` | {row.meaning.zh} | {row.meaning.en} |" for row in SETTINGS
    ]
    head = [
        "## 设置 · Settings",
        "",
        "| 环境变量 variable | 默认 default | 中文 | English |",
        "|---|---|---|---|",
    ]
    parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def _in_language(language: str) -> dict[str, Described]:
    code = "import json; from anlan.cli.reference import describe; print(json.dumps(describe()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ANLAN_LANGUAGE": language},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return {
        name: Described(one[0], one[1], [(row[0], row[1]) for row in one[2]]) for name, one in told.items()
    }


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
