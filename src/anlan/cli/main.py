"""The command `anlan`: its list of sub-commands, and how a failure is told."""

import importlib
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from anlan.cli.terminal import say, text
from anlan.kernel.settings import Words

# One file a command; imported only when it is asked for.
COMMANDS = (
    "init", "up", "stop", "demo", "web", "worker", "migrate",
    "token", "user", "pack", "settings", "doctor", "verify",
)  # fmt: skip


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"anlan.cli.{cmd_name}")
        found: click.Command = getattr(module, cmd_name)
        return found


@click.command(
    cls=_Commands, no_args_is_help=True,
    help=text("安澜：零代码 ERP，以及让 ERP 平稳运行的服务。",
              "Anlan: an ERP without code, and the service that keeps an ERP alive."),
)  # fmt: skip
@click.version_option(package_name="anlan", message="%(version)s")
def cli() -> None:
    pass


def main() -> None:
    """Run what the command line says, and exit."""
    run(cli, sys.argv[1:])


def run(command: click.Command, given: Sequence[str]) -> NoReturn:
    """Run a command and exit: 0, or 1 after one line `what is wrong — what to do`; 130 when interrupted.

    What is none of the failures below is a defect of ours, and shows where it happened.
    """
    try:
        code = command.main(list(given), prog_name="anlan", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(1)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "anlan"
        message = error.format_message().rstrip(".")
        _fail(given, Words(message, message), Words(f"用法见 {path} --help", f"{path} --help tells how"))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except _known_failures() as error:  # looked up only when there is one
        from anlan.cli.failures import told

        if (found := told(error)) is None:
            raise
        _fail(given, found.problem, found.remedy, more=found.more)
    sys.exit(code if isinstance(code, int) else 0)


def _known_failures() -> tuple[type[BaseException], ...]:
    from anlan.cli.failures import KNOWN

    return KNOWN


def _fail(given: Sequence[str], problem: Words, remedy: Words, *, more: Sequence[str] = ()) -> NoReturn:
    if "--json" in given:
        told = {"ok": False, "message": say(problem), "help": say(remedy), "more": list(more)}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for line in more:
            click.echo(line, err=True)
        click.echo(f"{say(problem)} — {say(remedy)}", err=True)
    sys.exit(1)
