"""Logging in: what is told to strangers, who is locked out, when a session ends."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from access_site import SmallSite, note, policies, small_site

from anlan.kernel.access import cache, passwords, session_store, sessions, throttle, totp
from anlan.kernel.access.caller import Caller
from anlan.kernel.errors import Refused
from anlan.kernel.ids import uuid7

PASSWORD = "correct horse 9"
DESK, STRANGER = "10.0.0.7", "203.0.113.9"


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def real_hash() -> None:
    """Asked for by tests that are about the hash itself."""


@pytest.fixture(autouse=True)
def quick_hash(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests hash with less: the real parameters take 0.1 s and 64 MiB each time."""
    if "real_hash" not in request.fixturenames:
        hasher = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        monkeypatch.setattr(passwords, "_HASHER", hasher)
        monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody"))


@pytest.fixture
def li(site: SmallSite) -> str:
    """The log-in name of a clerk with a password of his own."""
    login = site.login_of(site.user())
    sessions.set_password(site, login, PASSWORD, by=None, must_change=False)
    return login


def enter(
    site: SmallSite, login: str, password: str = PASSWORD, address: str = DESK, code: str | None = None
) -> str:
    return sessions.login(site, login, password, address=address, agent="Firefox", totp=code)


def refusal(site: SmallSite, login: str, password: str = "wrong password", address: str = DESK) -> Refused:
    with pytest.raises(Refused) as refused:
        enter(site, login, password, address)
    return refused.value


def who(site: SmallSite, token: str) -> Caller:
    caller = sessions.resolve(site, token)
    assert caller is not None
    return caller


def user_of(site: SmallSite, login: str) -> str:
    return str(site.rows('SELECT id FROM "system_user" WHERE code = $1', login)[0][0])


def test_the_right_password_opens_a_session_that_knows_the_user(site: SmallSite, li: str) -> None:
    caller = who(site, enter(site, li))
    assert (caller.login, caller.language, caller.roles) == (li, "en", frozenset({"clerk"}))
    assert caller.policy.can("demo.note", "create") and not caller.admin and not caller.must_change


def test_no_secret_is_stored_in_clear(site: SmallSite, li: str) -> None:
    token = enter(site, li)
    for table in ("session", "credential", "event", "login_throttle"):
        assert site.rows(f"SELECT FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%'", token) == []
        assert site.rows(f"SELECT FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%'", PASSWORD) == []


@pytest.mark.parametrize("unknown", ["nobody", "", "x" * 5000, "nul\0byte", "half\ud800pair"])
def test_an_unknown_name_is_answered_like_a_wrong_password(site: SmallSite, li: str, unknown: str) -> None:
    one, other = refusal(site, unknown, address=STRANGER), refusal(site, li)
    assert (
        (one.status, one.code, one.params)
        == (other.status, other.code, other.params)
        == (401, "access.login_failed", {})
    )


def test_an_unknown_name_takes_as_long_as_a_wrong_password(site: SmallSite, real_hash: None, li: str) -> None:
    def seconds(login: str) -> float:
        best = 9.0
        for _ in range(3):
            start = time.perf_counter()
            refusal(site, login, address=f"198.51.100.{int(start * 1e6) % 250}")
            best = min(best, time.perf_counter() - start)
        return best

    assert not passwords.is_outdated(passwords._NOBODY)
    known, unknown = seconds(li), seconds("nobody at all")
    assert abs(known - unknown) < 0.5 * max(known, unknown)


def test_an_inactive_user_is_answered_like_a_wrong_password(site: SmallSite, li: str) -> None:
    site.deactivate(user_of(site, li))
    assert refusal(site, li, PASSWORD).code == "access.login_failed"


def test_a_user_without_a_password_cannot_log_in(site: SmallSite) -> None:
    assert refusal(site, site.login_of(site.user()), "").code == "access.login_failed"


def test_five_failures_lock_the_name_for_longer_each_time(site: SmallSite, li: str) -> None:
    for _ in range(throttle.ALLOWED_FAILURES):
        assert refusal(site, li).status == 401
    locked = refusal(site, li, PASSWORD)
    assert (locked.status, locked.code, locked.retry_after) == (429, "access.locked", 61)
    site.clock.advance(timedelta(seconds=61))
    assert refusal(site, li).status == 401
    assert refusal(site, li, PASSWORD).retry_after == 121
    site.clock.advance(timedelta(seconds=121))
    assert enter(site, li)
    assert refusal(site, li).status == 401, "after a success the count begins anew"


def test_another_address_does_not_help_against_a_lock(site: SmallSite, li: str) -> None:
    for position in range(throttle.ALLOWED_FAILURES):
        refusal(site, li, address=f"203.0.113.{position + 20}")
    assert refusal(site, li, PASSWORD, "203.0.113.77").code == "access.locked"


def test_strangers_do_not_lock_a_user_out_of_his_own_desk(site: SmallSite, li: str) -> None:
    enter(site, li)
    for _ in range(throttle.ALLOWED_FAILURES):
        refusal(site, li, address=STRANGER)
    assert refusal(site, li, PASSWORD, STRANGER).code == "access.locked"
    assert enter(site, li, address=DESK)


def test_a_name_that_does_not_exist_is_locked_like_one_that_does(site: SmallSite) -> None:
    for _ in range(throttle.ALLOWED_FAILURES):
        assert refusal(site, "no such person", address=STRANGER).status == 401
    assert refusal(site, "No Such Person ", address=STRANGER).code == "access.locked"


def test_an_address_that_tries_many_names_is_stopped(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_ALLOWED_OF_ADDRESS", 3)
    for position in range(3):
        assert refusal(site, f"guess {position}", address="192.0.2.1").status == 401
    assert refusal(site, "guess 4", address="192.0.2.1").code == "access.locked"


def test_all_addresses_of_an_ipv6_network_are_one_attacker(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_ALLOWED_OF_ADDRESS", 3)
    for position in range(3):
        assert refusal(site, f"name {position}", address=f"2001:db8:1:2::{position}").status == 401
    assert refusal(site, "name 4", address="2001:db8:1:2:ffff::9").code == "access.locked"
    assert refusal(site, "name 5", address="2001:db8:1:3::1").status == 401


def test_many_good_log_ins_from_one_address_do_not_stop_it(
    site: SmallSite, li: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_ALLOWED_OF_ADDRESS", 3)
    for _ in range(5):
        assert enter(site, li, address="192.0.2.2")


def test_attempts_at_the_same_moment_are_five_and_not_more(site: SmallSite, li: str) -> None:
    codes: list[str] = []

    def attempt() -> None:
        codes.append(refusal(site, li, address=STRANGER.replace("9", "8")).code)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert codes.count("access.login_failed") == throttle.ALLOWED_FAILURES
    assert codes.count("access.locked") == 12 - throttle.ALLOWED_FAILURES


def test_log_ins_failures_and_locks_are_events_on_the_user(site: SmallSite, li: str) -> None:
    for _ in range(throttle.ALLOWED_FAILURES):
        refusal(site, li)
    site.clock.advance(timedelta(minutes=2))
    sessions.logout(site, enter(site, li))
    kinds = site.kinds(user_of(site, li))
    assert kinds == ["password_set", *["login_failed"] * 5, "locked", "login", "logout"]


def test_a_typed_name_that_is_nobodys_is_written_nowhere(site: SmallSite) -> None:
    refusal(site, "my secret password", address="192.0.2.3")
    for table in ("event", "login_throttle"):
        assert site.rows(f"SELECT FROM {table} AS t WHERE t::text LIKE '%my secret%'") == []


def test_a_revoked_session_ends_at_once_here_and_within_five_seconds_elsewhere(
    site: SmallSite, li: str
) -> None:
    token = enter(site, li)
    caller = who(site, token)
    assert caller.session is not None and cache.SECONDS <= 5
    with pytest.raises(Refused) as refused:
        sessions.revoke(site, site.user(), caller.session, by=caller.user)
    assert refused.value.status == 404, "a session of somebody else"
    sessions.revoke(site, caller.user, caller.session, by=caller.user)
    assert sessions.resolve(site, token) is None


def test_a_session_that_another_process_revoked_ends_when_the_memory_is_too_old(
    site: SmallSite, li: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enter(site, li)
    caller = who(site, token)
    with site.pool.connection() as connection:
        connection.execute("UPDATE session SET revoked_at = now() WHERE id = $1", [caller.session])
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 4.9)
    assert sessions.resolve(site, token) is not None
    monkeypatch.setattr(time, "monotonic", lambda: now + 5.1)
    assert sessions.resolve(site, token) is None


def test_revoke_all_leaves_the_session_that_is_named(site: SmallSite, li: str) -> None:
    keep, other = enter(site, li), enter(site, li)
    caller = who(site, keep)
    assert sessions.revoke_all(site, caller.user, by=caller.user, but=caller.session) == 1
    assert sessions.resolve(site, other) is None and sessions.resolve(site, keep) is not None


def test_the_list_shows_live_sessions_with_address_and_agent(site: SmallSite, li: str) -> None:
    sessions.logout(site, enter(site, li))
    caller = who(site, enter(site, li, address="::ffff:10.0.0.7"))
    (shown,) = sessions.list_of(site, caller.user)
    assert (shown["id"], shown["address"], shown["agent"]) == (caller.session, "10.0.0.7", "Firefox")


def test_a_session_ends_without_requests_and_lives_on_with_them_to_its_longest(
    site: SmallSite, li: str
) -> None:
    token = enter(site, li)
    start = site.clock.now()
    while site.clock.now() - start < session_store.LONGEST - timedelta(hours=1):
        site.clock.advance(timedelta(hours=11))
        sessions.forget(site)
        if site.clock.now() - start < session_store.LONGEST:
            assert sessions.resolve(site, token) is not None
    site.clock.advance(timedelta(hours=2))
    assert sessions.resolve(site, token) is None, "the longest life is over"
    idle = enter(site, li)
    assert sessions.resolve(site, idle) is not None
    site.clock.advance(session_store.IDLE + timedelta(seconds=1))
    assert sessions.resolve(site, idle) is None, "also while it is remembered"


def test_a_deactivated_users_session_ends(site: SmallSite, li: str) -> None:
    token = enter(site, li)
    site.deactivate(user_of(site, li))
    sessions.forget(site)
    assert sessions.resolve(site, token) is None


def test_a_remembered_session_sees_the_newest_catalogue(site: SmallSite, li: str) -> None:
    token = enter(site, li)
    assert who(site, token).policy.can("demo.note", "create")
    before = site.catalogue.policies
    site.catalogue.policies = policies(forms=[note({"clerk": {"actions": ["read"]}})])
    try:
        assert not who(site, token).policy.can("demo.note", "create")
    finally:
        site.catalogue.policies = before


@pytest.mark.parametrize("made_up", ["", "x", "\0", "\ud800", "A" * 43, "é"])
def test_a_made_up_cookie_is_nobody(site: SmallSite, made_up: str) -> None:
    assert sessions.resolve(site, made_up) is None


def test_a_password_given_by_somebody_else_allows_nothing_until_it_is_changed(site: SmallSite) -> None:
    login = site.login_of(site.user(roles=["admin"]))
    sessions.set_password(site, login, PASSWORD, by=None)
    token = enter(site, login)
    caller = who(site, token)
    assert caller.must_change and not caller.admin and caller.policy.forms("read") == frozenset()
    sessions.change_password(site, caller, PASSWORD, "my own words 7", address=DESK)
    assert who(site, token).admin


def test_changing_the_password_ends_the_other_sessions(site: SmallSite, li: str) -> None:
    mine, other = enter(site, li), enter(site, li)
    sessions.change_password(site, who(site, mine), PASSWORD, "my own words 7", address=DESK)
    assert sessions.resolve(site, other) is None and sessions.resolve(site, mine) is not None
    assert refusal(site, li, PASSWORD).status == 401
    assert enter(site, li, "my own words 7")


def test_the_old_password_cannot_be_guessed_in_a_stolen_session(site: SmallSite, li: str) -> None:
    thief = who(site, enter(site, li))
    codes = []
    for _ in range(throttle.ALLOWED_FAILURES + 1):
        with pytest.raises(Refused) as refused:
            sessions.change_password(site, thief, "guess", "my own words 7", address=DESK)
        codes.append(refused.value.code)
    assert codes == ["access.old_password_wrong"] * 5 + ["access.locked"]


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "access.password_short"), ("Zhang.SanFeng", "access.password_is_login"),
     ("aaaaaaaaaaaa", "access.password_common"), ("Password123", "access.password_common"),
     ("x1" * 200, "access.password_long")],
)  # fmt: skip
def test_a_weak_password_is_refused_with_its_reason(password: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        passwords.check_policy(password, "zhang.sanfeng")
    assert (refused.value.status, refused.value.code) == (422, code)


def test_a_generated_password_passes_the_policy() -> None:
    passwords.check_policy(passwords.generate(), "li")


def test_a_password_of_old_parameters_is_hashed_anew_at_log_in(
    site: SmallSite, real_hash: None, li: str
) -> None:
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with site.pool.connection() as connection:
        connection.execute(
            "UPDATE credential SET password_hash = $2 WHERE user_id = $1", [user_of(site, li), weak]
        )
    enter(site, li)
    ((stored,),) = site.rows("SELECT password_hash FROM credential WHERE user_id = $1", user_of(site, li))
    assert stored != weak and not passwords.is_outdated(stored)


def reset_while_hashing(site: SmallSite, login: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on somebody resets the password while the old one is being verified."""
    verify = passwords.matches

    def slow(stored: str | None, password: str) -> bool:
        right = verify(stored, password)
        sessions.set_password(site, login, "somebody's new 1")
        return right

    monkeypatch.setattr(passwords, "matches", slow)


def test_a_log_in_that_overlaps_with_a_reset_gets_no_session(
    site: SmallSite, li: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset_while_hashing(site, li, monkeypatch)
    assert refusal(site, li, PASSWORD).code == "access.login_failed"
    assert sessions.list_of(site, user_of(site, li)) == []


def test_a_change_that_overlaps_with_a_reset_changes_nothing(
    site: SmallSite, li: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = who(site, enter(site, li))
    with monkeypatch.context() as patch:
        reset_while_hashing(site, li, patch)
        with pytest.raises(Refused) as refused:
            sessions.change_password(site, caller, PASSWORD, "my own words 7", address=DESK)
    assert refused.value.code == "access.old_password_wrong"
    assert enter(site, li, "somebody's new 1")


def enrolled(site: SmallSite, login: str) -> pyotp.TOTP:
    caller = who(site, enter(site, login))
    phone = pyotp.TOTP(totp.begin(site, caller).secret)
    totp.confirm(site, caller, phone.at(site.clock.now()))
    site.clock.advance(timedelta(seconds=30))
    return phone


def test_the_second_factor_is_asked_for_and_works_once(site: SmallSite, li: str) -> None:
    phone = enrolled(site, li)
    assert refusal(site, li, PASSWORD).code == "access.second_factor_required"
    code = phone.at(site.clock.now())
    assert enter(site, li, code=code)
    with pytest.raises(Refused) as replayed:
        enter(site, li, code=code)
    assert (replayed.value.status, replayed.value.code) == (401, "access.second_factor_wrong")
    site.clock.advance(timedelta(seconds=30))
    assert enter(site, li, code=phone.at(site.clock.now()))


def test_a_wrong_password_with_a_second_factor_tells_nothing_about_it(site: SmallSite, li: str) -> None:
    enrolled(site, li)
    assert refusal(site, li).code == "access.login_failed"


def test_codes_cannot_be_guessed_either(site: SmallSite, li: str) -> None:
    enrolled(site, li)
    codes = []
    for _ in range(throttle.ALLOWED_FAILURES + 1):
        with pytest.raises(Refused) as refused:
            enter(site, li, code="no code")
        codes.append(refused.value.code)
    assert codes == ["access.second_factor_wrong"] * 5 + ["access.locked"]


def test_enrolling_needs_a_first_right_code(site: SmallSite, li: str) -> None:
    caller = who(site, enter(site, li))
    totp.begin(site, caller)
    with pytest.raises(Refused) as refused:
        totp.confirm(site, caller, "000")
    assert refused.value.code == "access.code_wrong"
    assert not totp.is_enrolled(site, caller.user)
    assert enter(site, li)


def test_a_removed_second_factor_is_not_asked_for(site: SmallSite, li: str) -> None:
    enrolled(site, li)
    totp.remove(site, user_of(site, li), by=None, via="cli")
    assert enter(site, li)
    assert "second_factor_removed" in site.kinds(user_of(site, li))


def test_a_secret_moved_to_another_user_does_not_open(site: SmallSite, li: str, tmp_path: Path) -> None:
    from anlan.kernel.access.vault import VaultError, open_vault

    vault = open_vault(tmp_path)
    box = vault.seal(b"secret", f"totp:{uuid7()}")
    with pytest.raises(VaultError):
        vault.open(box, f"totp:{uuid7()}")
    assert (tmp_path / "keys" / "site.key").stat().st_mode & 0o777 == 0o600
