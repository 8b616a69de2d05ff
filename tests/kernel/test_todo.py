"""The to-do list: what waits for me, what came back to me, and nothing of others."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from access_site import Ctx, SmallSite, acting, label, small_site

from anlan.kernel.access.policy import TokenScope
from anlan.kernel.definition.model import ApprovalDefinition
from anlan.kernel.ids import uuid7
from anlan.kernel.workflow import approval, todo


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def people(site: SmallSite) -> tuple[Ctx, Ctx]:
    """A submitter, and the only one who is asked."""
    role = f"r{uuid4().hex[:8]}"
    return acting(site, site.user()), acting(site, site.user(role, roles=[role]))


def submit(by: Ctx, to: Ctx, record: str | None = None, number: str = "N1") -> dict[str, Any]:
    """A draft note in the record index, submitted."""
    if record is None:
        record = uuid7()
        by.site.insert("record_index", {"id": record, "form": "demo.note", "code": number, "title": "A note",
                                        "state": "draft", "updated_at": by.now})  # fmt: skip
    wanted = ApprovalDefinition(approval="demo.large", label=label("Large"), roles=sorted(to.caller.roles))
    submission = approval.Submission(record, "demo.note", "confirm", None, state="draft", comment="please")
    with by.site.pool.connection() as connection:
        return {**approval.open(by, connection, wanted, submission), "record": record}


def decide(ctx: Ctx, request: dict[str, Any], choice: Any, comment: str | None = None) -> None:
    with ctx.site.pool.connection() as connection:
        approval.decide(ctx, connection, request["id"], choice, comment=comment)


def test_what_waits_for_me_stands_on_my_list_with_its_record(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    request = submit(submitter, approver)
    (found,) = todo.list(approver)
    assert (found["kind"], found["form"], found["record"]) == ("approval", "demo.note", request["record"])
    assert (found["number"], found["title"], found["state"]) == ("N1", "A note", "draft")
    assert found["requested_by"]["id"] == submitter.caller.user and found["comment"] == "please"
    assert found["request"]["id"] == request["id"]
    assert todo.count(approver) == 1
    assert todo.list(submitter) == [] and todo.count(submitter) == 0


def test_what_i_decided_leaves_my_list(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    decide(approver, submit(submitter, approver), "approve")
    assert todo.list(approver) == [] == todo.list(submitter)


def test_what_was_returned_to_me_stands_there_with_the_reason_until_i_submit_again(
    people: tuple[Ctx, Ctx],
) -> None:
    submitter, approver = people
    request = submit(submitter, approver)
    decide(approver, request, "return", "the date is wrong")
    (found,) = todo.list(submitter)
    assert (found["kind"], found["comment"]) == ("returned", "the date is wrong")
    assert todo.count(submitter) == 1
    submit(submitter, approver, request["record"])
    assert todo.list(submitter) == []
    assert len(todo.list(approver)) == 1


def test_what_was_returned_leaves_the_list_when_the_record_moves_on_or_goes(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    moved, gone = submit(submitter, approver), submit(submitter, approver)
    decide(approver, moved, "return")
    decide(approver, gone, "return")
    assert todo.count(submitter) == 2
    with submitter.site.pool.connection() as connection:
        connection.execute("UPDATE record_index SET state = 'cancelled' WHERE id = $1", [moved["record"]])
        connection.execute("DELETE FROM record_index WHERE id = $1", [gone["record"]])
    assert todo.list(submitter) == [] and todo.count(submitter) == 0


def test_what_waits_leaves_the_list_when_its_record_goes(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    request = submit(submitter, approver)
    with submitter.site.pool.connection() as connection:
        connection.execute("DELETE FROM record_index WHERE id = $1", [request["record"]])
    assert todo.list(approver) == [] and todo.count(approver) == 0


def test_who_lost_the_role_has_nothing_to_do(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    submit(submitter, approver)
    without = replace(approver, caller=replace(approver.caller, roles=frozenset({"clerk"})))
    assert todo.list(without) == [] and todo.count(without) == 0


def test_the_oldest_comes_first(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    for number in ("N1", "N2", "N3"):
        submit(submitter, approver, number=number)
    assert [one["number"] for one in todo.list(approver)] == ["N1", "N2", "N3"]


@pytest.mark.parametrize(
    ("scope", "seen"),
    [(TokenScope(forms=frozenset({"demo.note"})), 1), (TokenScope(forms=frozenset({"demo.other"})), 0),
     (TokenScope(actions=frozenset({"read"})), 1), (TokenScope(actions=frozenset({"create"})), 0)],
)  # fmt: skip
def test_a_narrowed_token_sees_only_the_forms_that_it_names(
    people: tuple[Ctx, Ctx], scope: TokenScope, seen: int
) -> None:
    submitter, approver = people
    submit(submitter, approver)
    narrow = replace(approver, caller=replace(approver.caller, token_scope=scope))
    assert len(todo.list(narrow)) == todo.count(narrow) == seen


def test_nothing_is_shown_before_the_first_own_password(people: tuple[Ctx, Ctx]) -> None:
    submitter, approver = people
    submit(submitter, approver)
    fresh = replace(approver, caller=replace(approver.caller, must_change=True))
    assert todo.list(fresh) == [] and todo.count(fresh) == 0
