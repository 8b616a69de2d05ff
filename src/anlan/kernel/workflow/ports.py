"""What this room needs of a Context: any object with these attributes will do."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from anlan.kernel.access.caller import Caller
from anlan.kernel.access.ports import HasPolicies
from anlan.kernel.storage.pool import Pool

__all__ = ["Ctx"]


class HasPool(Protocol):
    @property
    def pool(self) -> Pool: ...
    @property
    def zone(self) -> ZoneInfo: ...


class Ctx(Protocol):
    """Who asks, when, by which way."""

    @property
    def site(self) -> HasPool: ...
    @property
    def catalogue(self) -> HasPolicies: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def now(self) -> datetime: ...
    @property
    def via(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...
