"""What a caller's own formulas may speak of: the form's fields without those that are hidden from him.

    clerk's filter "lines.cost > 5" where cost is hidden from clerks  →  422 formula.unknown_field

A field that could be filtered or sorted by could be guessed. The same holds behind links: there the linked form's
masks count, and of a form that the caller may not read only what every link shows: its code and label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anlan.kernel.access.policy import Kind, Policy
from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.scope import FieldsScope, form_scope
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.formula import BOOLEAN, DesignError, Formula, Link, Scope, Symbol, sql_filter

__all__ = ["LONGEST", "VisibleScope", "design_fault", "filter_sql", "rule_sql", "visible_scope"]

LONGEST = 8192          # characters of a filter; a definition's formulas have the same limit


def visible_scope(ctx: Context, form: Form, *, kind: Kind = "form") -> VisibleScope:
    """The fields of a form (or of a register seen as one) that the caller may see."""
    return VisibleScope(ctx.caller.policy, form_scope(ctx.catalogue.forms, form), ctx.caller.policy.fields(form.name, kind=kind))


class VisibleScope:
    """A scope without hidden paths; `prefix` is the sub-table that it is inside, e.g. `lines.`."""

    def __init__(self, policy: Policy, scope: FieldsScope, hidden: Mapping[str, str], prefix: str = "") -> None:
        self.policy, self.scope, self.hidden, self.prefix = policy, scope, hidden, prefix

    def lookup(self, name: str) -> Symbol | None:
        """The symbol of a name, or None."""
        if self.hidden.get(self.prefix + name) == "none":
            return None
        symbol = self.scope.lookup(name)
        if symbol is None or not isinstance(symbol.scope, FieldsScope):
            return symbol
        return Symbol(symbol.name, symbol.type, symbol.owner, self._below(name, symbol.type, symbol.scope))

    def names(self) -> Iterable[str]:
        """All names that can be looked up."""
        return (name for name in self.scope.names() if self.hidden.get(self.prefix + name) != "none")

    def _below(self, name: str, of: object, scope: FieldsScope) -> Scope:
        if not isinstance(of, Link):        # a sub-table of the same form
            return VisibleScope(self.policy, scope, self.hidden, f"{self.prefix}{name}.")
        target = scope.form
        lines = of.form.removeprefix(target.name).lstrip(".")
        if not self.policy.can(target.name, "read"):
            shown = () if lines else (target.code_column, target.label_column)
            return VisibleScope(self.policy, scope, {key: "none" for key in scope.fields if key not in shown})
        return VisibleScope(self.policy, scope, self.policy.fields(target.name), f"{lines}." if lines else "")


def design_fault(error: DesignError, path: str) -> Refused:
    """A formula that somebody wrote is wrong: 422 with the place."""
    return invalid([Fault(f"formula.{error.code}", path, {**error.params, "position": error.position})])


def filter_sql(ctx: Context, form: Form, names: FormNames, text: str, path: str = "where", *, kind: Kind = "form") -> str:
    """The condition of a filter that the caller wrote. Refused 422 where it is wrong or names what he may not see."""
    if len(text) > LONGEST:
        raise invalid([Fault("too_long", path, {"field": path, "limit": LONGEST})])
    return _condition(ctx, names, text, visible_scope(ctx, form, kind=kind), path)


def rule_sql(ctx: Context, form: Form, names: FormNames, text: str) -> str:
    """The condition of a definition's formula (a row rule, `only`, a report's filter): it sees every field."""
    return _condition(ctx, names, text, form_scope(ctx.catalogue.forms, form), "where")


def _condition(ctx: Context, names: FormNames, text: str, scope: Scope, path: str) -> str:
    try:
        formula: Formula = ctx.catalogue.check(text, scope)
        if formula.type != BOOLEAN:
            raise DesignError("type_mismatch", 0, expected="boolean", got=getattr(formula.type, "name", "link"))
        return f"({sql_filter(formula, names)})"
    except DesignError as error:
        raise design_fault(error, path) from None
