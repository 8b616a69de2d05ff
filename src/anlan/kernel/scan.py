"""What a scanned code means: the parts of a GS1 code, and the records that it names.

    parse("(01)06901234567892(10)L24(17)261231")  → Scanned(code="06901234567892", lot="L24", expiry="2026-12-31", …)
    find(ctx, "SO2611-0004")                      → [{"form", "id", "code", "title", "state", "scan", "make"}]

A code names a record by its number or code, or by a field of type `barcode`. Only what the caller may read is found.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypedDict

from anlan.kernel import describe, query, record
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.query import Query

__all__ = ["Hit", "Scanned", "find", "parse"]

LONGEST = 200
_MOST = 10
_BRACKETED = re.compile(r"\((\d{2,4})\)([^()\x1d]*)")
# Application identifiers with a fixed length (GS1 General Specifications, 7.8.5), and those that end at FNC1.
_FIXED = {"00": 18, "01": 14, "02": 14, "11": 6, "13": 6, "15": 6, "17": 6}
_OPEN = {"10": 20, "21": 20, "30": 8, "37": 8}
_MARKS = ("]C1", "]e0", "]d2", "]Q3")


_Found = tuple[str, str | None, str | None, str | None]  # form, code, title, state


class Scanned(NamedTuple):
    """`code`: what names the record; the other parts only where a GS1 code has them; `expiry` is a day."""

    code: str
    lot: str | None = None
    expiry: str | None = None
    serial: str | None = None
    quantity: str | None = None


class Hit(TypedDict):
    """A record that a code names. `scan`: its lines can be scanned now; `make`: documents that can be made of it and
    whose lines can be scanned."""

    form: str
    label: dict[str, str]
    id: str
    code: str | None
    title: str | None
    state: dict[str, Any] | None
    scan: bool
    make: list[dict[str, Any]]


def parse(text: str) -> Scanned:
    """The parts of a code as a scanner sends it; a code that is not GS1 is itself.

    >>> parse("]C1010690123456789210L24\\x1d17261231")
    Scanned(code='06901234567892', lot='L24', expiry='2026-12-31', serial=None, quantity=None)
    >>> parse(" F05 ").code
    'F05'
    """
    bare = text.strip()
    parts = dict(_BRACKETED.findall(bare)) if bare.startswith("(") else {}
    if not parts:
        marked = next((mark for mark in _MARKS if bare.startswith(mark)), None)
        if marked or "\x1d" in bare:
            parts = _elements(bare.removeprefix(marked or "").lstrip("\x1d"))
    code = parts.get("01") or parts.get("02")
    if code is None:
        return Scanned(bare.replace("\x1d", ""))
    return Scanned(
        code, parts.get("10") or None, _day(parts.get("17")), parts.get("21") or None,
        parts.get("30") or parts.get("37") or None,
    )  # fmt: skip


def find(ctx: Context, text: str, *, form: str | None = None) -> list[Hit]:
    """The records that a code names, at most ten; `form` narrows it. Two statements, and one for each form with a
    barcode that the caller may read."""
    scanned = parse(text[:LONGEST])
    if not scanned.code:
        return []
    names = [one["form"] for one in describe.forms(ctx) if form is None or one["form"] == form]
    found: dict[str, _Found] = {}
    for row in query.search(ctx, scanned.code, limit=20):
        if row["form"] in names and (row.get("number") or "").lower() == scanned.code.lower():
            found[row["id"]] = (row["form"], row.get("number"), row.get("title"), row.get("state"))
    for name in names:
        described = describe.form(ctx, name)
        for key, field in described["fields"].items():
            if field["type"] == "barcode":
                for one in _by_barcode(ctx, name, key, scanned.code):
                    title = one.get(described.get("title") or "")
                    found.setdefault(one["id"], (name, one.get("code"), title if isinstance(title, str) else None, None))
    return [_hit(ctx, key, one) for key, one in list(found.items())[:_MOST]]


def _by_barcode(ctx: Context, form: str, key: str, code: str) -> list[dict[str, Any]]:
    """An EAN-13 is the same as its GTIN-14 with a zero in front."""
    spellings = {code, code.removeprefix("0") if len(code) == 14 else code, f"0{code}" if len(code) == 13 else code}
    quoted = ", ".join('"' + one.replace('"', '""') + '"' for one in sorted(spellings))
    rows: list[dict[str, Any]] = query.records(ctx, form, Query(where=f"IN({key}, {quoted})", limit=5))["data"]
    return rows


def _hit(ctx: Context, key: str, found: _Found) -> Hit:
    form, code, title, state = found
    described = describe.form(ctx, form)
    states = described.get("states") or {}
    shown = states.get(state or "")
    editable = (state or described.get("start")) == described.get("start")
    scan = described.get("scan") is not None and editable and "update" in described["actions"]
    return {
        "form": form,
        "label": described["label"],
        "id": key,
        "code": code,
        "title": title,
        "state": None if shown is None else {"label": shown["label"], "colour": shown["colour"]},
        "scan": scan,
        "make": _makes(ctx, described, key, state),
    }


def _makes(ctx: Context, described: Any, key: str, state: str | None) -> list[dict[str, Any]]:
    offered = {
        name: one
        for name, one in (described.get("conversions") or {}).items()
        if state in one["states"] and ctx.catalogue.forms[one["to"]].definition.scan is not None
    }
    if not offered:
        return []
    try:
        possible = record.makeable(ctx, described["form"], key)
    except Refused:
        return []
    return [{"to": one["to"], "label": one["label"]} for name, one in offered.items() if name in possible]


def _elements(text: str) -> dict[str, str]:
    """Element strings one after the other: fixed lengths, or up to the group separator."""
    parts: dict[str, str] = {}
    while len(text) > 2:
        key = text[:2]
        if key in _FIXED:
            parts[key], text = text[2 : 2 + _FIXED[key]], text[2 + _FIXED[key] :].lstrip("\x1d")
        elif key in _OPEN:
            value, _, text = text[2:].partition("\x1d")
            parts[key] = value[: _OPEN[key]]
        else:
            break
    return parts


def _day(text: str | None) -> str | None:
    """YYMMDD as a day; day 00 is the month's last (it is told as its first, which is the careful reading)."""
    if text is None or not re.fullmatch(r"\d{6}", text):
        return None
    month, day = text[2:4], "01" if text[4:] == "00" else text[4:]
    return f"20{text[:2]}-{month}-{day}" if "01" <= month <= "12" and "01" <= day <= "31" else None
