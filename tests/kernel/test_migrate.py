"""Steps of the kernel's tables: each once, in order, whole or not at all."""

import threading
from pathlib import Path

import psycopg
import pytest

from anlan.kernel.storage.migrate import MigrationError, Step, apply, pending, steps
from anlan.kernel.storage.pool import Connection, connect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "001_first.sql").write_text("create table one (n int); insert into one values (1);")
    (tmp_path / "002_post_second.sql").write_text("alter table one rename to two;")
    return tmp_path


def names(found: list[Step]) -> list[str]:
    return [step.name for step in found]


def test_each_step_is_applied_once_in_order(connection: Connection, folder: Path) -> None:
    assert apply(connection, given=steps(folder)) == ["001_first", "002_post_second"]
    assert apply(connection, given=steps(folder)) == []
    assert connection.execute("select n from two").fetchall() == [(1,)]


def test_post_steps_wait_when_only_pre_is_asked_for(connection: Connection, folder: Path) -> None:
    assert apply(connection, phase="pre", given=steps(folder)) == ["001_first"]
    assert names(pending(connection, steps(folder))) == ["002_post_second"]
    assert apply(connection, phase="post", given=steps(folder)) == ["002_post_second"]


def test_a_failing_step_leaves_nothing_and_those_before_it_stay(connection: Connection, folder: Path) -> None:
    (folder / "002_post_second.sql").write_text("create table half (n int); select 1/0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        apply(connection, given=steps(folder))
    assert connection.execute("select to_regclass('half'), to_regclass('one')::text").fetchone() == (
        None,
        "one",
    )
    assert names(pending(connection, steps(folder))) == ["002_post_second"]


def test_an_edited_step_is_refused(connection: Connection, folder: Path) -> None:
    apply(connection, given=steps(folder))
    (folder / "001_first.sql").write_text("create table other (n int);")
    with pytest.raises(MigrationError, match="001_first was edited"):
        apply(connection, given=steps(folder))


def test_a_database_of_a_newer_version_is_refused(connection: Connection, folder: Path) -> None:
    apply(connection, given=steps(folder))
    with pytest.raises(MigrationError, match="newer than this program"):
        apply(connection, given=steps(folder)[:1])


def test_racing_processes_apply_each_step_once(database: str, folder: Path) -> None:
    (folder / "001_first.sql").write_text("create table one (n int); select pg_sleep(0.2);")
    applied: list[list[str]] = []

    def race() -> None:
        with connect(database) as opened:
            applied.append(apply(opened, given=steps(folder)))

    racers = [threading.Thread(target=race) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
    assert sorted(name for part in applied for name in part) == ["001_first", "002_post_second"]
    assert len(applied) == 4


def test_a_step_gives_up_soon_when_a_table_is_in_use(database: str, folder: Path) -> None:
    with connect(database) as opened, connect(database) as reader:
        apply(opened, phase="pre", given=steps(folder))
        reader.execute("select * from one")
        with pytest.raises(MigrationError, match="002_post_second waited too long"):
            apply(opened, given=steps(folder))
        reader.rollback()
        assert apply(opened, given=steps(folder)) == ["002_post_second"]


@pytest.mark.parametrize("name", ["1_x.sql", "001-x.sql", "001_again.sql", "003_UPPER.sql"])
def test_a_name_that_is_not_in_order_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("select 1")
    with pytest.raises(MigrationError):
        steps(folder)


def test_the_kernels_own_steps_make_an_empty_database_complete(connection: Connection) -> None:
    assert apply(connection) == names(steps())
    assert pending(connection) == []
