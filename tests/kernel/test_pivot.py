"""Pivots: cells and totals agree with plain SQL, amounts never double, and nobody counts what he may not see."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from small_site import Small, document, master, small_site

from anlan.kernel import pivot, query, record
from anlan.kernel.errors import Refused
from anlan.kernel.pivot import Pivot
from anlan.kernel.query import Query

THING = master("thing", {}, grants={"clerk": {"actions": ["read"]}})
SALE = document(
    "sale",
    {
        "date": {"type": "date"},
        "thing": {"type": "link", "to": "demo.thing"},
        "size": {"type": "choice", "options": {"big": "Big", "small": "Small"}},
        "secret": {"type": "decimal"},
        "fee": {"type": "decimal"},
        "lines": {"type": "lines", "fields": {"thing": {"type": "link", "to": "demo.thing"}, "amount": {"type": "quantity"}}},
        "total": {"type": "quantity", "formula": "SUM(lines.amount)"},
    },
    grants={"clerk": {"actions": ["*"], "fields": {"secret": "none"}}, "guest": {"actions": ["read"], "rows": "created_by = USER()"}},
)  # fmt: skip
SALES = [
    ("2026-01-15", "A", "big", "5", ["1", "2"]),
    ("2026-01-20", "B", "small", "7", ["4"]),
    ("2026-02-02", "A", "small", "1", ["8", "16", "32"]),
    ("2026-02-03", None, None, "2", []),
]


@pytest.fixture(scope="module")
def made(address: str) -> Iterator[Small]:
    files = {"forms/thing.yaml": THING, "forms/sale.yaml": SALE}
    with small_site(address, files, people={"clara": ["clerk"], "gustav": ["guest"], "nobody": []}, roles=("clerk", "guest")) as site:
        for code in ("A", "B"):
            record.create(site.ctx(), "demo.thing", {"code": code, "name": f"Thing {code}"})
        for day, thing, size, fee, amounts in SALES:
            lines = [{"thing": "B" if place else "A", "amount": amount} for place, amount in enumerate(amounts)]
            record.create(site.ctx("clara"), "demo.sale", {"date": day, "thing": thing, "size": size, "fee": fee, "lines": lines})
        yield site


def _told(found: dict[str, Any]) -> dict[tuple[str, ...], list[Any]]:
    """Totals of rows by the words of their headings."""
    return {tuple((key or {"code": "-"})["code"] if isinstance(key, dict) or key is None else key for key in row["keys"]): row["total"] for row in found["rows"]}


def test_rows_columns_and_totals_are_sums_of_the_same_records(made: Small) -> None:
    found = pivot.run(made.ctx(), Pivot(form="demo.sale", rows=("thing",), columns=("date@month",), values=("sum:fee", "count")))
    assert found["columns"] == [["2026-01"], ["2026-02"]]
    assert _told(found) == {("A",): ["6", "2"], ("B",): ["7", "1"], ("-",): ["2", "1"]}
    assert [row["cells"] for row in found["rows"]] == [[["5", "1"], ["1", "1"]], [["7", "1"], None], [None, ["2", "1"]]]
    assert (found["totals"]["cells"], found["totals"]["total"]) == ([["12", "2"], ["3", "2"]], ["15", "4"])
    ((fee, count),) = made.run("SELECT sum(fee), count(*) FROM demo_sale")
    assert found["totals"]["total"] == [str(D(fee).normalize()), str(count)]


def test_two_row_fields_have_a_subtotal_for_the_first(made: Small) -> None:
    found = pivot.run(made.ctx(), Pivot(form="demo.sale", rows=("size", "thing"), values=("sum:fee",)))
    assert [(row["level"], row["keys"][0], row["total"]) for row in found["rows"]][:2] == [(1, "big", ["5"]), (2, "big", ["5"])]
    assert [row["total"] for row in found["rows"] if row["level"] == 1] == [["5"], ["8"], ["2"]]


def test_by_line_amounts_of_the_head_are_not_offered_so_that_nothing_doubles(made: Small) -> None:
    by_document = {one["key"] for one in pivot.fields(made.ctx(), form="demo.sale")["measures"]}
    by_line = {one["key"] for one in pivot.fields(made.ctx(), form="demo.sale", each="lines")["measures"]}
    assert {"total", "fee"} <= by_document
    assert by_line == {"lines.amount"}
    with pytest.raises(Refused) as told:
        pivot.run(made.ctx(), Pivot(form="demo.sale", each="lines", rows=("lines.thing",), values=("sum:total",)))
    assert [one.code for one in told.value.faults] == ["pivot.unknown"]
    lines = pivot.run(made.ctx(), Pivot(form="demo.sale", each="lines", rows=("lines.thing",), values=("sum:lines.amount",)))
    documents = pivot.run(made.ctx(), Pivot(form="demo.sale", rows=("thing",), values=("sum:total",)))
    assert lines["totals"]["total"] == documents["totals"]["total"] == ["63"]


def test_it_is_one_statement_whatever_is_chosen(made: Small) -> None:
    asked = Pivot(form="demo.sale", rows=("size",), columns=("date@year", "date@month"), values=("sum:fee", "avg:fee", "count"))
    pivot.run(made.ctx(), asked)
    with made.counted() as seen:
        pivot.run(made.ctx(), asked)
    assert sum("GROUPING SETS" in text for text in seen) == 1
    assert sum("demo_sale" in text for text in seen) == 1


def test_a_hidden_field_can_neither_be_chosen_nor_filtered_by(made: Small) -> None:
    keys = {one["key"] for one in pivot.fields(made.ctx("clara"), form="demo.sale")["measures"]}
    assert "secret" not in keys
    for asked in (Pivot(form="demo.sale", values=("sum:secret",)), Pivot(form="demo.sale", where="secret > 1")):
        with pytest.raises(Refused) as told:
            pivot.run(made.ctx("clara"), asked)
        assert told.value.status == 422


def test_row_rules_hold_in_every_cell(made: Small) -> None:
    found = pivot.run(made.ctx("gustav"), Pivot(form="demo.sale", rows=("thing",)))
    assert found["rows"] == []
    with pytest.raises(Refused) as told:
        pivot.run(made.ctx("nobody"), Pivot(form="demo.sale"))
    assert told.value.status == 403


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Pivot(form="demo.sale", rows=("nothing",)), "pivot.unknown"),
        (Pivot(form="demo.sale", rows=("date@week",)), "pivot.unknown"),
        (Pivot(form="demo.sale", values=("median:fee",)), "pivot.unknown"),
        (Pivot(form="demo.sale", rows=("size",), columns=("size",)), "pivot.twice"),
        (Pivot(form="demo.sale", values=("sum:fee",) * 5), "pivot.too_many"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(made: Small, asked: Pivot, code: str) -> None:
    with pytest.raises(Refused) as told:
        pivot.run(made.ctx(), asked)
    assert [one.code for one in told.value.faults] == [code]
    assert made.site.messages.text(code, "zh", field="x", limit=4) != code


def test_a_cells_filter_finds_the_records_it_counted(made: Small) -> None:
    found = pivot.run(made.ctx(), Pivot(form="demo.sale", rows=("thing",), columns=("date@quarter",), values=("count",)))
    for row in found["rows"]:
        for head, cell in zip(found["columns"], row["cells"], strict=True):
            if cell is None:
                continue
            parts = [pivot.where_of(found["dimensions"]["rows"][0], row["keys"][0]), pivot.where_of(found["dimensions"]["columns"][0], head[0])]
            listed = query.records(made.ctx(), "demo.sale", Query(where=f"AND({', '.join(parts)})", count="exact"))
            assert str(listed["count"]) == cell[0]


def test_the_largest_comes_first_when_asked_for(made: Small) -> None:
    found = pivot.run(made.ctx(), Pivot(form="demo.sale", rows=("thing",), values=("sum:fee",), sort="-value"))
    assert list(_told(found)) == [("B",), ("A",), ("-",)]
