"""What must hold of users, whoever changes them and by which way: rules of the form system.user.

Without them the right to edit users would be the right to everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anlan.kernel.access import sessions, tokens
from anlan.kernel.access.identity import USERS
from anlan.kernel.rules import Batch, rule

Document = Mapping[str, Any]


@rule(
    "system.user",
    "check",
    reads=("roles", "company", "companies.company"),
    codes=("access.role_too_strong", "access.user_too_strong", "access.company_too_wide"),
)
def nobody_gives_more_than_he_has(batch: Batch) -> None:
    """Who is no administrator gives and takes only what he has himself, and leaves alone who has more."""
    caller = batch.ctx.caller
    if caller.admin:
        return
    for document, before in zip(batch.documents, batch.before, strict=True):
        old, new = _roles(before), _roles(document)
        if old - caller.roles:
            batch.fault(document, "access.user_too_strong", "", login=document.get("code") or "")
        for role in sorted((old ^ new) - caller.roles):
            batch.fault(document, "access.role_too_strong", "roles", role=role)
        if caller.companies is not None and _companies(document) - _companies(before) - set(caller.companies):
            batch.fault(document, "access.company_too_wide", "companies")


@rule("system.user", "check", reads=("roles", "active"), codes=("access.last_admin",))
def an_administrator_remains(batch: Batch) -> None:
    """Some active user keeps all rights. Locks the others' rows, so that two who leave do not both pass."""
    leaving = list(_leaving(batch))
    if not leaving:
        return
    here = {document["id"] for document in batch.documents if _is_admin(batch, document)}
    others = batch.ctx.connection.execute(
        f"SELECT u.id FROM {USERS} u WHERE u.active AND u.roles && $1::text[] AND u.id <> ALL ($2::uuid[]) "
        "ORDER BY u.id FOR UPDATE",
        [_all_rights(batch), [document["id"] for document in batch.documents]],
    ).fetchall()
    if not others and not here:
        for document in leaving:
            batch.fault(document, "access.last_admin", "roles", login=document.get("code") or "")


@rule("system.user", "check", reads=("roles", "active", "company", "companies.company", "department"))
def who_was_changed_is_looked_up_again(batch: Batch) -> None:
    """Sessions of this process see the change when it is committed, those of others within five seconds."""
    site = batch.ctx.site
    if batch.ctx.tx is not None:
        batch.ctx.tx.after += [lambda: sessions.forget(site), lambda: tokens.forget(site)]


def _leaving(batch: Batch) -> Iterator[dict[str, Any]]:
    for document, before in zip(batch.documents, batch.before, strict=True):
        if before is not None and _is_admin(batch, before) and not _is_admin(batch, document):
            yield document


def _is_admin(batch: Batch, document: Document) -> bool:
    return bool(document.get("active")) and bool(_roles(document).intersection(_all_rights(batch)))


def _all_rights(batch: Batch) -> list[str]:
    return sorted(batch.ctx.catalogue.policies.all_rights)


def _roles(document: Document | None) -> frozenset[str]:
    return frozenset((document or {}).get("roles") or ())


def _companies(document: Document | None) -> set[str]:
    found = document or {}
    lines = [line.get("company") for line in found.get("companies") or ()]
    return {company for company in (found.get("company"), *lines) if company is not None}
