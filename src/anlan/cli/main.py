"""The command `anlan`: its list of sub-commands, and how a failure is told."""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import psycopg

import anlan
from anlan.cli.terminal import say, text
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import Messages
from anlan.kernel.settings import OperatorError, Words

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0, or 1 after one line `what is wrong — what to do`; 130 when interrupted.

    What is none of the failures below is a defect of ours, and shows where it happened.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(given, prog_name="anlan", standalone_mode=False)
    except OperatorError as error:
        _fail(given, error.problem, error.remedy)
    except Refused as refused:
        _fail(given, _sentence(refused), Words("请按提示修改后重试", "mend it and try again"))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(1)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "anlan"
        message = error.format_message().rstrip(".")
        _fail(given, Words(message, message), Words(f"用法见 {path} --help", f"{path} --help tells how"))
    except click.ClickException as error:
        _fail(
            given,
            Words(error.format_message(), error.format_message()),
            Words("请检查参数", "check what was given"),
        )
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        _fail(given, Words(f"数据库没有应答：{reason}", f"the database does not answer: {reason}"),
              Words("请运行 anlan doctor 查看原因", "anlan doctor finds out why"))  # fmt: skip
    except PermissionError as error:
        _fail(given, Words(f"没有权限访问 {error.filename}", f"no permission for {error.filename}"),
              Words("请换用有权限的用户，或用 --home 指定别的目录",
                    "run as a user who has it, or choose another folder with --home"))  # fmt: skip
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(given: Sequence[str], problem: Words, remedy: Words) -> None:
    if "--json" in given:
        click.echo(
            json.dumps({"ok": False, "message": say(problem), "help": say(remedy)}, ensure_ascii=False)
        )
    else:
        click.echo(f"{say(problem)} — {say(remedy)}", err=True)
    sys.exit(1)


def _sentence(refused: Refused) -> Words:
    """Return what the kernel refused as a sentence; its texts lie beside its rooms and in the packs."""
    messages = Messages.load(sorted(Path(anlan.__file__).parent.glob("**/messages")))
    told = [(fault.code, fault.params) for fault in refused.faults] or [(refused.code, refused.params)]
    zh, en = (
        "; ".join(messages.text(code, each, **params) for code, params in told) for each in ("zh", "en")
    )
    return Words(zh, en)
