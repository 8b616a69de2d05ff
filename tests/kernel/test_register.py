"""Reading registers: whatever day is asked for, with period totals or without, the answer is what a scan of the movements gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_site import Small, document, master, small_site

from anlan.kernel import describe, record, register, report
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query

PLAIN = {
    "register": "demo.plain", "label": "Plain",
    "dimensions": {"company": {"type": "link", "to": "system.company"}, "thing": {"type": "link", "to": "demo.thing"},
                   "word": {"type": "text"}, "line": {"type": "line", "to": "demo.move.lines"}},
    "resources": {"amount": {"type": "quantity"}, "worth": {"type": "money"}},
    "grants": {"clerk": {"actions": ["read"]}, "guest": {"actions": ["read"], "rows": 'thing.code = "A"', "fields": {"worth": "none", "line": "none"}}},
}  # fmt: skip
MONTHS = {**PLAIN, "register": "demo.months", "periods": "month"}
POSTING = {"while": ["confirmed"], "each": "lines", "dimensions": {"company": "company", "thing": "lines.thing", "word": "lines.word", "line": "lines.id"},
           "resources": {"amount": "lines.amount", "worth": "lines.amount * 2"}}


def reports() -> dict[str, Any]:
    sums = {"columns": {"amount": {"label": "Amount", "value": "amount", "total": True}, "name": {"label": "Name", "value": "thing.name"}}, "rows": ["thing"]}
    days = {"from": {"type": "date", "label": "From"}, "to": {"type": "date", "label": "To"}}
    turned = {"columns": {"came": {"label": "In", "value": "amount.in", "total": True}, "left": {"label": "Left", "value": "amount.closing"},
                          "share": {"label": "Share", "value": "amount.in / amount.opening"}}, "rows": ["thing"]}
    found = {
        "balance": {"register": "demo.months", "reading": "balance", "parameters": {"at": {"type": "date", "label": "At"}}, **sums},
        "moves": {"register": "demo.plain", "reading": "movements", "parameters": days, **sums, "rows": ["date", "thing"], "sort": ["-date"]},
        "turnover": {"register": "demo.months", "reading": "turnover", **turned, "where": 'thing.code <> "C"', "sort": ["-left"],
                     "parameters": {**days, "thing": {"type": "link", "to": "demo.thing", "label": "Thing"}}},
        "form": {"form": "demo.move", "rows": ["state"], "where": 'least <= total',
                 "parameters": {"least": {"type": "decimal", "label": "Least", "default": "1 + 0"}, "word": {"type": "text", "label": "Word", "required": True}},
                 "columns": {"total": {"label": "Total", "value": "total", "total": True}, "day": {"label": "Day", "value": "date"}}},
    }
    grants = {"reader": {"actions": ["read"]}, "clerk": {"actions": ["read"]}, "guest": {"actions": ["read"]}}
    return {f"reports/{key}.yaml": {"report": f"demo.{key}", "label": key.title(), "grants": grants, **one} for key, one in found.items()}


@pytest.fixture(scope="module")
def made(address: str) -> Iterator[Small]:
    move = document(
        "move", {"date": {"type": "date"}, "lines": {"type": "lines", "fields": {
            "thing": {"type": "link", "to": "demo.thing"}, "word": {"type": "text"}, "amount": {"type": "quantity"}}},
            "total": {"type": "quantity", "formula": "SUM(lines.amount)"}},
        postings={"plain": {**POSTING, "register": "demo.plain"}, "months": {**POSTING, "register": "demo.months"}},
        grants={"clerk": {"actions": ["*"]}, "guest": {"actions": ["read"], "rows": "total > 100"}})
    files = {"forms/thing.yaml": master("thing"), "forms/move.yaml": move, "registers/plain.yaml": PLAIN, "registers/months.yaml": MONTHS, **reports()}
    people = {"clara": ["clerk"], "gustav": ["guest"], "rita": ["reader"], "nobody": []}
    with small_site(address, files, people=people, roles=("clerk", "guest", "reader")) as site:
        for code in "ABC":
            record.create(site.ctx(), "demo.thing", {"code": code, "name": f"Thing {code}"})
        yield site


@pytest.fixture
def moved(made: Small) -> Iterator[Small]:
    """A few movements around two ends of months."""
    post(made, "2026-09-30", [("A", "5", "x"), ("B", "3", None)])
    post(made, "2026-10-01", [("A", "-2", "x")])
    post(made, "2026-10-31", [("A", "4", "y"), ("C", "1", None)])
    post(made, "2026-11-10", [("B", "-3", None)])
    yield made
    clear(made)


def post(made: Small, day: str, lines: list[tuple[str, str, str | None]], *, company: str = "MAIN", cancel: bool = False) -> str:
    values = {"date": day, "company": company, "lines": [{"thing": thing, "amount": amount, "word": word} for thing, amount, word in lines]}
    key: str = record.create(made.ctx(), "demo.move", values)["id"]
    record.step(made.ctx(), "demo.move", key, "confirm")
    if cancel:
        record.step(made.ctx(), "demo.move", key, "cancel")
    return key


def clear(made: Small) -> None:
    for name in ("plain", "months"):
        made.run(f"DELETE FROM demo_{name}_reg__movement")
        made.run(f"DELETE FROM demo_{name}_reg__balance")
    made.run("DELETE FROM demo_months_reg__period")
    made.run("DELETE FROM demo_move")


def amounts(found: dict[str, Any], *keys: str) -> dict[Any, Any]:
    def part(row: dict[str, Any], key: str) -> Any:
        return row[key]["code"] if isinstance(row[key], dict) else row[key]

    return {tuple(part(row, key) for key in keys) if len(keys) != 1 else part(row, keys[0]): row["amount"] for row in found["data"]}


def refused(call: Any, *args: Any, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value


@pytest.mark.parametrize("name", ["demo.plain", "demo.months"])
@pytest.mark.parametrize(("at", "found"), [
    (None, {"A": "7", "C": "1"}), ("2026-09-29", {}), ("2026-09-30", {"A": "5", "B": "3"}), ("2026-10-01", {"A": "3", "B": "3"}),
    ("2026-10-30", {"A": "3", "B": "3"}), ("2026-10-31", {"A": "7", "B": "3", "C": "1"}), ("2026-11-10", {"A": "7", "C": "1"}), ("2030-01-01", {"A": "7", "C": "1"}),
    ("2026-10-31T15:59:59Z", {"A": "7", "B": "3", "C": "1"}), ("2026-10-30T16:00:00Z", {"A": "7", "B": "3", "C": "1"}), ("1999-01-01", {}),
])
def test_a_balance_of_any_day_counts_what_was_moved_until_its_end(moved: Small, name: str, at: str | None, found: dict[str, str]) -> None:
    assert amounts(register.balance(moved.ctx(), name, at=at, by=["thing"]), "thing") == found


def test_balances_are_grouped_filtered_and_shown_with_labels_and_none(moved: Small) -> None:
    ctx = moved.ctx()
    assert amounts(register.balance(ctx, "demo.plain", by=["word", "thing"]), "thing", "word") == {("A", "x"): "3", ("A", "y"): "4", ("C", None): "1"}
    assert amounts(register.balance(ctx, "demo.plain", by=["thing"], where='word = "x"'), "thing") == {"A": "3"}
    assert amounts(register.balance(ctx, "demo.plain", by=["thing"], where='thing.name = "Thing C"'), "thing") == {"C": "1"}
    assert amounts(register.balance(ctx, "demo.plain", by=["thing"], zero=True), "thing") == {"A": "7", "B": "0", "C": "1"}
    row = register.balance(ctx, "demo.plain", where='word = "y"')["data"][0]
    assert (row["thing"]["label"], row["company"]["code"], row["worth"]) == ("Thing A", "MAIN", "8.00")
    assert row["line"]["label"].endswith("#1")


@pytest.mark.parametrize("name", ["demo.plain", "demo.months"])
@pytest.mark.parametrize(("first", "last", "a"), [
    ("2026-10-01", "2026-10-31", ("5", "4", "2", "7")), ("2026-10-02", "2026-10-30", ("3", "0", "0", "3")), ("2026-09-15", "2026-11-15", ("0", "9", "2", "7")),
    ("2026-10-31", "2026-10-31", ("3", "4", "0", "7")), ("2020-01-01", "2026-12-31", ("0", "9", "2", "7")),
])
def test_a_turnover_has_opening_in_out_and_closing(moved: Small, name: str, first: str, last: str, a: tuple[str, ...]) -> None:
    data = register.turnover(moved.ctx(), name, first, last, by=["thing"])["data"]
    found = next(row["amount"] for row in data if row["thing"]["code"] == "A")
    assert (found["opening"], found["in"], found["out"], found["closing"]) == a


MOVES = st.lists(
    st.tuples(st.dates(date(2025, 8, 1), date(2026, 12, 31)), st.sampled_from("ABC"), st.integers(-5, 5), st.sampled_from([None, "x"]), st.booleans()),
    min_size=1, max_size=8)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, day=st.dates(date(2025, 7, 1), date(2027, 2, 1)), span=st.integers(0, 120))
def test_balances_and_turnovers_equal_a_scan_of_the_movements(
    made: Small, moves: list[tuple[date, str, int, str | None, bool]], day: date, span: int,
) -> None:
    clear(made)
    for when, thing, amount, word, cancel in moves:
        post(made, when.isoformat(), [(thing, str(amount), word)], cancel=cancel)
    last = day + timedelta(days=span)
    scanned = {name: made.run(f'SELECT t.code, m.date, m.amount FROM demo_{name}_reg__movement m JOIN demo_thing t ON t.id = m.thing') for name in ("plain", "months")}
    for name, rows in scanned.items():
        wanted: dict[str, Decimal] = {}
        for code, when, amount in rows:
            wanted[code] = wanted.get(code, Decimal(0)) + (amount if when <= day else 0)
        found = amounts(register.balance(made.ctx(), f"demo.{name}", at=day.isoformat(), by=["thing"]), "thing")
        assert {key: Decimal(value) for key, value in found.items()} == {key: value for key, value in wanted.items() if value}
        turned = {row["thing"]["code"]: row["amount"] for row in register.turnover(made.ctx(), f"demo.{name}", day.isoformat(), last.isoformat(), by=["thing"])["data"]}
        for code in "ABC":
            opening = sum((amount for one, when, amount in rows if one == code and when < day), Decimal(0))
            within = [amount for one, when, amount in rows if one == code and day <= when <= last]
            came, went = sum(a for a in within if a > 0), -sum(a for a in within if a < 0)
            got = turned.get(code)
            assert (opening, came, went) == ((0, 0, 0) if got is None else tuple(Decimal(got[part]) for part in ("opening", "in", "out")))
    clear(made)


def test_movements_come_newest_first_in_pages_with_their_document(moved: Small) -> None:
    whole = register.movements(moved.ctx(), "demo.plain", Query())["data"]
    assert [(row["date"], row["thing"]["code"], row["amount"]) for row in whole][:2] == [("2026-11-10", "B", "-3"), ("2026-10-31", "C", "1")]
    assert whole[0]["document"]["form"] == "demo.move" and whole[0]["document"]["code"].startswith("M")
    found, after = [], None
    while True:
        page = register.movements(moved.ctx(), "demo.plain", Query(limit=2, after=after, count="exact"))
        found += page["data"]
        after = page["next"]
        if after is None:
            break
    assert found == whole and page["count"] == len(whole) == 6
    assert [row["amount"] for row in register.movements(moved.ctx(), "demo.plain", Query(where='AND(thing.code = "A", amount < 0, date > DATE(2026, 1, 1))'))["data"]] == ["-2"]


def test_companies_rows_and_hidden_figures_hold_in_every_reading(moved: Small) -> None:
    post(moved, "2026-10-05", [("A", "100", None)], company="SIDE")
    gustav = moved.ctx("gustav")
    balance = register.balance(gustav, "demo.months")["data"]
    assert {row["thing"]["code"] for row in balance} == {"A"} and all(not {"worth", "line"} & row.keys() for row in balance)
    assert sum(Decimal(row["amount"]) for row in balance) == 7
    turned = register.turnover(gustav, "demo.months", "2026-10-01", "2026-10-31")["data"]
    assert {row["thing"]["code"] for row in turned} == {"A"} and all("worth" not in row for row in turned)
    moves = register.movements(gustav, "demo.plain", Query())["data"]
    assert {row["thing"]["code"] for row in moves} == {"A"} and all("worth" not in row for row in moves) and len(moves) == 3
    for call, args, more in ((register.balance, ("demo.plain",), {"where": "worth > 1"}), (register.balance, ("demo.plain",), {"by": ["line"]}),
                             (register.turnover, ("demo.plain", "2026-10-01", "2026-10-31"), {"where": "worth > 1"}),
                             (register.movements, ("demo.plain", Query(where="worth > 1")), {})):
        assert refused(call, gustav, *args, **more).status == 422
    for login in ("nobody", "rita"):
        assert refused(register.balance, moved.ctx(login), "demo.plain").status == 403
        assert refused(register.movements, moved.ctx(login), "demo.plain", Query()).status == 403


@pytest.mark.parametrize("call", [
    lambda ctx: register.balance(ctx, "demo.plain", at="soon"), lambda ctx: register.balance(ctx, "demo.plain", at="0000-01-01"),
    lambda ctx: register.balance(ctx, "demo.plain", by=["nothing"]), lambda ctx: register.balance(ctx, "demo.plain", where="nothing = 1"),
    lambda ctx: register.balance(ctx, "demo.plain", where='id = "x"'), lambda ctx: register.balance(ctx, "demo.plain", where="9 ^ amount > 1"),
    lambda ctx: register.balance(ctx, "demo.plain", where="(" * 200), lambda ctx: register.balance(ctx, "demo.plain", where='word = "\x00"'),
    lambda ctx: register.turnover(ctx, "demo.plain", "2026-11-01", "2026-10-01"), lambda ctx: register.turnover(ctx, "demo.plain", "x", "2026-10-01"),
    lambda ctx: register.turnover(ctx, "demo.plain", "2026-10-01", "2026-10-31", where="amount > 1"),
    lambda ctx: register.movements(ctx, "demo.plain", Query(after="x")), lambda ctx: register.movements(ctx, "demo.plain", Query(sort=["amount"])),
    lambda ctx: register.movements(ctx, "demo.plain", Query(search="x")), lambda ctx: register.movements(ctx, "demo.plain", Query(limit=0)),
    lambda ctx: report.run(ctx, "demo.form", {}), lambda ctx: report.run(ctx, "demo.form", {"word": "w", "least": "much"}),
    lambda ctx: report.run(ctx, "demo.form", {"word": "w", "nothing": "1"}), lambda ctx: report.run(ctx, "demo.turnover", {}),
    lambda ctx: report.run(ctx, "demo.turnover", {"from": "2026-10-01", "to": "2026-10-31", "thing": "nothing"}),
    lambda ctx: report.run(ctx, "demo.balance", {"at": "2026-13-01"}), lambda ctx: report.run(ctx, "demo.form", {"word": "\x00", "least": "1e400"}),
])
def test_a_question_that_is_wrong_is_refused_with_422(made: Small, call: Any) -> None:
    assert refused(call, made.ctx()).status == 422


def test_reports_add_up_what_the_register_says(moved: Small) -> None:
    ctx = moved.ctx()
    found = report.run(ctx, "demo.balance", {"at": "2026-10-31"})
    assert [(row["thing"]["code"], row["amount"], row["name"]) for row in found["rows"]] == [("A", "7", "Thing A"), ("B", "3", "Thing B"), ("C", "1", "Thing C")]
    assert found["totals"] == {"amount": "11"} and [column["type"] for column in found["columns"]] == ["link", "quantity", "text"]
    found = report.run(ctx, "demo.moves", {"from": "2026-10-01", "to": "2026-10-31"})
    assert [(row["date"], row["thing"]["code"], row["amount"]) for row in found["rows"]][-1] == ("2026-10-01", "A", "-2") and len(found["rows"]) == 3
    found = report.run(ctx, "demo.turnover", {"from": "2026-10-01", "to": "2026-10-31"})
    assert [(row["thing"]["code"], row["came"], row["left"]) for row in found["rows"]] == [("A", "4", "7"), ("B", "0", "3")]
    assert [row["share"] for row in found["rows"]] == ["0.8", "0"]
    found = report.run(ctx, "demo.turnover", {"from": "2026-10-01", "to": "2026-10-31", "thing": "B"})
    assert [row["thing"]["code"] for row in found["rows"]] == ["B"] and found["parameters"]["thing"] == "B"
    found = report.run(ctx, "demo.form", {"word": "'; DROP TABLE demo_move; --", "least": "3"})
    assert [(row["state"], row["total"], row["day"]) for row in found["rows"]] == [("confirmed", "13", None)]


def test_a_grant_on_a_report_is_enough_but_rows_and_companies_hold(moved: Small) -> None:
    post(moved, "2026-10-05", [("A", "100", None)], company="SIDE")
    days = {"from": "2026-10-01", "to": "2026-10-31"}
    assert {row["thing"]["code"]: row["left"] for row in report.run(moved.ctx("rita"), "demo.turnover", days)["rows"]} == {"A": "7", "B": "3"}
    assert [row["thing"]["code"] for row in report.run(moved.ctx("gustav"), "demo.turnover", days)["rows"]] == ["A"]
    assert [row["thing"]["code"] for row in report.run(moved.ctx("gustav"), "demo.balance", {})["rows"]] == ["A"]
    assert report.run(moved.ctx("gustav"), "demo.form", {"word": "w"})["rows"] == []
    assert refused(report.run, moved.ctx("nobody"), "demo.turnover", days).status == 403
    assert refused(report.run, moved.ctx(), "demo.nothing", {}).status == 404


def test_what_is_described_is_what_the_caller_may_see(made: Small) -> None:
    gustav = made.ctx("gustav")
    shown = describe.register(gustav, "demo.plain")
    assert sorted(shown["resources"]) == ["amount"] and sorted(shown["dimensions"]) == ["company", "thing", "word"]
    assert [one["form"] for one in describe.forms(gustav)] == ["demo.move"]
    assert {one["report"] for one in describe.reports(gustav)} == {"demo.balance", "demo.moves", "demo.turnover", "demo.form"}
    form = describe.form(gustav, "demo.move")
    assert form["actions"] == ["read"] and form["fields"]["date"]["access"] in ("read", "write") and form["transitions"]["confirm"]["allowed"] is False
    for call, name in ((describe.form, "demo.thing"), (describe.register, "demo.plain"), (describe.report, "demo.form")):
        assert refused(call, made.ctx("nobody"), name).status == 403
        assert refused(call, made.ctx(), "demo.nothing").status == 404
