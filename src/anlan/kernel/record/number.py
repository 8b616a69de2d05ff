"""Numbers of documents: merely unique ones from sequences, gap-free ones from a counter row.

    pattern "SO{yyMM}-{0000}"  →  SO2611-0001, SO2611-0002, …; the counter starts again with each new month

A sequence never makes writers wait; a number whose document is not written leaves a hole. A counter row is held
until the transaction ends, so it is taken by the last statement.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import partial
from typing import Any

import psycopg

from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.context import Context

__all__ = ["assign", "assign_gapless", "prefix_of", "sequence_of", "take_later"]

COUNTER = re.compile(r"\{(0+)\}")
PART = re.compile(r"\{([A-Za-z_]+)\}")
_known: set[str] = set()  # sequences that this process has seen; a missing one is made at first use


def prefix_of(ctx: Context, form: Form, document: dict[str, Any]) -> tuple[str, int, str]:
    """(text before the counter, its width, text after it) for a document; dates come from its business date."""
    definition = form.definition.number
    assert definition is not None
    day = document.get("date") if isinstance(document.get("date"), date) else ctx.today

    def part(match: re.Match[str]) -> str:
        name = match.group(1)
        known = {
            "yyyy": f"{day:%Y}",
            "yy": f"{day:%y}",
            "MM": f"{day:%m}",
            "dd": f"{day:%d}",
            "yyMM": f"{day:%y%m}",
            "yyyyMM": f"{day:%Y%m}",
            "yyyyMMdd": f"{day:%Y%m%d}",
            "yyMMdd": f"{day:%y%m%d}",
        }
        if name in known:
            return known[name]
        value = document.get(name)
        if name in form.fields and form.fields[name].to is not None and value is not None:
            return str(ctx.linked(form.fields[name].to or "", value).get("code") or "")
        return str(value or "")

    text = PART.sub(part, definition.pattern)
    found = COUNTER.search(text)
    if found is None:
        return text, 1, ""
    return text[: found.start()], len(found.group(1)), text[found.end() :]


def _scope(form: Form, document: dict[str, Any], prefix: str) -> str:
    per = form.definition.number.per if form.definition.number else []
    return "|".join(
        [
            form.name,
            str(document.get("company") or ""),
            *(str(document.get(key) or "") for key in per),
            prefix,
        ]
    )


def sequence_of(ctx: Context, form: Form, document: dict[str, Any]) -> tuple[str, str, int, str]:
    """(sequence, text before the counter, its width, text after it); the sequence is there."""
    prefix, width, rest = prefix_of(ctx, form, document)
    scope = _scope(form, document, prefix).encode()
    name = "num_" + hashlib.sha1(scope, usedforsecurity=False).hexdigest()[:20]
    _ensure(ctx, name)
    return name, prefix, width, rest


def assign(ctx: Context, form: Form, documents: list[dict[str, Any]]) -> None:
    """Give numbers from sequences to documents that have none. One statement per sequence."""
    wanted: dict[str, list[tuple[dict[str, Any], str, int, str]]] = {}
    for document in documents:
        if not document.get("number"):
            name, prefix, width, rest = sequence_of(ctx, form, document)
            wanted.setdefault(name, []).append((document, prefix, width, rest))
    for name, entries in wanted.items():
        rows = ctx.connection.execute(
            f"SELECT nextval('{name}') FROM generate_series(1, $1::integer)", [len(entries)], prepare=True
        ).fetchall()
        for (document, prefix, width, rest), (n,) in zip(entries, rows, strict=True):
            document["number"] = f"{prefix}{n:0{width}d}{rest}"


def _ensure(ctx: Context, name: str) -> None:
    """Make a sequence that is not there, in a transaction of its own: it must outlive ours."""
    key = f"{ctx.site.name}:{name}"
    if key in _known:
        return
    with ctx.site.pool.connection() as other:
        try:
            other.execute(f"CREATE SEQUENCE IF NOT EXISTS {name} CACHE 1")
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            other.rollback()  # another process made it at the same moment
    _known.add(key)


def assign_gapless(ctx: Context, form: Form, documents: list[dict[str, Any]]) -> None:
    """Give numbers without holes: counter, head and index in one statement, the last of the transaction.

    Nobody waits for the numbers: they stand in the documents once the transaction takes its answers in.
    """
    for document in documents:
        if document.get("number"):
            continue
        prefix, width, rest = prefix_of(ctx, form, document)
        answer = ctx.connection.execute(
            "WITH c AS (INSERT INTO counter AS c (name, n) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = c.n + 1 RETURNING n), "
            "t AS (SELECT $2::text || lpad(n::text, GREATEST($3::integer, length(n::text)), '0') || $4::text AS number FROM c), "
            f'h AS (UPDATE {form.table} SET {quoted("number")} = t.number FROM t WHERE "id" = $5) '
            f", i AS (UPDATE record_index SET code = t.number FROM t WHERE id = $5) SELECT number FROM t",
            [_scope(form, document, prefix), prefix, width, rest, document["id"]],
            prepare=True,
        )
        take_later(ctx, document, answer)


def take_later(ctx: Context, document: dict[str, Any], answer: Any) -> None:
    """Let the document have the number of an answer, once the transaction takes its answers in."""
    assert ctx.tx is not None
    ctx.tx.pending.append(partial(_take_number, document, answer))
    ctx.tx.doubtful = True


def _take_number(document: dict[str, Any], answer: Any) -> None:
    document["number"] = answer.fetchone()[0]
