"""The fixed people of tests over all packs: who they are to the business, and what the stranger must not get.

clerk, twin      sales clerks of the main company: each sees his own orders only
manager          sees and does all of sales
keeper           the warehouse; sees no prices
accountant, buyer, boss, master
branch_clerk     a sales clerk of another company
stranger         may log in, has no role
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CAST", "Person"]


class Person(NamedTuple):
    """Roles, and the code of the company that the person belongs to."""

    roles: tuple[str, ...]
    company: str = "MAIN"


CAST = {
    "clerk": Person(("sales_clerk",)),
    "twin": Person(("sales_clerk",)),
    "manager": Person(("sales_manager",)),
    "keeper": Person(("warehouse_keeper",)),
    "accountant": Person(("accountant",)),
    "buyer": Person(("buyer",)),
    "boss": Person(("boss",)),
    "master": Person(("master_data",)),
    "branch_clerk": Person(("sales_clerk",), "BRANCH"),
    "branch_keeper": Person(("warehouse_keeper",), "BRANCH"),
    "stranger": Person(()),
}
