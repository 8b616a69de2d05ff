"""How decisions of several people become one: pure, tried on all modes by property tests.

    outcome("all", needed=2, people=2, votes=["approve"])             → "waiting"
    outcome("all", needed=2, people=2, votes=["approve", "reject"])   → "rejected"

- `one`: whoever decides first, decides.
- `all`: everybody agrees; the first who does not ends it.
- `any`: `needed` of them agree; it ends when so many disagree that this cannot be reached any more.
In every mode one "return" ends it: somebody wants the record mended first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

__all__ = ["Mode", "Status", "Vote", "needed_of", "outcome"]

Mode = Literal["one", "all", "any"]
Vote = Literal["approve", "reject", "return"]
Status = Literal["waiting", "approved", "rejected", "returned", "withdrawn"]


def needed_of(mode: Mode, count: int, people: int) -> int:
    """How many of these people must agree; never more than there are, never none."""
    wanted = {"one": 1, "all": people, "any": count}[mode]
    return max(1, min(wanted, people))


def outcome(mode: Mode, *, needed: int, people: int, votes: Sequence[Vote]) -> Status:
    """What the decisions so far come to, in the order in which they were made."""
    if "return" in votes:
        return "returned"
    agree, disagree = votes.count("approve"), votes.count("reject")
    if agree >= needed:
        return "approved"
    if disagree > people - needed or (mode == "one" and disagree):
        return "rejected"
    return "waiting"
