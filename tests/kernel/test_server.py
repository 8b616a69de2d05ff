"""The embedded server: one a home, nothing acknowledged is lost, no directory above ours is touched."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from anlan.kernel.storage import place, server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

START = """
import sys, pathlib
from anlan.kernel.storage import server
server.ensure_running(pathlib.Path(sys.argv[1]))
"""


def kill_the_tree(home: Path) -> None:
    """kill -9 of the postmaster and all its processes at once."""
    pid = server.status(home).pid
    assert pid is not None
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)


def end(home: Path) -> None:
    """Stop a server and remove the socket directory that it had to have under /tmp."""
    noted = place.recorded(home)
    assert noted is not None
    server.stop(home)
    shutil.rmtree(noted.socket)


def one(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_four_racing_processes_start_one_server(home: Path) -> None:
    command = [sys.executable, "-c", START, str(home)]
    racers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    said = [racer.communicate(timeout=60)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4, said
    log = (home / "data" / "start.log").read_text()
    assert log.count("starting PostgreSQL") <= 1
    assert server.status(home).running


def test_the_server_outlives_the_process_that_started_it(home: Path) -> None:
    subprocess.run([sys.executable, "-c", START, str(home)], check=True, timeout=60)
    assert server.status(home).running


def test_committed_rows_are_there_after_a_kill_of_the_whole_tree(home: Path) -> None:
    conninfo = server.ensure_running(home)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
        for number in range(50):
            connection.execute("insert into kept values (%s)", [number])
        kill_the_tree(home)
    started = time.monotonic()
    assert server.ensure_running(home) == conninfo
    assert time.monotonic() - started < 30
    assert one(conninfo, "select count(*) from kept") == 50


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_pass_for_a_server(home: Path) -> None:
    server.ensure_running(home)
    pid_file = home / "data" / "18" / "postmaster.pid"
    text = pid_file.read_text()
    kill_the_tree(home)
    assert not server.status(home).running
    pid_file.write_text(text.replace(text.split("\n", 1)[0], str(os.getpid()), 1))
    assert server.status(home).pid is None
    assert one(server.ensure_running(home), "select 1") == 1


def test_a_killed_server_that_nobody_reaped_does_not_keep_the_next_from_starting(home: Path) -> None:
    """In a container whose process 1 reaps nobody, the killed postmaster stays in the table of processes."""
    server.ensure_running(home)
    noted = place.recorded(home)
    assert noted is not None
    kill_the_tree(home)
    user = noted.account.uid if noted.account.is_other else None
    zombie = subprocess.Popen(["/bin/true"], user=user)
    pid_file, socket_file = noted.data / "postmaster.pid", noted.socket / ".s.PGSQL.5432.lock"
    for file in (pid_file, socket_file):
        text = file.read_text()
        file.write_text(text.replace(text.split("\n", 1)[0], str(zombie.pid), 1))
    try:
        assert one(server.ensure_running(home), "select 1") == 1
    finally:
        zombie.wait()


def test_a_start_goes_on_from_an_initialisation_that_was_cut_off(home: Path) -> None:
    server.ensure_running(home)
    server.stop(home)
    (home / "data" / "18").rename(home / "data" / "18.making")
    (home / "data" / "18.making" / "PG_VERSION").unlink()
    assert one(server.ensure_running(home), "select 1") == 1


def test_stop_ends_the_server_and_says_when_there_was_none(home: Path) -> None:
    assert server.stop(home) is False
    server.ensure_running(home)
    assert server.stop(home) is True
    assert server.stop(home) is False
    assert server.status(home) == server.ServerStatus(False, None, None, home / "data" / "18")


def test_the_cluster_is_made_for_chinese_text_and_guarded_by_checksums(home: Path) -> None:
    conninfo = server.ensure_running(home)
    locale = "select datlocprovider::text || datlocale from pg_database where datname = 'anlan'"
    assert one(conninfo, locale) == "bC.UTF-8"
    wanted = {"data_checksums": "on", "listen_addresses": "", "summarize_wal": "on",
              "synchronous_commit": "on", "jit": "off", "timezone": "UTC"}  # fmt: skip
    assert {name: one(conninfo, f"show {name}") for name in wanted} == wanted


def test_the_sites_role_is_no_superuser_but_may_use_trusted_extensions(home: Path) -> None:
    conninfo = server.ensure_running(home)
    query = "select rolsuper from pg_roles where rolname = current_user"
    assert one(conninfo, query) is False
    with psycopg.connect(conninfo) as connection:
        connection.execute("create extension pg_trgm")
    assert one(server.admin_conninfo(home), query) is True


def test_settings_of_the_operator_win_over_ours(home: Path) -> None:
    server.ensure_running(home)
    server.stop(home)
    (home / "data" / "18" / "local.conf").write_text("work_mem = '7MB'\n")
    if os.geteuid() == 0:
        shutil.chown(home / "data" / "18" / "local.conf", "anlan")
    assert one(server.ensure_running(home), "show work_mem") == "7MB"


def test_a_faulty_setting_is_reported_at_once_with_the_servers_own_words(home: Path) -> None:
    server.ensure_running(home)
    server.stop(home)
    (home / "data" / "18" / "local.conf").write_text("work_mem = 'plenty'\n")
    if os.geteuid() == 0:
        shutil.chown(home / "data" / "18" / "local.conf", "anlan")
    started = time.monotonic()
    with pytest.raises(place.ServerError, match="contains errors"):
        server.ensure_running(home)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("name", ["d" * 80, "a, b", "it's 安澜"])
def test_a_home_whose_path_no_socket_can_have_works_too(home: Path, name: str) -> None:
    inner = home / name
    inner.mkdir()
    inner.chmod(0o711)
    try:
        assert one(server.ensure_running(inner), "select 1") == 1
    finally:
        end(inner)


def test_a_home_whose_name_a_shell_would_expand_is_refused(home: Path) -> None:
    with pytest.raises(place.ServerError, match="choose another folder"):
        server.ensure_running(home / "$(id)")


def test_a_socket_directory_that_was_swept_away_is_made_anew(home: Path) -> None:
    inner = home / ("d" * 80)
    inner.mkdir()
    inner.chmod(0o711)
    server.ensure_running(inner)
    noted = place.recorded(inner)
    assert noted is not None
    server.stop(inner)
    shutil.rmtree(noted.socket)
    try:
        assert one(server.ensure_running(inner), "select 1") == 1
    finally:
        end(inner)


def test_a_tool_of_the_copied_binaries_runs(home: Path) -> None:
    conninfo = server.ensure_running(home)
    command = [str(server.tools(home) / "pg_dump"), "--schema-only", conninfo]
    dumped = subprocess.run(command, capture_output=True, check=False)
    assert dumped.returncode == 0, dumped.stderr


@as_root
def test_roots_closed_directories_keep_their_mode_and_the_data_lies_elsewhere() -> None:
    closed = Path(tempfile.mkdtemp(prefix="anlan-closed-", dir="/tmp"))  # 0700
    inner = closed / "sites" / "acme"
    try:
        assert one(server.ensure_running(inner), "select 1") == 1
        noted = place.recorded(inner)
        assert noted is not None
        assert noted.base.parent == Path("/var/lib/anlan")
        assert closed.stat().st_mode & 0o777 == 0o700
        assert {entry.name for entry in inner.iterdir()} == {"pg.json", "pg.lock"}
        assert noted.data.stat().st_uid == noted.account.uid
    finally:
        noted = place.recorded(inner)
        server.stop(inner)
        if noted is not None and noted.base != inner:
            shutil.rmtree(noted.base)
        shutil.rmtree(closed)


@as_root
def test_only_root_and_the_servers_user_can_reach_the_socket(home: Path) -> None:
    conninfo = server.ensure_running(home)
    command = [str(server.tools(home) / "psql"), conninfo]
    done = subprocess.run(
        command, user="nobody", group="nogroup", extra_groups=[], cwd="/",
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "ermission denied" in done.stderr
