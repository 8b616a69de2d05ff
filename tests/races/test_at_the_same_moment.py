"""Two clients, or twenty, at the same moment: through the API, against one database, until nobody waits.

After each test the invariants of the whole site are asked of its tables.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import psycopg
import pytest

from anlan.kernel import record, register
from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.register import Register
from anlan.kernel.errors import Refused
from anlan.kernel.site import Site
from invariants import check_invariants
from whole_site import Api, Made, Record, Trade, as_anlan, opened_site

pytest_plugins = ["whole_site"]


@pytest.fixture(autouse=True)
def invariants_hold(site: Site) -> Iterator[None]:
    yield
    check_invariants(site)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """The results of calls that begin at the same moment; a refusal is a result."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(timeout=30)
        try:
            return call()
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def posting(ask: Api, document: Record) -> Callable[[], httpx.Response]:
    return lambda: ask("POST", f"/records/{document['form']}/{document['id']}/do/post")


def progress(site: Site) -> Register:
    return site.catalogue.registers["sales.progress"]


def issue_of(trade: Trade, item: str, quantity: Any = 1) -> Record:
    return trade.create("stock.issue", warehouse="WH1", lines=[{"item": item, "quantity": str(quantity)}])


def test_the_last_piece_goes_to_one_client_and_the_other_is_told_what_is_left(trade: Trade, ask: Api) -> None:
    for _ in range(5):
        trade.mark += "x"
        item, customer = trade.item(), trade.customer()
        trade.receive(item, 1, "5")
        deliveries = [trade.make(trade.order(customer, item, 1), "sales.delivery") for _ in range(2)]
        answers = at_once([posting(ask, one) for one in deliveries])
        assert sorted(one.status_code for one in answers) == [200, 422]
        fault = next(one for one in answers if one.status_code == 422).json()["errors"][0]
        assert (fault["path"], fault["code"]) == ("lines[0].quantity", "stock.not_enough")
        assert "1 short" in fault["message"] and item in fault["message"]
        assert [trade.on_hand(item), trade.value(item)] == [0, 0]


def test_twenty_deliveries_of_ten_pieces_grant_exactly_ten(trade: Trade, ask: Api) -> None:
    item, customer = trade.item(), trade.customer()
    trade.receive(item, 10, "3")
    deliveries = [trade.make(trade.order(customer, item, 1), "sales.delivery") for _ in range(20)]
    answers = at_once([posting(ask, one) for one in deliveries])
    assert Counter(one.status_code for one in answers) == {200: 10, 422: 10}
    assert [trade.on_hand(item), trade.value(item)] == [0, 0]
    assert Counter(trade.read(one)["state"] for one in deliveries) == {"posted": 10, "draft": 10}


def test_a_double_click_confirms_an_order_once(trade: Trade, ask: Api, site: Site) -> None:
    order = trade.create(
        "sales.order",
        customer=trade.customer(),
        lines=[{"item": trade.item(), "quantity": "3", "price": "1"}],
    )
    path = f"/records/sales.order/{order['id']}/do/confirm"
    answers = at_once([lambda: ask("POST", path)] * 2)
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert next(one for one in answers if one.status_code == 409).json()["code"] == "state_conflict"
    with site.pool.connection() as connection:
        moved = connection.execute(
            f"SELECT count(*), sum(ordered) FROM {progress(site).movement_table} WHERE document = $1",
            [order["id"]],
        ).fetchone()
    assert moved == (1, Decimal(3))


def test_an_order_that_is_amended_closed_reopened_and_cancelled_ends_at_zero(
    trade: Trade, site: Site
) -> None:
    order = trade.order(trade.customer(), trade.item(), 10)
    line = order["lines"][0]["id"]

    def ordered() -> list[Decimal]:
        with site.pool.connection() as connection:
            rows = connection.execute(
                f"SELECT ordered FROM {progress(site).movement_table} WHERE line = $1 AND ordered <> 0 ORDER BY seq",
                [line],
            ).fetchall()
        return [row[0] for row in rows]

    order = trade.update(order, lines=[{"id": line, "quantity": "12"}])
    assert ordered() == [10, 2]
    order = trade.do(order, "close")
    order = trade.do(order, "reopen")
    assert sum(ordered()) == 12
    trade.do(order, "cancel")
    assert ordered()[-1] == -12 and sum(ordered()) == 0
    with site.pool.connection() as connection:
        left = connection.execute(
            f"SELECT ordered, allowed, billable FROM {progress(site).balance_table} WHERE line = $1", [line]
        )
        assert left.fetchone() == (0, 0, 0)


def test_transactions_that_deadlock_are_run_again_and_nobody_sees_it(trade: Trade, site: Site) -> None:
    """Each has changed one item when it asks for the other's: PostgreSQL ends one of them, which runs again."""
    pairs = [(trade.item("A"), trade.item("B"))]
    pairs.append((pairs[0][1], pairs[0][0]))
    both_hold_one = Barrier(2)
    runs: list[str] = []
    record.read(as_anlan(site), "base.item", pairs[0][0])  # else work runs again for what this process has not heard yet

    def crossing(pair: tuple[str, str]) -> Callable[[], Any]:
        ctx = as_anlan(site)

        def work() -> None:
            runs.append(pair[0])
            record.update(ctx, "base.item", pair[0], {"spec": f"first of {pair[0]}"}, version=None)
            if runs.count(pair[0]) == 1:
                both_hold_one.wait(timeout=30)
            record.update(ctx, "base.item", pair[1], {"name": f"second of {pair[0]}"}, version=None)

        return lambda: ctx.atomically(work)

    assert at_once([crossing(pair) for pair in pairs]) == [None, None]
    assert len(runs) == 3
    for mine, other in pairs:
        item = record.read(as_anlan(site), "base.item", mine)
        assert (item["spec"], item["name"], item["version"]) == (f"first of {mine}", f"second of {other}", 3)


def test_batches_of_the_api_that_cross_each_other_all_come_through(trade: Trade, ask: Api) -> None:
    items = [trade.item(name) for name in "AB"]
    for item in items:
        trade.receive(item, 100, "1")

    def batch(order: list[str]) -> Callable[[], httpx.Response]:
        steps = [
            {"op": "do", "form": "stock.issue", "id": issue_of(trade, item)["id"], "transition": "post"}
            for item in order
        ]
        return lambda: ask("POST", "/batch", {"operations": steps})

    for _ in range(2):
        answers = at_once([batch(items), batch(items[::-1])])
        assert [one.status_code for one in answers] == [200, 200], [one.text[:300] for one in answers]
    assert {trade.on_hand(item) for item in items} == {Decimal(96)}


def test_nothing_slips_into_a_period_that_is_closed_at_the_same_moment(trade: Trade, ask: Api) -> None:
    """Either a receipt was posted before the period was closed, or it is refused; none afterwards."""
    item = trade.item()
    trade.receive(item, 1, "1", date="2025-01-15")
    drafts = [
        trade.create("stock.receipt", warehouse="WH1", date="2025-01-20",
                     lines=[{"item": item, "quantity": "1", "unit_cost": "2"}])
        for _ in range(8)
    ]  # fmt: skip
    period = next(
        row for row in ask.ok("GET", "/records/finance.period?limit=500")["data"]
        if row["period"] == "2025-01" and row["company"]["code"] == "MAIN"
    )  # fmt: skip

    def close() -> httpx.Response:
        return ask("POST", f"/records/finance.period/{period['id']}/do/close")

    answers = at_once(
        [*(posting(ask, one) for one in drafts[:4]), close, *(posting(ask, one) for one in drafts[4:])]
    )
    closed = answers.pop(4)
    assert closed.status_code == 200, closed.text
    codes = Counter((one.status_code, one.json().get("code")) for one in answers)
    assert codes.keys() <= {(200, None), (422, "period.closed")}, codes
    assert trade.on_hand(item) == 1 + codes[200, None]
    late = ask("POST", f"/records/stock.receipt/{_refused(answers, drafts, ask)}/do/post")
    assert (late.status_code, late.json()["code"]) == (422, "period.closed")
    vouchers = ask.ok(
        "GET", "/records/finance.voucher", params={"where": 'period = "2025-01"', "count": "exact"}
    )
    assert vouchers["count"] == 1 + codes[200, None]
    ask.ok("POST", f"/records/finance.period/{period['id']}/do/reopen", {"comment": "for the next test"})


def _refused(answers: list[httpx.Response], drafts: list[Record], ask: Api) -> str:
    """A draft of that month that was not posted: one that was refused, or a new one."""
    for answer, draft in zip(answers, drafts, strict=True):
        if answer.status_code != 200:
            return str(draft["id"])
    values = {"warehouse": "WH1", "date": "2025-01-20", "lines": [{"item": drafts[0]["lines"][0]["item"]["id"], "quantity": "1", "unit_cost": "2"}]}  # fmt: skip
    return str(ask.ok("POST", "/records/stock.receipt", values)["id"])


def test_the_first_vouchers_of_a_month_at_the_same_moment_open_it_once(trade: Trade, ask: Api) -> None:
    item = trade.item()
    for month in ("2025-03", "2025-04"):
        drafts = [
            trade.create(
                "stock.receipt",
                warehouse="WH1",
                date=f"{month}-10",
                lines=[{"item": item, "quantity": "1", "unit_cost": "2"}],
            )
            for _ in range(8)
        ]
        answers = at_once([posting(ask, one) for one in drafts])
        assert [one.status_code for one in answers] == [200] * 8, [one.text[:300] for one in answers]
        periods = ask.ok("GET", "/records/finance.period", params={"where": f'period = "{month}"'})["data"]
        assert len(periods) == 1


def test_a_process_with_an_old_catalogue_takes_the_new_one_before_it_writes(
    trade: Trade, ask: Api, site: Site, site_copy: str, tmp_path: Path
) -> None:
    """Another process publishes a version with a field more; this one notices by itself."""
    item, version = trade.item(), site.catalogue.version
    with opened_site(site_copy, tmp_path, pool=2) as other, psycopg.connect(site_copy) as probe:
        with other.pool.connection() as connection:
            now = store.definitions_of(connection, version)
            store.publish(connection, now, at=site.clock.now(), by=None, comment="the same again")
        assert site.catalogue.version == version
        answers = at_once([posting(ask, one) for one in [trade.create("stock.receipt", warehouse="WH1", lines=[{"item": item, "quantity": "1", "unit_cost": "1"}]) for _ in range(3)]])  # fmt: skip
        assert [one.status_code for one in answers] == [200, 200, 200], answers[0].text
        assert site.catalogue.version == version + 1
        other.reload()
        record.create(as_anlan(other), "base.item", {"code": f"{item}-2", "name": "B", "unit": "KG"})
        assert probe.execute("select catalogue from site_version").fetchone() == (version + 1,)
    assert trade.on_hand(item) == 3


def test_one_idempotency_key_used_twice_at_once_makes_one_record(trade: Trade, ask: Api) -> None:
    code = trade.code("K")
    body = {"code": code, "name": "Once", "unit": "KG"}
    key = {"Idempotency-Key": f"key-{code}"}
    answers = at_once([lambda: ask("POST", "/records/base.item", body, headers=key)] * 6)
    assert Counter(one.status_code for one in answers).keys() <= {201, 409}
    made = {one.json()["id"] for one in answers if one.status_code == 201}
    assert len(made) == 1
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {"idempotency_busy"}
    again = ask("POST", "/records/base.item", body, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, made.pop())
    assert again.headers["Idempotency-Replayed"] == "true"


def test_of_two_edits_of_one_version_the_second_is_told_what_changed(trade: Trade, ask: Api) -> None:
    item = trade.item()
    seen = ask.ok("GET", f"/records/base.item/{item}")

    def edit(name: str) -> Callable[[], httpx.Response]:
        match = {"If-Match": f'"{seen["version"]}"'}
        return lambda: ask("PATCH", f"/records/base.item/{item}", {"name": name}, headers=match)

    answers = at_once([edit("first"), edit("second")])
    assert sorted(one.status_code for one in answers) == [200, 412]
    won = next(one for one in answers if one.status_code == 200).json()
    lost = next(one for one in answers if one.status_code == 412).json()
    now = ask.ok("GET", f"/records/base.item/{item}")
    assert (now["name"], now["version"]) == (won["name"], seen["version"] + 1)
    assert lost["code"] == "changed_since"
    assert won["name"] in str(lost), lost


def test_numbers_given_at_the_same_moment_are_all_different(trade: Trade, ask: Api) -> None:
    item = trade.item()
    trade.receive(item, 100, "1")
    drafts = [issue_of(trade, item) for _ in range(12)]
    answers = at_once([posting(ask, one) for one in drafts])
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["number"] for one in answers}) == 12
    numbers = sorted(int(trade.vouchers(one.json())[0]["number"]) for one in answers)
    assert numbers == list(range(numbers[0], numbers[0] + 12))  # vouchers are numbered without gaps


def test_an_order_is_not_cancelled_while_its_delivery_is_made(trade: Trade, ask: Api) -> None:
    """One of the two wins; a delivery never hangs on a cancelled order."""
    item, customer = trade.item(), trade.customer()

    def call(order: Record, rest: str) -> Callable[[], httpx.Response]:
        return lambda: ask("POST", f"/records/sales.order/{order['id']}/{rest}")

    for _ in range(6):
        order = trade.order(customer, item, 1)
        made, cancelled = at_once([call(order, "make/sales.delivery"), call(order, "do/cancel")])
        outcome = (made.status_code, cancelled.status_code)
        assert outcome in ((201, 409), (409, 200)), (made.text, cancelled.text)


def test_reading_a_balance_while_it_is_written_sees_whole_postings_only(trade: Trade, ask: Api) -> None:
    """Stock and its value leave together: no reader sees one without the other."""
    item = trade.item()
    trade.receive(item, 20, "7")
    drafts = [issue_of(trade, item) for _ in range(20)]
    stop = threading.Event()
    odd: list[Any] = []

    def look() -> None:
        ctx = as_anlan(ask.site)
        while not stop.is_set():
            rows = register.balance(ctx, "stock.cost", where=f'item = "{item}"')["data"]
            odd.extend(row for row in rows if Decimal(row["value"]) != 7 * Decimal(row["quantity"]))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        answers = at_once([posting(ask, one) for one in drafts])
    finally:
        stop.set()
        reader.join(timeout=30)
    assert ({one.status_code for one in answers}, odd) == ({200}, [])


def test_a_site_copy_is_whole_before_anything_happens(site: Site, made_whole: Made) -> None:
    assert made_whole.database
    check_invariants(site)
