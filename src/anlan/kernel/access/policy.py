"""Who may do what: grants compiled once for a set of roles. The one place that decides; it denies by default.

    policies = Policies(forms=…, registers=…, reports=…, roles=…)     # one a catalogue
    policy = policies.of(frozenset({"clerk"}))
    policy.can("demo.note", "update")        → True
    policy.rows("demo.note", "update")       → ("created_by = USER()",)   one of them must hold; None: every
    row policy.fields("demo.note")               → {"lines.cost": "none"}      restricted fields only

Several roles add up, action by action:
- an action is allowed when one role grants it; its rows are those of the roles that grant this action;
- a field is seen when one role that may read the form shows it, and may be written when it is seen and one
  role that may change the form lets it be written. So a role that only reads never makes a field writable;
- what is below a path (`lines.cost` below `lines`) is never more open than the path itself.
A role with `all_rights` may do everything with whatever exists. The company's row rule is not in here: it is
`Caller.companies`, and holds for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from anlan.kernel.definition.model import (
    DashboardDefinition,
    FormDefinition,
    Grant,
    RegisterDefinition,
    ReportDefinition,
    RoleDefinition,
)
from anlan.kernel.errors import Refused

__all__ = ["Explanation", "FieldAccess", "Kind", "Policies", "Policy", "TokenScope"]

Kind = Literal["form", "register", "report", "dashboard"]
FieldAccess = Literal["none", "read"]
Reason = Literal["all_rights", "granted", "not_granted", "token_scope", "unknown"]

ANY_ACTION = "*"
# Actions that leave a record as it was: a role with nothing else makes no field writable.
READING_ACTIONS = frozenset({"read", "export", "print", "share"})
_MOST_SCOPES = 1000  # narrowed policies kept per set of roles; making one takes 0.2 ms with 200 forms
_LEVELS = ("none", "read", "write")


@dataclass(frozen=True, slots=True)
class TokenScope:
    """What a token is narrowed to; None: not narrowed in this respect.

    `forms` also names registers, reports and dashboards. A token that is limited to addresses or ends one day has a scope
    too, which then allows everything.
    """

    forms: frozenset[str] | None = None
    actions: frozenset[str] | None = None

    @property
    def allows_everything(self) -> bool:
        return self.forms is None and self.actions is None

    def allows(self, name: str, action: str) -> bool:
        return (self.forms is None or name in self.forms) and (
            self.actions is None or action in self.actions or ANY_ACTION in self.actions
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an action is allowed or not.

    `roles` decide it (those held that grant it); `would_grant` are other roles that would; `rows` as
    `Policy.rows`. The sentence of it is `code`.
    """

    allowed: bool
    reason: Reason
    roles: tuple[str, ...] = ()
    rows: tuple[str, ...] | None = ()
    would_grant: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return f"access.why.{self.reason}"


class _RoleGrant(NamedTuple):
    """One role's grant on one subject, ready to ask."""

    role: str
    actions: frozenset[str]
    rows: str | None
    fields: Mapping[str, str]

    def gives(self, action: str) -> bool:
        return action in self.actions or ANY_ACTION in self.actions

    @property
    def changes(self) -> bool:
        return bool(self.actions - READING_ACTIONS)

    def level(self, path: str) -> int:
        """0 none, 1 read, 2 write; the nearest path above counts where the path itself is not named."""
        parent, dot, _ = path.rpartition(".")
        above = self.level(parent) if dot else 2
        return min(above, _LEVELS.index(self.fields.get(path, "write")))


_Table = Mapping[str, tuple[_RoleGrant, ...]]


class Policy:
    """What one set of roles may do. Made by `Policies.of`; does not change; safe to share between threads."""

    __slots__ = ("_fields", "_held", "_narrowed", "_refusal", "_tables", "all_rights", "roles", "scope")

    def __init__(
        self,
        tables: Mapping[Kind, _Table],
        roles: frozenset[str],
        *,
        all_rights: bool,
        scope: TokenScope | None = None,
        refusal: str = "forbidden",
    ) -> None:
        self.roles = roles
        self.all_rights = all_rights
        self.scope = scope
        self._refusal = refusal
        self._tables = tables
        self._held: dict[tuple[Kind, str], tuple[_RoleGrant, ...]] = {
            (kind, name): mine
            for kind, table in tables.items()
            for name, grants in table.items()
            if (mine := tuple(one for one in grants if one.role in roles))
        }
        self._narrowed: dict[TokenScope, Policy] = {}
        self._fields: dict[str, Mapping[str, FieldAccess]] = {}

    def narrowed(self, scope: TokenScope) -> Policy:
        """The same roles seen through a token: an action must lie in the scope as well."""
        found = self._narrowed.get(scope)
        if found is None:
            if len(self._narrowed) >= _MOST_SCOPES:
                self._narrowed.clear()
            found = Policy(self._tables, self.roles, all_rights=self.all_rights, scope=scope)
            self._narrowed[scope] = found
        return found

    def can(self, name: str, action: str, *, kind: Kind = "form") -> bool:
        """May the action be done at all, on some row?"""
        if self.scope is not None and not self.scope.allows(name, action):
            return False
        if self.all_rights:
            return name in self._tables[kind]
        return any(one.gives(action) for one in self._held.get((kind, name), ()))

    def require(self, name: str, action: str, *, kind: Kind = "form") -> None:
        """Raise Refused 403 unless `can`: `forbidden`, or what stands in the way of everything."""
        if not self.can(name, action, kind=kind):
            raise Refused(403, self._refusal, params={"form": name, "action": action})

    def rows(self, name: str, action: str, *, kind: Kind = "form") -> tuple[str, ...] | None:
        """The formulas of which a row must satisfy one; None: every row; (): no row, it is not granted."""
        if not self.can(name, action, kind=kind):
            return ()
        if self.all_rights:
            return None
        rules = [one.rows for one in self._held[kind, name] if one.gives(action)]
        named = [rule for rule in rules if rule is not None]
        return tuple(dict.fromkeys(named)) if len(named) == len(rules) else None

    def fields(self, name: str, *, kind: Kind = "form") -> Mapping[str, FieldAccess]:
        """The paths that are not free to read and write: `none` is not shown, `read` is shown only."""
        if self.all_rights:
            return {}
        key = f"{kind}:{name}"
        found = self._fields.get(key)
        if found is None:
            found = self._fields[key] = dict(_restrictions(self._held.get((kind, name), ())))
        return found

    def forms(self, action: str = "read", *, kind: Kind = "form") -> frozenset[str]:
        """Names of the forms (registers, reports, dashboards) on which the action may be done."""
        return frozenset(name for name in self._tables[kind] if self.can(name, action, kind=kind))

    def explain(self, name: str, action: str, *, kind: Kind = "form") -> Explanation:
        """Say which rule decides: for "why can't I"."""
        table = self._tables[kind]
        if name not in table:
            return Explanation(False, "unknown")
        if self.scope is not None and not self.scope.allows(name, action):
            return Explanation(False, "token_scope")
        if self.all_rights:
            return Explanation(True, "all_rights", rows=None)
        granting = tuple(one.role for one in table[name] if one.gives(action))
        held = tuple(role for role in granting if role in self.roles)
        if held:
            return Explanation(True, "granted", held, self.rows(name, action, kind=kind))
        return Explanation(False, "not_granted", would_grant=granting)


class Policies:
    """All policies of one catalogue; each is compiled when first asked for. Belongs to the catalogue."""

    def __init__(
        self,
        *,
        forms: Mapping[str, FormDefinition],
        registers: Mapping[str, RegisterDefinition],
        reports: Mapping[str, ReportDefinition],
        roles: Mapping[str, RoleDefinition],
        dashboards: Mapping[str, DashboardDefinition] | None = None,
    ) -> None:
        self.all_rights = frozenset(key for key, role in roles.items() if role.all_rights)
        self.roles = frozenset(roles)
        self._tables: Mapping[Kind, _Table] = {
            "form": _table((name, one.grants) for name, one in forms.items()),
            "register": _table((name, one.grants) for name, one in registers.items()),
            "report": _table((name, one.grants) for name, one in reports.items()),
            "dashboard": _table((name, one.grants) for name, one in (dashboards or {}).items()),
        }
        # For who must choose a password of his own first: nothing, with that reason.
        self.locked = Policy(
            self._tables, frozenset(), all_rights=False, refusal="access.password_must_change"
        )
        self._made: dict[frozenset[str], Policy] = {}

    def knows(self, name: str) -> bool:
        """Is there a form, register, report or dashboard of this name?"""
        return any(name in table for table in self._tables.values())

    def of(self, roles: frozenset[str]) -> Policy:
        """The policy of a set of roles; names that are no role of the catalogue give nothing."""
        held = roles & self.roles
        found = self._made.get(held)
        if found is None:  # two threads may both make it: the same, and the last one stays
            found = self._made[held] = Policy(self._tables, held, all_rights=bool(held & self.all_rights))
        return found


def _table(grants: Iterable[tuple[str, Mapping[str, Grant]]]) -> _Table:
    return {
        name: tuple(
            _RoleGrant(role, frozenset(one.actions), one.rows, dict(one.fields))
            for role, one in sorted(by_role.items())
        )
        for name, by_role in grants
    }


def _restrictions(grants: tuple[_RoleGrant, ...]) -> Iterator[tuple[str, FieldAccess]]:
    """The paths that these grants together restrict, sorted."""
    readers = [one for one in grants if one.gives("read")] or list(grants)
    writers = [one for one in grants if one.changes]
    for path in sorted({path for one in grants for path in one.fields}):
        if all(one.level(path) == 0 for one in readers):
            yield path, "none"
        elif all(one.level(path) < 2 for one in writers):
            yield path, "read"
