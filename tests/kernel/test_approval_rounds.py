"""Approvals in several rounds: order, deputies, signers who are added, urging, time-outs, copies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from access_site import Ctx, SmallSite, acting, label, small_site
from test_approval import department, role_of, told

from anlan.kernel.access.caller import system_caller
from anlan.kernel.definition.model import ApprovalDefinition
from anlan.kernel.errors import Refused
from anlan.kernel.ids import uuid7
from anlan.kernel.workflow import approval, delegation, hands, timing, todo

TABLES = """
CREATE TABLE system_company (id uuid PRIMARY KEY, zone text, calendar uuid);
CREATE TABLE system_calendar (id uuid PRIMARY KEY, published_through date);
CREATE TABLE system_calendar__week (record uuid, weekday text, opens numeric, closes numeric);
CREATE TABLE system_calendar__days (record uuid, date date, opens numeric, closes numeric);
"""


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        with made.pool.connection() as connection:
            connection.execute(TABLES)
        yield made


@pytest.fixture(autouse=True)
def noon(site: SmallSite) -> None:
    site.clock.set("2026-11-24T02:00:00Z")  # Tuesday 10:00 in Shanghai


def definition(**values: Any) -> ApprovalDefinition:
    return ApprovalDefinition.model_validate({"approval": "demo.large", "label": label("Large"), **values})


def ask(site: SmallSite, submitter: str, wanted: ApprovalDefinition, **more: Any) -> dict[str, Any]:
    record = uuid7()
    site.insert("record_index", {"id": record, "form": "demo.note", "code": "N1", "title": "A note",
                                 "state": "draft", "updated_at": site.clock.now()})  # fmt: skip
    submission = approval.Submission(record, "demo.note", "confirm", more.pop("company", None), state="draft", **more)
    with site.pool.connection() as connection:
        return {**approval.open(acting(site, submitter), connection, wanted, submission), "record": record}


def decide(site: SmallSite, user: str, request: dict[str, Any], choice: Any = "approve", **more: Any) -> str:
    with site.pool.connection() as connection:
        return approval.decide(acting(site, user), connection, request["id"], choice, **more).outcome


def refused(site: SmallSite, user: str, request: dict[str, Any], choice: Any = "approve") -> str:
    with pytest.raises(Refused) as caught:
        decide(site, user, request, choice)
    return caught.value.code


def now_asked(site: SmallSite, request: dict[str, Any]) -> list[str]:
    with site.pool.connection() as connection:
        return [one["id"] for one in approval.waiting(connection, [request["record"]])[request["record"]]["who"]]


def deputy_of(site: SmallSite, by: str, deputy: str, **more: Any) -> delegation.Delegation:
    given = {"start": date(2026, 11, 24), "end": date(2026, 11, 25), **more}
    with site.pool.connection() as connection:
        return delegation.create(acting(site, by), connection, deputy=deputy, **given)


def expire(site: SmallSite, request: dict[str, Any]) -> str:
    ctx = Ctx(site, system_caller(site.catalogue.policies), via="job")
    with site.pool.connection() as connection:
        return approval.decide(ctx, connection, request["id"], "expire").outcome


def two_rounds(first: str, second: str, **more: Any) -> ApprovalDefinition:
    steps = {"chief": {"roles": [first]}, "board": {"roles": [second]}}
    return definition(steps=steps, **more)


# Rounds


def test_the_second_round_is_asked_when_the_first_agreed(site: SmallSite) -> None:
    (first, (one,)), (second, (two,)) = role_of(1, site), role_of(1, site)
    request = ask(site, site.user(), two_rounds(first, second))
    assert now_asked(site, request) == [one]
    assert told(site, two, request) == []
    assert decide(site, one, request) == "waiting"
    assert now_asked(site, request) == [two]
    assert told(site, two, request) == ["approval.wanted"]
    assert refused(site, one, request) == "approval.already_decided"
    assert decide(site, two, request) == "approved"


def test_one_who_rejects_in_the_first_round_ends_it(site: SmallSite) -> None:
    (first, (one,)), (second, (two,)) = role_of(1, site), role_of(1, site)
    request = ask(site, site.user(), two_rounds(first, second))
    assert decide(site, one, request, "reject") == "rejected"
    assert told(site, two, request) == []


def test_a_round_whose_condition_does_not_hold_is_left_out(site: SmallSite) -> None:
    from anlan.kernel.definition.model import Transition

    step = Transition.model_validate({"from": ["draft"], "to": "confirmed", "label": label("Confirm"), "approval": "demo.large"})
    wanted = definition(steps={"a": {"roles": ["x"], "when": "net > 9"}, "b": {"roles": ["y"], "when": "net > 99"}})
    kept = approval.needed(step, {"demo.large": wanted}, lambda text: text == "net > 9")
    assert kept is not None and list(kept.steps) == ["a"]
    assert approval.needed(step, {"demo.large": wanted}, lambda _: False) is None


def test_in_sequence_each_is_asked_after_the_one_before(site: SmallSite) -> None:
    role, (one, two, three) = role_of(3, site)
    request = ask(site, site.user(), definition(roles=[role], mode="sequence"))
    assert now_asked(site, request) == [one]
    assert todo.count(acting(site, two)) == 0
    assert refused(site, two, request) == "approval.not_your_turn"
    assert decide(site, one, request) == "waiting"
    assert now_asked(site, request) == [two]
    assert decide(site, two, request) == "waiting"
    assert decide(site, three, request) == "approved"


def test_who_agreed_in_the_round_before_is_not_asked_again_if_the_definition_says_so(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    asked = ask(site, site.user(), two_rounds(role, role))
    assert decide(site, one, asked) == "waiting"
    passed = ask(site, site.user(), two_rounds(role, role, repeated="pass"))
    assert decide(site, one, passed) == "approved"
    ((automatic,),) = site.rows("SELECT automatic FROM approval_person WHERE request = $1 AND step = 1", passed["id"])
    assert automatic == "repeated"


def test_a_request_goes_on_by_the_definition_that_it_was_asked_with(site: SmallSite) -> None:
    (first, (one,)), (second, (two,)) = role_of(1, site), role_of(1, site)
    request = ask(site, site.user(), two_rounds(first, second))
    # Whatever is published meanwhile: the rounds stand in the request.
    ((kept,),) = site.rows("SELECT definition FROM approval_request WHERE id = $1", request["id"])
    assert list(kept["steps"]) == ["chief", "board"]
    decide(site, one, request)
    assert now_asked(site, request) == [two]


def test_the_superior_is_asked_where_nobody_fits_and_the_definition_says_so(site: SmallSite) -> None:
    boss = site.user()
    team = department(site, boss)
    request = ask(site, site.user(department=team), definition(roles=["nobody_has_it"], empty="superior"))
    assert now_asked(site, request) == [boss]


# In somebody's place


def test_a_deputy_decides_in_the_place_of_who_is_away_and_it_is_recorded_so(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    deputy, submitter = site.user(), site.user()
    deputy_of(site, one, deputy)
    request = ask(site, submitter, definition(roles=[role]))
    assert told(site, deputy, request) == ["approval.wanted"]
    (found,) = todo.list(acting(site, deputy))
    assert (found["kind"], found["instead_of"]["id"]) == ("deputy", one)
    assert todo.count(acting(site, one)) == 1, "who is away may still decide"
    assert decide(site, deputy, request) == "approved"
    ((user, by),) = site.rows("SELECT user_id, decided_by FROM approval_person WHERE request = $1", request["id"])
    assert (user, by) == (one, deputy)
    assert [entry["request"]["decisions"][0]["instead_of"]["id"] for entry in todo.list(acting(site, deputy), "done")] == [one]  # type: ignore[index]


def test_a_delegation_ends_by_itself_and_covers_only_its_forms(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    deputy, other = site.user(), site.user()
    deputy_of(site, one, deputy, forms=["demo.note"])
    deputy_of(site, one, other, forms=["demo.other"])
    request = ask(site, site.user(), definition(roles=[role]))
    assert refused(site, other, request) == "approval.not_yours"
    site.clock.set("2026-11-25T16:00:00Z")  # midnight in Shanghai after its last day
    assert todo.count(acting(site, deputy)) == 0
    assert refused(site, deputy, request) == "approval.not_yours"


def test_the_deputy_of_a_deputy_who_is_away_decides_and_a_circle_is_refused(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    two, three = site.user(), site.user()
    deputy_of(site, one, two)
    deputy_of(site, two, three)
    with pytest.raises(Refused) as caught:
        deputy_of(site, three, one)
    assert caught.value.faults[0].code == "delegation.circle"
    request = ask(site, site.user(), definition(roles=[role]))
    assert todo.count(acting(site, three)) == 1
    assert decide(site, three, request) == "approved"


def test_a_deputy_does_not_approve_what_he_submitted_himself(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    deputy = site.user()
    deputy_of(site, one, deputy)
    request = ask(site, deputy, definition(roles=[role]))
    assert refused(site, deputy, request) == "approval.not_yours"
    assert [entry["kind"] for entry in todo.list(acting(site, deputy))] == []


def test_a_deputy_of_somebody_who_lost_the_role_decides_nothing(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    deputy = site.user()
    deputy_of(site, one, deputy)
    request = ask(site, site.user(), definition(roles=[role]))
    with site.pool.connection() as connection:
        connection.execute("UPDATE \"system_user\" SET roles = '{}' WHERE id = $1", [one])
    assert refused(site, deputy, request) == "approval.not_yours"
    assert todo.count(acting(site, deputy)) == 0


@pytest.mark.parametrize(
    ("given", "code"),
    [({"start": date(2026, 11, 26), "end": date(2026, 11, 25)}, "delegation.days_turned"),
     ({"start": date(2026, 11, 1), "end": date(2026, 11, 2)}, "delegation.past"),
     ({"end": date(2028, 11, 2)}, "delegation.too_long"), ({"deputy": "self"}, "delegation.yourself"),
     ({"deputy": "nobody"}, "delegation.unknown_deputy")],
)  # fmt: skip
def test_a_delegation_that_makes_no_sense_is_refused(site: SmallSite, given: dict[str, Any], code: str) -> None:
    person = site.user()
    deputy = given.pop("deputy", None)
    with pytest.raises(Refused) as caught:
        deputy_of(site, person, person if deputy == "self" else deputy or site.user(), **given)
    assert caught.value.faults[0].code == code


def test_only_an_administrator_hands_over_the_place_of_somebody_else(site: SmallSite) -> None:
    person, deputy, admin = site.user(), site.user(), site.user(roles=["admin"])
    with pytest.raises(Refused) as caught:
        deputy_of(site, site.user(), deputy, person=person)
    assert caught.value.code == "delegation.not_yours"
    made = deputy_of(site, admin, deputy, person=person)
    assert (made["person"]["id"], made["made_by"]["id"]) == (person, admin)
    with site.pool.connection() as connection, pytest.raises(Refused):
        delegation.cancel(acting(site, deputy), connection, made["id"])
    with site.pool.connection() as connection:
        delegation.cancel(acting(site, person), connection, made["id"])
        assert delegation.list(acting(site, person), connection)[0]["state"] == "over"
    site.deactivate(admin)


# Hands


def signers(site: SmallSite, user: str, request: dict[str, Any], who: list[str], when: Any) -> None:
    with site.pool.connection() as connection:
        hands.add_signers(acting(site, user), connection, request["id"], who=who, when=when)


def test_a_signer_added_before_is_asked_first(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    expert = site.user()
    request = ask(site, site.user(), definition(roles=[role]))
    signers(site, one, request, [expert], "before")
    assert now_asked(site, request) == [expert]
    assert refused(site, one, request) == "approval.not_your_turn"
    assert decide(site, expert, request) == "waiting"
    assert decide(site, one, request) == "approved"


def test_a_signer_added_after_must_agree_as_well(site: SmallSite) -> None:
    role, (one, _) = role_of(2, site)
    first, second = site.user(), site.user()
    request = ask(site, site.user(), definition(roles=[role]))
    signers(site, one, request, [first, second], "after")
    assert decide(site, one, request) == "waiting"
    assert first in now_asked(site, request) and second not in now_asked(site, request)
    assert decide(site, first, request) == "waiting"
    assert decide(site, second, request) == "approved"


def test_a_signer_who_was_added_can_reject(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    expert = site.user()
    request = ask(site, site.user(), definition(roles=[role]))
    signers(site, one, request, [expert], "before")
    assert decide(site, expert, request, "reject") == "rejected"


def test_urging_tells_whose_turn_it_is_once_an_hour(site: SmallSite) -> None:
    role, (one, two) = role_of(2, site)
    submitter = site.user()
    request = ask(site, submitter, definition(roles=[role], mode="sequence"))

    def urge(user: str) -> None:
        with site.pool.connection() as connection:
            hands.urge(acting(site, user), connection, request["id"])

    urge(submitter)
    assert told(site, one, request) == ["approval.wanted", "approval.urged"]
    assert told(site, two, request) == []
    for user, code in ((submitter, "approval.urged_lately"), (one, "approval.not_yours")):
        with pytest.raises(Refused) as caught:
            urge(user)
        assert caught.value.code == code
    site.clock.set(site.clock.now() + timedelta(hours=1))
    urge(submitter)


def test_copies_go_out_when_it_is_approved_and_stand_in_their_box(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    reader_role, (reader,) = role_of(1, site)
    extra = site.user()
    request = ask(site, site.user(), definition(roles=[role], copy_roles=[reader_role]))
    with site.pool.connection() as connection:
        hands.copy(acting(site, one), connection, request["id"], to=[extra])
    assert [entry["kind"] for entry in todo.list(acting(site, extra), "copied")] == ["copied"]
    assert todo.list(acting(site, reader), "copied") == []
    decide(site, one, request)
    assert told(site, reader, request) == ["approval.copied"]
    assert todo.counts(acting(site, reader)) == {"open": 0, "started": 0, "copied": 1, "done": 0}
    assert todo.counts(acting(site, one)) == {"open": 0, "started": 0, "copied": 0, "done": 1}
    with pytest.raises(Refused), site.pool.connection() as connection:
        hands.copy(acting(site, site.user()), connection, request["id"], to=[extra])


# Time


def test_a_time_out_is_counted_in_working_hours(site: SmallSite) -> None:
    role, _ = role_of(1, site)
    request = ask(site, site.user(), definition(roles=[role], timeout_hours=8))
    # Tuesday 10:00 + 8 h of 09-12, 13-18: two before noon, five after it, one on Wednesday morning.
    assert request["due_at"] == "2026-11-25T02:00:00Z"


def test_the_calendar_of_the_company_counts(site: SmallSite) -> None:
    company, calendar = uuid7(), uuid7()
    site.insert("system_calendar", {"id": calendar, "published_through": None})
    site.insert("system_company", {"id": company, "zone": "Asia/Shanghai", "calendar": calendar})
    for day in ("tue", "wed", "thu"):
        site.insert("system_calendar__week", {"record": calendar, "weekday": day, "opens": 8, "closes": 12})
    site.insert("system_calendar__days", {"record": calendar, "date": date(2026, 11, 25), "opens": None, "closes": None})
    role, _ = role_of(0, site)
    named = site.user(company=company)
    request = ask(site, site.user(), definition(roles=[role], users=[site.login_of(named)], timeout_hours=3), company=company)
    assert request["due_at"] == "2026-11-26T01:00:00Z"  # two hours on Tuesday, Wednesday is free, Thursday 09:00


@pytest.mark.parametrize(("then", "ends"), [("approve", "approved"), ("return", "returned")])
def test_time_decides_where_the_definition_says_so(site: SmallSite, then: str, ends: str) -> None:
    role, (one, _) = role_of(2, site)
    request = ask(site, site.user(), definition(roles=[role], mode="all", timeout_hours=1, on_timeout=then))
    assert expire(site, request) == "waiting", "it is not time yet"
    site.clock.set("2026-11-24T04:00:00Z")
    with site.pool.connection() as connection:
        assert ("demo.note", request["record"]) in timing.due(connection, site.clock.now())
    assert expire(site, request) == ends
    assert refused(site, one, request) == "approval.ended"


def test_people_are_reminded_once(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    request = ask(site, site.user(), definition(roles=[role], timeout_hours=1))
    site.clock.set("2026-11-24T04:00:00Z")
    assert [expire(site, request), expire(site, request)] == ["waiting", "waiting"]
    assert told(site, one, request) == ["approval.wanted", "approval.late"]


def test_the_superior_takes_over_what_lies_too_long(site: SmallSite) -> None:
    boss = site.user()
    team = department(site, boss)
    role, _ = role_of(0, site)
    slow = site.user(department=team)
    request = ask(site, site.user(), definition(roles=[role], users=[site.login_of(slow)], timeout_hours=1, on_timeout="superior"))
    site.clock.set("2026-11-24T04:00:00Z")
    expire(site, request)
    assert now_asked(site, request) == [boss]
    assert told(site, boss, request) == ["approval.late"]
    assert decide(site, boss, request) == "approved"


def test_only_the_worker_says_that_time_is_up(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    admin = site.user(roles=["admin"])
    request = ask(site, site.user(), definition(roles=[role], timeout_hours=1, on_timeout="approve"))
    site.clock.set("2026-11-24T04:00:00Z")
    assert refused(site, one, request, "expire") == "approval.not_yours"
    assert refused(site, admin, request, "expire") == "approval.not_yours"
    site.deactivate(admin)


# At the same moment


def at_once(*calls: Any) -> list[str]:
    start, results = threading.Barrier(len(calls)), list[str]()

    def go(call: Any) -> None:
        start.wait(10)
        try:
            results.append(str(call()))
        except Refused as refusal:
            results.append(refusal.code)

    threads = [threading.Thread(target=go, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


def test_two_workers_at_the_same_moment_let_time_decide_once(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    for _ in range(5):
        site.clock.set("2026-11-24T02:00:00Z")
        request = ask(site, site.user(), definition(roles=[role], timeout_hours=1))
        site.clock.set("2026-11-24T04:00:00Z")
        at_once(lambda: expire(site, request), lambda: expire(site, request))  # noqa: B023
        assert told(site, one, request) == ["approval.wanted", "approval.late"]


def test_the_deputy_and_who_is_away_at_the_same_moment_decide_once(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    deputy = site.user()
    deputy_of(site, one, deputy)
    for _ in range(5):
        request = ask(site, site.user(), definition(roles=[role]))
        found = at_once(lambda: decide(site, one, request), lambda: decide(site, deputy, request))  # noqa: B023
        assert found == ["approval.ended", "approved"]


def test_approving_and_withdrawing_at_the_same_moment_does_one_of_them(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    for _ in range(5):
        submitter = site.user()
        request = ask(site, submitter, definition(roles=[role]))
        found = at_once(lambda: decide(site, one, request), lambda: decide(site, submitter, request, "withdraw"))  # noqa: B023
        assert found in (["approval.ended", "approved"], ["approval.ended", "withdrawn"])


def test_the_last_of_a_round_twice_at_the_same_moment_begins_the_next_round_once(site: SmallSite) -> None:
    (first, people), (second, (boss,)) = role_of(2, site), role_of(1, site)
    wanted = definition(steps={"a": {"roles": [first], "mode": "all"}, "b": {"roles": [second]}})
    for _ in range(5):
        request = ask(site, site.user(), wanted)
        assert at_once(*(lambda who=who: decide(site, who, request) for who in people)) == ["waiting", "waiting"]  # noqa: B023
        assert now_asked(site, request) == [boss]
        assert told(site, boss, request) == ["approval.wanted"]


def test_two_places_that_make_a_circle_at_the_same_moment_are_not_both_handed_over(site: SmallSite) -> None:
    for _ in range(3):
        one, two = site.user(), site.user()

        def hand(who: str, to: str) -> str:
            return deputy_of(site, who, to)["state"]

        found = []
        start = threading.Barrier(2)

        def go(who: str, to: str) -> None:
            start.wait(10)  # noqa: B023
            try:
                found.append(hand(who, to))  # noqa: B023
            except Refused as refusal:
                found.append(refusal.faults[0].code)  # noqa: B023

        threads = [threading.Thread(target=go, args=pair) for pair in ((one, two), (two, one))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(found) == ["delegation.circle", "running"]


def test_rows_of_an_older_program_are_decided_like_new_ones(site: SmallSite) -> None:
    one, request, record = site.user(), uuid7(), uuid7()
    site.insert("approval_request", {"id": request, "record": record, "form": "demo.note", "transition": "confirm",
                                     "approval": "demo.large", "mode": "one", "needed": 1, "status": "waiting",
                                     "requested_by": site.user(), "requested_at": datetime(2026, 11, 24, tzinfo=UTC)})  # fmt: skip
    site.insert("approval_person", {"request": request, "user_id": one, "position": 0})
    assert decide(site, one, {"id": request}) == "approved"
