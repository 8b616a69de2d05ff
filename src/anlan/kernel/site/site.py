"""A site: one company group, one database. Opening it, keeping its catalogue, its settings in memory.

`Site` is shared by all threads of a process. Its catalogue is swapped as a whole; a request keeps the one that
it began with.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from anlan.kernel.access.vault import Vault, open_vault
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.clock import Clock
from anlan.kernel.i18n import Messages
from anlan.kernel.memory import Masters, Memory
from anlan.kernel.settings import Settings
from anlan.kernel.storage.pool import Pool

if TYPE_CHECKING:
    from anlan.kernel.context import Context

__all__ = ["Site"]


class Site:
    """What a process holds of one site."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        catalogue: Catalogue,
        *,
        clock: Clock,
        messages: Messages,
        mode: str = "live",
        zone: str = "Asia/Shanghai",
        name: str = "",
    ) -> None:
        self.settings = settings
        self.home: Path = settings.home
        self.pool = pool
        self.clock = clock
        self.messages = messages
        self.mode = mode
        self.name = name
        self.zero = Decimal(0)
        self.zone_name = zone
        self.zone = ZoneInfo(zone)
        self.trouble: str | None = None  # why newer definitions are not used; shown to administrators
        self._catalogue = catalogue
        self._memory = Memory(catalogue, 0, pool.connection)
        self._masters = Masters(catalogue, -1)
        self._reload_lock = threading.Lock()

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def use(self, catalogue: Catalogue) -> None:
        """Swap the catalogue; requests that run keep theirs."""
        self._catalogue = catalogue
        self._memory = Memory(catalogue, self._memory.version, self.pool.connection)

    def memory(self, catalogue: Catalogue) -> Memory:
        """The settings in memory, read with a catalogue."""
        memory = self._memory
        if memory.catalogue is not catalogue:
            return Memory(catalogue, memory.version, self.pool.connection)
        return memory

    @cached_property
    def vault(self) -> Vault:
        """What seals `secret` fields, under a key beside the database."""
        return open_vault(self.home)

    def main_company(self, ctx: Context) -> str | None:
        """The company of a record whose author has none of his own: the first one made."""
        return next(iter(ctx.memory.rows("system.company")), None)

    def masters(self, catalogue: Catalogue) -> Masters:
        """The masters in memory; empty ones of the same version when they were loaded for another catalogue."""
        masters = self._masters
        return masters if masters.catalogue is catalogue else Masters(catalogue, masters.version)

    def masters_at(self, catalogue: Catalogue, version: int) -> Masters:
        """The masters in memory for a version; empty ones when what we have is of another."""
        masters = self._masters
        if masters.version != version or masters.catalogue is not catalogue:
            masters = self._masters = Masters(catalogue, version)
        return masters

    def settings_are_at(self, version: int) -> None:
        """Drop what is in memory when the site's settings are newer."""
        if self._memory.version != version:
            self._memory = Memory(self._catalogue, version, self.pool.connection)

    def reload(self) -> None:
        """Read the published catalogue again, if it is newer than ours."""
        from anlan.kernel.catalogue.store import load_published, published_version

        with self._reload_lock, self.pool.connection() as connection:
            if published_version(connection) != self._catalogue.version:
                self.use(load_published(connection))

    def close(self) -> None:
        self.pool.close()
