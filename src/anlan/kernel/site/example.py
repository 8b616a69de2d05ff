"""Example data: remembered while it is loaded, offered at the log-in, and taken out again when the work begins.

    with example.remembering(site, shown=[("lin", "林知夏", "clerk")], password="…"):
        …                                    # records made through the usual calls
    example.people(connection)               →  [{"login": "lin", "name": "林知夏", "role": "clerk"}]
    example.remove(site, by=caller)          →  how many records went

Removing takes the example's records with all that they moved, and puts back what it changed in records that were
there before, where nobody changed it since. Own records stay; while one of them hangs on a record of the example
nothing is removed, and `hanging` lists them. Events are never deleted: the chain of the audit trail stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from psycopg.types.json import Json

from anlan.kernel.access.caller import Caller, system_caller
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.register import Register
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, forbidden
from anlan.kernel.record.events import changes
from anlan.kernel.record.load import load
from anlan.kernel.record.store import write_update
from anlan.kernel.site.site import Site
from anlan.kernel.storage.pool import Connection

__all__ = ["Hanging", "cast", "hanging", "is_loaded", "loaded", "people", "remembering", "remove"]

LISTED = 50  # records that hang on the example: enough to see what kind of work it is
OURS = "SELECT id FROM example_record"
Hanging = Mapping[str, Any]
Row = dict[str, Any]


def is_loaded(connection: Connection) -> bool:
    """Whether the site has example data. One statement."""
    return connection.execute("SELECT 1 FROM example").fetchone() is not None


def loaded(site: Site) -> bool:
    """The same with a connection of the site's."""
    with site.pool.connection() as connection:
        return is_loaded(connection)


def cast(site: Site) -> list[Row]:
    """`people` with a connection of the site's."""
    with site.pool.connection() as connection:
        return people(connection)


def people(connection: Connection) -> list[Row]:
    """Whom the log-in page offers: login, name, role, password; [] on a site of one's own. One statement."""
    row = connection.execute("SELECT people, password FROM example").fetchone()
    return [{**one, "password": row[1]} for one in row[0]] if row else []


@contextmanager
def remembering(site: Site, *, shown: Sequence[tuple[str, str, str]], password: str) -> Iterator[None]:
    """Whatever is made inside is the example's. `shown`: (login, name, role) of those whom the log-in offers."""
    with site.pool.connection() as connection:
        before = {row[0] for row in connection.execute("SELECT id FROM record_index").fetchall()}
        kept = _stored(site.catalogue, connection)
    yield
    with site.pool.connection() as connection:
        made = [
            row
            for row in connection.execute("SELECT id, form FROM record_index").fetchall()
            if row[0] not in before
        ]
        after = _stored(site.catalogue, connection)
        changed = [
            {"form": form, "id": key, "old": old, "new": after[form, key]}
            for (form, key), old in kept.items()
            if (form, key) in after and after[form, key]["version"] != old["version"]
        ]
        connection.execute(
            "INSERT INTO example_record SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
            [[row[0] for row in made], [row[1] for row in made]],
        )
        offered = [dict(zip(("login", "name", "role"), one, strict=True)) for one in shown]
        connection.execute(
            "INSERT INTO example (loaded_at, people, password, changed) VALUES ($1, $2, $3, $4) ON CONFLICT (one) "
            "DO UPDATE SET loaded_at = excluded.loaded_at, people = excluded.people, password = excluded.password",
            [site.clock.now(), Json(offered), password, Json(changed, dumps=_spelt)],
        )


def _spelt(value: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _stored(catalogue: Catalogue, connection: Connection) -> dict[tuple[str, str], Row]:
    """The settings of a site as the database spells them, by form and id: what an example may change."""
    found: dict[tuple[str, str], Row] = {}
    for form in catalogue.forms.values():
        if form.is_setting:
            for key, content in connection.execute(f"SELECT id, to_json(h) FROM {form.table} h").fetchall():
                found[form.name, key] = content
    return found


def hanging(site: Site) -> list[Hanging]:
    """Own records that hang on the example's: form, label, number, title, and on which; at most LISTED."""
    with site.pool.connection() as connection:
        row = connection.execute("SELECT changed FROM example").fetchone()
        changed = {one["id"] for one in row[0]} if row else set()
        return [one for one in _hanging(site.catalogue, connection) if one["id"] not in changed]


def _hanging(catalogue: Catalogue, connection: Connection) -> list[Hanging]:
    found: dict[str, Row] = {}
    for form in catalogue.forms.values():
        for text in _references(catalogue, form):
            for key, to in connection.execute(f"{text} LIMIT {LISTED}").fetchall():
                found.setdefault(key, {"id": key, "form": form.name, "to": to})
    linked = (
        f"SELECT l.target, l.source FROM record_link l WHERE l.source IN ({OURS}) AND l.target NOT IN ({OURS}) "
        f"UNION SELECT l.source, l.target FROM record_link l WHERE l.target IN ({OURS}) AND l.source NOT IN ({OURS}) "
        f"LIMIT {LISTED}"
    )
    for key, to in connection.execute(linked).fetchall():
        found.setdefault(key, {"id": key, "to": to})
    listed = list(found.values())[:LISTED]
    ids = [one[key] for one in listed for key in ("id", "to")]
    rows = connection.execute(
        "SELECT id, form, code, title FROM record_index WHERE id = ANY($1::uuid[])", [ids]
    ).fetchall()
    known = {row[0]: {"form": row[1], "number": row[2] or "", "title": row[3] or ""} for row in rows}
    return [
        {"id": one["id"], **known[one["id"]], "on": known.get(one["to"], {}).get("title", "")}
        for one in listed
        if one["id"] in known
    ]


def _references(catalogue: Catalogue, form: Form) -> Iterator[str]:
    """Statements (own record, record of the example) for each column of a form that may name one."""
    own = f"h.id NOT IN ({OURS})"
    for item in form.fields.values():
        if item.column and item.type.key in ("link", "reference", "user", "department"):
            column = quoted(item.column)
            yield f"SELECT h.id, h.{column} FROM {form.table} h WHERE {own} AND h.{column} IN ({OURS})"
    for table in form.lines.values():
        for item in table.fields.values():
            if not item.column:
                continue
            column = quoted(item.column)
            if item.type.key in ("link", "reference", "user", "department"):
                yield (
                    f"SELECT h.id, l.{column} FROM {table.table} l JOIN {form.table} h ON h.id = l.record "
                    f"WHERE {own} AND l.{column} IN ({OURS})"
                )
            elif item.type.key == "line" and item.definition.to:
                owner = catalogue.forms[item.definition.to.rpartition(".")[0]]
                other = owner.lines[item.definition.to.rpartition(".")[2]]
                yield (
                    f"SELECT h.id, o.record FROM {table.table} l JOIN {form.table} h ON h.id = l.record "
                    f"JOIN {other.table} o ON o.id = l.{column} WHERE {own} AND o.record IN ({OURS})"
                )


def remove(site: Site, *, by: Caller | None) -> int:
    """Take the example out; how many records went. `by` None: the operator, at the command line.

    Refused 403 for anybody but an administrator, 404 when there is none, 409 `example.in_use` while own records
    hang on it (`data["records"]` lists them): nothing has been removed then. All in one transaction.
    """
    if by is not None and not by.admin:
        raise forbidden("system.user", "delete")
    ctx = Context(site, by or system_caller(site.catalogue.policies), via="cli" if by is None else "page")

    def work() -> int:
        ctx.check_versions()
        connection, catalogue = ctx.connection, ctx.catalogue
        row = connection.execute("SELECT changed FROM example FOR UPDATE").fetchone()
        if row is None:
            raise Refused(404, "example.none")
        if (
            by is not None
            and connection.execute("SELECT 1 FROM example_record WHERE id = $1", [by.user]).fetchone()
        ):
            raise Refused(409, "example.yourself", params={"name": by.name})
        _put_back(ctx, row[0])
        used = _hanging(catalogue, connection)
        if used:
            names = ", ".join(one["number"] or one["title"] for one in used[:5])
            params = {"count": len(used), "names": names}
            raise Refused(409, "example.in_use", params=params, data={"records": used})
        gone = _delete(catalogue, connection)
        connection.execute("DELETE FROM example")
        connection.execute(
            "INSERT INTO event (form, kind, occurred_at, recorded_at, actor, via, changes) "
            "VALUES ('system.user', 'example_removed', $1, $1, $2, $3, $4)",
            [ctx.now, ctx.caller.user, ctx.via, Json([{"path": "records", "old": gone, "new": 0}])],
        )
        ctx.settings_changed()
        ctx.masters_changed()
        return gone

    return ctx.atomically(work)


def _put_back(ctx: Context, changed: Sequence[Mapping[str, Any]]) -> None:
    """What the example changed in records that were there before, where it still stands as the example left it."""
    for one in changed:
        form = ctx.catalogue.forms.get(one["form"])
        if form is None:
            continue
        now = ctx.connection.execute(
            f"SELECT to_json(h) FROM {form.table} h WHERE id = $1", [one["id"]]
        ).fetchone()
        if now is None:
            continue
        stays = {"id", "version", "created_at", "created_by", "updated_at", "updated_by"}
        keys = [
            item
            for item in form.stored
            if item.column
            and item.key not in stays
            and one["old"].get(item.column) != one["new"].get(item.column)
            and now[0].get(item.column) == one["new"].get(item.column)
        ]
        before = load(ctx, form, [one["id"]], lock=True, balances=False)[0]
        after = dict(before)
        for item in keys:
            value = one["old"].get(item.column)
            after[item.key] = item.type.parse(value, item.definition) if value is not None else None
        if keys:
            write_update(ctx, form, after, changes(form, before, after), kind="update")


def _delete(catalogue: Catalogue, connection: Connection) -> int:
    """The records of the example, what they moved, and what hangs on them in the kernel's own tables."""
    run = connection.execute
    for register in catalogue.registers.values():
        if register.definition.kind == "balance":
            _take_movements(register, connection)
    for form in catalogue.forms.values():
        _cut_links(form, connection)
    for form in catalogue.forms.values():
        for lines in form.lines.values():
            run(f"DELETE FROM {lines.table} WHERE record IN ({OURS})")
    for form in catalogue.forms.values():
        run(f"DELETE FROM {form.table} WHERE id IN ({OURS})")
    for table in ("approval_person", "approval_copy"):
        run(f"DELETE FROM {table} WHERE request IN (SELECT id FROM approval_request WHERE record IN ({OURS}))")
    run(f"DELETE FROM approval_request WHERE record IN ({OURS})")
    run(f"DELETE FROM approval_delegation WHERE person IN ({OURS}) OR deputy IN ({OURS})")
    run(f"DELETE FROM saved_view WHERE owner IN ({OURS})")
    run(f"DELETE FROM list_layout WHERE owner IN ({OURS})")
    run(f"DELETE FROM import_draft WHERE owner IN ({OURS})")
    run(f"DELETE FROM message WHERE record IN ({OURS}) OR recipient IN ({OURS})")
    run(f"DELETE FROM record_file WHERE record IN ({OURS})")
    run(f"DELETE FROM record_link WHERE source IN ({OURS}) OR target IN ({OURS})")
    run(f"DELETE FROM recycle_bin WHERE id IN ({OURS}) OR deleted_by IN ({OURS})")
    for table in ("credential", "session", "token"):
        run(f"DELETE FROM {table} WHERE user_id IN ({OURS})")
    _forget_numbers(catalogue, connection)
    run(f"DELETE FROM record_index WHERE id IN ({OURS})")
    row = run("WITH gone AS (DELETE FROM example_record RETURNING 1) SELECT count(*) FROM gone").fetchone()
    return int(row[0]) if row else 0


def _take_movements(register: Register, connection: Connection) -> None:
    """Movements of the example's documents; balances and month totals of their keys are summed anew."""
    run = connection.execute
    movements, names = register.movement_table, [quoted(one) for one in register.resources]
    keys = ", ".join(quoted(key) for key in register.dimensions)
    run(
        f"CREATE TEMP TABLE example_key ON COMMIT DROP AS SELECT DISTINCT {keys} FROM {movements} "
        f"WHERE document IN ({OURS})"
    )
    run(f"DELETE FROM {movements} WHERE document IN ({OURS})")

    def same(other: str) -> str:
        return " AND ".join(f"b.{quoted(key)} = {other}.{quoted(key)}" for key in register.dimensions)

    sums = ", ".join(f"sum({one}) AS {one}" for one in names)
    run(
        f"UPDATE {register.balance_table} b SET last_date = s.last_date, {', '.join(f'{one} = s.{one}' for one in names)} "
        f"FROM (SELECT {keys}, max(date) AS last_date, {sums} FROM {movements} JOIN example_key USING ({keys}) "
        f"GROUP BY {keys}) s WHERE {same('s')}"
    )
    nothing = f"NOT EXISTS (SELECT 1 FROM {movements} m WHERE {same('m')})"
    run(f"DELETE FROM {register.balance_table} b USING example_key k WHERE {same('k')} AND {nothing}")
    if register.definition.periods:
        run(f"DELETE FROM {register.period_table} b USING example_key k WHERE {same('k')}")
        columns = [f'{one[:-1]}_{side}"' for one in names for side in ("in", "out")]
        parts = [
            f"coalesce({sign}sum({one}) FILTER (WHERE {one} {way} 0), 0)"
            for one in names
            for sign, way in (("", ">"), ("-", "<"))
        ]
        month = "date_trunc('month', date)::date"
        run(
            f"INSERT INTO {register.period_table} ({keys}, period, {', '.join(columns)}) SELECT {keys}, {month}, "
            f"{', '.join(parts)} FROM {movements} JOIN example_key USING ({keys}) GROUP BY {keys}, {month}"
        )
    run("DROP TABLE example_key")


def _cut_links(form: Form, connection: Connection) -> None:
    """Links of records that go, so that they can go in any order."""
    for table, where, fields in (
        (form.table, "id", form.fields.values()),
        *((lines.table, "record", lines.fields.values()) for lines in form.lines.values()),
    ):
        cut = [
            f"{quoted(item.column)} = NULL"
            for item in fields
            if item.column
            and item.type.key in ("link", "line", "reference", "user", "department")
            and not item.reserved
        ]
        if cut:
            connection.execute(f"UPDATE {table} SET {', '.join(cut)} WHERE {where} IN ({OURS})")


def _forget_numbers(catalogue: Catalogue, connection: Connection) -> None:
    """Gap-free numbers of forms that have no record left begin again."""
    for form in catalogue.forms.values():
        numbered = form.definition.number
        if numbered is not None and numbered.gapless:
            left = connection.execute(f"SELECT 1 FROM {form.table} LIMIT 1").fetchone()
            if left is None:
                connection.execute("DELETE FROM counter WHERE name LIKE $1", [f"{form.name}|%"])
