"""Rules of users: nobody gives more than he has, an administrator remains. Sentences in both languages."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from access_site import SmallSite, acting, empty_database, small_site

from anlan.kernel import access, record, system, workflow
from anlan.kernel import site as sites
from anlan.kernel.access import rules, sessions, throttle, tokens, users
from anlan.kernel.access.caller import SYSTEM_USER, system_caller
from anlan.kernel.catalogue import store
from anlan.kernel.context import Context
from anlan.kernel.definition.reader import read_pack
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import Messages
from anlan.kernel.ids import uuid7
from anlan.kernel.rules import Batch
from anlan.kernel.settings import load
from anlan.kernel.site.site import Site

Documents = Sequence[tuple[dict[str, Any] | None, dict[str, Any]]]


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


def user(*roles: str, active: bool = True, company: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "code": "somebody",
        "roles": list(roles),
        "active": active,
        "company": company,
        **more,
    }


def changed(before: dict[str, Any], **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return before, {**before, **values}


def faults(site: SmallSite, by: str, documents: Documents) -> list[str]:
    """The codes of what the rules say when this user writes these users."""
    with site.pool.connection() as connection:
        ctx = SimpleNamespace(
            caller=acting(site, by).caller, catalogue=site.catalogue, connection=connection, site=site,
            tx=SimpleNamespace(after=[]),
        )  # fmt: skip
        batch = Batch(ctx, None, [new for _, new in documents], [old for old, _ in documents])  # type: ignore[arg-type]
        for rule in (rules.nobody_gives_more_than_he_has, rules.an_administrator_remains):
            rule(batch)
    return [fault.code for _, fault in batch.faults]


def test_who_edits_users_cannot_give_a_role_that_he_does_not_have(site: SmallSite) -> None:
    clerk = site.user()
    assert faults(site, clerk, [(None, user("clerk", "manager"))]) == ["access.role_too_strong"]
    assert faults(site, clerk, [changed(user("clerk"), roles=["clerk", "admin"])]) == [
        "access.role_too_strong"
    ]
    assert faults(site, clerk, [(None, user("clerk"))]) == []


def test_who_edits_users_cannot_touch_somebody_who_may_do_more(site: SmallSite) -> None:
    found = faults(site, site.user(), [changed(user("manager"), active=False)])
    assert found == ["access.user_too_strong"]


def test_who_edits_users_cannot_open_companies_that_he_does_not_see(site: SmallSite) -> None:
    mine, other = uuid7(), uuid7()
    clerk = site.user(company=mine)
    assert faults(site, clerk, [(None, user("clerk", company=mine))]) == []
    assert faults(site, clerk, [(None, user("clerk", company=other))]) == ["access.company_too_wide"]
    wider = changed(user("clerk", company=mine), companies=[{"company": other}])
    assert faults(site, clerk, [wider]) == ["access.company_too_wide"]


def test_an_administrator_gives_every_role(site: SmallSite) -> None:
    admin = site.user(roles=["admin"])
    assert faults(site, admin, [(None, user("admin", company=uuid7()))]) == []
    site.deactivate(admin)


@pytest.mark.parametrize("values", [{"active": False}, {"roles": []}, {"roles": ["clerk"]}])
def test_the_last_administrator_stays_one(site: SmallSite, values: dict[str, Any]) -> None:
    admin = site.user(roles=["admin"])
    document = {**user("admin"), "id": admin}
    assert faults(site, admin, [changed(document, **values)]) == ["access.last_admin"]
    second = site.user(roles=["admin"])
    assert faults(site, admin, [changed(document, **values)]) == []
    together = [changed(document, **values), changed({**user("admin"), "id": second}, **values)]
    assert faults(site, admin, together) == ["access.last_admin"] * 2
    site.deactivate(second)
    site.deactivate(admin)


def test_another_administrator_in_the_same_batch_counts(site: SmallSite) -> None:
    admin = site.user(roles=["admin"])
    document = {**user("admin"), "id": admin}
    assert faults(site, admin, [changed(document, active=False), (None, user("admin"))]) == []
    site.deactivate(admin)


def test_a_changed_user_is_looked_up_again_when_the_change_is_committed(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[Any] = []
    monkeypatch.setattr(sessions, "forget", forgotten.append)
    transaction = SimpleNamespace(after=[])
    ctx = SimpleNamespace(site=site, tx=transaction)
    rules.who_was_changed_is_looked_up_again(Batch(ctx, None, [], []))  # type: ignore[arg-type]
    assert forgotten == []
    for action in transaction.after:
        action()
    assert forgotten == [site]


def test_the_system_itself_may_do_everything_in_all_companies(site: SmallSite) -> None:
    caller = system_caller(site.catalogue.policies)
    assert caller.user == SYSTEM_USER and caller.admin and caller.companies is None
    assert caller.policy.can("demo.note", "delete")


def test_a_user_sees_his_own_company_and_those_named_and_without_any_none(site: SmallSite) -> None:
    first, second = uuid7(), uuid7()
    key = site.user(company=first)
    site.insert("system_user__companies", {"id": uuid7(), "record": key, "position": 0, "company": second})
    assert acting(site, key).caller.companies == (first, second)
    assert acting(site, site.user()).caller.companies == ()


@pytest.mark.parametrize("room", [access, workflow])
def test_every_sentence_stands_in_both_languages_with_the_same_parameters(room: Any) -> None:
    folder = Path(room.__file__).parent / "messages"
    messages = Messages.load([folder])
    assert messages.missing() == []


@pytest.mark.parametrize("room", [access, workflow])
def test_every_code_that_the_room_refuses_with_has_a_sentence(room: Any) -> None:
    import re

    folder = Path(room.__file__).parent
    text = "\n".join(file.read_text("utf-8") for file in folder.glob("*.py"))
    used = set(re.findall(r'"((?:access|approval|delegation)\.[a-z_]+)"', text))
    used |= {
        f"access.why.{reason}" for reason in re.findall(r'Explanation\((?:True|False), "([a-z_]+)"', text)
    }
    sentences = Messages.load([folder / "messages"]).sentences["en"]
    assert used - sentences.keys() == set() and sentences.keys() - used == set()


# The operator's commands, on a real site


@pytest.fixture(scope="module")
def real(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(system.__file__).parent if system.__file__ else Path(system.__path__[0])
    with empty_database(address) as conninfo, pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "system_source", lambda: read_pack(folder, module=rules.__name__))
        settings = load({"ANLAN_DATABASE_URL": conninfo}, home=tmp_path_factory.mktemp("home"))
        sites.create(settings, packs=["base"])
        opened = sites.open(settings)
        try:
            yield opened
        finally:
            opened.close()


def names(site: Site) -> dict[str, users.UserShown]:
    return {one["login"]: one for one in users.list_of(site)}


def test_a_new_user_logs_in_with_the_password_that_was_shown_and_must_change_it(real: Site) -> None:
    password = users.add(real, "wang", "Wang", roles=["admin"])
    caller = sessions.resolve(real, sessions.login(real, "wang", password, address=None, agent=None))
    assert caller is not None and caller.must_change
    assert names(real)["wang"]["roles"] == ["admin"] and names(real)["wang"]["last_login"] is not None
    users.set_roles(real, "wang", [])
    assert names(real)["wang"]["roles"] == []


def test_a_user_with_an_unknown_role_or_a_weak_password_is_not_made(real: Site) -> None:
    for wrong in ({"roles": ["ghost"]}, {"password": "short"}):
        with pytest.raises(Refused) as refused:
            users.add(real, "ghost", "Ghost", **wrong)  # type: ignore[arg-type]
        assert refused.value.status == 422
    assert "ghost" not in names(real)


def test_a_locked_user_is_out_and_his_tokens_rest_until_he_is_unlocked(real: Site) -> None:
    password = users.add(real, "zhao", "Zhao")
    session = sessions.login(real, "zhao", password, address=None, agent=None)
    token = tokens.create(real, "zhao", "T")
    users.lock(real, "zhao")
    assert sessions.resolve(real, session) is None and tokens.resolve_token(real, token, None) is None
    with pytest.raises(Refused):
        sessions.login(real, "zhao", password, address=None, agent=None)
    users.unlock(real, "zhao")
    assert tokens.resolve_token(real, token, None) is not None
    assert sessions.resolve(real, session) is None


def test_a_reset_password_replaces_the_old_one_and_ends_the_lock_out(real: Site) -> None:
    old = users.add(real, "qian", "Qian")
    for _ in range(throttle.ALLOWED_FAILURES):
        with pytest.raises(Refused):
            sessions.login(real, "qian", "wrong password", address=None, agent=None)
    new = users.reset_password(real, "qian")
    assert sessions.login(real, "qian", new, address=None, agent=None)
    with pytest.raises(Refused):
        sessions.login(real, "qian", old, address=None, agent=None)


def test_an_unknown_user_is_not_found(real: Site) -> None:
    for call in (users.lock, users.unlock, users.reset_password, users.id_of):
        with pytest.raises(Refused) as refused:
            call(real, "nobody")  # type: ignore[operator]
        assert refused.value.status == 404


def test_the_last_administrator_cannot_be_locked_or_lose_the_role(real: Site) -> None:
    for call in (lambda: users.lock(real, "admin"), lambda: users.set_roles(real, "admin", [])):
        with pytest.raises(Refused) as refused:
            call()
        assert [fault.code for fault in refused.value.faults] == ["access.last_admin"]


def test_a_user_without_grants_cannot_change_users_at_all(real: Site) -> None:
    users.add(real, "sun", "Sun")
    caller = tokens.resolve_token(real, tokens.create(real, "sun", "T"), None)
    assert caller is not None
    with pytest.raises(Refused) as refused:
        record.create(
            Context(real, caller), "system.user", {"code": "new", "name": "New", "roles": ["admin"]}
        )
    assert refused.value.status == 403


def test_a_change_by_any_way_is_seen_by_the_next_request(real: Site) -> None:
    users.add(real, "zhou", "Zhou")
    text = tokens.create(real, "zhou", "T")
    assert tokens.resolve_token(real, text, None) is not None
    ctx = Context(real, system_caller(real.catalogue.policies))
    found = record.read(ctx, "system.user", "zhou")
    record.update(ctx, "system.user", found["id"], {"active": False}, version=found["version"])
    assert tokens.resolve_token(real, text, None) is None
