"""What master data cannot say as data: the factor between units, and an item's conversions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.formula import NUMBER, Function
from anlan.kernel.formula.errors import NA, FormulaError
from anlan.kernel.rules import Batch, rule

__all__ = ["UNITFACTOR", "each_unit_once", "unit_factor"]


def unit_factor(item: Mapping[str, Any] | None, unit: Mapping[str, Any] | None) -> Decimal | None:
    """How many stock units of the item one `unit` is; None while either is not chosen.

    Raises FormulaError #N/A when the item has no conversion of the unit.
    """
    if item is None or unit is None:
        return None
    if unit["id"] == item["unit"]:
        return Decimal(1)
    for conversion in item["conversions"]:
        if conversion["unit"] == unit["id"]:
            return Decimal(conversion["factor"])
    raise FormulaError(NA)


UNITFACTOR = Function(
    "UNITFACTOR",
    "item: record base.item, unit: record base.unit",
    NUMBER,
    "一个单位等于多少库存单位",
    "How many stock units of an item one unit is",
    python=unit_factor,
    blank=True,
    fails=True,
    reads=("unit", "conversions"),
)


@rule("base.item", "check", reads=("unit", "conversions.unit"), codes=("base.duplicate_unit",))
def each_unit_once(batch: Batch) -> None:
    """An item has one factor for a unit, and none for its stock unit, which is 1 by meaning."""
    for item in batch.documents:
        seen = {item["unit"]}
        for place, conversion in enumerate(item["conversions"] or ()):
            if conversion["unit"] in seen:
                unit = batch.linked("base.unit", conversion["unit"])
                batch.fault(
                    item,
                    "base.duplicate_unit",
                    f"conversions[{place}].unit",
                    record=item["code"],
                    unit=unit.get("name"),
                )
            seen.add(conversion["unit"])
