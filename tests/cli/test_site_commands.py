"""The commands on a real site, as an operator uses them one after the other."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from anlan.kernel.storage import server


def anlan(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "anlan.cli", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def answer(home: Path, *arguments: str) -> dict[str, object]:
    done = anlan(home, *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def made(module_home: Path) -> Path:
    """A home with a new site in it, and a server that runs, so that each command need not start one."""
    told = answer(module_home, "init")
    assert told["user"] == "admin"
    assert told["password"]
    assert not server.status(module_home).running, "init ends the database that it started"
    server.ensure_running(module_home)
    return module_home


def test_a_second_init_is_refused(made: Path) -> None:
    done = anlan(made, "init")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_a_token_alone_is_printed_lets_a_program_in_and_can_be_revoked(made: Path) -> None:
    text = anlan(made, "token", "create", "admin", "--name", "trial").stdout
    assert text.startswith("anlan_")
    assert text.count("\n") == 1
    tokens = answer(made, "token", "list", "admin")["tokens"]
    assert isinstance(tokens, list)
    assert [one["name"] for one in tokens] == ["trial"]
    assert text.strip() not in json.dumps(tokens)
    answer(made, "token", "revoke", "admin", tokens[0]["id"])
    assert answer(made, "token", "list", "admin")["tokens"] == []


def test_a_user_is_added_given_roles_locked_and_let_in_again(made: Path) -> None:
    assert answer(made, "user", "add", "li", "--name", "Li Na", "--language", "en")["password"]
    answer(made, "user", "roles", "li", "admin")
    answer(made, "user", "lock", "li")

    def shown() -> object:
        users = answer(made, "user", "list")["users"]
        assert isinstance(users, list)
        return next((one["name"], one["roles"], one["active"]) for one in users if one["login"] == "li")

    assert shown() == ("Li Na", ["admin"], False)
    answer(made, "user", "unlock", "li")
    assert shown() == ("Li Na", ["admin"], True)
    assert answer(made, "user", "password", "li")["password"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create", "nobody", "--name", "x"),
        ("user", "roles", "admin", "no-such-role"),
        ("user", "password", "nobody"),
    ],
)
def test_what_the_kernel_refuses_is_one_line(made: Path, arguments: tuple[str, ...]) -> None:
    done = anlan(made, *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert " — " in done.stderr


def test_a_new_site_is_well_intact_and_current(made: Path) -> None:
    assert anlan(made, "doctor").returncode == 0
    assert answer(made, "verify")["intact"] is True
    assert answer(made, "migrate")["applied"] == []
    packs = answer(made, "pack", "list")["packs"]
    assert isinstance(packs, list)
    assert all(one["installed"] for one in packs)


def test_up_serves_the_site_until_stop(made: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "anlan.cli", "up", "--port", "0", "--home", str(made)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready"
        with urllib.request.urlopen(f"{url}/login", timeout=10) as page:
            assert page.status == 200
        assert answer(made, "stop")["ended"] == ["up", "database"]
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        process.stdout.close()
        server.ensure_running(made)
