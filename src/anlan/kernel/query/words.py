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
    if form is not None:
        params = [form, capitals, capitals + TOP]
        parts.append(f"(SELECT true, i.id FROM record_index i WHERE i.form = $1 AND i.code >= $2 AND i.code < $3 LIMIT {FEW + 1})")
    if words:
        params += [form, words]
        parts.append(f"SELECT false, f.id FROM record_index_found(${len(params) - 1}::text, ${len(params)}::text::tsquery, {FEW + 1}) f")
    rows = ctx.connection.execute(" UNION ALL ".join(parts), params, prepare=True).fetchall() if parts else []
    by_code, by_words = ([row[1] for row in rows if row[0] is kind] for kind in (True, False))
    return Found(by_code if len(by_code) <= FEW else None, by_words if len(by_words) <= FEW else None)


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
