"""What a person changes about himself, without the right to change users: name, language, the company he works for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anlan.kernel import record
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, forbidden, invalid

__all__ = ["read", "save"]

_FIELDS = ("code", "name", "email", "language", "company", "department", "companies", "version")


def read(ctx: Context) -> dict[str, Any]:
    """The caller's own record, as far as he may know it: names of company and department with their ids. Refused 403."""
    own = _as_owner(ctx)
    found = record.read(own, "system.user", ctx.caller.user)
    return {name: found.get(name) for name in _FIELDS}


def save(ctx: Context, *, name: str, language: str, company: str | None) -> None:
    """Change the caller's own name, language and company, which must be one that he may work for already.

    The company that he leaves stays among his further ones. Refused 403 (a token, somebody who must choose a
    password first), 422.
    """
    own = _as_owner(ctx)
    if company is not None and ctx.caller.companies is not None and company not in ctx.caller.companies:
        raise invalid([Fault("access.company_too_wide", "company")])

    def work() -> None:
        found = record.read(own, "system.user", ctx.caller.user)
        values: dict[str, Any] = {"name": name, "language": language}
        left = (found.get("company") or {}).get("id")
        if company is not None and company != left:
            lines = [
                {"id": one["id"], "company": one["company"]["id"]} for one in found.get("companies") or ()
            ]
            if left is not None and left not in {one["company"] for one in lines}:
                lines.append({"company": left})
            values |= {"company": company, "companies": lines}
        record.update(own, "system.user", found["id"], values, version=found["version"])

    own.atomically(work)


def _as_owner(ctx: Context) -> Context:
    """The caller with the right to his own record. Rules about users still see that he is no administrator."""
    if ctx.caller.token_scope is not None or ctx.caller.must_change:
        raise forbidden("system.user", "update")
    every = ctx.catalogue.policies.of(ctx.catalogue.policies.all_rights)
    return Context(
        ctx.site,
        replace(ctx.caller, policy=every),
        language=ctx.language,
        via=ctx.via,
        request_id=ctx.request_id,
    )
