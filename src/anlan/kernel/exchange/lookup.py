"""What the texts of a file's links and codes name: found for all rows together, within what the caller may
see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from anlan.kernel import query
from anlan.kernel.catalogue.form import Form
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.exchange.assemble import Draft
from anlan.kernel.exchange.columns import Column
from anlan.kernel.query import Query

__all__ = ["Unknown", "existing", "name_links"]

_AT_ONCE = 200  # texts in one filter
_SUGGESTED = 20  # unknown texts that are worth a look for what resembles them


class Unknown(NamedTuple):
    """A text that names no record of `form`: how often, in which rows, and what it may have meant."""

    form: str
    text: str
    rows: list[int]
    suggestions: list[dict[str, Any]]


def existing(
    ctx: Context, form: Form, key: str, values: Collection[str]
) -> dict[str, list[dict[str, Any]]]:
    """The records that these values of a field name (a code, a document's number), with version and lines; by value."""
    if not values or not ctx.caller.policy.can(form.name, "read"):
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _where(ctx, form, key, values, [key, *form.lines]):
        found.setdefault(str(row[key]), []).append(row)
    return found


def name_links(
    ctx: Context, drafts: Sequence[Draft], columns: Sequence[Column], replace: Mapping[str, Mapping[str, str]]
) -> list[Unknown]:
    """Put codes into the drafts where the file has names; fault and return the texts that name nothing.

    `replace`: by linked form, what the user chose for a text: a code, or "" to leave the field empty.
    """
    unknown: list[Unknown] = []
    by_form: dict[str, list[tuple[Draft, dict[str, Any], str, str]]] = {}
    targets = {column.path: column.field.to for column in columns if column.field.to}
    for draft in drafts:
        for holder, key, path, form in _links(draft, targets):
            chosen = replace.get(form, {}).get(holder[key])
            if chosen is not None:
                holder[key] = chosen or None
            if holder[key]:
                by_form.setdefault(form, []).append((draft, holder, key, path))
    for name, places in by_form.items():
        if name not in ctx.catalogue.forms or not ctx.caller.policy.can(name, "read"):
            continue  # the record path looks the codes up itself, for who may choose but not read
        unknown += _name(ctx, ctx.catalogue.forms[name], places)
    return unknown


def _links(draft: Draft, targets: Mapping[str, str | None]) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """(holder, key, path in the record, form) of every link that the draft names."""
    for path, form in targets.items():
        head, _, key = path.partition(".")
        if form is None:
            continue
        if not key:
            if draft.values.get(head):
                yield draft.values, head, head, form
            continue
        for at, line in enumerate(draft.values.get(head) or ()):
            if line.get(key):
                yield line, key, f"{head}[{at}].{key}", form


def _name(
    ctx: Context, form: Form, places: Sequence[tuple[Draft, dict[str, Any], str, str]]
) -> list[Unknown]:
    texts = {holder[key] for _, holder, key, _ in places}
    code, label = form.code_column, form.label_column
    known = {row[code] for row in _where(ctx, form, code, texts, [code])}
    named: dict[str, list[str]] = {}
    if label != code:
        for row in _where(ctx, form, label, texts - known, [code, label]):
            named.setdefault(row[label], []).append(row[code])
    lost: dict[str, list[int]] = {}
    for draft, holder, key, path in places:
        text = holder[key]
        codes = named.get(text, [])
        if text in known or len(codes) == 1:
            holder[key] = text if text in known else codes[0]
        elif codes:
            draft.add(Fault("import.ambiguous", path, {"value": text, "codes": ", ".join(sorted(codes))}))
        else:
            draft.add(
                Fault(
                    "import.unknown_link", path, {"value": text, "form": form.definition.label.model_dump()}
                )
            )
            lost.setdefault(text, []).append(draft.cell_of(path)[0])
    return [
        Unknown(form.name, text, rows, _resembling(ctx, form, text) if at < _SUGGESTED else [])
        for at, (text, rows) in enumerate(lost.items())
    ]


def _resembling(ctx: Context, form: Form, text: str) -> list[dict[str, Any]]:
    return query.suggest(ctx, form.name, text, limit=5)


def _where(
    ctx: Context, form: Form, key: str, texts: Collection[str], fields: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """The records whose field `key` is one of the texts; a statement or two for each 200 of them."""
    wanted = sorted(texts)
    for start in range(0, len(wanted), _AT_ONCE):
        part = ", ".join('"' + text.replace('"', '""') + '"' for text in wanted[start : start + _AT_ONCE])
        after = None
        while True:
            try:
                page = query.records(
                    ctx,
                    form.name,
                    Query(where=f"IN({key}, {part})", fields=fields, limit=500, sort=["id"], after=after),
                )
            except Refused as refused:
                if refused.status == 422:  # the caller may not see this field, so nothing is found by it
                    return
                raise
            yield from page["data"]
            after = page["next"]
            if after is None:
                break
