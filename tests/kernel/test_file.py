"""Attachments: told by content, limited, stored once, readable by those who may, never run in a browser."""

import io
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exchange_site import as_role, small_site, system
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel import describe, file, record
from anlan.kernel.errors import Refused
from anlan.kernel.file import attachments, sniff, store
from anlan.kernel.ids import uuid7
from anlan.kernel.site import Site
from anlan.kernel.storage.pool import Connection

_SQL = Path(store.__file__).parents[1] / "storage" / "migrations"
_ALICE, _BOB = uuid7(), uuid7()
_RECORD = uuid7()
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Records:
    """Stands for the record room: who may read and change the one record that there is."""

    def __init__(self) -> None:
        self.readers = {_ALICE}
        self.writers = {_ALICE}

    def read(self, ctx: Any, form: str, key: str) -> dict[str, str]:
        if ctx.caller.user not in self.readers or key != _RECORD:
            raise Refused(404, "not_found")
        return {"id": key}

    def form(self, ctx: Any, name: str) -> dict[str, list[str]]:
        return {"actions": ["read", "update"] if ctx.caller.user in self.writers else ["read"]}


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    made = Records()
    monkeypatch.setattr(record, "read", made.read)
    monkeypatch.setattr(describe, "form", made.form)
    return made


@pytest.fixture
def alice(connection: Connection, tmp_path: Path, records: Records) -> Any:
    for name in ("001_kernel.sql", "011_file.sql", "017_file_detached.sql"):
        connection.execute((_SQL / name).read_bytes())
    return caller(connection, tmp_path, _ALICE)


def caller(connection: Connection, home: Path, user: str) -> Any:
    @contextmanager
    def transaction() -> Iterator[Any]:
        with connection.transaction(), connection.pipeline():
            yield SimpleNamespace(connection=connection)

    return SimpleNamespace(
        site=SimpleNamespace(settings=SimpleNamespace(home=home)),
        caller=SimpleNamespace(user=user),
        via="page",
        now=datetime(2026, 11, 24, tzinfo=UTC),
        transaction=transaction,
    )


@pytest.fixture
def bob(alice: Any, connection: Connection, tmp_path: Path) -> Any:
    return caller(connection, tmp_path, _BOB)


def an_office_file(folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 40)
        archive.writestr(f"{folder}/main.xml", "y")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"%PDF-1.7", "a.png", "application/pdf"),
        (_PNG, "a.html", "image/png"),
        (b"\xff\xd8\xff\xe0", "a", "image/jpeg"),
        (b"RIFF....WEBPVP8 ", "a", "image/webp"),
        (an_office_file("xl"), "a.zip", sniff.media_type.__globals__["_OFFICE"]["xl/"]),
        (an_office_file("other"), "a.xlsx", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls", "application/vnd.ms-excel"),
        (b"  \n<!DOCTYPE html><p>", "a.txt", "text/html"),
        (b"\xef\xbb\xbf<script>alert(1)</script>", "a.png", "text/html"),
        (b"hello <script>alert(1)</script>", "a.csv", "text/html"),
        (b'<?xml version="1.0"?><svg onload="x()"/>', "a.png", "image/svg+xml"),
        (b"<!-- x --><svg/>", "a.png", "image/svg+xml"),
        ("品名,数量\n螺丝,3\n".encode(), "a.csv", "text/csv"),
        ("品名,数量\n螺丝,3\n".encode("gbk"), "a.txt", "text/plain"),
        (b"MZ\x90", "holiday.jpg", "application/vnd.microsoft.portable-executable"),
        (b"\x00\x01\x02", "a.jpg", "application/octet-stream"),
        (b"", "empty.txt", "text/plain"),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, name: str, expected: str) -> None:
    assert file.media_type(content, name) == expected


@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_content_has_a_media_type(content: bytes, name: str) -> None:
    assert "/" in file.media_type(content, name)


def test_a_saved_file_is_read_back_and_lies_under_its_hash(alice: Any, tmp_path: Path) -> None:
    saved = file.save(alice, [b"hel", b"lo"], name="说明.txt")
    found, path = file.open(alice, saved.id)
    assert found == saved
    assert path.read_bytes() == b"hello"
    assert path.relative_to(tmp_path).as_posix() == f"files/2c/f2/{saved.sha256}"
    assert list((tmp_path / "files" / "incoming").iterdir()) == []


def test_equal_contents_lie_on_disk_once(alice: Any, tmp_path: Path) -> None:
    first, second = (file.save(alice, [b"same"], name=name) for name in ("a.txt", "b.txt"))
    assert first.id != second.id
    assert len([one for one in (tmp_path / "files").rglob("*") if one.is_file()]) == 1


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(alice: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        file.save(alice, (b"x" * 10 for _ in range(11)), name="a", limit=100)
    assert refused.value.status == 413
    assert [one for one in (tmp_path / "files").rglob("*") if one.is_file()] == []
    assert file.save(alice, (b"x" * 10 for _ in range(10)), name="a", limit=100).size == 100


def test_a_media_type_that_is_not_wanted_is_refused(alice: Any) -> None:
    assert file.save(alice, [_PNG], name="a", accept=["image/*"]).media_type == "image/png"
    with pytest.raises(Refused) as refused:
        file.save(alice, [b"%PDF-1.7"], name="a.png", accept=["image/*", "text/plain"])
    assert refused.value.status == 415


def test_only_the_owner_and_readers_of_a_record_with_it_may_read_a_file(
    alice: Any, bob: Any, records: Records
) -> None:
    saved = file.save(alice, [b"x"], name="a")
    with pytest.raises(Refused) as refused:
        file.open(bob, saved.id)
    assert refused.value.status == 404
    file.attach(alice, "demo.note", _RECORD, saved.id)
    with pytest.raises(Refused):
        file.open(bob, saved.id)
    records.readers.add(_BOB)
    assert file.open(bob, saved.id)[0] == saved


def test_an_unknown_file_is_refused_in_the_same_way(alice: Any) -> None:
    with pytest.raises(Refused) as refused:
        file.open(alice, uuid7())
    assert refused.value.status == 404


def test_a_record_lists_its_files_and_the_trail_tells_who_hung_them(
    alice: Any, connection: Connection
) -> None:
    saved = file.save(alice, [b"x"], name="a.txt")
    for _ in range(2):
        file.attach(alice, "demo.note", _RECORD, saved.id)
    assert file.list(alice, "demo.note", _RECORD) == [saved]
    events = connection.execute("select kind, record, actor, changes from event").fetchall()
    change = {"path": "files", "old": None, "new": {"id": saved.id, "name": "a.txt", "sha256": saved.sha256}}
    assert events == [("file_attached", _RECORD, _ALICE, [change])]


def test_who_may_only_read_a_record_cannot_hang_a_file_on_it(alice: Any, bob: Any, records: Records) -> None:
    records.readers.add(_BOB)
    saved = file.save(bob, [b"x"], name="a")
    with pytest.raises(Refused) as refused:
        file.attach(bob, "demo.note", _RECORD, saved.id)
    assert refused.value.status == 403


def test_nobody_can_read_a_strangers_file_by_hanging_it_on_his_own_record(
    alice: Any, bob: Any, records: Records
) -> None:
    records.readers.add(_BOB)
    records.writers.add(_BOB)
    saved = file.save(alice, [b"x"], name="a")
    with pytest.raises(Refused) as refused:
        file.attach(bob, "demo.note", _RECORD, saved.id)
    assert refused.value.status == 404


def test_a_file_taken_off_its_last_record_is_swept_a_day_later(alice: Any, connection: Connection) -> None:
    saved = file.save(alice, [b"x"], name="a")
    file.attach(alice, "demo.note", _RECORD, saved.id)
    file.detach(alice, "demo.note", _RECORD, saved.id)
    assert file.list(alice, "demo.note", _RECORD) == []
    home = alice.site.settings.home
    path = store.path(home, saved.sha256)
    yesterday = time.time() - 90_000
    os.utime(path, (yesterday, yesterday))
    assert attachments.tidy(connection, home, now=alice.now + timedelta(hours=23)) == 0  # it may be put back
    kept = file.save(alice, [b"y"], name="b")
    os.utime(store.path(home, kept.sha256), (yesterday, yesterday))
    assert attachments.tidy(connection, home, now=alice.now + timedelta(hours=25)) == 1
    assert not path.exists()
    assert file.open(alice, kept.id)[1].read_bytes() == b"y"


def test_who_took_a_file_off_may_put_it_back_and_nobody_else_sees_it_meanwhile(
    alice: Any, bob: Any, connection: Connection, records: Records
) -> None:
    records.readers.add(_BOB)
    records.writers.add(_BOB)
    saved = file.save(alice, [b"x"], name="a")
    file.attach(alice, "demo.note", _RECORD, saved.id)
    file.detach(bob, "demo.note", _RECORD, saved.id)
    with pytest.raises(Refused):
        file.open(caller(connection, alice.site.settings.home, uuid7()), saved.id)
    file.attach(bob, "demo.note", _RECORD, saved.id)
    assert file.list(alice, "demo.note", _RECORD) == [saved]
    assert attachments.tidy(connection, alice.site.settings.home, now=alice.now + timedelta(days=9)) == 0


@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script>", b"<svg onload='alert(1)'/>"])
def test_stored_xss_by_an_html_or_svg_file_is_only_ever_downloaded(alice: Any, content: bytes) -> None:
    given = file.headers(file.save(alice, [content], name="a.png"))
    assert given["Content-Disposition"].startswith("attachment;")
    assert given["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in given["Content-Security-Policy"]


def test_a_picture_is_shown_in_place_under_its_name(alice: Any) -> None:
    given = file.headers(file.save(alice, [_PNG], name='照"片\r\n.png'))
    assert given["Content-Disposition"] == "inline; filename*=UTF-8''%E7%85%A7%22%E7%89%87.png"


@given(st.text(max_size=400))
def test_a_name_never_leaves_its_folder_and_fits_a_file_system(name: str) -> None:
    safe = attachments._safe_name(name)
    assert safe
    assert not set(safe) & set("/\\\x00\r\n\u202e")
    assert safe not in (".", "..")
    assert len(safe) <= 150


def test_files_hang_on_real_records_by_the_rights_that_hold_there(site: Site) -> None:
    ctx = system(site)
    note = record.create(ctx, "demo.note", {"subject": "s"})
    saved = file.save(ctx, [_PNG], name="照片.png")
    file.attach(ctx, "demo.note", note["id"], saved.id)
    assert file.list(ctx, "demo.note", note["id"]) == [saved]
    assert file.open(as_role(site, "clerk"), saved.id)[0].name == "照片.png"
    with pytest.raises(Refused) as refused:
        file.open(as_role(site, "reader"), saved.id)
    assert refused.value.status == 404
    assert [one["kind"] for one in record.trail(ctx, "demo.note", note["id"])] == ["file_attached", "create"]
    file.detach(ctx, "demo.note", note["id"], saved.id)
    assert file.list(ctx, "demo.note", note["id"]) == []
