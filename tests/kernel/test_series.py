"""Measurements: taken in by batches, rolled up again and again to the same rows, read with and without roll-ups alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_site import Small, master, small_site

from anlan.kernel import record, series
from anlan.kernel.errors import Refused

RESULT = {
    "register": "demo.result", "kind": "series", "label": "Result",
    "dimensions": {"company": {"type": "link", "to": "system.company"}, "probe": {"type": "link", "to": "demo.probe"}, "place": {"type": "text"}},
    "resources": {"up": {"type": "boolean"}, "latency": {"type": "decimal"}, "size": {"type": "integer"}},
    "rollups": {"1m": {"keep": "14d"}, "5m": {"keep": "90d"}, "1h": {"keep": "2y"}, "1d": {"keep": "10y"}}, "raw": {"keep": "2d"},
    "grants": {"clerk": {"actions": ["read", "create"], "fields": {"size": "none"}}, "guest": {"actions": ["read"], "rows": 'place = "yard"'}},
}  # fmt: skip
START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)      # three hours before the site's clock begins


@pytest.fixture
def made(address: str) -> Iterator[Small]:
    files = {"forms/probe.yaml": master("probe", grants={"clerk": {"actions": ["read"]}}), "registers/result.yaml": RESULT}
    with small_site(address, files, people={"clara": ["clerk"], "gustav": ["guest"], "nobody": []}, roles=("clerk", "guest")) as site:
        for code in ("P1", "P2"):
            record.create(site.ctx(), "demo.probe", {"code": code, "name": f"Probe {code}"})
        yield site


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def measured(seconds: float, probe: str = "P1", **values: Any) -> dict[str, Any]:
    return {"at": at(seconds), "company": "MAIN", "probe": probe, **values}


def rolled(made: Small, now: datetime | None = None) -> int:
    return series.roll_up(made.site.pool, made.site.catalogue.registers["demo.result"], now=now or START + timedelta(hours=3), zone="Asia/Shanghai")


def points(made: Small, step: str, login: str | None = None, **asked: Any) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = series.read(made.ctx(login), "demo.result", start=at(0), end=at(3 * 3600), step=step, **asked)["data"]
    return data


def refused(call: Any, *args: Any, **more: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    return caught.value


def test_measurements_are_read_back_as_they_came_in_their_order(made: Small) -> None:
    rows = [measured(5, up=True, latency="12.5", size=3), measured(65, "P2", up=False), measured(1, place="yard", latency=7)]
    assert series.push(made.ctx(), "demo.result", rows) == {"count": 3}
    found = points(made, "raw")
    assert [(one["at"], one["probe"]["code"], one["place"], one["up"], one["latency"], one["size"]) for one in found] == [
        ("2026-11-24T01:00:01Z", "P1", None, None, "7", None), ("2026-11-24T01:00:05Z", "P1", None, True, "12.5", 3),
        ("2026-11-24T01:01:05Z", "P2", None, False, None, None)] or [one["place"] for one in found] == ["yard", None, None]
    assert found[1]["probe"]["label"] == "Probe P1" and found[0]["company"]["code"] == "MAIN"


def test_roll_ups_hold_number_sum_least_most_and_last_of_each_step(made: Small) -> None:
    series.push(made.ctx(), "demo.result", [measured(0, latency=1, up=True), measured(20, latency=5, up=False), measured(40), measured(61, latency=3), measured(301, latency=9)])
    rolled(made)
    minute = points(made, "1m")
    assert [(one["at"], one["n"]) for one in minute] == [("2026-11-24T01:00:00Z", 3), ("2026-11-24T01:01:00Z", 1), ("2026-11-24T01:05:00Z", 1)]
    assert minute[0]["latency"] == {"n": 2, "sum": "6", "min": "1", "max": "5", "last": "5", "average": "3"}
    assert minute[0]["up"] == {"n": 2, "sum": "1", "min": "0", "max": "1", "last": "0", "average": "0.5"}
    assert minute[1]["up"] == {"n": 0, "sum": None, "min": None, "max": None, "last": None, "average": None}
    assert [one["latency"]["sum"] for one in points(made, "5m")] == ["9", "9"]
    assert [(one["at"], one["latency"]["last"]) for one in points(made, "1h")] == [("2026-11-24T01:00:00Z", "9")]
    day = points(made, "1d")
    assert [(one["at"], one["n"]) for one in day] == [("2026-11-23T16:00:00Z", 5)]     # a day of the site's zone


READINGS = st.lists(st.tuples(st.integers(0, 7200), st.sampled_from(["P1", "P2"]), st.sampled_from([None, 0, 1, 5])), min_size=1, max_size=25)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=READINGS, cut=st.integers(0, 7200), split=st.integers(0, 25), step=st.sampled_from(["1m", "5m", "1h", "1d"]))
def test_figures_are_the_same_before_between_and_after_roll_ups_also_for_what_comes_late(
    made: Small, readings: list[tuple[int, str, int | None]], cut: int, split: int, step: str,
) -> None:
    for table in ("raw", "1m", "5m", "1h", "1d"):
        made.run(f'TRUNCATE "demo_result_reg__{table}"')
    made.run("DELETE FROM series_state")
    width = {"1m": 60, "5m": 300, "1h": 3600, "1d": 86400}[step]
    wanted: dict[tuple[int, str], list[int | None]] = {}
    offset = 9 * 3600      # the series begin at nine in the morning of Shanghai
    for second, probe, latency in readings:
        wanted.setdefault(((second + offset) // width, probe), []).append(latency)
    rows = [measured(second, probe, latency=latency) for second, probe, latency in readings]
    for part, until in ((rows[:split], cut), (rows[split:], 7400)):
        if part:
            series.push(made.ctx(), "demo.result", part)
        rolled(made, START + timedelta(seconds=until))
        rolled(made, START + timedelta(seconds=until))
    found = {(int((datetime.fromisoformat(one["at"]) - START).total_seconds() + offset) // width, one["probe"]["code"]): one for one in points(made, step)}
    assert found.keys() == wanted.keys()
    for place, values in wanted.items():
        there = [value for value in values if value is not None]
        got = found[place]["latency"]
        assert (found[place]["n"], got["n"]) == (len(values), len(there))
        if there:
            assert [Decimal(got[part]) for part in ("sum", "min", "max")] == [sum(there), min(there), max(there)]


def test_several_series_are_added_up_and_narrowed_by_their_dimensions(made: Small) -> None:
    series.push(made.ctx(), "demo.result", [measured(1, latency=1), measured(2, "P2", latency=3), measured(3, "P2", place="yard", latency=5)])
    rolled(made)
    assert [(one["n"], one["latency"]["sum"], one["latency"]["last"]) for one in points(made, "1h", by=["company"])] == [(3, "9", None)]
    assert [one["n"] for one in points(made, "1h", where='probe.code = "P2"')] == [1, 1]
    assert [one["n"] for one in points(made, "1h", by=["probe"], where='probe.code = "P2"')] == [2]


def test_rights_hold_company_rows_and_hidden_figures(made: Small) -> None:
    series.push(made.ctx("clara"), "demo.result", [measured(1, latency=1, size=9), measured(2, place="yard", latency=2)])
    assert all("size" not in one for one in points(made, "raw", "clara") + points(made, "1m", "clara"))
    assert [one["place"] for one in points(made, "raw", "gustav")] == ["yard"]
    assert refused(series.push, made.ctx("gustav"), "demo.result", []).status == 403
    assert refused(series.push, made.ctx("nobody"), "demo.result", []).status == 403
    assert refused(points, made, "raw", "nobody").status == 403
    assert refused(series.push, made.ctx("clara"), "demo.result", [measured(1) | {"company": "SIDE"}]).status == 403
    made.person("sidney", "clerk", company="SIDE")
    assert points(made, "raw", "sidney") == [] == points(made, "1m", "sidney")


@pytest.mark.parametrize(("row", "path", "code"), [
    ({"nothing": 1}, "rows[1].nothing", "unknown_field"),
    ({"probe": "P9"}, "rows[1].probe", "unknown_link"),
    ({"latency": "fast"}, "rows[1].latency", None),
    ({"latency": "1e30"}, "rows[1].latency", None),
    ({"up": 7}, "rows[1].up", None),
    ({"place": "a\x00b"}, "rows[1].place", None),
    ({"at": "soon"}, "rows[1].at", None),
    ({"at": "2020-01-01T00:00:00Z"}, "rows[1].at", "out_of_range"),
    ({"at": "2030-01-01T00:00:00Z"}, "rows[1].at", "out_of_range"),
    (5, "rows[1]", "wrong_type"),
])
def test_one_fault_refuses_the_whole_batch_and_is_named(made: Small, row: Any, path: str, code: str | None) -> None:
    answer = refused(series.push, made.ctx(), "demo.result", [measured(1), measured(2) | row if isinstance(row, dict) else row])
    assert (answer.status, answer.faults[0].path) == (422, path)
    assert code is None or answer.faults[0].code == code
    assert points(made, "raw") == []


def test_an_id_that_is_not_there_is_refused(made: Small) -> None:
    answer = refused(series.push, made.ctx(), "demo.result", [measured(1) | {"probe": "0190b5a0-0000-7000-8000-000000000000"}])
    assert (answer.status, answer.code) == (422, "unknown_link")


@pytest.mark.parametrize("asked", [
    {"step": "2m"}, {"by": ["nothing"]}, {"where": "latency > 1"}, {"where": "id = 1"}, {"limit": 0}, {"start": "soon"}, {"start": "2026-11-25", "end": "2026-11-24"},
])
def test_a_question_that_is_wrong_is_refused(made: Small, asked: dict[str, Any]) -> None:
    assert refused(series.read, made.ctx(), "demo.result", **asked).status == 422


def test_old_measurements_are_dropped_by_partition_but_not_before_they_are_rolled_up(made: Small) -> None:
    register = made.site.catalogue.registers["demo.result"]
    series.push(made.ctx(), "demo.result", [measured(1, latency=1)])
    later = START + timedelta(days=5)
    assert series.tidy(made.site.pool, register, now=later) == []
    rolled(made, later)
    assert series.tidy(made.site.pool, register, now=later) == ["demo_result_reg__raw_20261124"]
    assert points(made, "raw") == []
    assert [one["n"] for one in points(made, "1m")] == [1]
    assert series.tidy(made.site.pool, register, now=START + timedelta(days=30)) == ["demo_result_reg__1m_20261124"]
    assert [one["n"] for one in points(made, "1h")] == [1]


def test_a_series_that_gets_a_resource_and_a_roll_up_goes_on(made: Small) -> None:
    from anlan.kernel import site as sites

    series.push(made.ctx(), "demo.result", [measured(1, latency=1)])
    rolled(made)
    made.write({"registers/result.yaml": {**RESULT, "resources": {**RESULT["resources"], "loss": {"type": "decimal"}}}})  # type: ignore[dict-item]
    other = sites.open(made.settings)
    try:
        assert other.trouble is None
        later = Small(other, made.folder, made.settings)
        series.push(later.ctx(), "demo.result", [measured(2, latency=2, loss="0.5")])
        rolled(later)
        assert points(later, "1m")[0]["loss"]["sum"] == "0.5" and points(later, "1m")[0]["latency"]["sum"] == "3"
    finally:
        other.close()
