"""Comments that call somebody: only who may read the record can be called, and he is told with the way to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from anlan.kernel import comment, message, query, record
from anlan.kernel.access.caller import caller_from
from anlan.kernel.access.identity import load_by_login
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.site import Site
from page_site import context, order, page_site


@pytest.fixture(scope="module")
def site(address: str) -> Iterator[Site]:
    with page_site(address) as made:
        yield made


def as_person(site: Site, login: str) -> Context:
    with site.pool.connection() as connection:
        found = load_by_login(connection, login)
    assert found is not None
    return Context(site, caller_from(found, site.catalogue.policies), via="api")


def user(site: Site, login: str) -> str:
    return as_person(site, login).caller.user


def test_who_is_named_is_told_and_led_to_the_comment(site: Site) -> None:
    made = order(site, lines=1)
    said = comment.add(context(site), "sales.order", made["id"], "@Admin 请看价格", mentions=[user(site, "admin")])
    told = message.inbox(as_person(site, "admin"))[0]
    assert (told["code"], told["form"], told["record"], told["event"]) == (
        "comment.mentioned", "sales.order", made["id"], said["seq"],
    )  # fmt: skip
    assert "请看价格" in told["text"]


def test_somebody_who_may_not_read_the_record_is_refused_and_nothing_is_said(site: Site) -> None:
    made = order(site, lines=1)
    for login in ("stranger", "clerk"):  # the clerk's row rule: only orders of his own
        with pytest.raises(Refused) as refused:
            comment.add(context(site), "sales.order", made["id"], "看看", mentions=[user(site, login)])
        assert refused.value.faults[0].code == "comment.cannot_read"
    assert all(one["kind"] != "comment" for one in record.trail(context(site), "sales.order", made["id"]))


def test_only_readers_of_the_record_are_offered(site: Site) -> None:
    made = order(site, lines=1)
    codes = {one["code"] for one in comment.mentionable(context(site), "sales.order", made["id"], "")}
    assert "admin" in codes
    assert not codes & {"stranger", "clerk"}
    assert [one["code"] for one in comment.mentionable(context(site), "sales.order", made["id"], "ADM")] == ["admin"]
    with pytest.raises(Refused):
        comment.mentionable(as_person(site, "stranger"), "sales.order", made["id"], "")


def test_a_name_that_is_no_user_is_told(site: Site) -> None:
    made = order(site, lines=1)
    for wrong in ("nobody", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(Refused) as refused:
            comment.add(context(site), "sales.order", made["id"], "看看", mentions=[wrong])
        assert refused.value.faults[0].code == "comment.unknown_user"


def test_related_records_are_those_that_the_caller_may_read(site: Site) -> None:
    for _ in range(7):
        order(site, lines=1, confirmed=False)
    ctx = context(site)
    found = {one["form"]: one for one in query.related(ctx, "base.party", "C001")}
    assert len(found["sales.order"]["data"]) == 5
    assert found["sales.order"]["more"]
    listed = query.records(ctx, "sales.order", query.Query(where=found["sales.order"]["where"], count="exact"))
    assert listed["count"] >= 7
    assert query.related(as_person(site, "clerk"), "base.party", "C001") == []  # the orders are not his


def test_a_copy_brings_what_is_copied_and_nothing_that_belongs_to_the_old_one(site: Site) -> None:
    ctx = context(site)
    made = order(site, lines=2, reference="PO-7", date="2020-01-02")
    values = record.copy_of(ctx, "sales.order", made["id"])
    assert "reference" not in values  # the customer's own number is for one order
    assert not values.keys() & {"number", "date", "exchange_rate", "state", "gross", "id"}
    assert [one["quantity"] for one in values["lines"]] == [one["quantity"] for one in made["lines"]]
    assert not values["lines"][0].keys() & {"id", "net", "delivered", "closed_quantity"}
    copy = record.create(ctx, "sales.order", values)
    assert (copy["state"], copy["date"]) == ("draft", str(ctx.today))
    with pytest.raises(Refused):
        record.copy_of(as_person(site, "stranger"), "sales.order", made["id"])
