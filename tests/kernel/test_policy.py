"""Who may do what: roles add up, nothing is allowed that no role grants."""

from typing import Any

import pytest
from access_site import label, note, policies
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel.access.policy import Policies, Policy, TokenScope
from anlan.kernel.definition.model import RegisterDefinition, ReportDefinition
from anlan.kernel.errors import Refused

FORM = "demo.note"


def policy(grants: dict[str, Any], *roles: str) -> Policy:
    return policies(forms=[note(grants)]).of(frozenset(roles))


def test_nothing_is_allowed_when_no_role_grants_it() -> None:
    mine = policy({"clerk": {"actions": ["read"]}}, "reader")
    assert not mine.can(FORM, "read")
    assert mine.rows(FORM, "read") == ()
    assert mine.forms("read") == frozenset()


def test_nothing_is_allowed_on_a_form_that_does_not_exist() -> None:
    assert not policy({"clerk": {"actions": ["*"]}}, "clerk").can("demo.other", "read")
    assert not policy({}, "admin").can("demo.other", "read")


def test_a_role_that_the_catalogue_does_not_know_gives_nothing() -> None:
    assert not policy({"ghost": {"actions": ["*"]}}, "ghost").can(FORM, "read")


def test_require_refuses_with_403_what_is_not_granted() -> None:
    with pytest.raises(Refused) as refused:
        policy({"clerk": {"actions": ["read"]}}, "clerk").require(FORM, "update")
    assert (refused.value.status, refused.value.code) == (403, "forbidden")


def test_a_star_grants_every_action_of_the_form() -> None:
    mine = policy({"clerk": {"actions": ["*"]}}, "clerk")
    assert mine.can(FORM, "confirm") and mine.can(FORM, "delete")


def test_actions_of_several_roles_add_up() -> None:
    mine = policy({"clerk": {"actions": ["read"]}, "manager": {"actions": ["confirm"]}}, "clerk", "manager")
    assert mine.can(FORM, "read") and mine.can(FORM, "confirm") and not mine.can(FORM, "delete")


def test_row_rules_of_an_action_are_those_of_the_roles_that_grant_it() -> None:
    grants = {
        "reader": {"actions": ["read"]},
        "clerk": {"actions": ["read", "update"], "rows": "created_by = USER()"},
    }
    mine = policy(grants, "reader", "clerk")
    assert mine.rows(FORM, "read") is None
    assert mine.rows(FORM, "update") == ("created_by = USER()",)


def test_row_rules_are_joined_when_every_granting_role_has_one() -> None:
    grants = {"reader": {"actions": ["read"], "rows": "a"}, "clerk": {"actions": ["read"], "rows": "b"},
              "manager": {"actions": ["read"], "rows": "a"}}  # fmt: skip
    assert set(policy(grants, "reader", "clerk", "manager").rows(FORM, "read") or ()) == {"a", "b"}


def test_a_field_is_masked_when_every_reading_role_masks_it() -> None:
    masks = {"lines.cost": "none", "subject": "none"}
    grants = {"clerk": {"actions": ["read", "update"], "fields": {"lines.cost": "none"}},
              "reader": {"actions": ["read"], "fields": masks}}  # fmt: skip
    assert policy(grants, "clerk", "reader").fields(FORM) == {"lines.cost": "none"}


def test_the_stronger_role_opens_a_field() -> None:
    grants = {"clerk": {"actions": ["read", "update"], "fields": {"lines.cost": "none"}},
              "manager": {"actions": ["read", "update"]}}  # fmt: skip
    assert policy(grants, "clerk", "manager").fields(FORM) == {}


def test_a_role_that_only_reads_never_makes_a_field_writable() -> None:
    grants = {
        "clerk": {"actions": ["read", "update"], "fields": {"subject": "read"}},
        "reader": {"actions": ["read"]},
    }
    assert policy(grants, "clerk", "reader").fields(FORM) == {"subject": "read"}


def test_a_role_that_only_creates_does_not_unmask_what_a_reading_role_masks() -> None:
    grants = {
        "clerk": {"actions": ["create"]},
        "reader": {"actions": ["read"], "fields": {"lines.cost": "none"}},
    }
    assert policy(grants, "clerk", "reader").fields(FORM) == {"lines.cost": "none"}


def test_what_lies_below_a_masked_path_is_masked_too() -> None:
    grants = {"clerk": {"actions": ["read", "update"], "fields": {"lines": "none", "lines.cost": "write"}}}
    assert policy(grants, "clerk").fields(FORM) == {"lines": "none", "lines.cost": "none"}


def test_all_rights_are_without_rows_and_masks() -> None:
    mine = policy(
        {"clerk": {"actions": ["read"], "rows": "a", "fields": {"subject": "none"}}}, "admin", "clerk"
    )
    assert mine.can(FORM, "anything")
    assert mine.rows(FORM, "read") is None
    assert mine.fields(FORM) == {}
    assert mine.forms("delete") == {FORM}


def test_a_register_and_a_report_have_grants_of_their_own() -> None:
    made = policies(
        forms=[note({"clerk": {"actions": ["read"]}})],
        registers=[RegisterDefinition.model_validate({
            "register": "demo.count", "label": label("Count"), "dimensions": {}, "resources": {},
            "grants": {"clerk": {"actions": ["read"], "rows": "own"}}})],
        reports=[ReportDefinition.model_validate({
            "report": "demo.list", "label": label("List"), "columns": {},
            "grants": {"manager": {"actions": ["read"]}}})],
    ).of(frozenset({"clerk"}))  # fmt: skip
    assert made.can("demo.count", "read", kind="register")
    assert made.rows("demo.count", "read", kind="register") == ("own",)
    assert not made.can("demo.count", "read")
    assert not made.can("demo.list", "read", kind="report")
    assert made.forms("read", kind="report") == frozenset()


def test_a_token_narrows_what_the_roles_allow_and_never_widens_it() -> None:
    mine = policy({"clerk": {"actions": ["read", "update"]}}, "clerk")
    assert not mine.narrowed(TokenScope(actions=frozenset({"read", "delete"}))).can(FORM, "update")
    assert not mine.narrowed(TokenScope(actions=frozenset({"read", "delete"}))).can(FORM, "delete")
    assert mine.narrowed(TokenScope(actions=frozenset({"read"}))).rows(FORM, "update") == ()
    assert not mine.narrowed(TokenScope(forms=frozenset({"demo.other"}))).can(FORM, "read")
    assert mine.narrowed(TokenScope(forms=frozenset({FORM}))).can(FORM, "update")


def test_a_token_narrows_all_rights_as_well() -> None:
    mine = policy({}, "admin").narrowed(TokenScope(actions=frozenset({"read"})))
    assert mine.can(FORM, "read") and not mine.can(FORM, "delete")


def test_an_explanation_names_the_roles_that_decide_or_would() -> None:
    grants = {"clerk": {"actions": ["read"], "rows": "own"}, "manager": {"actions": ["read", "confirm"]}}
    mine = policy(grants, "clerk")
    allowed = mine.explain(FORM, "read")
    assert (allowed.allowed, allowed.reason, allowed.roles, allowed.rows) == (
        True,
        "granted",
        ("clerk",),
        ("own",),
    )
    refused = mine.explain(FORM, "confirm")
    assert (refused.allowed, refused.reason, refused.would_grant) == (False, "not_granted", ("manager",))
    assert policy(grants, "admin").explain(FORM, "confirm").reason == "all_rights"
    assert mine.narrowed(TokenScope(forms=frozenset())).explain(FORM, "read").reason == "token_scope"
    assert mine.explain("demo.other", "read").reason == "unknown"


ROLES = ("clerk", "manager", "reader")
GRANTS = st.dictionaries(
    st.sampled_from(ROLES),
    st.fixed_dictionaries({
        "actions": st.lists(st.sampled_from(["read", "update", "confirm", "*"]), max_size=3),
        "rows": st.none() | st.sampled_from(["a", "b"]),
        "fields": st.dictionaries(st.sampled_from(["lines", "lines.cost", "subject"]),
                                  st.sampled_from(["none", "read", "write"]), max_size=3),
    }),
)  # fmt: skip
ORDER = {"none": 0, "read": 1, None: 2}


@given(GRANTS, st.sets(st.sampled_from(ROLES)), st.sampled_from(ROLES))
def test_another_role_never_takes_an_action_or_row_away(
    grants: dict[str, Any], held: set[str], more: str
) -> None:
    made: Policies = policies(forms=[note(grants)])
    fewer, wider = made.of(frozenset(held)), made.of(frozenset({*held, more}))
    for action in ("read", "update", "confirm", "delete"):
        assert wider.can(FORM, action) or not fewer.can(FORM, action)
        rows, wider_rows = fewer.rows(FORM, action), wider.rows(FORM, action)
        assert wider_rows is None or (rows is not None and set(rows) <= set(wider_rows))


@given(GRANTS, st.sets(st.sampled_from(ROLES), min_size=1))
def test_a_field_is_written_only_if_a_role_that_changes_records_writes_it(
    grants: dict[str, Any], held: set[str]
) -> None:
    restricted = policies(forms=[note(grants)]).of(frozenset(held)).fields(FORM)
    for path in {path for role in held if role in grants for path in grants[role]["fields"]}:
        if ORDER[restricted.get(path)] == 2:
            assert any(
                grants[role]["fields"].get(path, "write") == "write"
                and set(grants[role]["actions"]) - {"read"}
                for role in held
                if role in grants
            )
