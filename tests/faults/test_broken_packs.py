"""A pack's file that cannot be used when a process starts: the last good catalogue serves, the error is shown."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anlan import packs
from anlan.kernel.site import making
from whole_site import Api, Made, Trade, as_anlan, opened_site

pytest_plugins = ["whole_site"]

ORDER = "sales/forms/order.yaml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the packs' files that the site is opened with."""
    copied = tmp_path / "packs"
    shutil.copytree(Path(packs.__file__ or "").parent, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(making, "packs_folder", lambda: copied)
    yield copied


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


BREAKS: dict[str, tuple[str, Callable[[str], str]]] = {
    "no YAML": (ORDER, lambda text: text + "\n  - : ]["),
    "an unknown key": (ORDER, replaced("menu: 10", "menuu: 10")),
    "an unknown type": (ORDER, replaced("type: date", "type: dat")),
    "a formula with an unknown field": (ORDER, replaced("SUM(lines.net)", "SUM(lines.nett)")),
    "a cycle": (ORDER, replaced("formula: SUM(lines.net)", "formula: net + 1")),
    "a link to nowhere": (ORDER, replaced("to: base.party", "to: base.partner")),
    "an empty file": (ORDER, lambda text: ""),
    "bytes that are no text": (ORDER, lambda text: text + "\udcff"),
    "a role's file that is no list": ("sales/roles.yaml", lambda text: "role: x\n"),
    "a posting to an unknown register": (
        ORDER,
        replaced("register: sales.progress", "register: sales.progres"),
    ),
}


# What is told by the files that miss it: nothing of a form, or of a role, is left in its own.
INDIRECT = {"an empty file", "a role's file that is no list"}


@pytest.mark.parametrize("name", BREAKS)
def test_the_last_good_catalogue_serves_when_a_file_of_a_pack_is_broken(
    folder: Path, site_copy: str, made_whole: Made, home: Path, name: str
) -> None:
    file, change = BREAKS[name]
    text = (folder / file).read_text("utf-8")
    (folder / file).write_bytes(change(text).encode("utf-8", "surrogateescape"))
    with opened_site(site_copy, home, pool=4) as site:
        assert site.trouble is not None and (file in site.trouble or name in INDIRECT), site.trouble
        trade = Trade(site)
        trade.mark = f"b{list(BREAKS).index(name)}"
        order = trade.order(trade.customer(), trade.item(), 3)
        assert order["state"] == "confirmed"
        api = Api(site, made_whole.tokens)
        assert api.ok("GET", f"/records/sales.order/{order['id']}")["number"] == order["number"]
        api.door.close()
    (folder / file).write_text(text, "utf-8")
    with opened_site(site_copy, home, pool=4) as site:
        assert site.trouble is None
        assert "sales.order" in as_anlan(site).catalogue.forms


def test_a_pack_whose_folder_is_gone_is_missed_and_the_rest_serves(
    folder: Path, site_copy: str, home: Path
) -> None:
    shutil.rmtree(folder / "purchase")
    with opened_site(site_copy, home, pool=4) as site:
        assert site.trouble is not None and "purchase" in site.trouble
        assert "purchase.order" in site.catalogue.forms
