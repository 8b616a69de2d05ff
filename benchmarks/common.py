"""A site to measure on, callers, and how results are printed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from anlan.kernel import settings
from anlan.kernel import site as sites
from anlan.kernel.access.caller import system_caller
from anlan.kernel.context import Context
from anlan.kernel.site import Site, making
from anlan.kernel.storage import server


@contextmanager
def a_site(packs: list[str] | None = None) -> Iterator[Site]:
    """A fresh site of all packs in a folder of its own; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="anlan-bench-", dir="/tmp"))
    home.chmod(0o711)
    found = settings.load(home=home)
    try:
        sites.create(found, packs=packs)
        site = sites.open(found)
        try:
            yield site
        finally:
            site.close()
    finally:
        server.stop(home)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def small_site(files: Mapping[str, Any]) -> Iterator[Site]:
    """A site with one small pack, `bench`, of these files (name → content)."""
    folder = Path(tempfile.mkdtemp(prefix="anlan-bench-packs-", dir="/tmp"))
    about = {"pack.yaml": {"pack": "bench", "label": "Bench", "version": "1.0.0"}}
    for name, content in (about | dict(files)).items():
        file = folder / "bench" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    real, making.packs_folder = making.packs_folder, lambda: folder
    try:
        with a_site() as site:
            yield site
    finally:
        making.packs_folder = real
        shutil.rmtree(folder, ignore_errors=True)


def context(site: Site) -> Context:
    """A context with all rights, as a request would have."""
    return Context(site, system_caller(site.catalogue.policies), via="api")


def per_second(work: Callable[[], object], *, seconds: float = 5.0, warm: int = 20) -> float:
    """How often `work` runs in a second, after some runs that do not count."""
    for _ in range(warm):
        work()
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        work()
        done += 1
    return done / spent


def table(title: str, rows: list[tuple[str, float, str]]) -> None:
    """Print a table: what, figure, unit."""
    print(title)
    for what, figure, unit in rows:
        print(f"  {what:<58} {figure:>10.2f} {unit}")
