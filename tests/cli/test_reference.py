"""docs/cli.md says what the program does."""

from anlan.cli import main, reference
from anlan.kernel.settings import SETTINGS


def test_the_page_is_current() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run make docs"


def test_the_page_has_every_command_and_setting_in_both_languages() -> None:
    page = reference.page()
    assert all(f"## anlan {name}" in page for name in main.COMMANDS)
    assert all(row.name in page and row.meaning.zh in page and row.meaning.en in page for row in SETTINGS)
