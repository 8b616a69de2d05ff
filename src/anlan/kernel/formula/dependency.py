"""In which order the formulas of a form are computed."""

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter

from anlan.kernel.formula.check import Formula
from anlan.kernel.formula.errors import CYCLE, DesignError
from anlan.kernel.formula.types import Ref


def dependency_order(formulas: Mapping[str, Formula], uses: Callable[[Ref], str | None]) -> list[str]:
    """The keys of `formulas`, each after those that it reads.

    uses: the key of the formula that computes what a Ref reads, or None.  Formulas that do not depend on one
    another keep the order of the mapping.  Raises DesignError(cycle) with params `cycle`, the keys in the
    order of their reading ("a → b → a"), and `name`, the first of them.
    """
    graph = {
        key: [used for ref in sorted(formula.refs) if (used := uses(ref)) in formulas and used is not None]
        for key, formula in formulas.items()
    }
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = [str(key) for key in error.args[1]][::-1]
        raise DesignError(CYCLE, 0, name=cycle[0], cycle=" → ".join(cycle)) from None
    place = {key: number for number, key in enumerate(formulas)}
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        order += ready
        sorter.done(*ready)
    return order
