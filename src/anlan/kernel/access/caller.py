"""Who asks: made once a request by `sessions.resolve` or `tokens.resolve_token`, carried in the Context."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import NamedTuple

from anlan.kernel.access.policy import Policies, Policy, TokenScope

__all__ = ["SYSTEM_USER", "Caller", "Identity", "caller_again", "caller_from", "system_caller"]

SYSTEM_USER = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person (or the system) behind a call, with what he may do.

    `companies`: ids of the companies whose records he may see; None means all. `admin`: a role with all
    rights, not narrowed to forms or actions. `token_scope`: how his token is limited; None for a session or a
    full token. `must_change`: he logged in with a password that somebody else gave him; until he changes it
    his policy grants nothing. `session`: the id of his session, None for tokens.
    """

    user: str
    login: str
    _: KW_ONLY
    name: str
    language: str
    company: str | None
    companies: tuple[str, ...] | None
    department: str | None
    roles: frozenset[str]
    policy: Policy
    admin: bool
    token_scope: TokenScope | None = None
    must_change: bool = False
    session: str | None = None


class Identity(NamedTuple):
    """A user's record as far as access needs it."""

    user: str
    login: str
    name: str
    language: str | None
    company: str | None
    companies: tuple[str, ...]
    department: str | None
    roles: frozenset[str]


def caller_from(
    identity: Identity,
    policies: Policies,
    *,
    scope: TokenScope | None = None,
    must_change: bool = False,
    session: str | None = None,
) -> Caller:
    """Put a user and the present catalogue together. Without a company or all rights he sees none."""
    full = policies.of(identity.roles)
    policy = _narrowed(policies, full, scope, must_change)
    own = (identity.company,) if identity.company is not None else ()
    return Caller(
        identity.user, identity.login, name=identity.name, language=identity.language or "zh-CN",
        company=identity.company,
        companies=None if full.all_rights else tuple(dict.fromkeys((*own, *identity.companies))),
        department=identity.department, roles=identity.roles, policy=policy,
        admin=_administers(policy, scope),
        token_scope=scope, must_change=must_change, session=session,
    )  # fmt: skip


def caller_again(caller: Caller, policies: Policies) -> Caller:
    """The same person under a catalogue that was published meanwhile: what it takes from him is taken at once."""
    if caller.user == SYSTEM_USER:
        return system_caller(policies)
    policy = _narrowed(policies, policies.of(caller.roles), caller.token_scope, caller.must_change)
    return replace(caller, policy=policy, admin=_administers(policy, caller.token_scope))


def _narrowed(policies: Policies, full: Policy, scope: TokenScope | None, must_change: bool) -> Policy:
    return policies.locked if must_change else full if scope is None else full.narrowed(scope)


def _administers(policy: Policy, scope: TokenScope | None) -> bool:
    return policy.all_rights and (scope is None or scope.allows_everything)


def system_caller(policies: Policies) -> Caller:
    """Anlan itself: jobs on a schedule, seeds, the command line. All rights; its user is the zero id."""
    return Caller(
        SYSTEM_USER, "system", name="Anlan", language="zh-CN", company=None, companies=None, department=None,
        roles=policies.all_rights, policy=policies.of(policies.all_rights), admin=True,
    )  # fmt: skip
