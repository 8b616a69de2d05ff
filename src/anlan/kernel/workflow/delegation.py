"""Who decides in whose place, from a day until a day.

    delegation.create(ctx, connection, deputy=…, start=date(…), end=date(…), forms=None, person=None)
    delegation.list(ctx, connection)    one's own, those where one is the deputy; with `every` (administrators) all
    delegation.cancel(ctx, connection, id)

The deputy of a deputy who is away decides too, so nothing lies; a circle of deputies is refused, and would end by
itself: each place is looked at once. Nobody decides in the place of somebody else what he submitted himself.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict

from psycopg.types.json import Json

from anlan.kernel.access.identity import USERS
from anlan.kernel.access.shape import instant_text
from anlan.kernel.errors import Fault, Refused, invalid, not_found
from anlan.kernel.ids import uuid7
from anlan.kernel.storage.pool import Connection
from anlan.kernel.workflow.ports import Ctx
from anlan.kernel.workflow.request import PersonShown

__all__ = ["PLACES", "Delegation", "cancel", "create", "deputies", "list"]

# A recursive part of a statement: the users in whose place $1 decides at $2, and for which forms (null: all).
# Each pair is looked at once (UNION), so that a circle ends.
PLACES = """places (user_id, forms) AS (
    SELECT $1::uuid, NULL::text[]
    UNION
    SELECT d.person, CASE WHEN d.forms IS NULL THEN p.forms WHEN p.forms IS NULL THEN d.forms
        ELSE ARRAY(SELECT unnest(d.forms) INTERSECT SELECT unnest(p.forms) ORDER BY 1) END
    FROM approval_delegation d JOIN places p ON d.deputy = p.user_id
    WHERE d.ended_at IS NULL AND d.starts_at <= $2 AND d.ends_at > $2
)"""
_LONGEST = timedelta(days=366)


class Delegation(TypedDict):
    """`from` and `to` are days, both included; `forms` null: all; `state`: `coming`, `running` or `over`."""

    id: str
    person: PersonShown
    deputy: PersonShown
    forms: builtins.list[str] | None
    start: str
    end: str
    reason: str | None
    state: str
    made_by: PersonShown
    ended_at: str | None


def create(
    ctx: Ctx,
    connection: Connection,
    *,
    deputy: str,
    start: date,
    end: date,
    forms: Sequence[str] | None = None,
    person: str | None = None,
    reason: str | None = None,
) -> Delegation:
    """Let somebody decide in one's place; `person` (for administrators): in somebody else's.

    Raises Refused 403 for another's place; 422 with the faults: days in the past or the wrong way round, an
    unknown or inactive deputy, oneself, a circle of deputies, or days that another delegation covers already.
    """
    me = ctx.caller
    whose = person or me.user
    if whose != me.user and not me.admin:
        raise Refused(403, "delegation.not_yours")
    starts, ends = _midnight(ctx, start), _midnight(ctx, end + timedelta(days=1))
    faults = []
    if ends <= starts:
        faults.append(Fault("delegation.days_turned", "to", {}))
    elif ends <= ctx.now:
        faults.append(Fault("delegation.past", "to", {}))
    elif ends - starts > _LONGEST:
        faults.append(Fault("delegation.too_long", "to", {}))
    if faults:
        raise invalid(faults)
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('anlan.delegation'))")  # a circle is made by two
    known = _people(connection, [deputy, whose])
    if deputy == whose:
        faults.append(Fault("delegation.yourself", "deputy", {}))
    elif deputy not in known:
        faults.append(Fault("delegation.unknown_deputy", "deputy", {}))
    if whose not in known:
        faults.append(Fault("delegation.unknown_person", "person", {}))
    if not faults and _circle(connection, whose, deputy, starts, ends):
        faults.append(Fault("delegation.circle", "deputy", {"deputy": known[deputy]["label"]}))
    if not faults and _covered(connection, whose, starts, ends, forms):
        faults.append(Fault("delegation.covered", "from", {}))
    if faults:
        raise invalid(faults)
    values = [
        uuid7(), whose, deputy, None if forms is None else sorted(set(forms)), starts, ends, reason, me.user, ctx.now,
    ]  # fmt: skip
    connection.execute(
        "INSERT INTO approval_delegation "
        "(id, person, deputy, forms, starts_at, ends_at, reason, made_by, made_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values,
    )
    _event(ctx, connection, whose, "delegate", new=deputy, comment=reason)
    return _read(ctx, connection, "WHERE d.id = $1", [values[0]])[0]


def cancel(ctx: Ctx, connection: Connection, id: str) -> None:
    """End a delegation before its time; what was decided under it stays. Refused 404 for another's."""
    row = connection.execute(
        "UPDATE approval_delegation SET ended_at = $2 WHERE id::text = $1 AND ended_at IS NULL "
        "AND ends_at > $2 AND (person = $3 OR $4) RETURNING person, deputy",
        [id, ctx.now, ctx.caller.user, ctx.caller.admin],
    ).fetchone()
    if row is None:
        raise not_found("delegation", id)
    _event(ctx, connection, row[0], "delegate", old=row[1], new=None)


def list(ctx: Ctx, connection: Connection, *, every: bool = False) -> builtins.list[Delegation]:
    """The caller's, as person or deputy, the latest first, at most 200; `every` (administrators): everybody's."""
    if every and not ctx.caller.admin:
        raise Refused(403, "delegation.not_yours")
    if every:
        return _read(ctx, connection, "", [])
    return _read(ctx, connection, "WHERE d.person = $1 OR d.deputy = $1", [ctx.caller.user])


def deputies(connection: Connection, people: Iterable[str], *, form: str, now: datetime) -> builtins.list[str]:
    """Who decides in the place of any of these now, beside themselves."""
    return [
        user
        for (user,) in connection.execute(
            "WITH RECURSIVE down (user_id) AS (SELECT unnest($1::uuid[]) UNION "
            "SELECT d.deputy FROM approval_delegation d JOIN down ON d.person = down.user_id "
            "WHERE d.ended_at IS NULL AND d.starts_at <= $2 AND d.ends_at > $2 "
            "AND (d.forms IS NULL OR $3 = ANY (d.forms))) "
            f"SELECT u.id FROM down JOIN {USERS} u ON u.id = down.user_id AND u.active "
            "WHERE NOT u.id = ANY ($1::uuid[])",
            [builtins.list(people), now, form],
        )
    ]


def _circle(connection: Connection, person: str, deputy: str, starts: datetime, ends: datetime) -> bool:
    """Whether the deputy has handed his place, directly or through others, to the person in these days."""
    row = connection.execute(
        "WITH RECURSIVE down (user_id) AS (SELECT $1::uuid UNION "
        "SELECT d.deputy FROM approval_delegation d JOIN down ON d.person = down.user_id "
        "WHERE d.ended_at IS NULL AND d.starts_at < $4 AND d.ends_at > $3) "
        "SELECT FROM down WHERE user_id = $2",
        [deputy, person, starts, ends],
    ).fetchone()
    return row is not None


def _covered(
    connection: Connection, person: str, starts: datetime, ends: datetime, forms: Sequence[str] | None
) -> bool:
    row = connection.execute(
        "SELECT FROM approval_delegation WHERE person = $1 AND ended_at IS NULL AND starts_at < $3 "
        "AND ends_at > $2 AND (forms IS NULL OR $4::text[] IS NULL OR forms && $4) LIMIT 1",
        [person, starts, ends, None if forms is None else builtins.list(forms)],
    ).fetchone()
    return row is not None


def _people(connection: Connection, ids: Sequence[str]) -> dict[str, PersonShown]:
    rows = connection.execute(
        f"SELECT id, code, coalesce(name, code) FROM {USERS} WHERE id::text = ANY ($1::text[]) AND active",
        [builtins.list(ids)],
    ).fetchall()
    return {key: {"id": key, "code": code, "label": name} for key, code, name in rows}


def _read(ctx: Ctx, connection: Connection, where: str, values: builtins.list[Any]) -> builtins.list[Delegation]:
    rows = connection.execute(
        "SELECT d.id, d.forms, d.starts_at, d.ends_at, d.reason, d.ended_at, d.person, p.code, p.name, "
        "d.deputy, u.code, u.name, d.made_by, m.code, m.name FROM approval_delegation d "
        f"LEFT JOIN {USERS} p ON p.id = d.person LEFT JOIN {USERS} u ON u.id = d.deputy "
        f"LEFT JOIN {USERS} m ON m.id = d.made_by {where} ORDER BY d.starts_at DESC, d.id DESC LIMIT 200",
        values,
    ).fetchall()
    zone = ctx.site.zone
    found: builtins.list[Delegation] = []
    for key, forms, starts, ends, reason, ended, *who in rows:
        over = ended is not None or ends <= ctx.now
        found.append(
            {
                "id": key,
                "person": _shown(*who[:3]),
                "deputy": _shown(*who[3:6]),
                "forms": forms,
                "start": starts.astimezone(zone).date().isoformat(),
                "end": (ends - timedelta(seconds=1)).astimezone(zone).date().isoformat(),
                "reason": reason,
                "state": "over" if over else "running" if starts <= ctx.now else "coming",
                "made_by": _shown(*who[6:9]),
                "ended_at": instant_text(ended),
            }
        )
    return found


def _shown(key: str, code: str | None, name: str | None) -> PersonShown:
    return {"id": key, "code": code or key, "label": name or code or key}


def _midnight(ctx: Ctx, day: date) -> datetime:
    """The beginning of a day in the site's zone."""
    return datetime.combine(day, time(), ctx.site.zone).astimezone(UTC)


def _event(
    ctx: Ctx,
    connection: Connection,
    person: str,
    kind: str,
    *,
    new: str | None,
    old: str | None = None,
    comment: str | None = None,
) -> None:
    connection.execute(
        "INSERT INTO event "
        "(record, form, kind, occurred_at, recorded_at, actor, via, changes, comment, request_id) "
        "VALUES ($1, 'system.user', $2, $3, $3, $4, $5, $6, $7, $8)",
        [
            person,
            kind,
            ctx.now,
            ctx.caller.user,
            ctx.via,
            Json([{"path": "deputy", "old": old, "new": new}]),
            comment,
            ctx.request_id,
        ],
    )
