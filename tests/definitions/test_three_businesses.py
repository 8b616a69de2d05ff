"""One language carries a ticket with a clock and prepaid hours, and a monitor that writes 10,000 results a minute.

The third business, an order with stock and ledger, is the packs of this program (tests/packs).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_site import Small, site_of_packs

from anlan.kernel import describe, query, record, register, series
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query


@pytest.fixture(scope="module")
def made(address: str) -> Iterator[Small]:
    with site_of_packs(address, Path(__file__).parent, "definitions", people={"eva": ["engineer"], "robot": ["probe"]}) as site:
        yield site


def at(made: Small, login: str, moment: str) -> Any:
    return made.ctx(login, now=datetime.fromisoformat(moment))


def a_contract(made: Small, code: str, hours: str) -> None:
    record.create(made.ctx(), "ticket.contract", {"code": code, "name": "Lakeside Foods"})
    made_up = record.create(made.ctx(), "ticket.top_up", {"contract": code, "hours": hours, "date": "2026-11-01"})
    record.step(made.ctx(), "ticket.top_up", made_up["id"], "post")


def test_a_tickets_clock_runs_in_working_time_and_waits_with_the_customer(made: Small) -> None:
    a_contract(made, "C1", "10")
    ticket = record.create(at(made, "eva", "2026-11-20T15:00:00+08:00"), "ticket.ticket", {"subject": "Printer is silent", "contract": "C1"})

    def step(name: str, moment: str) -> dict[str, Any]:
        return record.step(at(made, "eva", moment), "ticket.ticket", ticket["id"], name)

    assert step("open", "2026-11-20T16:00:00+08:00")["due_at"] == "2026-11-23T03:00:00Z"       # Friday 16:00 + 4 h = Monday 11:00
    assert step("wait", "2026-11-23T09:30:00+08:00")["paused_at"] == "2026-11-23T01:30:00Z"
    late = query.records(at(made, "eva", "2026-11-23T15:00:00+08:00"), "ticket.ticket", Query(where="late"))["data"]
    assert ticket["id"] not in [one["id"] for one in late]
    assert step("resume", "2026-11-23T14:00:00+08:00")["due_at"] == "2026-11-23T07:30:00Z"     # 3.5 working hours later
    late = query.records(at(made, "eva", "2026-11-23T16:00:00+08:00"), "ticket.ticket", Query(where="late"))["data"]
    assert [one["id"] for one in late] == [ticket["id"]]
    done = step("solve", "2026-11-23T16:00:00+08:00")
    assert (done["late"], done["solved_at"]) == (True, "2026-11-23T08:00:00Z")
    trail = [event["kind"] for event in record.trail(made.ctx(), "ticket.ticket", ticket["id"])]
    assert trail == ["solve", "resume", "wait", "open", "create"]


def test_hours_come_out_of_the_prepaid_pool_and_never_more_than_are_in_it(made: Small) -> None:
    a_contract(made, "C2", "3")
    ticket = record.create(made.ctx("eva"), "ticket.ticket", {"subject": "Teach the new clerk", "contract": "C2"})
    record.step(made.ctx("eva"), "ticket.ticket", ticket["id"], "open")

    def log(hours: str) -> dict[str, Any]:
        effort = record.make(made.ctx("eva"), "ticket.ticket", ticket["id"], "ticket.effort")
        effort = record.update(made.ctx("eva"), "ticket.effort", effort["id"], {"hours": hours}, version=effort["version"])
        return record.step(made.ctx("eva"), "ticket.effort", effort["id"], "post")

    first = log("2.5")
    assert (first["contract"]["code"], first["ticket"]["id"]) == ("C2", ticket["id"])
    with pytest.raises(Refused) as caught:
        log("1")
    assert caught.value.code == "ticket.pool_empty" and str(caught.value.faults[0].params["short"]).startswith("0.5")
    assert record.read(made.ctx("eva"), "ticket.contract", "C2")["left"] == "0.5"
    record.step(made.ctx("eva"), "ticket.effort", first["id"], "cancel")
    assert register.balance(made.ctx("eva"), "ticket.pool", where='contract.code = "C2"')["data"][0]["hours"] == "3"
    moves = register.movements(made.ctx("eva"), "ticket.pool", Query(where='contract.code = "C2"'))["data"]
    assert sorted(move["hours"] for move in moves) == ["-2.5", "2.5", "3"]


def test_a_ticket_is_about_a_record_of_any_form(made: Small) -> None:
    a_contract(made, "C3", "1")
    watched = record.create(made.ctx(), "monitor.monitor", {"address": "https://shop.example"})
    record.step(made.ctx(), "monitor.monitor", watched["id"], "start")
    ticket = record.create(made.ctx(), "ticket.ticket", {"subject": "Shop is down", "contract": "C3", "about": {"id": watched["id"]}})
    assert (ticket["about"]["form"], ticket["about"]["code"], ticket["about"]["label"]) == ("monitor.monitor", "MO0001", "https://shop.example")


def test_ten_thousand_results_a_minute_are_taken_rolled_up_and_read(made: Small) -> None:
    ids = [record.create(made.ctx(), "monitor.monitor", {"address": f"https://host{place}.example"})["id"] for place in range(10)]
    begin = made.site.clock.now().replace(second=0, microsecond=0) - timedelta(minutes=5)
    rows = [{"at": (begin + timedelta(milliseconds=6 * place)).isoformat(), "monitor": ids[place % 10], "up": place % 100 != 0,
             "latency_ms": str(place % 50), "status": 200} for place in range(10_000)]
    assert series.push(made.ctx("robot"), "monitor.result", rows) == {"count": 10_000}
    series.roll_up(made.site.pool, made.site.catalogue.registers["monitor.result"], now=made.site.clock.now(), zone="Asia/Shanghai")
    found = series.read(made.ctx("robot"), "monitor.result", start=begin.isoformat(), step="1m")["data"]
    assert len(found) == 10 and sum(point["n"] for point in found) == 10_000
    assert sum(int(point["up"]["sum"]) for point in found) == 9_900
    assert describe.register(made.ctx("robot"), "monitor.result")["rollups"] == ["1m", "5m", "1h", "1d"]
    broken = record.step(made.ctx(), "monitor.monitor", ids[0], "start")
    assert record.step(made.ctx("robot"), "monitor.monitor", broken["id"], "fail")["state"] == "down"
