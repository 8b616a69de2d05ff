"""Records that have some words or whose code begins so: looked up first when few, tested one by one in a list's order when many."""

from __future__ import annotations

from typing import Any, NamedTuple

from anlan.kernel.access.predicate import sql_text
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.context import Context
from anlan.kernel.ids import id_array
from anlan.kernel.index import query_of

__all__ = ["FEW", "TOP", "Found", "any_of", "found_condition", "look_up", "typed_text"]

FEW = 2_000
LONGEST = 100            # characters of a search that are looked at
TOP = "\U0010ffff"       # above every text: the end of a prefix's range
LARGE = 100_000          # records in the index: from here on some are looked at before all that have a word are gathered
SAMPLE = 2_000           # so many
COMMON = 100             # so many of these have the words: then more than FEW of all have them
# The index of words gathers all that have a word before it gives the first: a tenth of a second for half a million. The same
# blocks each time, so that they stay in memory, and a search takes the same way twice.
SAMPLED = f"""SELECT count(*) AS hits FROM record_index i TABLESAMPLE SYSTEM
((SELECT CASE WHEN reltuples < {LARGE} THEN 0 ELSE {100 * SAMPLE} / reltuples END FROM pg_class WHERE oid = 'record_index'::regclass)) REPEATABLE (1)"""


class Found(NamedTuple):
    """Ids of records by the beginning of their code and by words; None: more than `FEW`."""

    codes: list[str] | None
    words: list[str] | None


def typed_text(text: str) -> str:
    """What somebody typed to search for, without what no column holds."""
    return text.strip().replace("\x00", "").encode("utf-8", "replace").decode()[:LONGEST]


def look_up(ctx: Context, typed: str, form: str | None) -> Found:
    """What the record index has of a typed text, of one form or of all (then without codes). One statement."""
    capitals, words = typed.upper(), query_of(typed)
    parts: list[str] = []
    params: list[Any] = []
    sampled = ""
    if form is not None:
        params = [form, capitals, capitals + TOP]
        parts.append(f"(SELECT true, i.id FROM record_index i WHERE i.form = $1 AND i.code >= $2 AND i.code < $3 LIMIT {FEW + 1})")
    if words:
        params += [form, words]
        of, having = f"${len(params) - 1}::text", f"${len(params)}::text::tsquery"
        sampled = f"WITH s AS MATERIALIZED ({SAMPLED} WHERE i.tokens @@ {having} AND ({of} IS NULL OR i.form = {of})) "
        parts.append(f"SELECT NULL, NULL FROM s WHERE s.hits >= {COMMON}")
        # Its argument hangs on `s`, so that nothing is gathered when there is nothing of `s`.
        parts.append(f"SELECT false, f.id FROM s, LATERAL record_index_found({of}, {having}, {FEW + 1} + 0 * s.hits::integer) f WHERE s.hits < {COMMON}")
    rows = ctx.connection.execute(sampled + " UNION ALL ".join(parts), params, prepare=True).fetchall() if parts else []
    by_code, by_words, common = ([row[1] for row in rows if row[0] is kind] for kind in (True, False, None))
    return Found(by_code if len(by_code) <= FEW else None, by_words if len(by_words) <= FEW and not common else None)


def any_of(column: str, ids: list[str]) -> str:
    """The condition that a column is one of some ids."""
    return f"{column} = ANY('{id_array(ids)}'::uuid[])"


def found_condition(form: Form, typed: str, found: Found) -> str:
    """The condition on `h` that a record was found."""
    if found.codes is not None and found.words is not None:
        return any_of('h."id"', [*found.codes, *found.words])
    parts = [any_of('h."id"', found.codes) if found.codes is not None else _begins(form, typed.upper())]
    if found.words is not None:
        parts.append(any_of('h."id"', found.words))
    else:
        # A subquery of one value is asked row by row: the list is read in its order, and stops when the page is full.
        parts.append(f'(SELECT i.tokens @@ {sql_text(query_of(typed) or "")}::tsquery FROM record_index i WHERE i.id = h."id")')
    return f"({' OR '.join(parts)})"


def _begins(form: Form, capitals: str) -> str:
    code = f"h.{quoted(form.code_column)}"
    return f"({code} >= {sql_text(capitals)} AND {code} < {sql_text(capitals + TOP)})"
