"""Tokens: shown once, narrowed to forms, actions and addresses, ended by time, revocation or their user."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from access_site import SmallSite, small_site

from anlan.kernel.access import tokens
from anlan.kernel.access.caller import Caller
from anlan.kernel.errors import Refused

NEAR, FAR = "10.1.2.3", "203.0.113.9"


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


def who(site: SmallSite, text: str, address: str = NEAR) -> Caller:
    caller = tokens.resolve_token(site, text, address)
    assert caller is not None
    return caller


def admin(site: SmallSite) -> str:
    return site.login_of(site.user(roles=["admin"]))


def test_a_token_acts_as_its_user(site: SmallSite) -> None:
    user = site.user()
    caller = who(site, tokens.create(site, site.login_of(user), "Import"))
    assert (caller.user, caller.token_scope, caller.session) == (user, None, None)
    assert caller.policy.can("demo.note", "create")


def test_a_full_token_of_an_administrator_is_one(site: SmallSite) -> None:
    caller = who(site, tokens.create(site, admin(site), "All"))
    assert caller.admin and caller.companies is None


def test_a_narrowed_token_may_do_only_what_it_names(site: SmallSite) -> None:
    caller = who(site, tokens.create(site, admin(site), "Read", forms=["demo.note"], actions=["read"]))
    assert caller.policy.can("demo.note", "read") and not caller.policy.can("demo.note", "create")
    assert not caller.admin


def test_a_token_with_addresses_works_from_nowhere_else(site: SmallSite) -> None:
    text = tokens.create(site, admin(site), "Office", addresses=["10.1.0.5/16", "2001:db8::/32"])
    assert who(site, text, NEAR).admin
    assert who(site, text, "::ffff:10.1.9.9").admin
    assert who(site, text, "2001:db8::1").admin
    for place in (FAR, None, "testclient", "2001:db9::1"):
        assert tokens.resolve_token(site, text, place) is None


def test_a_token_ends_at_its_instant_also_while_it_is_remembered(site: SmallSite) -> None:
    text = tokens.create(site, admin(site), "Week", expires=site.clock.now() + timedelta(days=7))
    assert who(site, text)
    site.clock.advance(timedelta(days=7))
    assert tokens.resolve_token(site, text, NEAR) is None


def test_a_revoked_token_ends_and_leaves_the_list(site: SmallSite) -> None:
    user = site.user()
    text = tokens.create(site, site.login_of(user), "Import")
    (shown,) = tokens.list_of(site, user)
    assert shown["name"] == "Import" and text.startswith(shown["prefix"]) and len(shown["prefix"]) < 15
    assert who(site, text)
    with pytest.raises(Refused) as refused:
        tokens.revoke(site, site.user(), shown["id"], by=None)
    assert refused.value.status == 404, "a token of somebody else"
    tokens.revoke(site, user, shown["id"], by=user)
    assert tokens.resolve_token(site, text, NEAR) is None
    assert tokens.list_of(site, user) == []
    assert site.kinds(user) == ["token_created", "token_revoked"]


def test_a_token_ends_with_its_user(site: SmallSite) -> None:
    user = site.user()
    text = tokens.create(site, site.login_of(user), "Import")
    site.deactivate(user)
    assert tokens.resolve_token(site, text, NEAR) is None


def test_the_text_of_a_token_is_stored_nowhere(site: SmallSite) -> None:
    text = tokens.create(site, admin(site), "All")
    for table in ("token", "event"):
        assert site.rows(f"SELECT FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%'", text) == []


def test_the_last_use_is_shown(site: SmallSite) -> None:
    user = site.user()
    who(site, tokens.create(site, site.login_of(user), "Import"))
    assert tokens.list_of(site, user)[0]["last_used"] is not None


@pytest.mark.parametrize(
    "made_up", ["", "anlan_", "anlan_\0", "anlan_\ud800", "Bearer x", "anlan_" + "A" * 43]
)
def test_a_made_up_token_is_nobody(site: SmallSite, made_up: str) -> None:
    assert tokens.resolve_token(site, made_up, NEAR) is None


def test_everything_wrong_with_a_new_token_is_told_at_once(site: SmallSite) -> None:
    past, places = site.clock.now(), ["10.0.0.0/99", "10.0.0.1"]
    with pytest.raises(Refused) as refused:
        tokens.create(site, admin(site), " ", forms=["demo.typo"], actions=[], addresses=places, expires=past)
    assert {(fault.path, fault.code) for fault in refused.value.faults} == {
        ("name", "access.token_name"),
        ("forms[0]", "access.token_unknown"),
        ("actions", "access.token_empty"),
        ("addresses[0]", "access.token_address"),
        ("expires", "access.token_expired"),
    }


def test_a_token_for_a_stranger_is_refused_with_404(site: SmallSite) -> None:
    with pytest.raises(Refused) as refused:
        tokens.create(site, "nobody", "All")
    assert refused.value.status == 404


def test_people_make_tokens_for_themselves_and_administrators_for_all(site: SmallSite) -> None:
    one, other = site.login_of(site.user()), site.login_of(site.user())
    caller, boss = who(site, tokens.create(site, one, "A")), who(site, tokens.create(site, admin(site), "B"))
    assert tokens.create(site, one, "C", by=caller)
    assert tokens.create(site, one, "C", by=boss)
    with pytest.raises(Refused) as refused:
        tokens.create(site, other, "C", by=caller)
    assert refused.value.status == 403


@pytest.mark.parametrize("narrow", [{"actions": ["read"]}, {"addresses": [NEAR]}, {"forms": ["demo.note"]}])
def test_a_limited_token_cannot_make_an_unlimited_one(site: SmallSite, narrow: dict[str, list[str]]) -> None:
    login = admin(site)
    caller = who(site, tokens.create(site, login, "Narrow", **narrow))  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        tokens.create(site, login, "Wide", by=caller)
    assert refused.value.status == 403
