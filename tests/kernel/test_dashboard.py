"""Dashboards: checked when they are made, seen by their grants, compared with the same days of the period before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from small_site import Small, document, small_site

from anlan.kernel import dashboard, record
from anlan.kernel.catalogue import change
from anlan.kernel.dashboard.period import period_of
from anlan.kernel.errors import Refused

SALE = document(
    "sale",
    {"date": {"type": "date"}, "kind": {"type": "choice", "options": {"a": "A", "b": "B"}}, "fee": {"type": "decimal"}},
    grants={"clerk": {"actions": ["*"], "rows": "created_by = USER()"}},
)
FEES = {
    "report": "demo.fees", "label": "Fees", "form": "demo.sale", "rows": ["kind"],
    "parameters": {"from": {"type": "date", "label": "From"}, "to": {"type": "date", "label": "To"}},
    "columns": {"fee": {"label": "Fee", "value": "fee", "total": True}},
    "grants": {"boss": {"actions": ["read"]}},
}  # fmt: skip
BOARD: dict[str, Any] = {
    "dashboard": "demo.board", "label": "Board", "home": ["clerk"], "period": "month",
    "widgets": {
        "fees": {"kind": "number", "report": "demo.fees", "column": "fee", "compare": True},
        "count": {"kind": "number", "form": "demo.sale", "label": "Sales"},
        "kinds": {"kind": "chart", "report": "demo.fees", "by": "kind", "column": "fee", "chart": "pie"},
        "note": {"kind": "text", "text": "Read me"},
        "go": {"kind": "shortcuts", "forms": ["demo.sale"]},
    },
    "grants": {"clerk": {"actions": ["read"]}, "boss": {"actions": ["read"]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def made(address: str) -> Iterator[Small]:
    files = {"forms/sale.yaml": SALE, "reports/fees.yaml": FEES, "dashboards/board.yaml": BOARD}
    people = {"clara": ["clerk"], "bert": ["boss"], "nobody": []}
    with small_site(address, files, people=people, roles=("clerk", "boss")) as site:
        for day, kind, fee in (("2026-11-03", "a", "5"), ("2026-11-20", "b", "7"), ("2026-10-24", "a", "4"), ("2026-10-30", "a", "99")):
            record.create(site.ctx(), "demo.sale", {"date": day, "kind": kind, "fee": fee})
        yield site


def test_a_number_is_compared_with_the_same_days_of_the_month_before(made: Small) -> None:
    shown = dashboard.widget(made.ctx("bert"), "demo.board", "fees")
    assert (shown["value"], shown["previous"], shown["change"]) == ("12", "4", "200.0")   # the 30th is not reached yet
    assert shown["opens"] == {"report": "demo.fees", "given": {"from": "2026-11-01", "to": "2026-11-24"}}


def test_a_widget_is_there_for_whom_its_source_is(made: Small) -> None:
    keys = lambda login: [one["key"] for one in dashboard.describe(made.ctx(login), "demo.board")["widgets"]]  # noqa: E731
    assert keys("bert") == ["fees", "kinds", "note"]
    assert keys("clara") == ["count", "note", "go"]
    with pytest.raises(Refused) as told:
        dashboard.widget(made.ctx("clara"), "demo.board", "fees")
    assert (told.value.status, told.value.code) == (404, "dashboard.no_widget")


def test_row_rules_hold_in_a_widget(made: Small) -> None:
    assert dashboard.widget(made.ctx("clara"), "demo.board", "count")["value"] == "0"
    assert dashboard.widget(made.ctx(), "demo.board", "count")["value"] == "2"


def test_the_day_begins_with_the_dashboard_of_ones_role(made: Small) -> None:
    assert dashboard.home(made.ctx("clara")) == "demo.board"
    assert dashboard.home(made.ctx("bert")) is None
    assert dashboard.home(made.ctx()) == "demo.board"          # who may everything gets the first


def test_who_has_no_grant_is_refused_and_sees_none(made: Small) -> None:
    assert dashboard.dashboards(made.ctx("nobody")) == []
    with pytest.raises(Refused) as told:
        dashboard.describe(made.ctx("nobody"), "demo.board")
    assert told.value.status == 403


def test_a_period_or_company_that_is_none_is_refused(made: Small) -> None:
    for more, status in (({"period": "week"}, 422), ({"company": "NONE"}, 404)):
        with pytest.raises(Refused) as told:
            dashboard.widget(made.ctx(), "demo.board", "count", **more)
        assert told.value.status == status


@pytest.mark.parametrize(
    ("widget", "sentence"),
    [
        ({"kind": "number", "report": "demo.nothing", "column": "fee"}, "there is no report demo.nothing"),
        ({"kind": "number", "report": "demo.fees", "column": "colour"}, "there is no column colour"),
        ({"kind": "number", "report": "demo.fees", "form": "demo.sale"}, "reads a report or a form, one of them"),
        ({"kind": "chart", "report": "demo.fees", "column": "fee"}, "say what each bar or row stands for"),
        ({"kind": "table", "report": "demo.fees", "by": "colour", "column": "fee"}, "colour is no row of demo.fees"),
        ({"kind": "number", "form": "demo.sale", "value": "kind"}, "kind is no figure of demo.sale"),
        ({"kind": "number", "form": "demo.sale", "where": "colour = 1"}, "colour"),
        ({"kind": "shortcuts"}, "name forms or reports to lead to"),
        ({"kind": "text"}, "write the text"),
    ],
)
def test_a_dashboard_that_could_not_show_something_is_refused_with_path_and_sentence(made: Small, widget: dict[str, Any], sentence: str) -> None:
    body = {"label": "Broken", "widgets": {"one": widget}, "grants": {"boss": {"actions": ["read"]}}}
    with pytest.raises(Refused) as told:
        change.put(made.ctx(), "dashboard", "demo.x_broken", {"definition": body})
    assert told.value.status == 422
    assert sentence in str([one.params for one in told.value.faults])
    assert "widgets.one" in str([(one.path, one.params) for one in told.value.faults])


def test_periods_know_what_came_before_them() -> None:
    today = date(2026, 3, 31)
    assert period_of("month", today) == (date(2026, 3, 1), today, (date(2026, 2, 1), date(2026, 2, 28)))
    assert period_of("last_month", today) == (date(2026, 2, 1), date(2026, 2, 28), (date(2026, 1, 1), date(2026, 1, 31)))
    assert period_of("quarter", date(2026, 5, 10)) == (date(2026, 4, 1), date(2026, 5, 10), (date(2026, 1, 1), date(2026, 2, 10)))
    assert period_of("year", date(2024, 2, 29)) == (date(2024, 1, 1), date(2024, 2, 29), (date(2023, 1, 1), date(2023, 2, 28)))
    assert period_of("days_30", date(2026, 3, 1)) == (date(2026, 1, 31), date(2026, 3, 1), (date(2026, 1, 1), date(2026, 1, 30)))
