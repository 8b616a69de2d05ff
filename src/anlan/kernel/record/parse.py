"""What a caller sent → a record in flight; every fault found, with its path."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from anlan.kernel.catalogue.form import RESERVED, Field, Form, LinesTable
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault
from anlan.kernel.fieldtype import LinkValue, Unreadable
from anlan.kernel.fieldtype.types import UUID
from anlan.kernel.record.links import Want, Wanted

__all__ = ["MAX_LINES", "parse"]

MAX_LINES = 5_000


def parse(
    ctx: Context, form: Form, values: Any, *, document: int = 0
) -> tuple[dict[str, Any], list[Fault], Wanted]:
    """The record of what was sent, what is wrong with it, and the links that are still to be looked up.

    It holds only the fields that were sent. Computed, read-only and reserved fields are accepted, because a record is sent as
    it was read, and passed over. A field that the caller may not write is passed over too: what he cannot change
    stays as it is.
    """
    reader = _Reader(form, ctx.caller.policy.fields(form.name), document, ctx.site.vault.seal)
    return reader.record(values), reader.faults, reader.wanted


class _Reader:
    """One record being read; collects faults and links."""

    def __init__(
        self, form: Form, restricted: Mapping[str, str], document: int, seal: Callable[[bytes, str], bytes]
    ) -> None:
        self.form, self.restricted, self.document, self.seal = form, restricted, document, seal
        self.faults: list[Fault] = []
        self.wanted: Wanted = []

    def fault(self, code: str, path: str, **params: Any) -> None:
        self.faults.append(Fault(code, path, params))

    def record(self, values: Any) -> dict[str, Any]:
        form, restricted = self.form, self.restricted
        if not isinstance(values, Mapping):
            self.fault("wrong_type", "", wanted="record")
            return {}
        record: dict[str, Any] = {}
        for key, value in values.items():
            item = form.fields.get(key)
            if item is None:
                if key not in RESERVED and key != "form":
                    self.fault(
                        "unknown_field", str(key)[:100], field=str(key)[:60], form=form.definition.label
                    )
            elif restricted and key in restricted:
                continue
            elif item.type.is_lines:
                record[key] = self.lines(form.lines[key], value)
            elif item.typed and not item.reserved and not item.definition.readonly:
                self.value(record, item, value, key)
        return record

    def value(self, record: dict[str, Any], item: Field, value: Any, path: str) -> None:
        if value is None:
            record[item.key] = None
            return
        try:
            parsed = item.type.parse(value, item.definition)
        except Unreadable as error:
            self.fault(error.code, path, **error.params, label=item.definition.label or item.key)
            record[item.key] = None
            return
        if type(parsed) is LinkValue:
            self.wanted.append(Want(record, item.key, item, path, self.document))
        elif item.type.key == "secret" and parsed is not None:
            if parsed == item.type.dump(parsed):
                return  # the mask as it was read: the secret stays
            parsed = b64encode(self.seal(parsed.encode(), f"{self.form.name}.{item.path}")).decode()
        record[item.key] = parsed

    def lines(self, table: LinesTable, value: Any) -> list[dict[str, Any]]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault("wrong_type", table.key, wanted="lines")
            return []
        if len(value) > MAX_LINES:
            self.fault(
                "too_many_lines",
                table.key,
                limit=MAX_LINES,
                count=len(value),
                label=table.definition.label or table.key,
            )
            return []
        return [
            line
            for position, given in enumerate(value)
            if (line := self.line(table, given, f"{table.key}[{position}]")) is not None
        ]

    def line(self, table: LinesTable, given: Any, place: str) -> dict[str, Any] | None:
        if not isinstance(given, Mapping):
            self.fault("wrong_type", place, wanted="record")
            return None
        line: dict[str, Any] = {}
        for key, sent in given.items():
            item = table.fields.get(key)
            if item is not None:
                if item.typed and not item.definition.readonly and item.path not in self.restricted:
                    self.value(line, item, sent, f"{place}.{key}")
            elif key != "id":
                self.fault(
                    "unknown_field",
                    f"{place}.{str(key)[:60]}",
                    field=str(key)[:60],
                    form=self.form.definition.label,
                )
            elif isinstance(sent, str) and UUID.fullmatch(sent):
                line["id"] = sent.lower()
            elif sent is not None:
                self.fault("wrong_type", f"{place}.id", wanted="line")
        return line
