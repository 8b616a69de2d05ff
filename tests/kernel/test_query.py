"""Lists, typeahead and search: what is found, in which order, and what nobody finds who may not see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_site import Small, document, master, small_site

from anlan.kernel import query, record
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query, words

THING = master(
    "thing",
    {"cost": {"type": "money"}, "kind": {"type": "text"}, "weight": {"type": "decimal"}},
    grants={"clerk": {"actions": ["read"], "fields": {"cost": "none"}}},
)
NOTE = document(
    "note",
    {
        "subject": {"type": "text"},
        "date": {"type": "date"},
        "points": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "tags": {"type": "multi_choice", "options": {"a": "A", "b": "B"}},
        "thing": {"type": "link", "to": "demo.thing"},
        "about": {"type": "reference"},
        "scan": {"type": "file"},
        "secret_rate": {"type": "decimal"},
        "lines": {"type": "lines", "fields": {
            "thing": {"type": "link", "to": "demo.thing"}, "amount": {"type": "quantity"}, "margin": {"type": "money"}}},
        "total": {"type": "quantity", "formula": "SUM(lines.amount)"},
        "late": {"type": "boolean", "formula": "date < TODAY()", "stored": False},
    },
    grants={
        "clerk": {"actions": ["*"], "fields": {"secret_rate": "none", "lines.margin": "none"}},
        "guest": {"actions": ["read"], "rows": 'created_by = USER()'},
        "heir": {"actions": ["read"], "rows": 'AND(thing.kind = "open", SUM(lines.amount) > 0)'},
        "maker": {"actions": ["create"]},
    },
    postings={"moved": {"while": ["confirmed"], "register": "demo.count", "each": "lines",
                        "dimensions": {"thing": "lines.thing"}, "resources": {"amount": "lines.amount"}}},
)
NOTE["fields"]["thing"]["only"] = 'kind <> "shut"'
NOTE["fields"]["moved"] = {"type": "quantity", "balance": {"register": "demo.count", "resource": "amount", "key": {"thing": "thing"}}}
COUNT = {"register": "demo.count", "kind": "balance", "label": "Count",
         "dimensions": {"thing": {"type": "link", "to": "demo.thing"}}, "resources": {"amount": {"type": "quantity"}}}


@pytest.fixture(scope="module")
def made(address: str) -> Iterator[Small]:
    files = {"forms/thing.yaml": THING, "forms/note.yaml": NOTE, "registers/count.yaml": COUNT}
    people = {"clara": ["clerk"], "gustav": ["guest"], "heidi": ["heir"], "mary": ["maker"], "nobody": []}
    with small_site(address, files, people=people, roles=("clerk", "guest", "heir", "maker")) as site:
        for code, name, kind, cost in (("B1", "螺栓 M8", "open", "5"), ("B2", "螺母", "open", "7"), ("C1", "Washer", "shut", "9")):
            record.create(site.ctx(), "demo.thing", {"code": code, "name": name, "kind": kind, "cost": cost})
        record.create(site.ctx("clara"), "demo.note", note("first", 1, "B1", [("B1", "3"), ("B2", "4")], date="2026-11-01"))
        record.create(site.ctx("clara"), "demo.note", note("second", 2, "C1", [("C1", "0.5")], urgent=True, tags=["a"]))
        record.create(site.ctx("clara"), "demo.note", note(None, None, None, []))
        yield site


def note(subject: str | None, points: int | None, thing: str | None, lines: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    return {"subject": subject, "points": points, "thing": thing, "secret_rate": "2",
            "lines": [{"thing": code, "amount": amount, "margin": "1"} for code, amount in lines], **more}


def subjects(made: Small, where: str | None = None, login: str | None = None, **more: Any) -> list[Any]:
    asked = Query(where=where, fields=["subject"], sort=more.pop("sort", ["subject"]), **more)
    return [row["subject"] for row in query.records(made.ctx(login), "demo.note", asked)["data"]]


def refused(made: Small, form: str = "demo.note", login: str | None = None, **asked: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        query.records(made.ctx(login), form, Query(**asked))
    return caught.value


@pytest.mark.parametrize(("where", "found"), [
    (None, [None, "first", "second"]),
    ("", [None, "first", "second"]),
    ("points > 1", ["second"]),
    ("points < 2", [None, "first"]),                                # a blank number is 0
    ('AND(subject = "first", thing.code = "B1")', ["first"]),
    ("thing.cost > 6", ["second"]),
    ('created_by.code = "clara"', [None, "first", "second"]),
    ("SUM(lines.amount) > 5", ["first"]),
    ("COUNT(lines.amount) = 0", [None]),
    ('COUNTIF(lines.thing.code, "B2") = 1', ["first"]),
    ("ISBLANK(thing)", [None]),
    ("urgent", ["second"]),
    ("NOT(urgent)", [None, "first"]),
    ("late", ["first"]),
    ("moved = 0", [None, "first", "second"]),
    ('thing = "B1"', ["first"]),                                    # a link beside a text is its code
    ('ISBLANK(scan)', [None, "first", "second"]),
    ("date = DATE(2026, 11, 1)", ["first"]),
    ("1 / points > 0.6", ["first"]),                                # an error value is no hit
    ('subject = "😀"', []),
    ("points = 10 ^ 30", []),
    ('state = "draft"', [None, "first", "second"]),
])
def test_filters_find_what_they_say_over_fields_links_lines_and_balances(made: Small, where: str | None, found: list[Any]) -> None:
    assert subjects(made, where) == found


@pytest.mark.parametrize("where", [
    "nothing > 1", "points +", "points", "FOO(1)", "SUM(points, ", '"a" + 1', "lines.amount > 1", "thing > 1", "(" * 100 + "1" + ")" * 100 + " = 1",
    "1" + "+1" * 5000 + " = 1", "points > 1" + " " * 9000, "REPT(subject, 999999) = \"a\"", "9 ^ 9 ^ 9 ^ 9 > points",
    "subject = \"a\x00\"", "tags = \"a\"", "about = 1", "version.x = 1", "id = 5",
])
def test_a_filter_that_is_wrong_is_refused_with_422(made: Small, where: str) -> None:
    try:
        subjects(made, where)
    except Refused as answer:
        assert answer.status == 422
        assert answer.faults[0].path == "where"


@pytest.mark.parametrize(("where", "sort"), [
    ("secret_rate > 1", []), ("SUM(lines.margin) > 0", []), ("thing.cost > 5", []), ('COUNTIF(lines.thing.cost, ">5") > 0', []),
    (None, ["secret_rate"]), (None, ["-thing.cost"]),
])
def test_what_is_hidden_cannot_be_guessed_by_filter_or_sort(made: Small, where: str | None, sort: list[str]) -> None:
    answer = refused(made, login="clara", where=where, sort=sort)
    assert (answer.status, answer.code) == (422, "formula.unknown_field")


def test_a_form_that_the_caller_may_not_read_shows_only_code_and_name_to_his_filters(made: Small) -> None:
    assert refused(made, login="gustav", where='thing.kind = "open"').code == "formula.unknown_field"
    assert subjects(made, 'thing.code = "B1"', "gustav") == []


def test_a_hidden_field_is_not_in_the_answer(made: Small) -> None:
    page = query.records(made.ctx("clara"), "demo.note", Query(fields=["subject", "secret_rate", "lines"], where='subject = "first"'))
    row = page["data"][0]
    assert "secret_rate" not in row
    assert [sorted(line) for line in row["lines"]] == [["amount", "id", "thing"]] * 2


def test_row_rules_hold_in_lists_counts_totals_search_and_recent_records(made: Small) -> None:
    assert subjects(made, login="gustav") == []
    assert subjects(made, login="heidi") == ["first"]
    ctx = made.ctx("heidi")
    assert query.records(ctx, "demo.note", Query(count="exact"))["count"] == 1
    assert query.totals(ctx, "demo.note", Query(), ["total"]) == {"total": "7"}
    key = query.records(made.ctx(), "demo.note", Query(where='subject = "second"'))["data"][0]["id"]
    assert [hit["id"] for hit in query.search(made.ctx(), "second") if hit["form"] == "demo.note"] in ([key], [])
    made.run("UPDATE record_index SET tokens = 'second'::tsvector WHERE id = $1", key)
    assert [hit["id"] for hit in query.search(made.ctx(), "second")] == [key]
    assert query.search(made.ctx("heidi"), "second") == []
    assert query.search(made.ctx("gustav"), "second") == []
    assert query.recent(made.ctx("gustav")) == []


def test_who_has_no_grant_is_refused(made: Small) -> None:
    assert refused(made, login="nobody").status == 403
    with pytest.raises(Refused, match="403"):
        query.totals(made.ctx("nobody"), "demo.note", Query(), ["total"])
    with pytest.raises(Refused, match="403"):
        query.suggest(made.ctx("nobody"), "demo.thing", "B")
    assert query.search(made.ctx("nobody"), "B1") == []


def test_records_of_other_companies_are_not_found(made: Small) -> None:
    made.person("sidney", "clerk", company="SIDE")
    assert subjects(made, login="sidney") == []
    assert [row["code"] for row in query.suggest(made.ctx("sidney"), "demo.thing", "B")] == ["B1", "B2"]


def test_an_unknown_form_is_not_found_and_an_unknown_field_refused(made: Small) -> None:
    assert refused(made, "demo.nothing").status == 404
    assert refused(made, fields=["nothing"]).status == 422
    assert refused(made, limit=0).status == 422
    assert refused(made, limit=501).status == 422


@pytest.mark.parametrize("sort", [["nothing"], ["tags"], ["scan"], ["about"], ["lines"], ["points + 1"], ["--points"], ["1; DROP"], ["points"] * 9,
                                  ["lines.amount"], ["thing.code.x"], [""]])
def test_a_sort_that_has_no_order_is_refused(made: Small, sort: list[str]) -> None:
    answer = refused(made, sort=sort)
    assert (answer.status, answer.faults[0].path) == (422, "sort")


@pytest.mark.parametrize("sort", [["points"], ["-points"], ["thing"], ["-thing.code", "date"], ["late"], ["-moved", "subject"], ["state", "-date"],
                                  ["-created_at"], ["urgent"], ["number"], ["-id"], ["total"], ["created_by"], []])
def test_pages_of_one_row_go_through_the_whole_list_in_its_order(made: Small, sort: list[str]) -> None:
    whole = [row["id"] for row in query.records(made.ctx(), "demo.note", Query(sort=sort))["data"]]
    assert paged(made, sort, 1) == whole
    assert len(set(whole)) == len(whole) >= 3


def paged(made: Small, sort: list[str], limit: int, where: str | None = None) -> list[str]:
    found: list[str] = []
    after = None
    for _ in range(200):
        page = query.records(made.ctx(), "demo.note", Query(where=where, sort=sort, limit=limit, after=after, fields=["subject"]))
        found += [row["id"] for row in page["data"]]
        after = page["next"]
        if after is None:
            return found
    raise AssertionError("the list does not end")


VALUES = st.fixed_dictionaries({
    "subject": st.sampled_from([None, "a", "b", "Ä", "中"]), "points": st.sampled_from([None, -1, 0, 3]),
    "urgent": st.sampled_from([None, True, False]), "date": st.sampled_from([None, "2026-01-01", "2026-02-01"]),
})  # fmt: skip
KEYS = st.lists(st.tuples(st.sampled_from(["subject", "points", "urgent", "date"]), st.booleans()), min_size=1, max_size=3, unique_by=lambda key: key[0])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(VALUES, min_size=1, max_size=12), keys=KEYS, limit=st.integers(1, 4))
def test_pages_never_overlap_and_lose_nothing_whatever_is_blank(made: Small, rows: list[dict[str, Any]], keys: list[tuple[str, bool]], limit: int) -> None:
    ids = [row["id"] for row in record.create_many(made.ctx(), "demo.note", rows)]
    by_id = dict(zip(ids, rows, strict=True))
    sort = [("-" if down else "") + key for key, down in keys]
    found = [key for key in paged(made, sort, limit) if key in by_id]
    made.run("DELETE FROM demo_note WHERE id = ANY($1::uuid[])", ids)
    wanted = sorted(ids, reverse=keys[-1][1])
    for key, down in reversed(keys):        # blanks first ascending, last descending
        wanted.sort(key=lambda one, key=key: (by_id[one][key] is not None, by_id[one][key] if by_id[one][key] is not None else 0), reverse=down)
    assert found == wanted


def test_a_cursor_of_another_sort_or_a_made_up_one_is_refused(made: Small) -> None:
    cursor = query.records(made.ctx(), "demo.note", Query(sort=["points"], limit=1))["next"]
    for sort, after in ((["-points"], cursor), (["date"], cursor), (["points"], cursor[:-3]), (["points"], "xx"), (["points"], "é"), (["points"], cursor + "\x00")):
        answer = refused(made, sort=sort, after=after)
        assert (answer.status, answer.code) == (422, "bad_cursor")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.one_of(st.none(), st.text(max_size=12), st.integers(), st.booleans(), st.just("2026-99-01"), st.just("1e5"), st.just("NaN")),
                       min_size=2, max_size=2), sort=st.sampled_from(["points", "date", "urgent", "subject", "created_at", "total"]))
def test_values_of_a_forged_cursor_never_break_the_statement(made: Small, values: list[Any], sort: str) -> None:
    import base64

    cursor = query.records(made.ctx(), "demo.note", Query(sort=[sort], limit=1))["next"]
    mark = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    forged = base64.urlsafe_b64encode(json.dumps([mark, *values]).encode()).decode().rstrip("=")
    try:
        query.records(made.ctx(), "demo.note", Query(sort=[sort], after=forged))
    except Refused as answer:
        assert (answer.status, answer.code) == (422, "bad_cursor")


def test_users_and_linked_records_in_a_list_have_codes_and_labels(made: Small) -> None:
    row = query.records(made.ctx(), "demo.note", Query(where='subject = "first"'))["data"][0]
    assert (row["created_by"]["code"], row["created_by"]["label"]) == ("clara", "Clara")
    assert (row["thing"]["code"], row["thing"]["label"]) == ("B1", "螺栓 M8")
    assert (row["company"]["code"], row["total"], row["moved"], row["late"]) == ("MAIN", "7", "0", True)


def test_labels_of_a_page_are_not_taken_for_whole_rows_by_a_write_in_the_same_transaction(made: Small) -> None:
    ctx = made.ctx()

    def work() -> Any:
        query.records(ctx, "demo.note", Query())
        return record.create(ctx, "demo.note", {"subject": "later", "thing": "B1"})

    created = ctx.atomically(work)
    assert created["thing"]["label"] == "螺栓 M8"
    record.delete(made.ctx(), "demo.note", created["id"])


def test_search_finds_numbers_by_their_beginning_and_names_by_words_and_initials(made: Small) -> None:
    def codes(text: str) -> list[str]:
        return [hit["code"] for hit in query.search(made.ctx(), text)]

    assert codes("b1") == ["B1"]
    assert codes("螺栓") == ["B1"]
    assert set(codes("螺")) == {"B1", "B2"}
    assert codes("lm") == ["B2"]
    assert codes("wash") == ["C1"]
    for text in ("", "  ", "\x00", "😀", "'", "\\", "a" * 5000, "' | '", ":*", "\ud800"):
        assert isinstance(query.search(made.ctx(), text), list)
        assert isinstance(query.suggest(made.ctx(), "demo.thing", text), list)
        assert isinstance(query.records(made.ctx(), "demo.thing", Query(search=text))["data"], list)


def test_words_that_very_many_records_have_find_the_same_without_being_gathered(
    made: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(text: str) -> Any:
        listed = query.records(made.ctx(), "demo.thing", Query(search=text, sort=["code"]))["data"]
        return [one["code"] for one in listed], query.suggest(made.ctx(), "demo.thing", text), query.search(made.ctx(), text)

    texts = ("螺", "wash", "b1", "nothing")
    before = [found(text) for text in texts]
    monkeypatch.setattr(words, "COMMON", 1)
    monkeypatch.setattr(words, "SAMPLED", "SELECT count(*) AS hits FROM record_index i TABLESAMPLE SYSTEM (100)")
    ctx = made.ctx()
    assert ctx.atomically(lambda: words.look_up(ctx, "螺", "demo.thing")).words is None
    assert ctx.atomically(lambda: words.look_up(ctx, "nothing", "demo.thing")).words == []
    assert [found(text) for text in texts] == before
    assert before[0][0] == ["B1", "B2"] and before[3][0] == []


def test_typeahead_finds_codes_first_then_words_and_initials(made: Small) -> None:
    def codes(text: str, **more: Any) -> list[str]:
        return [hit["code"] for hit in query.suggest(made.ctx(), "demo.thing", text, **more)]

    assert codes("") == ["B1", "B2", "C1"]
    assert codes("b") == ["B1", "B2"]
    assert codes("螺母") == ["B2"]
    assert codes("ls") == ["B1"]
    assert codes("", limit=1) == ["B1"]
    assert codes("", only='kind = "shut"') == ["C1"]
    assert codes("", field="demo.note/thing") == ["B1", "B2"]


def test_who_may_make_the_record_may_choose_from_what_he_may_not_read(made: Small) -> None:
    assert [hit["label"] for hit in query.suggest(made.ctx("mary"), "demo.thing", "B1", field="demo.note/thing")] == ["螺栓 M8"]
    with pytest.raises(Refused, match="403"):
        query.suggest(made.ctx("mary"), "demo.thing", "B1")
    with pytest.raises(Refused, match="403"):
        query.suggest(made.ctx("gustav"), "demo.thing", "B1", field="demo.note/thing")
    for field in ("demo.note/nothing", "demo.note/subject", "demo.note"):
        with pytest.raises(Refused) as caught:
            query.suggest(made.ctx("mary"), "demo.thing", "B1", field=field)
        assert caught.value.status in (404, 422)
    with pytest.raises(Refused) as caught:
        query.suggest(made.ctx("clara"), "demo.thing", "", only="cost > 6")
    assert caught.value.code == "formula.unknown_field"


def test_counts_are_exact_or_estimated_over_the_whole_filter(made: Small) -> None:
    asked = Query(where="points > 0", limit=1)
    assert query.records(made.ctx(), "demo.note", asked)["count"] is None
    assert query.records(made.ctx(), "demo.note", asked._replace(count="exact"))["count"] == 2
    assert query.records(made.ctx(), "demo.note", asked._replace(count="estimate"))["count"] == 2


def test_totals_add_up_the_whole_filter_and_leave_out_what_is_hidden(made: Small) -> None:
    found = query.totals(made.ctx("clara"), "demo.note", Query(where="points > 0", limit=1), ["total", "points", "secret_rate", "subject", "nothing"])
    assert found == {"total": "7.5", "points": 3} or {key: Decimal(str(value)) for key, value in found.items()} == {
        "total": Decimal("7.5"), "points": Decimal(3)}


STATEMENTS = {
    "list": 3,                                      # versions, page, labels
    "list, filtered and sorted by links": 3,
    "list with lines": 5,                           # and heads, lines, their links
    "list with search and count": 5,
}


def test_the_number_of_statements_of_a_page_does_not_grow_with_its_rows(made: Small) -> None:
    cases = {
        "list": Query(), "list, filtered and sorted by links": Query(where='thing.kind = "open"', sort=["-thing", "date"]),
        "list with lines": Query(fields=["subject", "lines"]), "list with search and count": Query(search="first", count="exact"),
    }
    for rows in (1, 30):
        record.create_many(made.ctx(), "demo.note", [note(f"many {place}", place, "B1", [("B1", "1")]) for place in range(rows)])
        for name, asked in cases.items():
            ctx = made.ctx("clara")
            query.records(ctx, "demo.note", asked)
            with made.counted() as seen:
                query.records(ctx, "demo.note", asked)
            assert len(seen) <= STATEMENTS[name] <= 8, (name, seen)
