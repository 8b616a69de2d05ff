"""Seeing the site as somebody else, only to look: for "it does not show up for me".

    mark = begin(ctx, "wang")              # an event on his record says who looked as whom; the browser keeps the mark
    caller = seen(site, caller, mark)      # on each request: his rights, narrowed to reading

The mark is bound to the administrator's session by a keyed hash, so nobody looks without having begun. It is worth
nothing once he is no administrator, his session has ended, or the other is inactive.
"""

from __future__ import annotations

import hmac
from typing import Any

from anlan.kernel.access import identity
from anlan.kernel.access.caller import Caller, caller_from
from anlan.kernel.access.policy import TokenScope
from anlan.kernel.access.vault import open_vault
from anlan.kernel.admin.guard import note, require_admin
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, not_found
from anlan.kernel.storage.pool import transaction

__all__ = ["begin", "seen"]

# Not even printing and exporting: they leave events, which would stand in the other's name.
LOOKING = TokenScope(actions=frozenset({"read"}))


def begin(ctx: Context, login: str) -> str:
    """Begin to look as an active user; the mark for `seen`. Refused 403, 404, 409 `admin.see_yourself`."""
    require_admin(ctx)
    if ctx.caller.session is None:
        raise Refused(403, "admin.only")
    with ctx.transaction() as tx:
        found = identity.load_by_login(tx.connection, login)
        if found is None:
            raise not_found("system.user", login)
        if found.user == ctx.caller.user:
            raise Refused(409, "admin.see_yourself")
        note(tx.connection, ctx, "seen_as", {"login": found.login}, form="system.user", record=found.user)
    return f"{_digest(ctx.site, ctx.caller, found.login)}:{found.login}"


def seen(site: Any, caller: Caller, mark: str) -> Caller | None:
    """The caller to answer with instead of `caller`; None when the mark is not good. One statement."""
    digest, _, login = mark.partition(":")
    if not caller.admin or caller.session is None or not login:
        return None
    if not hmac.compare_digest(digest.encode(), _digest(site, caller, login).encode()):
        return None
    found = transaction(site.pool, lambda connection: identity.load_by_login(connection, login))
    return None if found is None else caller_from(found, site.catalogue.policies, scope=LOOKING)


def _digest(site: Any, caller: Caller, login: str) -> str:
    return bytes(open_vault(site.home).keyed_hash(f"see-as\0{caller.session}\0{login}")).hex()
