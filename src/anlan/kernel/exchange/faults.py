"""What the record path refuses becomes the faults of the rows that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.exchange.assemble import Draft
from anlan.kernel.exchange.runs import Faulty, plain_params, savepoint

__all__ = ["refusals", "told"]

_TOLD = 1000  # faults that are told


@contextmanager
def refusals(ctx: Context, drafts: Sequence[Draft]) -> Iterator[None]:
    """A savepoint: a refusal inside undoes what was written since, and goes to the drafts that it names."""
    try:
        with savepoint(ctx):
            yield
    except Refused as refused:
        _blame(drafts, refused)


def _blame(drafts: Sequence[Draft], refused: Refused) -> None:
    """Give the faults of a refusal to their drafts; one that names none to a draft that is alone."""
    faults = refused.faults or (Fault(refused.code, "", refused.params),)
    for fault in faults:
        start, _, rest = fault.path.partition("].")
        if start.startswith("records["):
            drafts[int(start.removeprefix("records[").removesuffix("]"))].add(fault._replace(path=rest))
        elif len(drafts) == 1:
            drafts[0].add(fault)


def told(drafts: Sequence[Draft]) -> list[Faulty]:
    """The faults in the order of the file, the first thousand."""
    faults = [one for draft in drafts for one in draft.faults]
    faults.sort(key=lambda one: (one.row, -1 if one.column is None else one.column))
    return [
        Faulty(
            row=one.row,
            column=one.column,
            path=one.fault.path,
            code=one.fault.code,
            params=plain_params(one.fault.params),
        )
        for one in faults[:_TOLD]
    ]
