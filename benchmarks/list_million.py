"""A page of a list of 1,000,000 records, with filter, sort, row rules, search: ours beside the bare SQL; and typeahead.

Bare SQL is what somebody would write by hand for the same rows and columns, labels of links by a join, run prepared
on one connection. Rows are made by generate_series, with the indexes that the kernel makes for the form.

    python -m benchmarks.list_million [rows]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from anlan.kernel import query, record
from anlan.kernel.access import identity
from anlan.kernel.access.caller import caller_from
from anlan.kernel.context import Context
from anlan.kernel.query import Query
from anlan.kernel.site import Site
from benchmarks.common import context, small_site, table

ITEMS = 200_000
PEOPLE = 20
STATES = {"draft": {"label": "Draft"}, "confirmed": {"label": "Confirmed"}, "closed": {"label": "Closed"}}
PACK = {
    "roles.yaml": [{"role": "clerk", "label": "Clerk"}],
    "forms/thing.yaml": {
        "form": "bench.thing", "kind": "master", "label": "Thing",
        "fields": {"code": {"type": "text"}, "name": {"type": "text"}}, "grants": {"clerk": {"actions": ["read"]}}},
    "forms/note.yaml": {
        "form": "bench.note", "kind": "document", "label": "Note", "number": {"pattern": "N{00000000}"},
        "fields": {
            "thing": {"type": "link", "to": "bench.thing"}, "date": {"type": "date"}, "subject": {"type": "text"},
            "amount": {"type": "money"}, "handler": {"type": "user"}},
        "workflow": {"states": STATES, "transitions": {"confirm": {"from": ["draft"], "to": "confirmed", "label": "Confirm"}}},
        "indexes": {"subject": ["subject"], "handler": ["handler", "date"]},
        "grants": {"clerk": {"actions": ["read"], "rows": "handler = USER()"}}}}

ITEM_ROWS = """INSERT INTO bench_thing (id, version, code, name, created_at, updated_at)
SELECT ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, 'T' || lpad(n::text, 7, '0'),
       (ARRAY['螺栓','螺母','垫圈','轴承'])[1 + n % 4] || ' M' || n, now(), now() FROM generate_series(1, $1::int) n"""
NOTE_ROWS = """INSERT INTO bench_note (id, number, company, version, state, workflow_version, created_at, created_by, updated_at, updated_by,
                                       thing, date, subject, amount, handler)
SELECT ('018f1000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'N' || lpad(n::text, 8, '0'), $2::uuid, 1,
       (ARRAY['confirmed','closed','closed','closed','closed','closed','closed','closed','closed','draft'])[1 + (n / 20) % 10], 1,
       now(), ($3::uuid[])[1 + n % 20], now(), ($3::uuid[])[1 + n % 20],
       ('018f0000-0000-7000-8000-' || lpad(to_hex(1 + n % 200000), 12, '0'))::uuid, date '2020-01-01' + (n / 500),
       'note ' || md5(n::text), n % 1000, ($3::uuid[])[1 + n % 20] FROM generate_series(1, $1::int) n"""
INDEX_ROWS = """INSERT INTO record_index (id, form, company, code, title, state, tokens, updated_at)
SELECT id, 'bench.note', company, number, subject, state, array_to_tsvector(ARRAY['note', lower(number), substr(subject, 6)]), updated_at FROM bench_note
UNION ALL SELECT id, 'bench.thing', NULL, code, name, NULL,
       array_to_tsvector(ARRAY[lower(code), substr(name, 1, 1), substr(name, 2, 1), substr(name, 1, 2), lower(substr(name, 4))]), updated_at FROM bench_thing"""
COLUMNS = ('h."id", h."number", h."company", h."state", h."version", h."thing", h."date", h."subject", h."amount", h."handler", h."created_at", '
           'h."created_by", h."updated_at", h."updated_by", h."workflow_version", j."code", j."name", u."code", u."name"')
SOURCE = 'FROM bench_note h LEFT JOIN bench_thing j ON j."id" = h."thing" LEFT JOIN "system_user" u ON u."id" = h."handler"'


def fill(site: Site, rows: int) -> list[str]:
    """Things, people, notes and their index; the people's ids."""
    company = record.create(context(site), "system.company", {"code": "MAIN", "name": "Main"})["id"]
    people = [record.create(context(site), "system.user", {"code": f"u{n}", "name": f"User {n}", "roles": ["clerk"], "company": company})["id"]
              for n in range(PEOPLE)]
    with site.pool.connection() as connection:
        connection.execute(ITEM_ROWS, [ITEMS])
        connection.execute(NOTE_ROWS, [rows, company, people])
        connection.execute(INDEX_ROWS)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.autocommit = False
    return people


def middle(work: Callable[[], Any], *, runs: int = 15) -> float:
    """Milliseconds of the middle one of some runs, after two that do not count."""
    for _ in range(2):
        work()
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return 1000 * statistics.median(spent)


def clerk(site: Site) -> Context:
    with site.pool.connection() as connection:
        found = identity.load_by_login(connection, "u3")
    assert found is not None
    return Context(site, caller_from(found, site.catalogue.policies), via="api")


def bare(site: Site, tail: str, params: list[Any]) -> Callable[[], Any]:
    def work() -> Any:
        with site.pool.connection() as connection:
            return connection.execute(f"SELECT {COLUMNS} {SOURCE} {tail}", params).fetchall()

    return work


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with small_site(PACK) as site:
        people = fill(site, rows)
        me, all_ = clerk(site), context(site)
        mine = f"h.\"handler\" = '{people[3]}'"
        deep = query.records(me, "bench.note", Query(sort=["-date"], limit=500))
        for _ in range(20):
            deep = query.records(me, "bench.note", Query(sort=["-date"], limit=500, after=deep["next"]))
        last = deep["data"][-1]
        cases: list[tuple[str, Context, Query, str, list[Any]]] = [
            ("first page, all rights", all_, Query(), 'ORDER BY h."id" DESC LIMIT 51', []),
            ("row rule", me, Query(), f'WHERE {mine} ORDER BY h."id" DESC LIMIT 51', []),
            ("row rule, state, newest first", me, Query(where='state = "confirmed"', sort=["-date"]),
             f"WHERE {mine} AND h.\"state\" = 'confirmed' ORDER BY h.\"date\" DESC NULLS LAST, h.\"id\" DESC LIMIT 51", []),
            ("row rule, page 200, newest first", me, Query(sort=["-date"], after=deep["next"]),
             f"WHERE {mine} AND (h.\"date\", h.\"id\") < ('{last['date']}', '{last['id']}') ORDER BY h.\"date\" DESC NULLS LAST, h.\"id\" DESC LIMIT 51", []),
            ("row rule, filter without index, by amount", me, Query(where="AND(amount > 100, amount < 900)", sort=["-amount"]),
             f'WHERE {mine} AND h."amount" > 100 AND h."amount" < 900 ORDER BY h."amount" DESC NULLS LAST, h."id" DESC LIMIT 51', []),
            ("row rule, by a linked record", me, Query(where='AND(thing.code >= "T00001", thing.code < "T00002")', sort=["-date"]),
             f"WHERE {mine} AND j.\"code\" >= 'T00001' AND j.\"code\" < 'T00002' ORDER BY h.\"date\" DESC NULLS LAST, h.\"id\" DESC LIMIT 51", []),
            ("text sort, all rights", all_, Query(sort=["subject"]), 'ORDER BY h."subject" NULLS FIRST, h."id" LIMIT 51', []),
            ("text filter, all rights", all_, Query(where='AND(subject >= "note a", subject < "note a1")', sort=["subject"]),
             "WHERE h.\"subject\" >= 'note a' AND h.\"subject\" < 'note a1' ORDER BY h.\"subject\" NULLS FIRST, h.\"id\" LIMIT 51", []),
        ]
        found: list[tuple[str, float, str]] = []
        for name, ctx, asked, tail, params in cases:
            ours, floor = middle(lambda ctx=ctx, asked=asked: query.records(ctx, "bench.note", asked)), middle(bare(site, tail, params))  # type: ignore[misc]
            found += [(name, ours, f"ms   bare SQL {floor:.2f} ms, {ours / floor:.2f} of it (at most 3)")]
        for name, _, work in (
                ("list, searched for a word that all have", me, lambda: query.records(me, "bench.note", Query(search="note"))),
                ("list, searched for a number", me, lambda: query.records(me, "bench.note", Query(search="N0000123"))),
                ("search over everything, a common word", all_, lambda: query.search(all_, "note")),
                ("search over everything, a number", all_, lambda: query.search(all_, "n00001234")),
                ("search, row rules", me, lambda: query.search(me, "note")),
                (f"typeahead over {ITEMS}, a code (at most 80)", me, lambda: query.suggest(me, "bench.thing", "t00012")),
                ("typeahead, one letter", me, lambda: query.suggest(me, "bench.thing", "t")),
                ("typeahead, a word that a quarter has", me, lambda: query.suggest(me, "bench.thing", "螺母")),
                ("typeahead, a rare word", me, lambda: query.suggest(me, "bench.thing", "m1999")),
                ("exact count, row rule", me, lambda: query.records(me, "bench.note", Query(limit=1, count="exact"))),
                ("estimated count, all rights", all_, lambda: query.records(all_, "bench.note", Query(limit=1, count="estimate")))):
            found.append((name, middle(work, runs=7), "ms"))
        table(f"A page of 50 of {rows} records", found)


if __name__ == "__main__":
    main()
