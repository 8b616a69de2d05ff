"""What every form of every pack does, without its pack writing a test: parametrised over the catalogue.

Everything goes through the HTTP API as an administrator, the stranger excepted. How many statements the common
calls send stands in tests/query_counts.json and is reviewed with the change that moves it; ANLAN_COUNT_QUERIES=1
writes the file anew.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from builder import catalogue, editable_field, valid

from anlan.kernel import exchange, query, record
from anlan.kernel.catalogue.form import Form
from anlan.kernel.query import Query
from whole_site import Api, as_anlan

pytest_plugins = ["whole_site"]

FORMS = sorted(catalogue().forms)
PRINTS = sorted(catalogue().prints)
PINNED = Path(__file__).parents[1] / "query_counts.json"
UNSORTED = {"secret", "file", "image", "multi_choice", "long_text", "reference"}
REWRITE = os.environ.get("ANLAN_COUNT_QUERIES") == "1"

_marks = itertools.count(1)


class Subject:
    """One form under test; `new()` gives a record of its own to each test that changes one."""

    def __init__(self, ask: Api, name: str) -> None:
        self.ask = ask
        self.form: Form = ask.site.catalogue.forms[name]
        self.path = f"/records/{name}"

    def values(self) -> dict[str, Any]:
        return valid(as_anlan(self.ask.site), self.form, f"{next(_marks):04d}")

    def new(self) -> dict[str, Any]:
        made: dict[str, Any] = self.ask.ok("POST", self.path, self.values())
        return made

    def at(self, made: dict[str, Any], rest: str = "") -> str:
        return f"{self.path}/{made['id']}{rest}"

    def first_step(self) -> str:
        """The step that leads a new record out of its first state."""
        moves = self.form.transitions
        leading = [key for key, move in moves.items() if self.form.start in move.source]
        return next((key for key in leading if moves[key].primary), leading[0])

    def numbered(self) -> dict[str, Any]:
        """A record that has a code: a document that left its first state."""
        made = self.new()
        if self.form.code_column == "number":
            made = self.ask.ok("POST", self.at(made, f"/do/{self.first_step()}"))
        return made


@pytest.fixture(params=FORMS)
def subject(request: pytest.FixtureRequest, ask: Api) -> Subject:
    return Subject(ask, request.param)


def test_the_list_shows_records_with_known_fields_only(subject: Subject) -> None:
    subject.new()
    page = subject.ask.ok("GET", subject.path, params={"count": "exact"})
    assert page["data"] and page["count"] >= len(page["data"])
    described = subject.ask.ok("GET", f"/forms/{subject.form.name}")
    known = described["fields"].keys() | {"id", "form", "version"}
    assert {key for row in page["data"] for key in row} <= known


def test_a_filter_finds_the_record_and_nothing_else(subject: Subject) -> None:
    made = subject.new()
    found = subject.ask.ok("GET", subject.path, params={"where": f'id = "{made["id"]}"', "count": "exact"})
    assert ([row["id"] for row in found["data"]], found["count"]) == ([made["id"]], 1)
    none = subject.ask.ok("GET", subject.path, params={"where": "version < 0"})
    assert none["data"] == []


def test_pages_in_every_order_give_each_record_once(subject: Subject) -> None:
    subject.new()
    everything = subject.ask.ok("GET", subject.path, params={"limit": "500", "fields": "version"})["data"]
    orders = [field.key for field in subject.form.stored if field.type.key not in UNSORTED]
    for number, key in enumerate(orders):
        sort = f"-{key}" if number % 2 else key
        page: dict[str, Any] = {"next": None}
        found: list[str] = []
        for _ in range(3):
            given = {"sort": sort, "limit": str(len(everything) // 2 + 1), "fields": "version"}
            page = subject.ask.ok(
                "GET", subject.path, params=given | ({"after": page["next"]} if page["next"] else {})
            )
            found += [row["id"] for row in page["data"]]
            if page["next"] is None:
                break
        assert sorted(found) == sorted(row["id"] for row in everything), sort


def test_search_and_suggest_find_a_record_by_its_code(subject: Subject) -> None:
    made = subject.numbered()
    code = made[subject.form.code_column]
    listed = subject.ask.ok("GET", subject.path, params={"search": code, "limit": "500"})
    assert made["id"] in [row["id"] for row in listed["data"]]
    suggested = subject.ask.ok("GET", f"/suggest/{subject.form.name}", params={"q": code, "limit": "50"})[
        "data"
    ]
    assert made["id"] in [row["id"] for row in suggested]
    everywhere = subject.ask.ok("GET", "/search", params={"q": code, "limit": "50"})["data"]
    assert subject.form.name in [hit["form"] for hit in everywhere]


def test_what_is_created_is_what_is_read_by_api_and_by_kernel(subject: Subject) -> None:
    answer = subject.ask("POST", subject.path, subject.values())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"].endswith(subject.at(made))
    assert answer.headers["ETag"] == f'"{made["version"]}"'
    assert subject.ask.ok("GET", subject.at(made)) == made
    ctx = as_anlan(subject.ask.site)
    assert json.loads(json.dumps(record.read(ctx, subject.form.name, made["id"]))) == made
    row = query.records(ctx, subject.form.name, Query(where=f'id = "{made["id"]}"'))["data"][0]
    assert json.loads(json.dumps(row)) == {key: made[key] for key in row}


def test_a_preview_stores_nothing(subject: Subject) -> None:
    before = subject.ask.ok("GET", subject.path, params={"count": "exact"})["count"]
    seen = subject.ask.ok("POST", f"{subject.path}/preview", subject.values())
    assert [fault["path"] for fault in seen["faults" if "faults" in seen else "errors"]] == []
    assert subject.ask.ok("GET", subject.path, params={"count": "exact"})["count"] == before


def test_an_edit_needs_the_version_that_was_read_and_a_stale_one_is_told_what_there_is(
    subject: Subject,
) -> None:
    made = subject.new()
    key, value = editable_field(subject.form, made)
    assert subject.ask("PATCH", subject.at(made), {key: value}).status_code == 428
    current = {"If-Match": f'"{made["version"]}"'}
    changed = subject.ask.ok("PATCH", subject.at(made), {key: value}, headers=current)
    assert (changed[key], changed["version"]) == (value, made["version"] + 1)
    stale = subject.ask("PATCH", subject.at(made), {key: value}, headers=current)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_since")
    trail = subject.ask.ok("GET", subject.at(made, "/trail"))["data"]
    assert [event["kind"] for event in trail] == ["update", "create"]
    assert key in [change["path"] for change in trail[0]["changes"]]


def test_a_batch_is_all_or_nothing(subject: Subject) -> None:
    before = subject.ask.ok("GET", subject.path, params={"count": "exact"})["count"]
    bad = {**subject.values(), "no_such_field": 1}
    answer = subject.ask("POST", f"{subject.path}/batch", {"records": [subject.values(), bad]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "records[1].no_such_field"
    assert subject.ask.ok("GET", subject.path, params={"count": "exact"})["count"] == before
    made = subject.ask.ok("POST", f"{subject.path}/batch", {"records": [subject.values(), subject.values()]})
    assert len({one["id"] for one in made["data"]}) == 2


def test_a_new_record_can_be_deleted_and_is_gone(subject: Subject) -> None:
    made = subject.new()
    assert subject.ask("DELETE", subject.at(made)).status_code == 204
    assert subject.ask("GET", subject.at(made)).status_code == 404


def test_a_step_is_taken_once_and_leaves_its_event(subject: Subject) -> None:
    if subject.form.start is None:
        assert not subject.form.transitions
        return
    made = subject.new()
    name = subject.first_step()
    done = subject.ask.ok("POST", subject.at(made, f"/do/{name}"))
    assert done["state"] == subject.form.transitions[name].to
    again = subject.ask("POST", subject.at(made, f"/do/{name}"))
    assert (again.status_code, again.json()["code"]) == (409, "state_conflict")
    assert subject.ask.ok("GET", subject.at(made, "/trail"))["data"][0]["kind"] == name
    links = subject.ask.ok("GET", subject.at(made, "/links"))["data"]
    assert all({"relation", "record"} <= link.keys() for link in links)


def test_the_stranger_gets_nothing_and_nobody_is_asked_who_he_is(subject: Subject) -> None:
    made = subject.new()
    calls: list[tuple[str, str, Any]] = [
        ("GET", subject.path, None), ("GET", subject.at(made), None), ("POST", subject.path, {}),
        ("POST", f"{subject.path}/query", {}), ("POST", f"{subject.path}/batch", {"records": [{}]}),
        ("POST", f"{subject.path}/preview", {}), ("PATCH", subject.at(made), {}), ("DELETE", subject.at(made), None),
        ("GET", subject.at(made, "/trail"), None), ("GET", subject.at(made, "/links"), None),
        ("GET", subject.at(made, "/files"), None), ("POST", subject.at(made, "/comments"), {"text": "x"}),
        ("GET", f"/export/{subject.form.name}", None), ("GET", f"/import/{subject.form.name}", None),
        ("GET", f"/suggest/{subject.form.name}?q=X", None), ("GET", f"/forms/{subject.form.name}", None),
        *(("POST", subject.at(made, f"/do/{step}"), None) for step in subject.form.transitions),
        *(("GET", subject.at(made, f"/print/{name}"), None) for name in PRINTS[:1]),
    ]  # fmt: skip
    for method, path, body in calls:
        given = {"headers": {"If-Match": '"1"'}} if method == "PATCH" else {}
        assert subject.ask(method, path, body, by="stranger", **given).status_code in (403, 404), (
            method,
            path,
        )
        assert subject.ask(method, path, body, by=None, **given).status_code == 401, (method, path)
    assert subject.ask.ok("GET", subject.at(made))["version"] == made["version"]


def test_a_list_goes_out_as_xlsx_and_csv_with_a_row_for_each_record(subject: Subject) -> None:
    ids = [subject.new()["id"] for _ in range(2)]
    where = f'OR(id = "{ids[0]}", id = "{ids[1]}")'
    sheet = subject.ask("GET", f"/export/{subject.form.name}", params={"format": "xlsx", "where": where})
    assert sheet.content.startswith(b"PK\x03\x04")
    text = subject.ask("GET", f"/export/{subject.form.name}", params={"format": "csv", "where": where})
    rows = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert len(rows) >= 3 and {len(row) for row in rows} == {len(rows[0])}


def test_what_was_exported_is_imported_without_a_fault_and_changes_nothing(subject: Subject) -> None:
    template = subject.ask("GET", f"/import/{subject.form.name}")
    assert template.content.startswith(b"PK\x03\x04")
    made = subject.numbered() if subject.form.code_column == "number" else subject.new()
    where = {"where": f'id = "{made["id"]}"'}
    for kind in ("xlsx", "csv"):
        file = subject.ask("GET", f"/export/{subject.form.name}", params={"format": kind, **where}).content
        seen = subject.ask.ok("POST", f"/import/{subject.form.name}", files={"file": (f"a.{kind}", file)})
        assert (seen["faults"], seen["unmatched"], seen["records"]) == ([], [], 1), seen
        assert (seen["updates"], seen["creates"]) == (1, 0)
        ctx = as_anlan(subject.ask.site)
        table = exchange.read(file, f"a.{kind}")
        done = exchange.run(ctx, subject.form.name, table, exchange.propose(ctx, subject.form.name, table))
        assert (done["created"], done["updated"], done["skipped"]) == (0, 1, 0)
        assert subject.ask.ok("GET", subject.at(made)) == made


@pytest.mark.parametrize("name", PRINTS)
def test_every_print_is_a_pdf(ask: Api, name: str) -> None:
    subject = Subject(ask, ask.site.catalogue.prints[name].form)
    answer = ask("GET", subject.at(subject.new(), f"/print/{name}"))
    assert answer.content.startswith(b"%PDF-") and answer.content.rstrip().endswith(b"%%EOF")


# -- how many statements a call sends


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The texts of the statements that are sent inside, but for where a transaction begins and ends."""
    sent: list[str] = []
    real: Callable[..., Any] = psycopg.Cursor.execute

    def execute(cursor: Any, text: Any, *rest: Any, **more: Any) -> Any:
        if text not in ("BEGIN", "COMMIT"):
            sent.append(str(text))
        return real(cursor, text, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", execute)
        yield sent


def _sent(call: Callable[[Any], Any], given: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with counted(monkeypatch) as sent:
        call(given)
    return sent


Counted = tuple[Callable[[], Any], Callable[[Any], Any]]


def _calls(subject: Subject) -> dict[str, Counted]:
    """What is counted: how to make ready, and the call with what was made ready."""
    ask, path = subject.ask, subject.path
    key, value = editable_field(subject.form, subject.new())

    def own() -> dict[str, str]:
        return {"where": f'OR(id = "{subject.new()["id"]}", id = "{subject.new()["id"]}")'}

    def change(made: dict[str, Any]) -> Any:
        return ask.ok("PATCH", subject.at(made), {key: value}, headers={"If-Match": f'"{made["version"]}"'})

    calls: dict[str, Counted] = {
        "list": (own, lambda given: ask.ok("GET", path, params=given)),
        "list_sorted": (own, lambda given: ask.ok("GET", path, params=given | {"sort": "-created_at", "count": "exact"})),
        "read": (subject.new, lambda made: ask.ok("GET", subject.at(made))),
        "create": (subject.values, lambda values: ask.ok("POST", path, values)),
        "update": (subject.new, change),
    }  # fmt: skip
    if subject.form.start is not None:
        step = subject.first_step()
        calls["step"] = (subject.new, lambda made: ask.ok("POST", subject.at(made, f"/do/{step}")))
    return calls


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, dict[str, int]]]:
    found: dict[str, dict[str, int]] = {}
    yield found
    if REWRITE and found:
        PINNED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")


def test_calls_send_as_many_statements_as_are_written_down(
    subject: Subject, measured: dict[str, dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {}
    texts: dict[str, list[str]] = {}
    for name, (ready, call) in _calls(subject).items():
        sent = min(
            (_sent(call, ready(), monkeypatch) for _ in range(3)), key=len
        )  # once all that may be is remembered
        counts[name], texts[name] = len(sent), sent
    measured[subject.form.name] = counts
    assert counts["list"] <= 8, texts["list"]
    if not REWRITE:
        pinned = json.loads(PINNED.read_text("utf-8"))[subject.form.name]
        moved = {name: (pinned.get(name), n) for name, n in counts.items() if pinned.get(name) != n}
        assert moved == {}, {name: texts[name] for name in moved}


def test_a_list_sends_no_more_statements_for_more_rows(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        subject.new()
    every = ",".join(subject.form.fields)  # lines, too
    sizes = {}
    for limit in (1, 5, 1, 5):
        asked = {"limit": str(limit), "fields": every, "sort": "-id"}
        with counted(monkeypatch) as sent:
            assert len(subject.ask.ok("GET", subject.path, params=asked)["data"]) == limit
        sizes[limit] = sent
    assert len(sizes[1]) == len(sizes[5]), sizes
