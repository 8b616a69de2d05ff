"""The published, validated, immutable snapshot of all definitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anlan.kernel.access.policy import Policies
from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.register import Register
from anlan.kernel.definition.model import (
    ApprovalDefinition,
    DashboardDefinition,
    PackDefinition,
    PrintDefinition,
    ReportDefinition,
    RoleDefinition,
)
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.formula import Formula, Function, Scope, check
from anlan.kernel.rules import Compute, Rule

__all__ = ["Catalogue"]


@dataclass(slots=True)
class Catalogue:
    """Everything that is defined, compiled. Nothing in it changes after `build_catalogue`, but for lazily
    compiled parts that always come out the same."""

    version: int
    packs: dict[str, PackDefinition]
    forms: dict[str, Form]
    registers: dict[str, Register]
    roles: dict[str, RoleDefinition]
    approvals: dict[str, ApprovalDefinition]
    reports: dict[str, ReportDefinition]
    prints: dict[str, PrintDefinition]
    dashboards: dict[str, DashboardDefinition]
    functions: dict[str, Function]
    rules: dict[tuple[str, str], list[Rule]] = field(default_factory=dict)
    computes: dict[str, Compute] = field(default_factory=dict)
    compiled: dict[Any, Any] = field(default_factory=dict, repr=False)
    policies: Policies = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.policies = Policies(
            forms={name: form.definition for name, form in self.forms.items()},
            registers={name: item.definition for name, item in self.registers.items()},
            reports=self.reports, dashboards=self.dashboards, roles=self.roles)

    def form(self, name: str) -> Form:
        """The form of a name; 404 when there is none."""
        try:
            return self.forms[name]
        except KeyError:
            raise not_found(name, "") from None

    def register(self, name: str) -> Register:
        """The register of a name; 404 when there is none."""
        try:
            return self.registers[name]
        except KeyError:
            raise Refused(404, "not_found", params={"form": name, "key": ""}) from None

    def check(self, text: str, scope: Scope) -> Formula:
        """A formula checked with the packs' functions. Raises DesignError."""
        return check(text, scope, functions=self.functions)
