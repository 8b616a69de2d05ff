"""Settings: one list, read once, secrets hidden."""

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anlan.kernel.settings import SETTINGS, Secret, SettingError, Settings, load, shown

URL = "postgresql://anlan:s3cret@db.example/anlan"


def test_every_setting_is_in_the_list_in_both_languages() -> None:
    assert {row.attribute for row in SETTINGS} == {field.name for field in fields(Settings)}
    assert all(row.meaning.zh and row.meaning.en and row.name.startswith("ANLAN_") for row in SETTINGS)


def test_defaults_hold_when_the_environment_says_nothing() -> None:
    settings = load({})
    assert settings.home == (Path.home() / ".anlan").resolve()
    assert (settings.database_url, settings.clock, settings.mode, settings.port) == (None, None, "live", 8000)


def test_values_come_from_the_environment() -> None:
    settings = load({"ANLAN_HOME": "/srv/acme", "ANLAN_PORT": "0", "ANLAN_MODE": "rehearsal",
                     "ANLAN_CLOCK": "2026-11-23T09:00:00+08:00", "ANLAN_DATABASE_URL": URL})  # fmt: skip
    assert settings.home == Path("/srv/acme")
    assert settings.port == 0
    assert settings.is_rehearsal
    assert settings.clock == datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert settings.database_url == URL


def test_a_given_home_wins_over_the_environment() -> None:
    assert load({"ANLAN_HOME": "/srv/acme"}, home=Path("/srv/other")).home == Path("/srv/other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANLAN_PORT", "65536"), ("ANLAN_PORT", "-1"), ("ANLAN_PORT", "http"), ("ANLAN_WORKERS", "0"),
        ("ANLAN_MODE", "test"), ("ANLAN_CLOCK", "2026-11-23T09:00:00"), ("ANLAN_LOG_LEVEL", "loud"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_named_with_the_remedy(name: str, value: str) -> None:
    with pytest.raises(SettingError) as raised:
        load({name: value})
    assert name in raised.value.problem.zh
    assert name in raised.value.problem.en
    assert raised.value.remedy.zh
    assert raised.value.remedy.en


def test_a_secret_is_hidden_wherever_settings_are_shown() -> None:
    settings = load({"ANLAN_DATABASE_URL": URL, "ANLAN_REPLICA_URL": URL})
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(Secret(URL))
    assert "s3cret" not in f"{[text for _, text in shown(settings)]}"


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(FrozenInstanceError):
        load({}).port = 1  # type: ignore[misc]
