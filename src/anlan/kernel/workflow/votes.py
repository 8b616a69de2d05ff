"""How decisions of several people become one: pure, tried on all modes by property tests.

    outcome("all", needed=2, people=2, votes=["approve"])             → "waiting"
    outcome("all", needed=2, people=2, votes=["approve", "reject"])   → "rejected"

- `one`: whoever decides first, decides.
- `all`, `sequence`: everybody agrees; the first who does not ends it. (In which order people are asked is not
  looked at here.)
- `any`: `needed` of them agree; it ends when so many disagree that this cannot be reached any more.
In every mode one "return" ends it: somebody wants the record mended first.

Signers who were added (`with_added`) count beside these modes: one who disagrees ends the round, and it does not
end well before those have agreed whom an approver added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["Mode", "Status", "Vote", "needed_of", "outcome", "with_added"]

Mode = Literal["one", "all", "any", "sequence"]
Vote = Literal["approve", "reject", "return"]
Status = Literal["waiting", "approved", "rejected", "returned", "withdrawn"]


def needed_of(mode: Mode, count: int, people: int) -> int:
    """How many of these people must agree; never more than there are, never none."""
    wanted = {"one": 1, "all": people, "any": count, "sequence": people}[mode]
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


def with_added(
    mode: Mode, *, needed: int, own: Mapping[str, Vote | None], added: Mapping[str, tuple[str, Vote | None]]
) -> Status:
    """The same with signers who were added: `own` has those whom the definition asks, `added` by whom each was added.

    >>> with_added("one", needed=1, own={"a": "approve"}, added={"x": ("a", None)})
    'waiting'
    >>> with_added("one", needed=1, own={"a": None, "b": "approve"}, added={"x": ("a", None)})
    'approved'
    """
    votes = [one for one in own.values() if one is not None]
    others = [vote for _, vote in added.values() if vote is not None]
    if "return" in votes or "return" in others:
        return "returned"
    if "reject" in others:
        return "rejected"
    found = outcome(mode, needed=needed, people=len(own), votes=votes)
    if found != "approved":
        return found
    agreed = {key for key, vote in own.items() if vote == "approve"}
    agreed |= {key for key, (_, vote) in added.items() if vote == "approve"}
    open_ = any(vote is None and by in agreed for by, vote in added.values())
    return "waiting" if open_ else "approved"
