"""What a process keeps in memory of a site's data: all settings, and the masters that documents used lately.

    memory.row("base.currency", id)["digits"]
    memory.find("base.currency", "USD")  →  id or None

A Memory belongs to one version of the site's settings and never changes; tables are read when first asked for.
Who writes a setting raises the version (`site_version.settings`), and everybody else makes a new Memory. A
transaction that has itself written settings uses one of its own, which reads through its connection.

`Masters` are rows of linked masters as formulas need them (an item's unit and tax rate), valid for one value of
`site_version.masters`, which every writer of a master raises. A transaction puts what it loads into the Masters of
the version that it has read at its start, so that an old row never lands among newer ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.storage.pool import Connection

__all__ = ["Masters", "Memory"]

Row = Mapping[str, Any]
EMPTY: Row = {}


class Memory:
    """One version of all settings."""

    def __init__(
        self, catalogue: Catalogue, version: int, connect: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self.catalogue, self.version = catalogue, version
        self._connect = connect
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}
        self._codes: dict[str, dict[str, str | None]] = {}
        self._lock = threading.Lock()

    def rows(self, form: str) -> Mapping[str, Row]:
        """All records of a setting form by id, as Python values with lines. Reads the database once."""
        found = self._rows.get(form)
        if found is None:
            with self._lock:
                found = self._rows.get(form)
                if found is None:
                    found = self._load(self.catalogue.form(form))
        return found

    def row(self, form: str, key: str | None) -> Row:
        """One record; empty when there is none."""
        return self.rows(form).get(key or "", EMPTY)

    def find(self, form: str, code: str) -> str | None:
        """The id of a code; None when there is none, or when several companies use it."""
        self.rows(form)
        return self._codes[form].get(code)

    def _load(self, form: Form) -> dict[str, dict[str, Any]]:
        with self._connect() as connection:
            columns = [(item.key, item.column or "") for item in form.stored]
            rows = connection.execute(
                f"SELECT {', '.join(quoted(column) for _, column in columns)} FROM {form.table} ORDER BY id"
            ).fetchall()
            keys = [key for key, _ in columns]
            found = {row[0]: dict(zip(keys, row, strict=True)) for row in rows}
            for lines in form.lines.values():
                inner = [("id", "id"), *((item.key, item.column or "") for item in lines.stored)]
                for record in found.values():
                    record[lines.key] = []
                for row in connection.execute(
                    f'SELECT "record", {", ".join(quoted(column) for _, column in inner)} FROM {lines.table} '
                    'ORDER BY "record", "position"'
                ):
                    found[row[0]][lines.key].append(
                        dict(zip((key for key, _ in inner), row[1:], strict=True))
                    )
        codes: dict[str, str | None] = {}
        for key, record in found.items():
            code = record.get(form.code_column)
            if code is not None:
                codes[code] = None if code in codes else key
        self._codes[form.name] = codes
        self._rows[form.name] = found
        return found


class Masters:
    """Linked rows of masters, for one version of them; a form starts anew when it holds `MOST` rows."""

    MOST = 50_000

    def __init__(self, catalogue: Catalogue, version: int) -> None:
        self.catalogue, self.version = catalogue, version
        self.rows: dict[str, dict[str, Row]] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def keep(self, form: Form, rows: Mapping[str, Row]) -> None:
        """Remember rows, by id, and their codes where one code has one record in the site."""
        held = self.rows.setdefault(form.name, {})
        if len(held) + len(rows) > self.MOST:
            held.clear()
            self.codes.pop(form.name, None)
        held.update(rows)
        if not form.has_company:
            codes = self.codes.setdefault(form.name, {})
            for key, row in rows.items():
                code = row.get(form.code_column)
                if code is not None:
                    codes[code] = key
