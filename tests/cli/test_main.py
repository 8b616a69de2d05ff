"""The command line: help in two languages, answers for people and programs, failures in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from anlan.cli import main
from anlan.cli.terminal import Terminal, command, say
from anlan.kernel.errors import Refused
from anlan.kernel.settings import OperatorError, Words


def anlan(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANLAN_", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-m", "anlan.cli", *arguments],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def commands() -> list[tuple[str, click.Command]]:
    """Every command and sub-command by its full name."""
    found: list[tuple[str, click.Command]] = []
    context = click.Context(main.cli)
    for name in main.cli.list_commands(context):
        each = main.cli.get_command(context, name)
        assert each is not None
        if isinstance(each, click.Group):
            found += [(f"{name} {part}", child) for part, child in each.commands.items()]
        else:
            found.append((name, each))
    return found


def test_every_command_and_option_has_help_and_answers_in_json() -> None:
    for name, each in commands():
        assert each.help, name
        options = [one for one in each.params if isinstance(one, click.Option) and not one.hidden]
        assert all(one.help for one in options), name
        assert {"home", "as_json"} <= {one.name for one in options}, name


def test_every_group_has_a_command() -> None:
    context = click.Context(main.cli)
    groups = [main.cli.get_command(context, name) for name in main.COMMANDS]
    assert all(each.commands for each in groups if isinstance(each, click.Group))


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("LANG", "zh_CN.UTF-8", "结束"),
        ("LC_ALL", "en_US.UTF-8", "End what"),
        ("ANLAN_LANGUAGE", "zh", "结束"),
    ],
)
def test_help_is_in_the_language_of_the_terminal(variable: str, value: str, word: str) -> None:
    assert word in anlan("stop", "--help", **{variable: value}).stdout


def test_a_failure_is_one_line_with_the_remedy_and_exit_1(tmp_path: Path) -> None:
    done = anlan("up", "--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    problem, remedy = done.stderr.split(" — ")
    assert str(tmp_path) in problem
    assert "anlan init" in remedy


def test_a_failure_is_json_when_json_was_asked_for(tmp_path: Path) -> None:
    done = anlan("up", "--json", "--home", str(tmp_path))
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["no-such-command"], {}),
        (["up", "--no-such-option"], {}),
        (["up", "--port", "70000"], {}),
        (["token", "create"], {}),
        (["settings"], {"ANLAN_PORT": "http"}),
        (["settings"], {"ANLAN_CLOCK": "noon"}),
        (["stop", "--home", "/dev/null/x"], {}),
        (["verify"], {"ANLAN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}),
    ],
)
def test_what_the_user_did_wrong_is_one_line_too(arguments: list[str], environment: dict[str, str]) -> None:
    done = anlan(*arguments, **environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert " — " in done.stderr


def test_settings_are_listed_with_what_holds_and_secrets_stay_hidden(tmp_path: Path) -> None:
    done = anlan(
        "settings", "--json", "--home", str(tmp_path), ANLAN_DATABASE_URL="postgresql://u:s3cret@h/d"
    )
    rows = {row["name"]: row["value"] for row in json.loads(done.stdout)["settings"]}
    assert rows["ANLAN_HOME"] == str(tmp_path.resolve())
    assert "s3cret" not in done.stdout


def test_stop_says_so_when_nothing_runs(tmp_path: Path) -> None:
    done = anlan("stop", "--home", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")


def test_doctor_names_what_is_wrong_and_the_command_that_mends_it(tmp_path: Path) -> None:
    done = anlan("doctor", "--home", str(tmp_path / "none"))
    assert done.returncode == 1
    assert f"fault    there is no folder {tmp_path / 'none'} — anlan init" in done.stdout.splitlines()


def test_the_version_is_printed() -> None:
    assert anlan("--version").stdout.startswith("0.")


def test_what_the_kernel_refuses_is_told_in_its_own_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    refused = Refused(404, "not_found", params={"form": "system.user", "key": "li"})

    @command("fail", "失败", "Fail.")
    def fail(terminal: Terminal) -> None:
        raise refused

    @command("mend", "修复", "Mend.")
    def mend(terminal: Terminal) -> None:
        raise OperatorError(Words("坏了", "it is broken"), Words("修好", "mend it"))

    for each, expected in ((fail, "li"), (mend, f"{say(Words('坏了', 'it is broken'))} — ")):
        with pytest.raises(SystemExit) as ended:
            main.run(each, [])
        assert ended.value.code == 1
        told = capsys.readouterr().err
        assert expected in told
        assert told.count("\n") == 1
