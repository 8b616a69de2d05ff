"""The example of docs/examples is a pack that works: it is loaded, lends, refuses, and takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from small_site import Small, small_site

from anlan.kernel import query, record, register, report
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import LANGUAGES, Messages
from house import DOCS

RENTAL = DOCS / "examples" / "rental"


@pytest.fixture(scope="module")
def desk(address: str) -> Iterator[Small]:
    files: dict[str, Any] = {
        f"../rental/{path.relative_to(RENTAL)}": path.read_text("utf-8") for path in RENTAL.rglob("*.yaml")
    }
    with small_site(address, files, people={"mei": ["lending_desk"]}) as made:
        record.create(made.ctx("mei"), "rental.thing", {"code": "DRILL", "name": "电钻", "pieces": "3"})
        yield made


def _lend(desk: Small, quantity: str, **more: Any) -> dict[str, Any]:
    values = {"borrower": "Wen", "lines": [{"thing": "DRILL", "quantity": quantity}], **more}
    loan = record.create(desk.ctx("mei"), "rental.loan", values)
    return record.step(desk.ctx("mei"), "rental.loan", loan["id"], "confirm")


def _out(desk: Small) -> list[str]:
    found = register.balance(desk.ctx("mei"), "rental.lent")
    return [row["pieces"] for row in found["data"]]


def test_a_thing_is_lent_as_often_as_there_are_pieces_and_comes_back(desk: Small) -> None:
    loan = _lend(desk, "2")
    assert loan["number"] == "LN2611-0001"
    assert loan["due"] == "2026-12-08"

    with pytest.raises(Refused) as refused:
        _lend(desk, "2")
    fault = refused.value.faults[0]
    assert (fault.code, fault.path) == ("rental.not_enough", "lines[0].quantity")
    assert (fault.params["short"], fault.params["left"]) == (1, 1)
    assert _out(desk) == ["2"]

    back = record.make(desk.ctx("mei"), "rental.loan", loan["id"], "rental.giveback")
    assert [line["quantity"] for line in back["lines"]] == ["2"]
    record.step(desk.ctx("mei"), "rental.giveback", back["id"], "post")
    assert _out(desk) == []
    assert record.read(desk.ctx("mei"), "rental.loan", loan["id"])["lines"][0]["returned"] == "2"

    with pytest.raises(Refused) as nothing_open:
        record.make(desk.ctx("mei"), "rental.loan", loan["id"], "rental.giveback")
    assert nothing_open.value.code == "conversion.nothing_open"


def test_what_is_out_stands_in_the_report_and_the_view(desk: Small) -> None:
    loan = _lend(desk, "1", due="2026-11-30")
    table = report.run(desk.ctx("mei"), "rental.out", {})
    assert [(row["pieces"], row["owned"]) for row in table["rows"]] == [("1", "3")]
    listed = query.records(
        desk.ctx("mei"), "rental.loan", query.Query(where='state = "confirmed"', sort=["due"])
    )
    assert listed["data"][0]["number"] == loan["number"]


def test_the_example_speaks_both_languages() -> None:
    messages = Messages.load([RENTAL / "messages"])
    assert messages.missing() == []
    assert all(
        set(messages.sentences[one]) == {"rental.not_enough", "rental.returned_twice"} for one in LANGUAGES
    )
