"""Making definitions hold: checked, tables brought up to date, columns remembered, published.

1. The catalogue is built whole; nothing is changed if it is broken.
2. The plan is made; what the present data forbids is refused before anything is changed.
3. The tables, online. A failure here leaves more columns than before, and the old catalogue.
4. One transaction: columns' names, what the caller adds, the new version.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from anlan.kernel.catalogue import store
from anlan.kernel.catalogue.build import Definitions, build_catalogue
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.columns import columns_for, remember
from anlan.kernel.catalogue.inflight import keep_used_states
from anlan.kernel.errors import Fault, invalid
from anlan.kernel.storage.plan import apply_plan, losing, make_plan
from anlan.kernel.storage.pool import Connection

__all__ = ["build", "install"]


def build(connection: Connection, definitions: Definitions) -> Catalogue:
    """The catalogue that these definitions would be, as the next version. Raises Broken."""
    return build_catalogue(definitions, version=store.published_version(connection) + 1, columns=columns_for(connection, definitions))


def install(
    connection: Connection, definitions: Definitions, *, at: datetime, by: str | None, comment: str | None,
    also: Callable[[Catalogue, int], None] | None = None,
) -> Catalogue:
    """Publish definitions; `also(catalogue, version)` runs in the transaction that does. Needs autocommit.

    Raises Broken; Refused 422 `definition.data_forbids` where a key has doubles or movements would be changed,
    `definition.dimension_removed` for a register that loses a dimension.
    """
    before = store.definitions_of(connection, store.published_version(connection))
    _keep_dimensions(before, definitions)
    definitions = keep_used_states(connection, before, definitions)
    catalogue = build(connection, definitions)
    steps = make_plan(connection, catalogue)
    forbidden = losing(connection, steps)
    if forbidden:
        raise invalid([Fault("definition.data_forbids", f"{step.table}.{step.column or ''}",
                             {"table": step.table, "column": step.column or "", "count": failing.count, "values": "; ".join(failing.examples[:5])})
                       for step, failing in forbidden])
    apply_plan(connection, steps)
    with connection.transaction():
        remember(connection, catalogue, at=at)
        store.keep_overlay(connection, definitions.get("overlay", {}), at=at)
        catalogue.version = store.publish(connection, definitions, at=at, by=by, comment=comment)
        if also is not None:
            also(catalogue, catalogue.version)
    return catalogue


def _keep_dimensions(before: Definitions, after: Definitions) -> None:
    """Balances are kept by all dimensions: one less would add up what was kept apart. A new register is the way."""
    faults = []
    for name, entry in after.get("register", {}).items():
        old = before.get("register", {}).get(name, {}).get("definition", {}).get("dimensions") or {}
        new = entry["definition"].get("dimensions") or {}
        faults += [Fault("definition.dimension_removed", f"register.{name}.dimensions.{key}", {"register": name, "dimension": key})
                   for key in old if key not in new]
    if faults:
        raise invalid(faults)
