"""Approvals: who is asked, how several decisions become one, what two at the same moment do."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from access_site import Ctx, SmallSite, acting, empty_database, label, small_site
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel import record
from anlan.kernel import site as sites
from anlan.kernel.access import tokens, users
from anlan.kernel.access.caller import system_caller
from anlan.kernel.access.policy import TokenScope
from anlan.kernel.context import Context
from anlan.kernel.definition.model import ApprovalDefinition, Transition
from anlan.kernel.errors import Refused
from anlan.kernel.ids import uuid7
from anlan.kernel.settings import load
from anlan.kernel.site import making
from anlan.kernel.site.site import Site
from anlan.kernel.workflow import approval, todo
from anlan.kernel.workflow.votes import Vote, needed_of, outcome


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


def definition(**values: Any) -> ApprovalDefinition:
    return ApprovalDefinition(approval="demo.large", label=label("Large"), **values)


def ask(site: SmallSite, submitter: str, wanted: ApprovalDefinition, **more: Any) -> dict[str, Any]:
    record = more.pop("record", None) or uuid7()
    submission = approval.Submission(
        record, "demo.note", "confirm", more.pop("company", None), state="draft", **more
    )
    with site.pool.connection() as connection:
        return {**approval.open(acting(site, submitter), connection, wanted, submission), "record": record}


def decide(
    site: SmallSite, user: str, request: dict[str, Any], choice: Any, **more: Any
) -> approval.Decision:
    with site.pool.connection() as connection:
        return approval.decide(acting(site, user), connection, request["id"], choice, **more)


def refused(site: SmallSite, user: str, request: dict[str, Any], choice: Any) -> str:
    with pytest.raises(Refused) as caught:
        decide(site, user, request, choice)
    return f"{caught.value.status} {caught.value.code}"


def who(request: dict[str, Any]) -> list[str]:
    return [one["id"] for one in request["who"]]


def told(site: SmallSite, user: str, request: dict[str, Any]) -> list[str]:
    """The codes of what a user was told about a request's record."""
    query = "SELECT code FROM message WHERE recipient = $1 AND record = $2 ORDER BY id"
    return [code for (code,) in site.rows(query, user, request["record"])]


def role_of(users: int, site: SmallSite) -> tuple[str, list[str]]:
    """A role of its own with that many users, in the order of their log-in names."""
    role = f"r{uuid4().hex[:8]}"
    return role, [site.user(f"{role}_{position}", roles=[role]) for position in range(users)]


# Whether somebody is to be asked

STEP = {"from": ["draft"], "to": "confirmed", "label": label("Confirm")}


def test_a_step_without_an_approval_asks_nobody() -> None:
    assert approval.needed(Transition.model_validate(STEP), {}, lambda _: True) is None


def test_a_step_asks_when_the_condition_holds_over_the_record() -> None:
    step = Transition.model_validate({**STEP, "approval": "demo.large"})
    wanted = definition(when="net > 1000", roles=["manager"])
    asked: list[str] = []

    def holds(text: str) -> bool:
        asked.append(text)
        return len(asked) == 1

    assert approval.needed(step, {"demo.large": wanted}, holds) is wanted
    assert approval.needed(step, {"demo.large": wanted}, holds) is None
    assert asked == ["net > 1000"] * 2


# Who is asked


def test_the_users_of_the_roles_and_the_named_users_are_asked_but_not_the_submitter(site: SmallSite) -> None:
    role, (one, two) = role_of(2, site)
    named, submitter = site.user(f"z{role}"), one
    request = ask(site, submitter, definition(roles=[role], users=[f"z{role}"]))
    assert who(request) == [named, two]
    assert request["status"] == "waiting" and request["requested_by"]["id"] == submitter
    assert {"id", "code", "label"} == set(request["who"][0])


def test_inactive_users_are_not_asked(site: SmallSite) -> None:
    role, (one, two) = role_of(2, site)
    site.deactivate(one)
    assert who(ask(site, site.user(), definition(roles=[role]))) == [two]


def test_only_users_who_may_see_the_company_are_asked(site: SmallSite) -> None:
    here, there = uuid7(), uuid7()
    role = f"r{uuid4().hex[:8]}"
    at_home = site.user(f"{role}_a", roles=[role], company=here)
    site.user(f"{role}_b", roles=[role], company=there)
    visiting = site.user(f"{role}_c", roles=[role], company=there)
    site.insert("system_user__companies", {"id": uuid7(), "record": visiting, "position": 0, "company": here})
    everywhere = site.user(f"{role}_d", roles=[role, "admin"], company=there)
    request = ask(site, site.user(), definition(roles=[role]), company=here)
    assert who(request) == [at_home, visiting, everywhere]
    site.deactivate(everywhere)


def department(site: SmallSite, manager: str | None, parent: str | None = None) -> str:
    key = uuid7()
    site.insert("system_department", {"id": key, "code": key[-6:], "manager": manager, "parent": parent})
    return key


def test_the_nearest_manager_who_is_not_the_submitter_is_asked(site: SmallSite) -> None:
    boss, head = site.user(), site.user()
    top = department(site, boss)
    middle = department(site, head, parent=top)
    team = department(site, None, parent=middle)
    assert who(ask(site, site.user(department=team), definition(manager=True))) == [head]
    assert who(ask(site, head, definition(manager=True), department=team)) == [boss]


def test_departments_in_a_circle_end_the_search(site: SmallSite) -> None:
    first = department(site, None)
    second = department(site, None, parent=first)
    with site.pool.connection() as connection:
        connection.execute("UPDATE system_department SET parent = $1 WHERE id = $2", [second, first])
    admin = site.user(roles=["admin"])
    assert who(ask(site, site.user(department=second), definition(manager=True))) == [admin]
    site.deactivate(admin)


def test_administrators_are_asked_when_nobody_is_found(site: SmallSite) -> None:
    admin = site.user(roles=["admin"])
    assert who(ask(site, site.user(), definition(roles=["nobody_has_it"]))) == [admin]
    site.deactivate(admin)


def test_a_request_that_nobody_could_decide_is_refused(site: SmallSite) -> None:
    with pytest.raises(Refused) as caught:
        ask(site, site.user(), definition(roles=["nobody_has_it"]))
    assert (caught.value.status, caught.value.code) == (409, "approval.nobody")


def test_the_step_passes_at_once_when_nobody_is_found_and_the_definition_lets_it(site: SmallSite) -> None:
    request = ask(site, site.user(), definition(roles=["nobody_has_it"], empty="approve"))
    assert request["status"] == "approved"
    ((actor,),) = site.rows(
        "SELECT actor FROM event WHERE record = $1 AND kind = 'approve'", request["record"]
    )
    assert actor is None


def test_the_only_one_there_is_may_approve_his_own_and_that_is_recorded(site: SmallSite) -> None:
    role, (only,) = role_of(1, site)
    request = ask(site, only, definition(roles=[role]))
    assert who(request) == [only]
    assert decide(site, only, request, "approve").outcome == "approved"
    ((changes,),) = site.rows(
        "SELECT changes FROM event WHERE record = $1 AND kind = 'approve'", request["record"]
    )
    assert {"path": "approval.own", "old": None, "new": True} in changes


# Deciding


def test_one_approval_is_enough_in_mode_one_and_names_the_step_with_its_values(site: SmallSite) -> None:
    role, people = role_of(2, site)
    request = ask(site, site.user(), definition(roles=[role]), content={"note": "x"})
    done = decide(site, people[1], request, "approve", comment="fine")
    assert (done.outcome, done.record, done.transition) == ("approved", request["record"], "confirm")
    assert done.content == {"note": "x"}
    assert done.request["status"] == "approved" and [one["id"] for one in done.request["who"]] == [people[1]]
    assert refused(site, people[0], request, "approve") == "409 approval.ended"


def test_everybody_must_approve_in_mode_all(site: SmallSite) -> None:
    role, people = role_of(2, site)
    request = ask(site, site.user(), definition(roles=[role], mode="all"))
    assert decide(site, people[0], request, "approve").outcome == "waiting"
    assert refused(site, people[0], request, "approve") == "409 approval.already_decided"
    assert decide(site, people[1], request, "approve").outcome == "approved"


def test_so_many_must_approve_in_mode_any(site: SmallSite) -> None:
    role, people = role_of(3, site)
    request = ask(site, site.user(), definition(roles=[role], mode="any", count=2))
    assert decide(site, people[0], request, "reject").outcome == "waiting"
    assert decide(site, people[1], request, "approve").outcome == "waiting"
    assert decide(site, people[2], request, "approve").outcome == "approved"


def test_it_is_recorded_when_fewer_can_be_asked_than_must_agree(site: SmallSite) -> None:
    role, people = role_of(2, site)
    request = ask(site, people[0], definition(roles=[role], mode="any", count=2))
    ((changes,),) = site.rows("SELECT changes FROM event WHERE record = $1", request["record"])
    assert {"path": "approval.fewer", "old": None, "new": True} in changes
    assert decide(site, people[1], request, "approve").outcome == "approved"


def test_what_is_returned_may_be_submitted_again(site: SmallSite) -> None:
    role, people = role_of(1, site)
    submitter = site.user()
    request = ask(site, submitter, definition(roles=[role]))
    assert decide(site, people[0], request, "return", comment="the date").outcome == "returned"
    again = ask(site, submitter, definition(roles=[role]), record=request["record"])
    assert again["status"] == "waiting"


def test_a_record_waits_for_one_request_at_a_time(site: SmallSite) -> None:
    role, _ = role_of(1, site)
    request = ask(site, site.user(), definition(roles=[role]))
    with pytest.raises(Refused) as caught:
        ask(site, site.user(), definition(roles=[role]), record=request["record"])
    assert caught.value.code == "approval.already_waiting"


def test_only_the_submitter_or_an_administrator_withdraws(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    submitter, admin = site.user(), site.user(roles=["admin"])
    request = ask(site, submitter, definition(roles=[role]))
    assert refused(site, one, request, "withdraw") == "403 approval.not_yours"
    assert decide(site, submitter, request, "withdraw").outcome == "withdrawn"
    request = ask(site, submitter, definition(roles=[role]))
    assert decide(site, admin, request, "withdraw").outcome == "withdrawn"
    site.deactivate(admin)


def test_a_stranger_and_the_submitter_cannot_decide(site: SmallSite) -> None:
    role, _ = role_of(1, site)
    submitter = site.user()
    request = ask(site, submitter, definition(roles=[role]))
    assert refused(site, site.user(), request, "approve") == "403 approval.not_yours"
    assert refused(site, submitter, request, "approve") == "403 approval.not_yours"


def test_who_has_lost_the_role_since_cannot_decide(site: SmallSite) -> None:
    role, (one, _) = role_of(2, site)
    request = ask(site, site.user(), definition(roles=[role]))
    with site.pool.connection() as connection:
        connection.execute("UPDATE \"system_user\" SET roles = '{}' WHERE id = $1", [one])
    assert refused(site, one, request, "approve") == "403 approval.not_yours"


@pytest.mark.parametrize("unknown", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_request_is_not_found(site: SmallSite, unknown: str) -> None:
    assert refused(site, site.user(), {"id": unknown}, "approve") == "404 not_found"


def test_a_narrowed_token_decides_only_what_it_names(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    request = ask(site, site.user(), definition(roles=[role]))
    ctx = acting(site, one)
    narrow = replace(ctx.caller, token_scope=TokenScope(actions=frozenset({"read"})))
    with site.pool.connection() as connection, pytest.raises(Refused) as caught:
        approval.decide(replace(ctx, caller=narrow), connection, request["id"], "approve")
    assert caught.value.code == "forbidden"


def test_a_decision_can_be_handed_over_and_then_counts_for_the_other(site: SmallSite) -> None:
    role, (one, two) = role_of(2, site)
    deputy, submitter = site.user(), site.user()
    request = ask(site, submitter, definition(roles=[role], mode="all"))
    with site.pool.connection() as connection:
        after = approval.transfer(acting(site, one), connection, request["id"], to=deputy)
    assert [person["id"] for person in after["who"]] == [two, deputy]
    assert told(site, deputy, request) == ["approval.wanted"]
    assert refused(site, one, request, "approve") == "409 approval.already_decided"
    assert decide(site, deputy, request, "approve").outcome == "waiting"
    assert decide(site, two, request, "approve").outcome == "approved"
    assert site.kinds(request["record"]) == ["submit", "transfer", "approve", "approve"]


def test_only_an_administrator_hands_over_what_is_asked_of_somebody_else(site: SmallSite) -> None:
    role, (gone, two) = role_of(2, site)
    admin, deputy, submitter = site.user(roles=["admin"]), site.user(), site.user()
    request = ask(site, submitter, definition(roles=[role], mode="all"))
    site.deactivate(gone)

    def hand_over(by: str, to: str) -> None:
        with site.pool.connection() as connection:
            approval.transfer(acting(site, by), connection, request["id"], to=to, of=gone)

    with pytest.raises(Refused) as caught:
        hand_over(two, deputy)
    assert caught.value.code == "approval.not_yours"
    for to in (submitter, two, gone, "nobody"):
        with pytest.raises(Refused) as caught:
            hand_over(admin, to)
        assert caught.value.code == "approval.cannot_take_over"
    hand_over(admin, deputy)
    assert decide(site, deputy, request, "approve").outcome == "waiting"
    site.deactivate(admin)


def test_every_decision_is_an_event_with_its_comment(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    request = ask(site, site.user(), definition(roles=[role]), comment="please")
    decide(site, one, request, "reject", comment="too dear")
    found = site.rows(
        "SELECT kind, actor, comment, changes FROM event WHERE record = $1 ORDER BY seq", request["record"]
    )
    assert [(kind, comment) for kind, _, comment, _ in found] == [
        ("submit", "please"),
        ("reject", "too dear"),
    ]
    assert found[1][1] == one
    assert found[1][3] == [{"path": "approval", "old": "waiting", "new": "rejected"}]


def test_who_is_asked_is_told_and_the_submitter_how_it_ended(site: SmallSite) -> None:
    role, people = role_of(2, site)
    submitter = site.user()
    for choice, code in (("approve", "approved"), ("reject", "rejected"), ("return", "returned")):
        request = ask(site, submitter, definition(roles=[role], mode="all"))
        assert [told(site, one, request) for one in people] == [["approval.wanted"]] * 2
        decide(site, people[0], request, choice)
        if choice == "approve":
            assert told(site, submitter, request) == [], "it still waits"
            decide(site, people[1], request, choice)
        assert told(site, submitter, request) == [f"approval.told_{code}"]


def test_nobody_is_told_what_he_did_himself(site: SmallSite) -> None:
    role, (only,) = role_of(1, site)
    request = ask(site, only, definition(roles=[role]))
    decide(site, only, request, "approve")
    assert "approval.told_approved" not in told(site, only, request)
    submitter = site.user()
    request = ask(site, submitter, definition(roles=[role]))
    decide(site, submitter, request, "withdraw")
    assert told(site, submitter, request) == []


def test_waiting_tells_which_records_may_not_be_edited(site: SmallSite) -> None:
    role, (one,) = role_of(1, site)
    first, second = (ask(site, site.user(), definition(roles=[role])) for _ in range(2))
    decide(site, one, second, "reject")
    with site.pool.connection() as connection:
        found = approval.waiting(connection, [first["record"], second["record"], uuid7()])
    assert list(found) == [first["record"]]
    assert found[first["record"]]["id"] == first["id"]


# At the same moment


def both(site: SmallSite, request: dict[str, Any], people: list[str], choice: str = "approve") -> list[str]:
    """What two get who decide at the same moment: both have looked before either has committed."""
    start = threading.Barrier(2)
    results: list[str] = []

    def go(user: str) -> None:
        ctx = acting(site, user)
        with site.pool.connection() as connection:
            connection.execute("SELECT 1")
            start.wait(10)
            try:
                results.append(approval.decide(ctx, connection, request["id"], choice).outcome)  # type: ignore[arg-type]
            except Refused as refusal:
                results.append(refusal.code)
                connection.rollback()

    threads = [threading.Thread(target=go, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


def test_two_approvers_at_the_same_moment_take_one_step_in_mode_one(site: SmallSite) -> None:
    role, people = role_of(2, site)
    for _ in range(5):
        assert both(site, ask(site, site.user(), definition(roles=[role])), people) == [
            "approval.ended",
            "approved",
        ]


def test_two_approvers_at_the_same_moment_take_one_step_in_mode_all(site: SmallSite) -> None:
    role, people = role_of(2, site)
    for _ in range(5):
        request = ask(site, site.user(), definition(roles=[role], mode="all"))
        assert both(site, request, people) == ["approved", "waiting"]


def test_two_submissions_at_the_same_moment_make_one_request(site: SmallSite) -> None:
    role, _ = role_of(1, site)
    record, wanted = uuid7(), definition(roles=[role])
    contexts = [acting(site, site.user()) for _ in range(2)]
    start = threading.Barrier(2)
    results: list[str] = []

    def go(ctx: Ctx) -> None:
        with site.pool.connection() as connection:
            start.wait(10)
            try:
                made = approval.open(
                    ctx, connection, wanted, approval.Submission(record, "demo.note", "confirm", None)
                )
                results.append(made["status"])
            except Refused as refusal:
                results.append(refusal.code)
                connection.rollback()

    threads = [threading.Thread(target=go, args=[ctx]) for ctx in contexts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["approval.already_waiting", "waiting"]


# How several decisions become one

MODES = st.sampled_from(["one", "all", "any"])
VOTES: st.SearchStrategy[list[Vote]] = st.lists(st.sampled_from(["approve", "reject", "return"]), max_size=8)


@given(MODES, st.integers(1, 6), st.integers(1, 8), VOTES)
def test_a_request_ends_at_the_latest_with_its_last_decision(
    mode: Any, count: int, people: int, votes: list[Vote]
) -> None:
    needed = needed_of(mode, count, people)
    everybody = (votes * people)[:people] if votes else []
    states = [
        outcome(mode, needed=needed, people=people, votes=everybody[:n]) for n in range(len(everybody) + 1)
    ]
    assert states[0] == "waiting"
    if everybody:
        assert states[-1] != "waiting"
        first_end = next(position for position, state in enumerate(states) if state != "waiting")
        so_far = everybody[:first_end]
        assert (states[first_end] == "approved") == (
            so_far.count("approve") >= needed and "return" not in so_far
        )
        assert states[first_end] != "approved" or so_far[-1] == "approve"


@given(MODES, st.integers(1, 6), st.integers(1, 8), VOTES)
def test_one_more_agreement_never_turns_a_request_down(
    mode: Any, count: int, people: int, votes: list[Vote]
) -> None:
    needed = needed_of(mode, count, people)
    before = outcome(mode, needed=needed, people=people, votes=votes)
    after = outcome(mode, needed=needed, people=people, votes=[*votes, "approve"])
    assert after in {before, "approved"} or before != "waiting"


@given(st.integers(1, 9), st.integers(0, 9))
def test_never_more_people_are_needed_than_there_are(count: int, people: int) -> None:
    for mode in ("one", "all", "any"):
        assert 1 <= needed_of(mode, count, people) <= max(1, people)  # type: ignore[arg-type]


@given(st.integers(2, 8))
def test_one_disagreement_ends_mode_all_and_mode_one(people: int) -> None:
    for mode in ("one", "all"):
        needed = needed_of(mode, 1, people)  # type: ignore[arg-type]
        assert outcome(mode, needed=needed, people=people, votes=["reject"]) == "rejected"  # type: ignore[arg-type]


def test_a_definition_does_not_change_a_request_that_waits(site: SmallSite) -> None:
    role, people = role_of(2, site)
    request = ask(site, site.user(), definition(roles=[role], mode="all"))
    site.user(f"{role}_late", roles=[role])
    site.clock.advance(timedelta(days=1))
    decide(site, people[0], request, "approve")
    assert decide(site, people[1], request, "approve").outcome == "approved"


# Through the record path of a real site

PACK = {
    "pack.yaml": "{pack: demo, label: Demo, version: '1'}",
    "roles.yaml": "[{role: clerk, label: Clerk}, {role: boss, label: Boss}]",
    "approvals.yaml": "[{approval: demo.large, label: Large, when: size > 100, mode: one, roles: [boss]}]",
    "forms/note.yaml": """
form: demo.note
kind: document
label: Note
number: {pattern: "N{0000}"}
fields:
  subject: {type: text, required: true}
  size: {type: integer, required: true}
workflow:
  states:
    draft: {label: Draft, editable: ["*"]}
    confirmed: {label: Confirmed}
  transitions:
    confirm: {from: [draft], to: confirmed, label: Confirm, approval: demo.large, check: size < 1000}
grants:
  clerk: {actions: [read, create, update, delete, confirm]}
  boss: {actions: [read]}
""",
}


@pytest.fixture(scope="module")
def real(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one pack: notes, of which large ones need a boss."""
    folder = tmp_path_factory.mktemp("packs")
    for name, text in PACK.items():
        (folder / "demo" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "demo" / name).write_text(text, "utf-8")
    with empty_database(address) as conninfo:
        settings = load({"ANLAN_DATABASE_URL": conninfo}, home=tmp_path_factory.mktemp("home"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(making, "packs_folder", lambda: folder)
            sites.create(settings, packs=["demo"])
            opened = sites.open(settings)
        try:
            company = record.create(
                Context(opened, system_caller(opened.catalogue.policies)),
                "system.company", {"code": "MAIN", "name": "Main"},
            )["id"]  # fmt: skip
            for login, roles in (("clerk", ["clerk"]), ("boss", ["boss"]), ("chief", ["boss", "clerk"])):
                users.add(opened, login, login.title(), roles=roles, company=company)
            yield opened
        finally:
            opened.close()


def as_user(site: Site, login: str) -> Context:
    caller = tokens.resolve_token(site, tokens.create(site, login, "Test"), None)
    assert caller is not None
    return Context(site, caller)


def a_note(site: Site, size: int, login: str = "clerk") -> tuple[Context, str]:
    ctx = as_user(site, login)
    return ctx, record.create(ctx, "demo.note", {"subject": "Chairs", "size": size})["id"]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return f"{caught.value.status} {caught.value.code}"


def test_a_small_note_is_confirmed_at_once(real: Site) -> None:
    ctx, key = a_note(real, 5)
    assert record.step(ctx, "demo.note", key, "confirm")["state"] == "confirmed"


def test_a_large_note_waits_unchanged_until_it_is_approved(real: Site) -> None:
    ctx, key = a_note(real, 500)
    waits = record.step(ctx, "demo.note", key, "confirm", comment="please")
    assert waits["state"] == "draft" and waits["approval"]["status"] == "waiting"
    assert [one["code"] for one in waits["approval"]["who"]] == ["boss", "chief"]
    edit = {"size": 1}
    refusal = code_of(lambda: record.update(ctx, "demo.note", key, edit, version=waits["version"]))
    assert refusal.startswith("409")
    assert code_of(lambda: record.step(ctx, "demo.note", key, "confirm")).startswith("409")
    assert code_of(lambda: record.step(ctx, "demo.note", key, "approve")) == "403 approval.not_yours"
    boss = as_user(real, "boss")
    assert [one["record"] for one in todo.list(boss)] == [key]
    done = record.step(boss, "demo.note", key, "approve", comment="fine")
    assert done["state"] == "confirmed" and done["number"]
    assert todo.list(boss) == []
    kinds = [event["kind"] for event in record.trail(ctx, "demo.note", key)]
    assert kinds[:3] == ["confirm", "approve", "submit"]


def test_what_the_step_refuses_undoes_the_decision(real: Site) -> None:
    ctx, key = a_note(real, 500)
    record.step(ctx, "demo.note", key, "confirm")
    with real.pool.connection() as connection:
        connection.execute("UPDATE demo_note SET size = 2000 WHERE id = $1", [key])
    boss = as_user(real, "boss")
    assert code_of(lambda: record.step(boss, "demo.note", key, "approve")).startswith("422")
    assert key in [one["record"] for one in todo.list(boss)], "it still waits"


def test_a_returned_note_is_mended_and_submitted_again(real: Site) -> None:
    ctx, key = a_note(real, 500)
    record.step(ctx, "demo.note", key, "confirm")
    back = record.step(as_user(real, "boss"), "demo.note", key, "return", comment="too many")
    assert back["state"] == "draft" and back["approval"]["status"] == "returned"
    (mine,) = todo.list(ctx)
    assert (mine["kind"], mine["record"], mine["comment"]) == ("returned", key, "too many")
    record.update(ctx, "demo.note", key, {"size": 50}, version=back["version"])
    assert record.step(ctx, "demo.note", key, "confirm")["state"] == "confirmed"
    assert todo.list(ctx) == []


def test_the_submitter_who_is_an_approver_too_does_not_decide_his_own(real: Site) -> None:
    ctx, key = a_note(real, 500, "chief")
    waits = record.step(ctx, "demo.note", key, "confirm")
    assert [one["code"] for one in waits["approval"]["who"]] == ["boss"]
    assert code_of(lambda: record.step(ctx, "demo.note", key, "approve")) == "403 approval.not_yours"


def test_two_who_approve_through_the_record_path_at_the_same_moment_confirm_once(real: Site) -> None:
    for _ in range(3):
        ctx, key = a_note(real, 500)
        record.step(ctx, "demo.note", key, "confirm")
        contexts = [as_user(real, "boss"), as_user(real, "chief")]
        start = threading.Barrier(2)
        results: list[str] = []

        def go(by: Context, key: str, start: threading.Barrier, results: list[str]) -> None:
            start.wait(10)
            try:
                results.append(record.step(by, "demo.note", key, "approve")["state"])
            except Refused as refusal:
                results.append(str(refusal.status))

        threads = [threading.Thread(target=go, args=[by, key, start, results]) for by in contexts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(results) == ["409", "confirmed"]
        kinds = [event["kind"] for event in record.trail(ctx, "demo.note", key)]
        assert kinds.count("confirm") == kinds.count("approve") == 1
