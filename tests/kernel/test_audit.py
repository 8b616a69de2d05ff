"""The sealed chain: what the sealer takes, and that whatever is done to sealed events is named."""

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anlan.kernel import audit
from anlan.kernel.audit import Finding
from anlan.kernel.i18n import Messages
from anlan.kernel.ids import uuid7
from anlan.kernel.storage import migrate
from anlan.kernel.storage.pool import Connection, connect

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
RECORD = uuid7()


@pytest.fixture
def site(connection: Connection) -> Connection:
    migrate.apply(connection)
    connection.commit()
    return connection


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    return tmp_path / "seals.jsonl"


def write(site: Connection, count: int, *, record: str | None = None, comment: str = "写入") -> None:
    """Add events in one transaction; the caller commits."""
    site.execute(
        """INSERT INTO event (record, form, kind, occurred_at, recorded_at, actor, via, changes, comment)
        SELECT $1::uuid, 'demo.note', 'update', $2, $2, NULL, 'api',
            ('[{"path": "subject", "old": null, "new": "' || n || '"}]')::json, $3
        FROM generate_series(1, $4::int) n""",
        [record, NOW, comment, count],
    )


def sealed(site: Connection, heads: Path, count: int = 6) -> None:
    """`count` events of two records, sealed in two runs."""
    write(site, count // 2, record=RECORD)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    write(site, count - count // 2, record=uuid7())
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)


@contextmanager
def tampering(site: Connection) -> Iterator[Connection]:
    """What the owner of the tables can do: the triggers do not stop him."""
    for table in ("event", "event_seal", "event_seal_head"):
        site.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield site
    for table in ("event", "event_seal", "event_seal_head"):
        site.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    site.commit()


def found(site: Connection, heads: Path | None = None) -> list[tuple[str, int | None, int | None]]:
    return [(one.kind, one.position, one.seq) for one in audit.verify(site, heads=heads).findings]


# --- sealing ---------------------------------------------------------------------------------------------


def test_every_committed_event_is_sealed_once(site: Connection, heads: Path) -> None:
    write(site, 7)
    site.commit()
    assert audit.seal_all(site, now=NOW, heads=heads, batch=3) == 7
    assert audit.seal_all(site, now=NOW, heads=heads, batch=3) == 0
    report = audit.verify(site, heads=heads)
    assert (report.sealed, report.waiting, report.intact) == (7, 0, True)
    assert [head.position for head in audit.read_heads(heads)] == [3, 6, 7]


def test_an_empty_site_is_intact(site: Connection, heads: Path) -> None:
    assert audit.seal_all(site, now=NOW, heads=heads) == 0
    assert audit.verify(site, heads=heads) == audit.Report(0, 0, (), 0)
    assert not heads.exists()


def test_events_wait_while_an_older_transaction_runs(site: Connection, database: str, heads: Path) -> None:
    with connect(database) as slow:
        write(slow, 1, comment="slow")
        write(site, 2)
        site.commit()
        assert audit.seal_all(site, now=NOW, heads=heads) == 0
        assert audit.verify(site, heads=heads).waiting == 2
        slow.commit()
        write(slow, 1, comment="slow again")
        assert audit.seal_all(site, now=NOW, heads=heads) == 3
        slow.rollback()
    assert audit.seal_all(site, now=NOW, heads=heads) == 0
    write(site, 1)
    site.commit()
    assert audit.seal_all(site, now=NOW, heads=heads) == 1
    assert audit.verify(site, heads=heads).intact
    assert site.execute("SELECT array_agg(seq ORDER BY position) FROM event_seal").fetchall() == [
        ([1, 2, 3, 5],)
    ]


def test_a_number_given_early_and_committed_late_is_not_missed(site: Connection, heads: Path) -> None:
    write(site, 2)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    site.execute("SELECT setval(pg_get_serial_sequence('event', 'seq'), 10)")
    write(site, 1)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    site.execute(
        """INSERT INTO event (seq, form, kind, occurred_at, recorded_at, via) OVERRIDING SYSTEM VALUE
        VALUES (5, 'demo.note', 'create', $1, $1, 'api')""",
        [NOW],
    )
    site.commit()
    assert audit.seal_all(site, now=NOW, heads=heads) == 1
    assert audit.verify(site, heads=heads).intact


def test_nothing_is_missed_while_many_write_and_some_take_it_back(
    site: Connection, database: str, heads: Path
) -> None:
    def writer(number: int) -> int:
        kept = 0
        with connect(database) as own:
            for turn in range(25):
                write(own, 2, comment=f"{number}.{turn}")
                if (number + turn) % 4:
                    write(own, 1)
                    own.commit()
                    kept += 3
                else:
                    own.rollback()
        return kept

    site.commit()
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(writer, number) for number in range(3)]
        total = 0
        while not all(one.done() for one in running):
            total += audit.seal_all(site, now=NOW, heads=heads, batch=7)
    total += audit.seal_all(site, now=NOW, heads=heads, batch=7)
    report = audit.verify(site, heads=heads)
    assert total == report.sealed == sum(one.result() for one in running)
    assert (report.waiting, report.findings) == (0, ())


def test_only_one_sealer_works_at_a_time(site: Connection, database: str) -> None:
    write(site, 3)
    site.commit()
    with connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(1634956133, hashtext(current_schema()))")
        assert audit.seal(site, now=NOW) == 0
        other.rollback()
    assert audit.seal(site, now=NOW) == 3


def test_a_seal_that_is_rolled_back_leaves_no_trace(site: Connection, heads: Path) -> None:
    write(site, 3)
    site.commit()
    site.execute("SELECT 1")
    assert audit.seal(site, now=NOW) == 3
    site.rollback()
    assert audit.verify(site).waiting == 3
    assert audit.seal_all(site, now=NOW, heads=heads) == 3


def test_writers_are_not_held_up_by_the_sealer(site: Connection, database: str) -> None:
    write(site, 3)
    site.commit()
    site.execute("SELECT 1")
    audit.seal(site, now=NOW)  # not committed
    with connect(database) as writer:
        writer.execute("SET LOCAL lock_timeout = '100ms'")
        write(writer, 1)
        writer.commit()


def test_everything_is_sealed_after_a_move_to_a_cluster_with_other_transaction_ids(
    site: Connection, heads: Path
) -> None:
    sealed(site, heads, 4)
    write(site, 3)
    site.commit()
    with tampering(site):
        # As after dump and restore from a much older cluster: its horizon lies in this one's future.
        site.execute("UPDATE event_seal_head SET cluster = 1, horizon = '900000000'")
        site.execute("UPDATE event SET xid = '800000000' WHERE seq = 6")
    assert audit.seal_all(site, now=NOW, heads=heads, batch=2) == 3
    write(site, 1)
    site.commit()
    assert audit.seal_all(site, now=NOW, heads=heads) == 1
    assert audit.verify(site, heads=heads).intact


def test_ten_thousand_events_are_sealed_well_under_two_seconds(site: Connection, heads: Path) -> None:
    write(site, 10_000)
    site.commit()
    began = time.perf_counter()
    assert audit.seal_all(site, now=NOW, heads=heads) == 10_000
    assert time.perf_counter() - began < 2.0
    assert audit.verify(site, heads=heads).intact


def test_seals_cannot_be_changed_by_an_ordinary_statement(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    for text in ("UPDATE event_seal SET seq = 9", "DELETE FROM event_seal_head", "TRUNCATE event_seal"):
        with pytest.raises(Exception, match="events are only added"), site.transaction():
            site.execute(text)


# --- heads outside ---------------------------------------------------------------------------------------


def test_heads_that_a_crash_kept_from_the_file_are_written_by_the_next_run(
    site: Connection, heads: Path
) -> None:
    write(site, 2)
    site.commit()
    audit.seal(site, now=NOW)
    site.commit()  # and here the power went
    write(site, 2)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    assert [head.position for head in audit.read_heads(heads)] == [2, 4]


def test_a_line_cut_short_by_a_crash_is_written_again(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    whole = heads.read_bytes()
    heads.write_bytes(whole[:-20])
    assert audit.verify(site, heads=heads).intact
    audit.seal_all(site, now=NOW, heads=heads)
    assert heads.read_bytes() == whole


@pytest.mark.parametrize("damage", [b"not json\n", b'{"position": "x"}\n', b'{"seq": 1}\n'])
def test_a_damaged_record_outside_is_named(site: Connection, heads: Path, damage: bytes) -> None:
    sealed(site, heads)
    heads.write_bytes(heads.read_bytes() + damage)
    assert found(site, heads) == [("heads_unreadable", 3, None)]
    write(site, 1)
    site.commit()
    with pytest.raises(audit.UnreadableHeads):
        audit.seal_all(site, now=NOW, heads=heads)


def test_a_record_outside_that_is_gone_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    heads.unlink()
    assert found(site, heads) == [("heads_unreadable", None, None)]


# --- tampering -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "record = NULL",
        "form = 'demo.other'",
        "kind = 'create'",
        "occurred_at = occurred_at - interval '1 us'",
        "recorded_at = recorded_at + interval '1 us'",
        "actor = uuidv7()",
        "via = 'page'",
        "changes = '[]'",
        "changes = (changes::text || ' ')::json",
        "comment = 'x'",
        "comment = NULL",
        "request_id = ''",
        "xid = '1'",
    ],
)
def test_an_edit_of_any_column_is_named(site: Connection, heads: Path, change: str) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute(f"UPDATE event SET {change} WHERE seq = 2")
    assert found(site) == [("edited", 2, 2)]


def test_all_edited_events_are_named_and_the_first_comes_first(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("UPDATE event SET comment = 'x' WHERE seq IN (2, 3, 6)")
    assert found(site, heads) == [("edited", 2, 2), ("edited", 3, 3), ("edited", 6, 6)]


def test_an_event_removed_from_the_middle_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq IN (2, 5)")
    assert found(site) == [("removed", 2, 2), ("removed", 5, 5)]


def test_an_event_removed_together_with_its_seal_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq = 2")
        site.execute("DELETE FROM event_seal WHERE seq = 2")
    assert found(site) == [("removed", 2, None)]


def test_a_removal_hidden_by_moving_the_later_seals_up_is_found(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq = 2")
        site.execute("DELETE FROM event_seal WHERE seq = 2")
        for position in (3, 4, 5, 6):
            site.execute("UPDATE event_seal SET position = position - 1 WHERE position = $1", [position])
    assert ("seal_broken", 2, 3) in found(site)
    assert ("cut_off", 6, None) in found(site)


def test_two_events_that_changed_places_are_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("ALTER TABLE event ALTER COLUMN seq SET GENERATED BY DEFAULT")
        for old, new in ((2, 100), (5, 2), (100, 5)):
            site.execute("UPDATE event SET seq = $2 WHERE seq = $1", [old, new])
        site.execute("ALTER TABLE event ALTER COLUMN seq SET GENERATED ALWAYS")
    assert found(site) == [("reordered", 2, 2), ("reordered", 5, 5)]


def test_two_seals_that_changed_places_are_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        for old, new in ((2, 100), (4, 2), (100, 4)):
            site.execute("UPDATE event_seal SET position = $2 WHERE position = $1", [old, new])
    assert found(site) == [("reordered", 2, 4), ("reordered", 4, 2)]


def test_a_tail_of_events_cut_off_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq >= 5")
    assert found(site) == [("removed", 5, 5), ("removed", 6, 6)]


def test_a_tail_cut_off_with_its_seals_is_seen_by_the_heads_in_the_database(
    site: Connection, heads: Path
) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq >= 5")
        site.execute("DELETE FROM event_seal WHERE seq >= 5")
    assert audit.verify(site).findings == (Finding("cut_off", 5, None, 6),)


def test_a_tail_cut_off_without_a_trace_is_seen_by_the_record_outside(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event WHERE seq >= 4")
        site.execute("DELETE FROM event_seal WHERE seq >= 4")
        site.execute("DELETE FROM event_seal_head WHERE position >= 4")
    assert audit.verify(site).intact
    assert audit.verify(site, heads=heads).findings == (Finding("cut_off", 4, None, 6),)


def test_a_chain_made_anew_is_seen_by_the_record_outside(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("UPDATE event SET comment = 'never said' WHERE seq = 2")
        site.execute("DELETE FROM event_seal")
        site.execute("DELETE FROM event_seal_head")
    audit.seal(site, now=NOW)
    site.commit()
    assert audit.verify(site).intact
    assert found(site, heads) == [("head_differs", 3, 3), ("head_differs", 6, 6)]


def test_an_event_slipped_in_among_sealed_ones_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("DELETE FROM event_seal WHERE seq = 6")
        site.execute(
            """INSERT INTO event (seq, form, kind, occurred_at, recorded_at, via, xid)
            OVERRIDING SYSTEM VALUE VALUES (50, 'demo.note', 'create', $1, $1, 'api', '3')""",
            [NOW],
        )
    assert ("added", None, 50) in found(site)


def test_a_changed_seal_is_named(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("UPDATE event_seal SET hash = sha256('x') WHERE position = 2")
    assert found(site)[0] == ("seal_broken", 2, 2)


def test_no_more_findings_are_given_than_asked_for(site: Connection, heads: Path) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("UPDATE event SET comment = 'x'")
    report = audit.verify(site, limit=2)
    assert [one.seq for one in report.findings] == [1, 2]
    assert report.more == 4


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_finding_has_a_sentence(language: str) -> None:
    messages = Messages.load([Path(audit.__file__).parent.parent / "messages"])
    kinds = re.findall(r"^    (\w+)  ", sys.modules["anlan.kernel.audit.verify"].__doc__ or "", re.MULTILINE)
    assert len(kinds) == 8
    for kind in kinds:
        said = messages.text(f"audit.{kind}", language, **Finding(kind, 1, 2, 3)._asdict())
        assert said != f"audit.{kind}"
        assert "{" not in said


# --- export ----------------------------------------------------------------------------------------------


def unpacked(site: Connection, folder: Path, **asked: object) -> audit.Exported:
    buffer = io.BytesIO()
    exported = audit.export(site, buffer, **asked)  # type: ignore[arg-type]  # passed through by the tests
    with zipfile.ZipFile(buffer) as archive:
        archive.extractall(folder)
    return exported


def check(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the verifier as a stranger does: alone, without our packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verifier.py"), *arguments],
        capture_output=True, text=True, cwd="/", timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def edit(file: Path, place: int, **changes: object) -> None:
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    lines[place].update(changes)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def test_a_stranger_can_verify_an_export_with_nothing_but_python(
    site: Connection, heads: Path, tmp_path: Path
) -> None:
    sealed(site, heads)
    write(site, 1)
    site.commit()
    assert unpacked(site, tmp_path / "e") == audit.Exported(7, 1)
    status, said = check(tmp_path / "e", "--heads", str(heads))
    assert status == 0
    assert said.splitlines() == [
        "INTACT  7 events, 1 of them not sealed yet",
        "2 of the seals were compared with the record outside",
    ]


def test_one_records_events_are_exported_with_the_chain_between_them(
    site: Connection, heads: Path, tmp_path: Path
) -> None:
    sealed(site, heads)
    write(site, 2, record=RECORD)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    assert unpacked(site, tmp_path / "e", record=RECORD) == audit.Exported(5, 0)
    assert len((tmp_path / "e" / "seals.jsonl").read_text().splitlines()) == 8
    assert check(tmp_path / "e", "--heads", str(heads))[0] == 0
    events = [json.loads(line) for line in (tmp_path / "e" / "events.jsonl").read_text("utf-8").splitlines()]
    assert [one["seq"] for one in events] == [1, 2, 3, 7, 8]
    assert json.loads(events[0]["changes"]) == [{"path": "subject", "old": None, "new": "1"}]


def test_a_record_with_distant_events_is_exported_with_the_hashes_before_them(
    site: Connection, heads: Path, tmp_path: Path
) -> None:
    sealed(site, heads)
    write(site, 1, record=RECORD)
    site.commit()
    audit.seal_all(site, now=NOW, heads=heads)
    unpacked(site, tmp_path / "e", record=RECORD, widest=3)
    assert check(tmp_path / "e")[0] == 0
    edit(tmp_path / "e" / "events.jsonl", 3, comment="x")
    assert check(tmp_path / "e") == (1, "NOT INTACT  event 7: was edited after it was sealed\n")


def test_a_range_of_events_is_exported(site: Connection, heads: Path, tmp_path: Path) -> None:
    sealed(site, heads)
    assert unpacked(site, tmp_path / "e", first=2, last=4) == audit.Exported(3, 0)
    assert check(tmp_path / "e", "--heads", str(heads))[0] == 0
    assert unpacked(site, tmp_path / "none", first=90, last=99) == audit.Exported(0, 0)
    assert check(tmp_path / "none")[0] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("events.jsonl", 1, {"comment": "x"}), "event 2: was edited after it was sealed"),
        (("events.jsonl", 1, {"seq": 99}), "event 2: was removed"),
        (("seals.jsonl", 1, {"digest": "00" * 32}), "event 2: its seal does not follow from the one before"),
        (("seals.jsonl", 2, {"position": 9}), "seals 3 to 8 are missing"),
        (
            ("seals.jsonl", 0, {"previous": "11" * 32}),
            "event 1: its seal does not follow from the one before",
        ),
        (("seals.jsonl", 2, {"previous": "11" * 32, "hash": "22" * 32}), "event 3: its seal does not follow"),
        (("events.jsonl", 1, {"kind": 5}), "cannot be read"),
    ],
)
def test_a_change_inside_an_export_is_named(
    site: Connection, heads: Path, tmp_path: Path, change: tuple[str, int, dict[str, object]], sentence: str
) -> None:
    sealed(site, heads)
    unpacked(site, tmp_path / "e")
    file, place, values = change
    edit(tmp_path / "e" / file, place, **values)
    status, said = check(tmp_path / "e")
    assert status == 1
    assert sentence in said


def test_an_export_of_a_chain_made_anew_differs_from_the_record_outside(
    site: Connection, heads: Path, tmp_path: Path
) -> None:
    sealed(site, heads)
    with tampering(site):
        site.execute("UPDATE event SET comment = 'never said' WHERE seq = 2")
        site.execute("DELETE FROM event_seal")
        site.execute("DELETE FROM event_seal_head")
    audit.seal(site, now=NOW)
    site.commit()
    unpacked(site, tmp_path / "e")
    assert check(tmp_path / "e")[0] == 0
    status, said = check(tmp_path / "e", "--heads", str(heads))
    assert status == 1 and "the record outside has another seal" in said


def test_calls_that_need_a_snapshot_of_their_own_refuse_an_open_transaction(
    site: Connection, heads: Path
) -> None:
    site.execute("SELECT 1")
    for call in (
        lambda: audit.verify(site),
        lambda: audit.seal_all(site, now=NOW, heads=heads),
        lambda: audit.export(site, io.BytesIO()),
    ):
        with pytest.raises(RuntimeError, match="without an open transaction"):
            call()
