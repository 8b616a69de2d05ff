"""How a pack adds Python where data cannot say it: rules on a form's events, and computed resources.

    @rule("demo.note", "check", reads=("lines.amount",), codes=("demo.too_much",))
    def amounts_stay_small(batch: Batch) -> None:
        for document in batch.documents:
            ...
            batch.fault(document, "demo.too_much", "lines[0].amount")

Rules declare what they read, write and refuse with; the designer shows them read-only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from anlan.kernel.errors import Fault

if TYPE_CHECKING:
    from anlan.kernel.catalogue.form import Form
    from anlan.kernel.context import Context

__all__ = ["Batch", "Compute", "Event", "Rule", "compute", "rule", "rules_of"]

Event = Literal["derive", "check", "step", "posted"]


@dataclass(slots=True)
class Batch:
    """The records of one form that are written together.

    `documents` are records in flight (dicts of Python values, lines as lists of dicts); `transition` names
    the step, None for a plain save; `before[i]` is the record as it was, None when it is new; `movements`
    (event `posted`) are the rows that computed postings wrote: dicts with posting, register, document, line,
    date, dimensions, resources; `faults` what is wrong so far, by place; `alone`: paths do not name the record.
    """

    ctx: Context
    form: Form
    documents: list[dict[str, Any]]
    before: Sequence[Mapping[str, Any] | None]
    transition: str | None = None
    movements: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    alone: bool = True

    def fault(self, document: Mapping[str, Any], code: str, path: str = "", **params: Any) -> None:
        """Refuse a document, at a path, with a code of the pack's messages."""
        place = next(i for i, item in enumerate(self.documents) if item is document)
        self.faults.append((place, Fault(code, path, params)))

    def linked(self, form: str, key: str | None) -> Mapping[str, Any]:
        """A linked record that was loaded with the batch, as Python values; empty for None."""
        return self.ctx.linked(form, key)


@dataclass(frozen=True, slots=True)
class Rule:
    """A pack's function bound to a form's event."""

    form: str
    event: Event
    function: Callable[[Batch], None]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    codes: tuple[str, ...]
    transitions: tuple[str, ...]
    pack: str = ""


@dataclass(frozen=True, slots=True)
class Compute:
    """A pack's function that completes the resources of a posting from the locked balance rows."""

    name: str
    function: Callable[[Context, list[dict[str, Any]]], list[dict[str, Any]]]


def rule(
    form: str,
    event: Event,
    *,
    reads: tuple[str, ...] = (),
    writes: tuple[str, ...] = (),
    codes: tuple[str, ...] = (),
    transitions: tuple[str, ...] = (),
) -> Callable[[Callable[[Batch], None]], Callable[[Batch], None]]:
    """Bind a function to an event of a form; `transitions` narrows `step` and `posted`."""

    def bind(function: Callable[[Batch], None]) -> Callable[[Batch], None]:
        found: list[Rule] = getattr(function, "__anlan_rules__", [])
        found.append(Rule(form, event, function, reads, writes, codes, transitions))
        function.__anlan_rules__ = found  # type: ignore[attr-defined]  # a mark that rules_of reads
        return function

    return bind


def compute(function: Callable[[Context, list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[..., Any]:
    """Mark a function that postings name in `compute:`.

    It gets all rows that the write's postings with this name want, in order of the postings, each a dict:
    `posting, register, document, line, date, dimensions, resources` (values of formulas, None where left to
    it), `balance` (the locked balance row: resources and memory; zeros when there is none), `carry` (the row
    of the posting that it carries from, or None), `change` (enter, leave, stay: posting/compiled.py), `reversal`
    (change leave: what an earlier posting is taken back with; its resources are given and stay). It returns the rows with their resources complete, and `memory` where
    the balance's memory changes. Rows of one key share one `balance` dict, which it should keep up to date.
    """
    function.__anlan_compute__ = True  # type: ignore[attr-defined]  # a mark that rules_of reads
    return function


def rules_of(module: object, pack: str) -> tuple[list[Rule], list[Compute]]:
    """The rules and computes that a pack's module holds, in order of definition."""
    rules: list[Rule] = []
    computes: list[Compute] = []
    for value in vars(module).values():
        if getattr(value, "__module__", None) != getattr(module, "__name__", ""):
            continue
        for found in getattr(value, "__anlan_rules__", ()):
            rules.append(
                Rule(
                    found.form,
                    found.event,
                    found.function,
                    found.reads,
                    found.writes,
                    found.codes,
                    found.transitions,
                    pack,
                )
            )
        if getattr(value, "__anlan_compute__", False):
            computes.append(Compute(f"{pack}.{value.__name__}", value))
    return rules, computes
