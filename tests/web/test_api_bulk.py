"""One thing done to many records: each for itself, nothing lost; and many records on paper."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from api_site import Api

from anlan.kernel.job import worker

pytest_plugins = ("api_site",)

BULK = "/bulk/demo.order"


def orders(ask: Api, count: int, **more: Any) -> list[str]:
    """Ids of new orders."""
    return [ask.order(**more)["id"] for _ in range(count)]


def test_what_one_record_refuses_stops_no_other(ask: Api) -> None:
    good, done = orders(ask, 2), orders(ask, 1, confirmed=True)
    answer = ask("POST", BULK, {"action": "step", "transition": "confirm", "ids": [*good, *done, str(uuid4())]})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["done"], told["refused"]) == (2, 2)
    outcomes = {one["id"]: one for one in told["data"]}
    assert [outcomes[key]["outcome"] for key in good] == ["done", "done"]
    assert outcomes[done[0]]["code"] == "state_conflict" and outcomes[done[0]]["messages"][0]
    assert {ask("GET", f"/records/demo.order/{key}").json()["state"] for key in good} == {"confirmed"}


def test_numbers_are_given_in_the_order_in_which_records_were_made(ask: Api) -> None:
    made = orders(ask, 3)
    ask("POST", BULK, {"action": "step", "transition": "confirm", "ids": made[::-1]})
    numbers = [ask("GET", f"/records/demo.order/{key}").json()["number"] for key in made]
    assert numbers == sorted(numbers)


def test_one_field_of_many_is_changed_and_checked_as_by_hand(ask: Api) -> None:
    made = orders(ask, 2)
    told = ask("POST", BULK, {"action": "set", "values": {"party": "Newton"}, "ids": made}).json()
    assert told["done"] == 2
    assert ask("GET", f"/records/demo.order/{made[0]}").json()["party"] == "Newton"
    told = ask("POST", BULK, {"action": "set", "values": {"party": "x" * 61}, "ids": made}).json()
    assert told["refused"] == 2 and told["data"][0]["messages"][0]
    assert ask("POST", BULK, {"action": "set", "ids": made}).status_code == 422


def test_deleted_drafts_are_in_the_recycle_bin_and_documents_in_force_stay(ask: Api) -> None:
    draft, confirmed = orders(ask, 1), orders(ask, 1, confirmed=True)
    told = ask("POST", BULK, {"action": "delete", "ids": [*draft, *confirmed]}).json()
    assert (told["done"], told["refused"]) == (1, 1)
    assert draft[0] in [one["id"] for one in ask("GET", "/recycle-bin").json()["data"]]


def test_bulk_work_needs_the_same_rights_as_one_record(ask: Api) -> None:
    made = orders(ask, 1)
    for work in ({"action": "step", "transition": "confirm"}, {"action": "delete"}, {"action": "set", "values": {"party": "x"}}):
        assert ask("POST", BULK, {**work, "ids": made}, by="reader").status_code == 403
    assert ask("GET", f"/records/demo.order/{made[0]}").json()["state"] == "draft"


def test_records_that_one_may_not_see_are_not_touched_and_not_told_of(ask: Api) -> None:
    draft = orders(ask, 1)
    assert ask("GET", "/records/demo.order", params={"ids": draft[0]}, by="reader").json()["data"] == []
    assert len(ask("GET", "/records/demo.order", params={"ids": draft[0]}).json()["data"]) == 1


@pytest.mark.parametrize("body", [
    {"action": "burn", "ids": []}, {"action": "step", "transition": "fly", "ids": []}, {"action": "delete", "ids": ["x"]},
    {"action": "delete", "ids": "x"}, {"ids": []},
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_as_a_whole(ask: Api, body: dict[str, Any]) -> None:
    assert ask("POST", BULK, body).status_code == 422


def test_more_than_a_hundred_are_a_job_that_ends_as_a_message_and_is_done_once(ask: Api) -> None:
    lines = [{"item": ask.item()["id"], "quantity": "1"}]
    party = f"Many {uuid4().hex[:8]}"
    ask("POST", "/records/demo.order/batch", {"records": [{"party": party, "lines": lines} for _ in range(101)]})
    first = ask("GET", "/records/demo.order", params={"where": f'party = "{party}"', "limit": "1"}).json()["data"][0]["id"]
    ask("POST", f"/records/demo.order/{first}/do/confirm")
    answer = ask("POST", BULK, {"action": "step", "transition": "confirm", "where": f'party = "{party}"'})
    assert answer.status_code == 202
    job = answer.json()["job"]
    worker.drain(ask.served.site)
    state = ask("GET", f"/jobs/{job}").json()
    assert (state["state"], state["result"]["done"], state["result"]["refused"]) == ("done", 100, 1)
    refused = ask("GET", f"{BULK}/{job}").json()["data"]
    assert [one["id"] for one in refused] == [first] and refused[0]["messages"][0]
    assert ask("GET", f"{BULK}/{job}", by="boss").status_code == 404
    with ask.served.site.pool.connection() as connection:
        told = connection.execute("SELECT count(*) FROM message WHERE record = $1", [job]).fetchone()
    assert told == (1,)


def test_a_job_that_is_run_again_passes_over_what_it_has_done(ask: Api) -> None:
    from anlan.kernel import bulk
    from anlan.kernel.access.caller import system_caller
    from anlan.kernel.context import Context

    site = ask.served.site
    made, job = orders(ask, 3), str(uuid4())
    ctx = Context(site, system_caller(site.catalogue.policies))
    work = bulk.Work("step", transition="confirm")
    bulk.run(ctx, "demo.order", work, bulk.Chosen(ids=made[:2]), job=job)
    told = bulk.run(ctx, "demo.order", work, bulk.Chosen(ids=made), job=job)
    assert (told["done"], told["refused"]) == (3, 0)


def test_a_few_records_are_one_pdf_at_once_and_many_are_a_job(ask: Api) -> None:
    made = orders(ask, 6)
    few = ask("GET", "/print/demo.order", params={"print": "demo.order", "ids": ",".join(made[:3])})
    assert few.status_code == 200 and few.content.startswith(b"%PDF")
    assert ask("GET", "/print/demo.order", params={"print": "demo.order", "ids": ",".join(made)}).status_code == 422
    assert ask("GET", "/print/demo.order", params={"print": "demo.nothing", "ids": made[0]}).status_code == 404
    answer = ask("POST", "/print/demo.order", {"print": "demo.order", "ids": made})
    assert answer.status_code == 202
    worker.drain(ask.served.site)
    result = ask("GET", f"/jobs/{answer.json()['job']}").json()["result"]
    assert result["records"] == 6
    assert ask("GET", f"/files/{result['file']}").content.startswith(b"%PDF")
