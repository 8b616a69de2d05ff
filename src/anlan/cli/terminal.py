"""What all commands share: their language, `--home` and `--json`, and how they answer.

A command file parses and prints; it looks like this:

    @command("stop", "结束本站点正在运行的一切", "End what runs on this home")
    def stop(terminal: Terminal) -> None:
        ...
        terminal.answer({"ended": ["up"]}, "ended: up")
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anlan.kernel.settings import Settings, Words, load


def language() -> str:
    """`zh` or `en`, as the terminal asks for (ANLAN_LANGUAGE, LC_ALL, LC_MESSAGES, LANG, in this order)."""
    names = ("ANLAN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((os.environ[name] for name in names if os.environ.get(name)), "en")
    return "zh" if wanted.lower().startswith("zh") else "en"


def say(words: Words) -> str:
    """Return the sentence in the language of the terminal."""
    return words.zh if language() == "zh" else words.en


def text(zh: str, en: str) -> str:
    """The same for two texts that stand side by side."""
    return say(Words(zh, en))


@dataclass(frozen=True)
class Terminal:
    """The settings that this command works with, and the way to answer."""

    settings: Settings
    as_json: bool

    def answer(self, data: Mapping[str, Any], *lines: str, ok: bool = True) -> None:
        """Print the lines for a person, or `{"ok": …, …data}` on one line for a program."""
        if self.as_json:
            click.echo(json.dumps({"ok": ok, **data}, ensure_ascii=False, default=str))
        else:
            for line in lines:
                click.echo(line)


def command(name: str, zh: str, en: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command with `--home` and `--json` of a function whose first argument is the Terminal."""

    def decorate(work: Callable[..., None]) -> click.Command:
        def call(home: Path | None, as_json: bool, **given: Any) -> None:
            work(Terminal(load(home=home), as_json), **given)

        # Options and arguments that decorated `work` wait there for the command that is made of it.
        call.__click_params__ = getattr(work, "__click_params__", [])  # type: ignore[attr-defined]
        folder = click.Path(path_type=Path, file_okay=False)
        where = text(
            "站点目录（默认 ANLAN_HOME 或 ~/.anlan）", "The site's folder (ANLAN_HOME, else ~/.anlan)."
        )
        run = click.option("--json", "as_json", is_flag=True, help=text("以 JSON 输出", "Answer in JSON."))(
            call
        )
        run = click.option("--home", type=folder, metavar="DIR", help=where)(run)
        words = text(zh, en)
        return click.command(name, help=words, short_help=words)(run)

    return decorate


def option(
    *names: str, zh: str, en: str, **attributes: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A click option whose help is in both languages."""
    return click.option(*names, help=text(zh, en), **attributes)
