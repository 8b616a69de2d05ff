"""A broken pack is refused whole, and every fault names its file, the path in it and what is not known there."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from small_site import a_pack, document, master, write_pack

from anlan.kernel.catalogue.build import assemble, build_catalogue
from anlan.kernel.catalogue.store import system_source
from anlan.kernel.definition.reader import BadDefinition, Broken, read_pack


def good() -> dict[str, Any]:
    note = document(
        "note",
        {"subject": {"type": "text"}, "thing": {"type": "link", "to": "demo.thing"},
         "lines": {"type": "lines", "fields": {"thing": {"type": "link", "to": "demo.thing"}, "amount": {"type": "quantity"}}, "order": ["thing"]}},
        order=["subject", "lines"],
        sections={"main": {"label": "Main", "fields": ["subject"]}},
        views={"all": {"label": "All", "columns": ["number", "thing.name", "lines.amount"], "sort": ["-created_at"], "totals": [], "where": "subject <> \"\""}},
        indexes={"subject": ["subject"]}, unique={"both": ["subject", "thing"]},
        checks={"fine": {"keep": "LEN(subject) < 9", "message": "Too long", "path": "subject"}},
        grants={"clerk": {"actions": ["read", "confirm"], "fields": {"lines.amount": "read"}, "rows": "created_by = USER()"}},
        postings={"moved": {"while": ["confirmed"], "register": "demo.count", "each": "lines", "dimensions": {"thing": "lines.thing"},
                            "resources": {"amount": "lines.amount"}}},
        conversions={"again": {"to": "demo.note", "label": "Again", "each": "lines", "copy": {"subject": "subject", "lines.thing": "lines.thing"}}})
    return {
        "forms/thing.yaml": master("thing", {"flat": {"type": "boolean"}}),
        "forms/note.yaml": note,
        "registers/count.yaml": {"register": "demo.count", "label": "Count", "dimensions": {"thing": {"type": "link", "to": "demo.thing"}},
                                 "resources": {"amount": {"type": "quantity"}}, "periods": "month",
                                 "limits": {"enough": {"keep": "amount >= 0", "code": "demo.few"}}, "grants": {"clerk": {"actions": ["read"]}}},
        "reports/count.yaml": {"report": "demo.count", "label": "Count", "register": "demo.count", "reading": "turnover",
                               "parameters": {"from": {"type": "date", "label": "From"}, "to": {"type": "date", "label": "To"}},
                               "rows": ["thing"], "columns": {"came": {"label": "Came", "value": "amount.in"}}, "sort": ["thing.code"],
                               "grants": {"clerk": {"actions": ["read"]}}},
        "reports/notes.yaml": {"report": "demo.notes", "label": "Notes", "form": "demo.note", "parameters": {"at": {"type": "date", "label": "At", "default": "TODAY()"}},
                               "rows": ["thing.name"], "columns": {"n": {"label": "Sum", "value": "SUM(lines.amount)"}}, "where": "subject <> \"\""},
        "prints/note.yaml": {"print": "demo.note", "form": "demo.note", "label": "Note", "order": ["head", "rows"], "blocks": {
            "head": {"block": "fields", "fields": ["number", "thing.name", "RMBCAP(version)"]},
            "rows": {"block": "table", "each": "lines", "columns": ["thing.code", "amount"]}}},
        "approvals.yaml": [{"approval": "demo.big", "label": "Big", "roles": ["clerk"]}],
    }  # fmt: skip


def faults_of(tmp_path: Path, files: dict[str, Any], load: Any = None) -> list[BadDefinition]:
    write_pack(tmp_path / "demo", a_pack(files, "clerk"))
    try:
        definitions = assemble([system_source(), read_pack(tmp_path / "demo")])
        build_catalogue(definitions, version=1)
    except Broken as broken:
        return broken.faults
    return []


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good pack with one place changed: `forms/note.yaml fields.thing.to`."""
    files = copy.deepcopy(good())
    file, _, place = path.partition(" ")
    node, keys = files[file], place.split(".")
    for key in keys[:-1]:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    if value is None:
        del node[keys[-1]]
    else:
        node[keys[-1]] = value
    return files


def test_the_pack_that_these_tests_break_is_whole(tmp_path: Path) -> None:
    assert faults_of(tmp_path, good()) == []


@pytest.mark.parametrize(("place", "value", "path", "words"), [
    ("forms/note.yaml fields.thing.to", "demo.nothing", "fields.thing.to", "no form demo.nothing"),
    ("forms/note.yaml fields.thing.type", "colour", "fields.thing.type", "no type colour"),
    ("forms/note.yaml fields.lines.fields.amount.type", "weight", "fields.lines.fields.amount.type", "no type weight"),
    ("forms/note.yaml fields.thing.colour", "red", "fields.thing.colour", "no such attribute"),
    ("forms/note.yaml fields.kind", {"type": "choice"}, "fields.kind.options", "has options"),
    ("forms/note.yaml fields.origin", {"type": "line", "to": "demo.note.rows"}, "fields.origin.to", "no lines demo.note.rows"),
    ("forms/note.yaml fields.thing.only", "flatt", "fields.thing.only", "no field flatt"),
    ("forms/note.yaml fields.left", {"type": "quantity", "balance": "demo.nothing.amount"}, "fields.left.balance", "no balance register demo.nothing"),
    ("forms/note.yaml fields.left", {"type": "quantity", "balance": {"register": "demo.count", "resource": "n", "key": {"thing": "thing"}}}, "fields.left.balance", "no resource n"),
    ("forms/note.yaml fields.left", {"type": "quantity", "balance": "demo.count.amount"}, "fields.left.balance.key", "no dimension of demo.count line"),
    ("forms/note.yaml fields.sum", {"type": "decimal", "formula": "SUM(lines.amont)"}, "sum.formula", "no field amont"),
    ("forms/note.yaml fields.sum", {"type": "decimal", "formula": "NOSUCH(1)"}, "sum.formula", "no function NOSUCH"),
    ("forms/note.yaml fields.subject.default", "1 +", "subject.default", "cannot be read"),
    ("forms/note.yaml order", ["subject", "nothing"], "order", "no field nothing"),
    ("forms/note.yaml fields.lines.order", ["nothing"], "fields.lines.order", "no field nothing"),
    ("forms/note.yaml sections.main.fields", ["nothing"], "sections.main.fields", "no field nothing"),
    ("forms/note.yaml views.all.columns", ["thing.nothing"], "views.all.columns", "no field thing.nothing"),
    ("forms/note.yaml views.all.sort", ["-nothing"], "views.all.sort", "no field nothing"),
    ("forms/note.yaml views.all.totals", ["nothing"], "views.all.totals", "no field nothing"),
    ("forms/note.yaml views.all.where", "nothing > 1", "views.all.where", "no field nothing"),
    ("forms/note.yaml views.all.where", "subject", "views.all.where", "types do not go together"),
    ("forms/note.yaml indexes.subject", ["nothing"], "indexes.subject", "no stored field nothing"),
    ("forms/note.yaml unique.both", ["lines"], "unique.both", "no stored field lines"),
    ("forms/note.yaml checks.fine.path", "nothing", "checks.fine.path", "no field nothing"),
    ("forms/note.yaml checks.fine.keep", "nothing", "subject.fine", "no field nothing"),
    ("forms/note.yaml number.pattern", "N{nothing}{0000}", "number.pattern", "no field nothing"),
    ("forms/note.yaml workflow", None, "workflow", "a document has a workflow"),
    ("forms/note.yaml workflow.start", "nothing", "workflow.start", "no state nothing"),
    ("forms/note.yaml workflow.states.draft.editable", ["nothing"], "workflow.states.draft.editable", "no field nothing"),
    ("forms/note.yaml workflow.transitions.confirm.from", ["nothing"], "workflow.transitions.confirm.from", "no state nothing"),
    ("forms/note.yaml workflow.transitions.confirm.to", "nothing", "workflow.transitions.confirm.to", "no state nothing"),
    ("forms/note.yaml workflow.transitions.confirm.approval", "demo.nothing", "workflow.transitions.confirm.approval", "no approval demo.nothing"),
    ("forms/note.yaml workflow.transitions.confirm.unused_by", ["demo.nothing"], "workflow.transitions.confirm.unused_by", "no form demo.nothing"),
    ("forms/note.yaml workflow.transitions.confirm.check", "nothing", "transitions.confirm.check", "no field nothing"),
    ("forms/note.yaml postings.moved.register", "demo.nothing", "postings.moved.register", "no balance register demo.nothing"),
    ("forms/note.yaml postings.moved.while", ["nothing"], "postings.moved.while", "no state nothing"),
    ("forms/note.yaml postings.moved.each", "rows", "postings.moved.each", "no lines field rows"),
    ("forms/note.yaml postings.moved.dimensions", {"nothing": "thing"}, "postings.moved.dimensions", "no dimension of demo.count nothing"),
    ("forms/note.yaml postings.moved.resources", {"nothing": "1"}, "postings.moved.resources", "no resource of demo.count nothing"),
    ("forms/note.yaml postings.moved.compute", "nothing", "postings.moved.compute", "no @compute function demo.nothing"),
    ("forms/note.yaml postings.moved.carry", "nothing", "postings.moved.carry", "no posting nothing"),
    ("forms/note.yaml conversions.again.to", "demo.nothing", "conversions.again.to", "no form demo.nothing"),
    ("forms/note.yaml conversions.again.copy", {"nothing": "1"}, "conversions.again.copy.nothing", "no field nothing"),
    ("forms/note.yaml conversions.again.states", ["nothing"], "conversions.again.states", "no state nothing"),
    ("forms/note.yaml conversions.again.open", "nothing", "conversions.again.open", "no field nothing"),
    ("forms/note.yaml grants.nobody", {"actions": []}, "grants.nobody", "no role nobody"),
    ("forms/note.yaml grants.clerk.actions", ["fly"], "grants.clerk.actions", "no action fly"),
    ("forms/note.yaml grants.clerk.fields", {"nothing": "none"}, "grants.clerk.fields.nothing", "no field nothing"),
    ("forms/note.yaml grants.clerk.rows", "nothing = 1", "grants.clerk.rows", "no field nothing"),
    ("forms/thing.yaml fields.code", None, "fields.code", "a code and a name"),
    ("forms/thing.yaml form", "record.index", "", "belongs to the kernel"),
    ("registers/count.yaml dimensions.thing.to", "demo.nothing", "dimensions.thing.to", "no form demo.nothing"),
    ("registers/count.yaml dimensions.date", {"type": "date"}, "date", "column of every register"),
    ("registers/count.yaml grants.clerk.actions", ["update"], "grants.clerk.actions", "no action update"),
    ("registers/count.yaml grants.clerk.rows", "nothing = 1", "grants.clerk.rows", "no field nothing"),
    ("registers/count.yaml grants.clerk.fields", {"nothing": "none"}, "grants.clerk.fields", "nothing"),
    ("registers/count.yaml limits.enough.keep", "nothing >= 0", "postings.moved", "no field nothing"),
    ("registers/count.yaml rollups", {"1h": {"keep": "2d"}}, "kind", "no roll-ups"),
    ("registers/count.yaml kind", "series", "kind", "a series has no balance"),
    ("reports/count.yaml register", "demo.nothing", "register", "no balance register demo.nothing"),
    ("reports/count.yaml reading", None, "reading", "write reading"),
    ("reports/count.yaml rows", ["nothing"], "rows", "no dimension nothing"),
    ("reports/count.yaml columns.came.value", "amount.nothing", "columns.came.value", "no field"),
    ("reports/count.yaml parameters.from", None, "parameters", "from"),
    ("reports/count.yaml sort", ["nothing"], "sort", "no column and no row"),
    ("reports/count.yaml grants.nobody", {"actions": ["read"]}, "grants.nobody", "no role nobody"),
    ("reports/notes.yaml form", "demo.nothing", "form", "no form demo.nothing"),
    ("reports/notes.yaml form", None, "form", "a form or a register"),
    ("reports/notes.yaml rows", ["nothing"], "rows", "no field nothing"),
    ("reports/notes.yaml where", "nothing", "where", "no field nothing"),
    ("reports/notes.yaml columns.n.value", "nothing", "columns.n.value", "no field nothing"),
    ("reports/notes.yaml parameters.at.default", "NOSUCH()", "parameters.at.default", "no function NOSUCH"),
    ("reports/notes.yaml parameters.at.type", "colour", "parameters.at.type", "no type colour"),
    ("prints/note.yaml form", "demo.nothing", "form", "no form demo.nothing"),
    ("prints/note.yaml order", ["nothing"], "order", "no block nothing"),
    ("prints/note.yaml blocks.head.fields", ["nothing"], "blocks.head.fields", "no field nothing"),
    ("prints/note.yaml blocks.rows.columns", ["nothing"], "blocks.rows.columns", "no field lines.nothing"),
    ("prints/note.yaml blocks.rows.each", "rows", "blocks.rows.each", "no lines field rows"),
    ("approvals.yaml 0.roles", ["nobody"], "roles", "no role nobody"),
])  # fmt: skip
def test_a_name_that_nothing_has_is_told_with_file_and_path(tmp_path: Path, place: str, value: Any, path: str, words: str) -> None:
    faults = faults_of(tmp_path, changed(place, value))
    assert faults, "this pack is not whole"
    file = "demo/" + place.partition(" ")[0]
    assert any(words in fault.sentence and (path in (fault.path, "postings.moved")) for fault in faults), [*map(str, faults)]
    if path != "postings.moved":        # a limit is compiled with the posting that fills the register
        assert any(fault.file.endswith(file) for fault in faults if words in fault.sentence), [*map(str, faults)]


@pytest.mark.parametrize(("name", "text", "words"), [
    ("forms/note.yaml", "form: [", "this is not YAML"),
    ("forms/note.yaml", "form: demo.note\nform: demo.note\n", "stands twice"),
    ("forms/note.yaml", "- a list", "a definition begins with form"),
    ("forms/note.yaml", "form: 5", "a definition begins with form"),
    ("forms/note.yaml", "form: demo.note", "obligatory"),
    ("pack.yaml", {"pack": "demo", "label": "Demo"}, "obligatory"),
    ("pack.yaml", {"pack": "demo", "label": "Demo", "version": "1", "requires": ["nothing"]}, "install the pack nothing first"),
    ("pack.yaml", {"pack": "demo", "label": "Demo", "version": "1", "requires": "nothing"}, "install the pack nothing first"),
    ("extends/x.yaml", {"extends": "demo.nothing", "set": {}}, "no form demo.nothing"),
    ("extends/x.yaml", {"set": {}}, "name the form"),
    ("extends/x.yaml", {"extends": "demo.note", "sets": {}}, "no change of a form"),
    ("data/x.yaml", {"form": "demo.thing"}, "write form: and records:"),
])
def test_a_file_that_says_nothing_sensible_is_named(tmp_path: Path, name: str, text: Any, words: str) -> None:
    faults = faults_of(tmp_path, good() | {name: text})
    assert any(words in fault.sentence and name.rpartition("/")[2] in fault.file for fault in faults), [*map(str, faults)]


def test_all_faults_of_a_pack_are_told_at_once(tmp_path: Path) -> None:
    files = good()
    files["forms/note.yaml"]["order"] = ["nothing"]
    files["forms/thing.yaml"]["order"] = ["nothing"]
    files["prints/note.yaml"]["order"] = ["nothing"]
    assert len(faults_of(tmp_path, files)) == 3


def test_names_too_long_for_the_database_still_get_tables_of_their_own(tmp_path: Path) -> None:
    long = "a" * 30
    files = good() | {f"forms/{key}.yaml": document(f"{long}{'b' * 20}{key}", {f"{'c' * 38}{part}": {"type": "lines", "fields": {"x": {"type": "text"}}}
                                                                          for part in "yz"}) for key in ("one", "two")}
    write_pack(tmp_path / "demo", a_pack(files, "clerk"))
    catalogue = build_catalogue(assemble([system_source(), read_pack(tmp_path / "demo")]), version=1)
    tables = [table.table.strip('"') for form in catalogue.forms.values() for table in form.lines.values()]
    assert len(set(tables)) == len(tables) and max(map(len, tables)) <= 63
