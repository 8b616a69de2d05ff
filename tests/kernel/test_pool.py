"""Connections read values as the kernel wants them; transactions run again when the server asks for it."""

import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from anlan.kernel.storage import server
from anlan.kernel.storage.pool import Connection, Pool, connect, transaction


def test_values_come_as_the_kernels_types(connection: Connection) -> None:
    row = connection.execute(
        "select '01a20e2e-7434-764c-8b99-0283653e3b4c'::uuid, 1280.50::numeric(20,4),"
        ' \'{"a": [1, "安"]}\'::jsonb,'
        " '2026-11-23 09:00+08'::timestamptz, array['01a20e2e-7434-764c-8b99-0283653e3b4c'::uuid]"
    ).fetchone()
    assert row == (
        "01a20e2e-7434-764c-8b99-0283653e3b4c", Decimal("1280.5000"), {"a": [1, "安"]},
        datetime(2026, 11, 23, 1, tzinfo=UTC), ["01a20e2e-7434-764c-8b99-0283653e3b4c"],
    )  # fmt: skip
    assert isinstance(row[0], str)
    assert isinstance(row[1], Decimal)
    assert row[3].tzinfo is UTC


def test_instants_are_utc_although_the_role_has_another_zone(database: str) -> None:
    conninfo = psycopg.conninfo.make_conninfo(database, options="-c timezone=Asia/Shanghai")
    with connect(conninfo) as opened:
        query = "select '2026-11-23 01:00+00'::timestamptz, current_setting('timezone')"
        row = opened.execute(query).fetchone()
    assert row == (datetime(2026, 11, 23, 1, tzinfo=UTC), "UTC")
    assert row[0].tzinfo is UTC


def test_parameters_are_numbered_and_ids_are_passed_as_text(connection: Connection) -> None:
    connection.execute("create table r (id uuid primary key, n numeric)")
    text = "01a20e2e-7434-764c-8b99-0283653e3b4c"
    connection.execute("insert into r values ($1, $2)", [text, Decimal("0.1")])
    found = connection.execute("select n, id from r where id = $1 and n = $2", [text, Decimal("0.10")])
    assert found.fetchone() == (Decimal("0.1"), text)


def test_a_marked_statement_is_prepared_at_its_first_run(connection: Connection) -> None:
    connection.execute("select $1::int + 1", [1], prepare=True)
    connection.execute("select $1::int + 2", [1])
    rows = connection.execute("select statement from pg_prepared_statements").fetchall()
    assert rows == [("select $1::int + 1",)]


def test_a_transaction_is_committed_when_its_work_returns_and_undone_when_it_raises(database: str) -> None:
    class Refused(Exception):
        pass

    def refuse(connection: Connection) -> None:
        connection.execute("insert into r values (2)")
        raise Refused

    with Pool(database, max_size=2) as pool:
        transaction(pool, lambda connection: connection.execute("create table r as select 1 as n"))
        with pytest.raises(Refused):
            transaction(pool, refuse)
        assert transaction(pool, lambda c: c.execute("select n from r").fetchall()) == [(1,)]


def test_two_deadlocking_transactions_both_succeed(database: str) -> None:
    together = threading.Barrier(2)
    runs: list[int] = []

    def swap(first: int, second: int) -> None:
        tries = 0

        def work(connection: Connection) -> None:
            nonlocal tries
            tries += 1
            connection.execute("update r set n = n + 1 where id = $1", [first])
            if tries == 1:
                together.wait(10)
            connection.execute("update r set n = n + 1 where id = $1", [second])

        transaction(pool, work)
        runs.append(tries)

    with Pool(database, max_size=4) as pool:
        table = "create table r as select id, 0 as n from generate_series(1, 2) id"
        transaction(pool, lambda connection: connection.execute(table))
        threads = [threading.Thread(target=swap, args=pair) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert transaction(pool, lambda c: c.execute("select n from r").fetchall()) == [(2,), (2,)]
    assert sorted(runs) == [1, 2]


def test_a_conflict_that_does_not_end_is_raised_after_the_last_retry(database: str) -> None:
    runs = []

    def fail(connection: Connection) -> None:
        runs.append(1)
        connection.execute("do $$ begin raise exception 'again' using errcode = '40001'; end $$")

    with Pool(database) as pool, pytest.raises(psycopg.errors.SerializationFailure):
        transaction(pool, fail, retry=2)
    assert len(runs) == 3


def test_another_error_is_raised_at_once(database: str) -> None:
    runs = []

    def fail(connection: Connection) -> None:
        runs.append(1)
        connection.execute("select 1/0")

    with Pool(database) as pool, pytest.raises(psycopg.errors.DivisionByZero):
        transaction(pool, fail)
    assert len(runs) == 1


def test_work_runs_again_when_all_pooled_connections_died_before_it(database: str) -> None:
    with Pool(database, min_size=4, max_size=4) as pool:
        pool.wait()
        with connect(database, autocommit=True) as killer:
            killer.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        assert transaction(pool, lambda connection: connection.execute("select 7").fetchone()) == (7,)


def test_the_pool_lives_on_when_the_server_was_restarted(home: Path) -> None:
    with Pool(server.ensure_running(home), min_size=2, max_size=2) as pool:
        pool.wait()
        server.stop(home)
        server.ensure_running(home)
        assert transaction(pool, lambda connection: connection.execute("select 7").fetchone()) == (7,)


def test_a_connection_lost_while_committing_is_raised_not_retried(database: str) -> None:
    """A deferred trigger kills the session inside COMMIT: whether it was kept cannot be known from here."""
    runs = []

    def work(connection: Connection) -> None:
        runs.append(1)
        connection.execute("insert into r values (1)")

    with Pool(database, max_size=2) as pool:
        with connect(database) as opened:
            opened.execute(
                "create table r (n int); create function die() returns trigger language plpgsql as"
                " $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5);"
                " return null; end $$;"
                " create constraint trigger t after insert on r deferrable initially deferred"
                " for each row execute function die()"
            )
        with pytest.raises(psycopg.OperationalError):
            transaction(pool, work)
    assert len(runs) == 1
