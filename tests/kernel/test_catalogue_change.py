"""Changing definitions while records are there: nothing is lost, nothing half done, everything told beforehand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from small_site import Small, document, master, small_site

from anlan.kernel import describe, query, record
from anlan.kernel import site as sites
from anlan.kernel.catalogue import change
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query
from anlan.kernel.storage.pool import connect


def files() -> dict[str, Any]:
    note = document(
        "note",
        {"subject": {"type": "text"}, "score": {"type": "text"}, "thing": {"type": "link", "to": "demo.thing"},
         "lines": {"type": "lines", "fields": {"word": {"type": "text"}, "amount": {"type": "quantity"}}},
         "total": {"type": "quantity", "formula": "SUM(lines.amount)"}},
        grants={"clerk": {"actions": ["*"]}},
        postings={"count": {"while": ["confirmed"], "register": "demo.count", "dimensions": {"thing": "thing"}, "resources": {"n_notes": "1"}}})
    count = {"register": "demo.count", "label": "Count", "dimensions": {"thing": {"type": "link", "to": "demo.thing"}},
             "resources": {"n_notes": {"type": "integer"}}}
    return {"forms/thing.yaml": master("thing", grants={"clerk": {"actions": ["*"]}}), "forms/note.yaml": note,
            "registers/count.yaml": count}


@pytest.fixture
def made(address: str) -> Iterator[Small]:
    with small_site(address, files(), people={"clara": ["clerk"], "ann": ["admin"], "bob": ["admin"]}) as site:
        record.create(site.ctx(), "demo.thing", {"code": "A", "name": "Thing A"})
        yield site


def overlay(**parts: Any) -> dict[str, Any]:
    return {"overlay": parts}


def added(**fields: Any) -> dict[str, Any]:
    return overlay(set={f"fields.{key}": value for key, value in fields.items()})


def added_to_register(**dimensions: Any) -> dict[str, Any]:
    return overlay(set={f"dimensions.{key}": value for key, value in dimensions.items()})


def refused(call: Any, *args: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args)
    return caught.value


def reopened(made: Small) -> sites.Site:
    """Another process that starts now."""
    return sites.open(made.settings)


def test_a_field_that_is_published_is_in_records_lists_and_descriptions_at_once(made: Small) -> None:
    old = record.create(made.ctx("clara"), "demo.note", {"subject": "old"})
    change.put(made.ctx("ann"), "form", "demo.note", added(x_colour={"type": "text", "label": "Colour", "default": '"red"'}))
    assert "x_colour" not in describe.form(made.ctx("clara"), "demo.note")["fields"]
    assert change.publish(made.ctx("ann")) == {"version": 2}
    assert describe.form(made.ctx("clara"), "demo.note")["fields"]["x_colour"]["label"] == {"zh": "Colour", "en": "Colour"}
    new = record.create(made.ctx("clara"), "demo.note", {"subject": "new"})
    assert (new["x_colour"], record.read(made.ctx("clara"), "demo.note", old["id"])["x_colour"]) == ("red", None)
    assert [row["id"] for row in query.records(made.ctx("clara"), "demo.note", Query(where='x_colour = "red"'))["data"]] == [new["id"]]


def test_a_draft_changes_nothing_before_it_is_published_and_can_be_thrown_away(made: Small) -> None:
    ctx = made.ctx("ann")
    shown = change.put(ctx, "form", "demo.note", added(x_a={"type": "text"}))
    assert shown["overlay"] is None and shown["draft"]["set"] and "x_a" in shown["definition"]["fields"] and "x_a" not in shown["base"]["fields"]
    assert "x_a" not in made.site.catalogue.forms["demo.note"].fields
    assert [row for row in change.listing(ctx) if row["draft"]] == [
        {"kind": "form", "name": "demo.note", "pack": "demo", "label": "Note", "changed": False, "draft": True}]
    change.discard(ctx)
    assert refused(change.publish, ctx).code == "definition.no_draft"


def test_only_administrators_change_definitions(made: Small) -> None:
    ctx = made.ctx("clara")
    for call, args in ((change.put, ("form", "demo.note", added(x_a={"type": "text"}))), (change.publish, ()), (change.plan, ()), (change.listing, ()),
                       (change.get, ("form", "demo.note")), (change.remove, ("form", "demo.note")), (change.discard, ()), (change.versions, ()),
                       (change.rollback, (1,))):
        assert refused(call, ctx, *args).status == 403


@pytest.mark.parametrize(("kind", "name", "body", "status", "words"), [
    ("form", "demo.note", added(colour={"type": "text"}), 422, "definition.prefix"),
    ("form", "demo.note", overlay(set={"fields": {"colour": {"type": "text"}}}), 422, "definition.prefix"),
    ("form", "demo.note", overlay(set={"fields.x_rows": {"type": "lines", "fields": {"a": {"type": "text"}}}}), 200, ""),
    ("form", "demo.note", added(x_a={"type": "colour"}), 422, "there is no type colour"),
    ("form", "demo.note", added(x_a={"type": "text", "wrong": 1}), 422, "no such attribute"),
    ("form", "demo.note", added(x_a={"type": "decimal", "formula": "subjekt + 1"}), 422, "there is no field subjekt"),
    ("form", "demo.note", added(x_a={"type": "decimal", "formula": "x_a + 1"}), 422, "need each other"),
    ("form", "demo.note", added(x_a={"type": "link", "to": "demo.nothing"}), 422, "there is no form demo.nothing"),
    ("form", "demo.note", overlay(sets={}), 422, "unknown_field"),
    ("form", "demo.note", overlay(set=[]), 422, "merge.wrong_shape"),
    ("form", "demo.note", {"definition": {}}, 409, "definition.of_a_pack"),
    ("form", "demo.note", {}, 422, "definition.body"),
    ("form", "demo.nothing", added(x_a={"type": "text"}), 404, "not_found"),
    ("colour", "demo.note", added(x_a={"type": "text"}), 404, "not_found"),
    ("form", "demo.other", {"definition": {"label": "Other"}}, 422, "definition.prefix"),
    ("form", "demo.x_other", {"definition": {"form": "demo.x_third"}}, 422, "definition.other_name"),
    ("form", "demo.x_other", {"definition": {"kind": "master", "label": "Other", "fields": {}}}, 422, "masters and settings have a code"),
    ("form", "demo.x_other", {"definition": {"kind": 5, "label": None, "fields": "x"}}, 422, "definition.broken"),
    ("form", "demo.x_other", {"definition": master("x_other")}, 200, ""),
    ("role", "x_helper", {"definition": {"label": "Helper"}}, 200, ""),
])
def test_a_change_that_would_not_hold_is_refused_with_where_and_why(
    made: Small, kind: str, name: str, body: Any, status: int, words: str,
) -> None:
    ctx = made.ctx("ann")
    if status == 200:
        assert change.put(ctx, kind, name, body)["definition"]
        assert change.publish(ctx)["version"] == 2
        return
    answer = refused(change.put, ctx, kind, name, body)
    told = [answer.code, *(f"{fault.code} {fault.params.get('sentence', '')}" for fault in answer.faults)]
    assert answer.status == status
    assert any(words in one for one in told), told
    assert refused(change.publish, ctx).code == "definition.no_draft"


def test_a_form_of_the_companys_own_gets_its_table_and_can_be_used_and_taken_away_without_losing_data(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.x_visit", {"definition": master("x_visit", {"thing": {"type": "link", "to": "demo.thing"}})})
    assert change.plan(made.ctx("ann"))["tables"] == ["demo_x_visit"]
    change.publish(made.ctx("ann"))
    kept = record.create(made.ctx(), "demo.x_visit", {"code": "V1", "name": "first", "thing": "A"})
    change.remove(made.ctx("ann"), "form", "demo.x_visit")
    change.publish(made.ctx("ann"))
    assert "demo.x_visit" not in made.site.catalogue.forms
    change.rollback(made.ctx("ann"), 2)
    assert record.read(made.ctx(), "demo.x_visit", "V1")["id"] == kept["id"]


def test_a_dropped_field_is_retired_its_column_stays_and_it_comes_back_with_its_values(made: Small) -> None:
    ann = made.ctx("ann")
    change.put(ann, "form", "demo.note", added(x_a={"type": "text"}))
    change.publish(ann)
    kept = record.create(made.ctx(), "demo.note", {"subject": "s", "x_a": "precious"})
    change.remove(made.ctx("ann"), "form", "demo.note")
    assert change.plan(made.ctx("ann"))["retired"] == [{"form": "demo.note", "field": "x_a"}]
    change.publish(made.ctx("ann"))
    assert "x_a" not in record.read(made.ctx(), "demo.note", kept["id"])
    assert refused(query.records, made.ctx(), "demo.note", Query(where='x_a = "precious"')).code == "formula.unknown_field"
    assert made.run("SELECT retired_at IS NOT NULL FROM physical_name WHERE owner = 'demo.note' AND key = 'x_a'") == [(True,)]
    change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text"}))
    change.publish(made.ctx("ann"))
    assert record.read(made.ctx(), "demo.note", kept["id"])["x_a"] == "precious"
    assert made.run("SELECT retired_at FROM physical_name WHERE owner = 'demo.note' AND key = 'x_a'") == [(None,)]


def test_a_field_that_a_formula_uses_cannot_be_dropped_and_the_formula_is_named(made: Small) -> None:
    ann = made.ctx("ann")
    change.put(ann, "form", "demo.note", added(x_a={"type": "decimal"}, x_b={"type": "decimal", "formula": "x_a * 2"}))
    change.publish(ann)
    answer = refused(change.put, made.ctx("ann"), "form", "demo.note", added(x_b={"type": "decimal", "formula": "x_a * 2"}))
    assert (answer.status, answer.faults[0].path) == (422, "x_b.formula")
    assert "x_a" in answer.faults[0].params["sentence"]


def test_a_changed_type_shows_what_does_not_convert_and_keeps_it_aside(made: Small) -> None:
    ids = [record.create(made.ctx(), "demo.note", {"subject": score, "score": score})["id"] for score in ("1.5", "twelve", None, "12")]
    change.put(made.ctx("ann"), "form", "demo.note", overlay(set={"fields.score.type": "decimal"}))
    shown = change.plan(made.ctx("ann"))
    assert [(one["table"], one["column"], one["count"], one["examples"], one["kept"]) for one in shown["failing"]] == [
        ("demo_note", "score", 1, ["twelve"], True)]
    assert shown["blocking"] == ["demo_note"]
    change.publish(made.ctx("ann"))
    assert [record.read(made.ctx(), "demo.note", key)["score"] for key in ids] == ["1.5", None, None, "12"]
    assert made.run("SELECT table_name, column_name, id, value FROM retired_value") == [("demo_note", "score", ids[1], "twelve")]


@pytest.mark.parametrize(("old", "new", "values", "after", "aside"), [
    ("decimal", "integer", ["2", "2.5"], [2, None], ["2.5000000000"]),
    ("decimal", "money", ["1.23456", "3"], [None, "3.00"], ["1.2345600000"]),
    ("integer", "text", [7, None], ["7", None], []),
    ("text", "date", ["2026-02-01", "soon"], ["2026-02-01", None], ["soon"]),
    ("text", "multi_choice", ["a", None], [["a"], None], []),
    ("boolean", "text", [True, False], ["true", "false"], []),
    ("instant", "date", ["2026-02-01T17:00:00Z", None], ["2026-02-02", None], []),
    ("date", "instant", ["2026-02-01", None], ["2026-01-31T16:00:00Z", None], []),
])
def test_values_keep_their_meaning_when_a_type_changes(made: Small, old: str, new: str, values: list[Any], after: list[Any], aside: list[str]) -> None:
    more = {"options": {"a": "A"}} if new == "multi_choice" else {}
    change.put(made.ctx("ann"), "form", "demo.note", added(x_v={"type": old}))
    change.publish(made.ctx("ann"))
    ids = [record.create(made.ctx(), "demo.note", {"x_v": value})["id"] for value in values]
    change.put(made.ctx("ann"), "form", "demo.note", added(x_v={"type": new, **more}))
    change.publish(made.ctx("ann"))
    assert [record.read(made.ctx(), "demo.note", key)["x_v"] for key in ids] == after
    assert [row[0] for row in made.run("SELECT value FROM retired_value")] == aside


def test_a_link_to_another_form_keeps_the_ids_that_are_not_there_aside(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.x_other", {"definition": master("x_other")})
    change.put(made.ctx("ann"), "form", "demo.note", added(x_l={"type": "link", "to": "demo.thing"}))
    change.publish(made.ctx("ann"))
    thing = record.read(made.ctx(), "demo.thing", "A")["id"]
    kept = record.create(made.ctx(), "demo.note", {"x_l": "A"})["id"]
    change.put(made.ctx("ann"), "form", "demo.note", added(x_l={"type": "link", "to": "demo.x_other"}))
    assert [one["examples"] for one in change.plan(made.ctx("ann"))["failing"]] == [[thing]]
    change.publish(made.ctx("ann"))
    assert record.read(made.ctx(), "demo.note", kept)["x_l"] is None
    assert made.run("SELECT value FROM retired_value") == [(thing,)]
    other = record.create(made.ctx(), "demo.x_other", {"code": "O", "name": "Other"})
    assert record.create(made.ctx(), "demo.note", {"x_l": "O"})["x_l"]["id"] == other["id"]


def test_a_register_does_not_lose_a_dimension(made: Small) -> None:
    change.put(made.ctx("ann"), "register", "demo.count", added_to_register(x_kind={"type": "text"}))
    change.put(made.ctx("ann"), "form", "demo.note", overlay(set={"postings.count.dimensions.x_kind": "subject"}))
    change.publish(made.ctx("ann"))
    change.remove(made.ctx("ann"), "form", "demo.note")
    change.remove(made.ctx("ann"), "register", "demo.count")
    answer = refused(change.publish, made.ctx("ann"))
    assert (answer.status, answer.code, answer.faults[0].params["dimension"]) == (422, "definition.dimension_removed", "x_kind")


def test_a_mask_that_was_published_meanwhile_holds_for_a_call_that_had_begun(made: Small) -> None:
    kept = record.create(made.ctx(), "demo.note", {"subject": "same", "score": "7"})["id"]
    begun = made.ctx("clara")
    assert record.read(begun, "demo.note", kept)["score"] == "7"
    begun = made.ctx("clara")
    other = reopened(made)
    try:
        change.put(Context(other, made.ctx("ann").caller), "form", "demo.note", overlay(set={"grants.clerk.fields": {"score": "none"}}))
        change.publish(Context(other, made.ctx("ann").caller))
    finally:
        other.close()
    assert "score" not in record.read(begun, "demo.note", kept)


def test_a_new_unique_key_is_refused_while_there_are_doubles_and_nothing_is_half_done(made: Small) -> None:
    for _ in range(2):
        record.create(made.ctx(), "demo.note", {"subject": "same"})
    change.put(made.ctx("ann"), "form", "demo.note", overlay(set={"unique.x_subject": ["subject"], "fields.x_n": {"type": "text"}}))
    assert [(one["count"], one["kept"]) for one in change.plan(made.ctx("ann"))["failing"]] == [(1, False)]
    answer = refused(change.publish, made.ctx("ann"))
    assert (answer.status, answer.code) == (422, "definition.data_forbids")
    assert made.run("SELECT 1 FROM information_schema.columns WHERE column_name = 'x_n'") == []
    made.run("DELETE FROM demo_note")
    change.publish(made.ctx("ann"))
    record.create(made.ctx(), "demo.note", {"subject": "same"})
    assert refused(record.create, made.ctx(), "demo.note", {"subject": "same"}).code == "not_unique"
    change.remove(made.ctx("ann"), "form", "demo.note")
    change.publish(made.ctx("ann"))
    record.create(made.ctx(), "demo.note", {"subject": "same"})        # the key is gone with its definition


def test_two_administrators_have_drafts_of_their_own_and_the_later_one_sees_that_he_was_overtaken(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.note", added(x_ann={"type": "text"}))
    change.put(made.ctx("bob"), "form", "demo.note", added(x_bob={"type": "text"}))
    change.put(made.ctx("bob"), "form", "demo.thing", added(x_size={"type": "text"}))
    change.publish(made.ctx("ann"))
    assert change.plan(made.ctx("bob"))["overtaken"] == [{"kind": "form", "name": "demo.note"}]
    assert refused(change.publish, made.ctx("bob")).code == "definition.overtaken"
    both = change.get(made.ctx("bob"), "form", "demo.note")["overlay"]["set"] | {"fields.x_bob": {"type": "text"}}
    change.put(made.ctx("bob"), "form", "demo.note", overlay(set=both))
    assert change.publish(made.ctx("bob")) == {"version": 3}
    assert {"x_ann", "x_bob"} <= made.site.catalogue.forms["demo.note"].fields.keys()
    assert "x_size" in made.site.catalogue.forms["demo.thing"].fields


def test_going_back_is_a_new_version_like_the_old_one(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text"}))
    change.publish(made.ctx("ann"), "with a")
    change.put(made.ctx("ann"), "form", "demo.note", added(x_b={"type": "text"}))
    change.publish(made.ctx("ann"), "b for a")
    assert change.rollback(made.ctx("ann"), 2) == {"version": 4}
    fields = made.site.catalogue.forms["demo.note"].fields
    assert "x_a" in fields and "x_b" not in fields
    assert change.rollback(made.ctx("ann"), 1) == {"version": 5}
    assert "x_a" not in made.site.catalogue.forms["demo.note"].fields
    found = change.versions(made.ctx("ann"))
    assert [(one["version"], one["comment"], one["current"]) for one in found] == [
        (5, "rollback to 1", True), (4, "rollback to 2", False), (3, "b for a", False), (2, "with a", False), (1, "init", False)]
    assert found[0]["published_by"]["label"] == "Ann"
    assert refused(change.rollback, made.ctx("ann"), 99).status == 404


def test_a_process_with_an_older_catalogue_notices_at_its_next_call(made: Small) -> None:
    other = reopened(made)
    try:
        change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text"}))
        change.publish(made.ctx("ann"))
        assert other.catalogue.version == 1
        stale = Small(other, made.folder, made.settings)
        assert "x_a" in query.records(stale.ctx("clara"), "demo.note", Query())["data"] or other.catalogue.version == 2
        assert record.create(stale.ctx("clara"), "demo.note", {"x_a": "seen"})["x_a"] == "seen"
    finally:
        other.close()


def test_a_broken_pack_file_at_start_leaves_the_last_good_catalogue_and_says_what_is_wrong(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text"}))
    change.publish(made.ctx("ann"))
    for broken, words in (("form: [", "not YAML"), ({**master("thing"), "fields": {}}, "code and a name")):
        made.write({"forms/thing.yaml": broken})
        other = reopened(made)
        try:
            assert other.trouble is not None and "demo/forms/thing.yaml" in other.trouble and words in other.trouble
            assert "x_a" in other.catalogue.forms["demo.note"].fields
            served = Small(other, made.folder, made.settings)
            assert record.read(served.ctx("clara"), "demo.thing", "A")["name"] == "Thing A"
            change.put(served.ctx("ann"), "form", "demo.note", added(x_b={"type": "text"}))     # files are not asked
            change.discard(served.ctx("ann"))
        finally:
            other.close()
    made.write({"forms/thing.yaml": files()["forms/thing.yaml"]})
    other = reopened(made)
    assert other.trouble is None
    other.close()


def test_a_field_that_a_pack_renames_keeps_its_column_its_values_and_the_companys_changes(made: Small) -> None:
    change.put(made.ctx("ann"), "form", "demo.note", overlay(set={"fields.subject.label": "Headline", "fields.x_long": {
        "type": "boolean", "formula": "LEN(subject) > 5"}}))
    change.publish(made.ctx("ann"))
    kept = record.create(made.ctx(), "demo.note", {"subject": "a long one", "lines": [{"word": "w", "amount": "2"}]})["id"]
    newer = files()
    note = newer["forms/note.yaml"]
    note["fields"]["title"] = note["fields"].pop("subject")
    note["fields"]["rows"] = note["fields"].pop("lines")
    note["fields"]["rows"]["fields"]["text"] = note["fields"]["rows"]["fields"].pop("word")
    note["fields"]["total"]["formula"] = "SUM(rows.amount)"
    note["renames"] = {"fields.subject": "fields.title", "fields.lines": "fields.rows", "fields.rows.fields.word": "fields.rows.fields.text"}
    made.write(newer)
    for _ in range(2):      # a second start renames nothing again
        other = reopened(made)
        try:
            assert other.trouble is None
            form = other.catalogue.forms["demo.note"]
            assert (form.fields["title"].column, form.lines["rows"].table, form.fields["title"].definition.label.en) == (  # type: ignore[union-attr]
                "subject", '"demo_note__lines"', "Headline")
            served = Small(other, made.folder, made.settings)
            found = record.read(served.ctx("clara"), "demo.note", kept)
            assert (found["title"], found["x_long"], found["rows"][0]["text"], found["total"]) == ("a long one", True, "w", "2")
            record.update(served.ctx("clara"), "demo.note", kept, {"title": "a longer one", "rows": [{"text": "v", "amount": "3"}]}, version=found["version"])
            again = record.read(served.ctx("clara"), "demo.note", kept)
            assert (again["title"], again["total"]) == ("a longer one", "3")
            record.update(served.ctx("clara"), "demo.note", kept, {"title": "a long one", "rows": [{"text": "w", "amount": "2"}]}, version=again["version"])
        finally:
            other.close()


def test_records_in_flight_keep_the_states_that_a_new_workflow_drops_until_they_left_them(made: Small) -> None:
    newer = files()
    workflow = newer["forms/note.yaml"]["workflow"]
    workflow["states"]["checked"] = workflow["states"].pop("confirmed")
    workflow["transitions"] = {
        "check": {"from": ["draft"], "to": "checked", "label": "Check"}, "cancel": {"from": ["checked"], "to": "cancelled", "label": "Cancel"}}
    newer["forms/note.yaml"]["postings"]["count"]["while"] = ["checked"]
    flying = record.create(made.ctx(), "demo.note", {"thing": "A"})
    record.step(made.ctx(), "demo.note", flying["id"], "confirm")
    made.write(newer)
    other = reopened(made)
    try:
        assert other.trouble is None
        served = Small(other, made.folder, made.settings)
        workflow_now = other.catalogue.forms["demo.note"].definition.workflow
        assert workflow_now is not None and workflow_now.states["confirmed"].retained and not workflow_now.states["checked"].retained
        later = record.create(served.ctx(), "demo.note", {"thing": "A"})
        assert (flying["workflow_version"], later["workflow_version"]) == (1, 2)
        assert refused(record.step, served.ctx(), "demo.note", later["id"], "confirm").status in (404, 409)
        assert record.step(served.ctx(), "demo.note", flying["id"], "cancel")["state"] == "cancelled"
        assert made.run("SELECT sum(n_notes) FROM demo_count_reg__balance") == [(0,)]       # what it had posted is taken back
    finally:
        other.close()
    change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text"}))
    change.publish(made.ctx("ann"))
    assert "confirmed" not in made.site.catalogue.forms["demo.note"].states


def test_a_register_that_gets_a_dimension_and_a_resource_keeps_its_balances(made: Small) -> None:
    note = record.create(made.ctx(), "demo.note", {"thing": "A"})
    record.step(made.ctx(), "demo.note", note["id"], "confirm")
    newer = files()
    newer["registers/count.yaml"]["dimensions"]["word"] = {"type": "text"}
    newer["registers/count.yaml"]["resources"]["weight"] = {"type": "quantity"}
    newer["forms/note.yaml"]["postings"]["count"] |= {"dimensions": {"thing": "thing", "word": "subject"}, "resources": {"n_notes": "1", "weight": "2.5"}}
    made.write(newer)
    other = reopened(made)
    try:
        assert other.trouble is None
        served = Small(other, made.folder, made.settings)
        more = record.create(served.ctx(), "demo.note", {"thing": "A", "subject": "w"})
        record.step(served.ctx(), "demo.note", more["id"], "confirm")
        record.step(served.ctx(), "demo.note", note["id"], "cancel")
        assert made.run("SELECT word, n_notes, weight FROM demo_count_reg__balance ORDER BY word") == [("", 0, 0), ("w", 1, pytest.approx(2.5))]
    finally:
        other.close()


def test_a_writer_hardly_waits_while_a_field_is_added(made: Small) -> None:
    """A transaction that holds the table for a while does not make others queue behind the change."""
    key = record.create(made.ctx(), "demo.note", {"subject": "busy"})["id"]
    change.put(made.ctx("ann"), "form", "demo.note", added(x_a={"type": "text", "unique": True}))
    waits: list[float] = []
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            begin = time.perf_counter()
            made.run("UPDATE demo_note SET subject = 'other' WHERE id <> $1", key)
            waits.append(time.perf_counter() - begin)
            time.sleep(0.005)

    holder = connect(made.settings.database_url.get_secret_value() if hasattr(made.settings.database_url, "get_secret_value") else str(made.settings.database_url))
    holder.execute("SELECT 1 FROM demo_note WHERE id = $1 FOR UPDATE", [key])
    writer = threading.Thread(target=write)
    writer.start()
    release = threading.Timer(0.6, holder.rollback)
    release.start()
    try:
        change.publish(made.ctx("ann"))
    finally:
        done.set()
        writer.join()
        release.join()
        holder.close()
    assert max(waits) < 0.5, max(waits)      # without the lock time-out a writer waits 0.6 s
    assert "x_a" in made.site.catalogue.forms["demo.note"].fields
