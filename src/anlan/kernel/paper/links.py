"""What a print shows of linked records beyond code and name: a phone, a size, a currency's digits.

    {"party": {"id": …, "code": "C1", "label": "A"}}   →   {"party": {…, "phone": "0512-6288"}}

Read through `query`: what the caller may not see of the linked form prints empty. One statement or two
per linked form, however many lines there are.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anlan.kernel import describe, query
from anlan.kernel.context import Context
from anlan.kernel.definition.model import PrintDefinition
from anlan.kernel.query import Query

__all__ = ["fill"]

Record = dict[str, Any]

_KNOWN = frozenset({"id", "code", "label", "form"})  # what a link has anyway
_AT_ONCE = 200
_PATH = re.compile(r"\{([a-z][a-z0-9_.]*)\}")  # in a text of a print


def fill(
    ctx: Context, definition: PrintDefinition, form: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> tuple[Record, list[Record]]:
    """The form and the records with what the print's paths look at; what was given is not changed."""
    described: Record = copy.deepcopy(dict(form))
    filled: list[Record] = copy.deepcopy([dict(record) for record in records])
    for target, places in _wanted(definition, described).items():
        if target not in ctx.catalogue.forms or not ctx.caller.policy.can(target, "read"):
            continue
        fields = describe.form(ctx, target)["fields"]
        keys = sorted({key for _, _, key in places if key in fields})
        for lines, name, key in places:
            if key in fields:
                _field(described, lines, name).setdefault("linked", {})[key] = fields[key]
        links = [
            link for lines, name, _ in places for record in filled for link in _links(record, lines, name)
        ]
        found = _rows(ctx, target, {link["code"] for link in links if link.get("code")}, keys)
        for link in links:
            link.update({key: found.get(link["id"], {}).get(key) for key in keys})
    return described, filled


def _wanted(
    definition: PrintDefinition, form: Mapping[str, Any]
) -> dict[str, set[tuple[str | None, str, str]]]:
    """By linked form: (sub-table or None, link field, key of the linked form)."""
    wanted: dict[str, set[tuple[str | None, str, str]]] = {}
    fields = form["fields"]
    asked = [(None, definition.language)] if definition.language else []
    for lines, path in (*_paths(definition, fields), *asked):
        name, _, rest = path.partition(".")
        key = rest.partition(".")[0]
        owner = fields[lines]["fields"] if lines else fields
        place = lines if name in owner else None  # a line sees the fields of its head
        to = (owner if name in owner else fields).get(name, {}).get("to")
        if to and key and key not in _KNOWN:
            wanted.setdefault(to, set()).add((place, name, key))
    return wanted


def _paths(definition: PrintDefinition, fields: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Every path that the blocks look at, and those of the units and currencies of its figures."""
    tables = [key for key, one in fields.items() if one.get("type") == "lines"]
    for block in definition.blocks.values():
        lines = (block.each or (tables[0] if tables else None)) if block.block == "table" else None
        if lines is not None and lines not in tables:
            continue
        owner = fields[lines]["fields"] if lines else fields
        given = block.columns if block.block == "table" else block.fields
        spoken = (
            _PATH.findall(f"{block.text.zh} {block.text.en}") if block.block == "text" and block.text else []
        )
        for path in [one.removeprefix(f"{lines}.") for one in (*given, *spoken)] or list(owner):
            yield lines, path.removeprefix("RMBCAP(").rstrip(")").strip()
            field = owner.get(path.partition(".")[0], {})
            if field.get("unit"):
                yield lines, field["unit"]
            if field.get("in"):
                yield lines, f"{field['in']}.digits"


def _field(form: Mapping[str, Any], lines: str | None, name: str) -> Record:
    fields = form["fields"][lines]["fields"] if lines else form["fields"]
    found: Record = fields[name]
    return found


def _links(record: Mapping[str, Any], lines: str | None, name: str) -> Iterator[Record]:
    for holder in (record.get(lines) or ()) if lines else (record,):
        link = holder.get(name)
        if isinstance(link, dict) and "id" in link:
            yield link


def _rows(ctx: Context, form: str, codes: set[str], keys: Sequence[str]) -> dict[str, Record]:
    """The linked records by id; found by their codes, which several companies may use."""
    column = ctx.form(form).code_column
    ordered, found = sorted(codes), {}
    for start in range(0, len(ordered), _AT_ONCE):
        part = ", ".join('"' + code.replace('"', '""') + '"' for code in ordered[start : start + _AT_ONCE])
        page = query.records(ctx, form, Query(where=f"IN({column}, {part})", fields=keys, limit=500))
        found.update({row["id"]: row for row in page["data"]})
    return found
