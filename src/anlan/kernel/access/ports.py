"""What this room needs of a site: any object with these attributes will do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from anlan.kernel.access.policy import Policies
from anlan.kernel.clock import Clock
from anlan.kernel.storage.pool import Pool

__all__ = ["HasPolicies", "Site"]


class HasPolicies(Protocol):
    """A catalogue, as far as access is concerned."""

    @property
    def policies(self) -> Policies: ...


class Site(Protocol):
    """`catalogue` may be another object at each look: it is swapped when definitions are published."""

    @property
    def pool(self) -> Pool: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def home(self) -> Path: ...
    @property
    def catalogue(self) -> HasPolicies: ...
