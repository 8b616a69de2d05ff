"""No file is longer than a newcomer can hold: 300 lines are the aim, 800 the end."""

from __future__ import annotations

from house import ROOT, inner, texts

MOST_LINES = 800
MOST_CHARACTERS = 110


def test_no_source_file_is_longer_than_the_limit() -> None:
    long = {
        inner(path): lines
        for folder in ("src", "tests", "tools", "benchmarks")
        for path, text in texts(ROOT / folder, ".py", ".js", ".css", ".html")
        if (lines := text.count("\n")) > MOST_LINES
    }
    assert long == {}
