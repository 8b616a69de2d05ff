"""Several operations in one transaction; a later one may use what an earlier one made.

[{"op": "create", "form": "demo.order", "values": {...}}, {"op": "do", "form": "demo.order", "id": "$0.id", "transition": "confirm"}]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.record.convert import make
from anlan.kernel.record.step import step
from anlan.kernel.record.write import create, update

__all__ = ["MAX_OPERATIONS", "batch"]

MAX_OPERATIONS = 1_000
PLACE = re.compile(r"\$(\d{1,4})((?:\.[a-z_][a-z0-9_]*|\[\d{1,4}\])+)")
PART = re.compile(r"\.([a-z_][a-z0-9_]*)|\[(\d{1,4})\]")

REQUIRED: dict[str, tuple[str, ...]] = {
    "create": ("form", "values"),
    "update": ("form", "id", "values"),
    "do": ("form", "id", "transition"),
    "make": ("form", "id", "to"),
}


def batch(ctx: Context, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Do the operations in order, all or none: `{"data": [record, …]}`. A fault names its operation's index."""
    if not isinstance(operations, list):
        raise invalid([Fault("wrong_type", "operations", {"wanted": "lines"})])
    if len(operations) > MAX_OPERATIONS:
        raise invalid(
            [Fault("too_many_operations", "operations", {"limit": MAX_OPERATIONS, "count": len(operations)})]
        )

    def work() -> dict[str, Any]:
        done: list[dict[str, Any]] = []
        for place, operation in enumerate(operations):
            try:
                done.append(_run(ctx, operation, done))
            except Refused as refused:
                prefix = f"operations[{place}]"
                faults = [fault.under(prefix) for fault in refused.faults] or [
                    Fault(refused.code, prefix, refused.params)
                ]
                raise Refused(
                    refused.status, refused.code, faults, params=refused.params, data=refused.data
                ) from None
        return {"data": done}

    return ctx.atomically(work)


def _run(ctx: Context, operation: Any, done: list[dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(operation, Mapping) or operation.get("op") not in REQUIRED:
        raise invalid([Fault("unknown_operation", "op", {"options": ", ".join(REQUIRED)})])
    missing = [key for key in REQUIRED[operation["op"]] if key not in operation]
    if missing:
        raise invalid([Fault("required", key, {"label": key}) for key in missing])
    given = {key: _filled(value, done, key) for key, value in operation.items()}
    form, key = given["form"], given.get("id")
    for name in ("form", "id", "transition", "to"):
        if name in given and not isinstance(given[name], str):
            raise invalid([Fault("wrong_type", name, {"wanted": "text"})])
    values = given.get("values")
    if values is not None and not isinstance(values, Mapping):
        raise invalid([Fault("wrong_type", "values", {"wanted": "record"})])
    run: dict[str, Callable[[], dict[str, Any]]] = {
        "create": lambda: create(ctx, form, values or {}),
        "update": lambda: update(ctx, form, key or "", values or {}, version=_version(given)),
        "do": lambda: step(
            ctx, form, key or "", given["transition"], comment=given.get("comment"), values=values
        ),
        "make": lambda: make(ctx, form, key or "", given["to"], given.get("body") or values),
    }
    return run[given["op"]]()


def _version(given: Mapping[str, Any]) -> int | None:
    version = given.get("version")
    if version is None or (isinstance(version, int) and not isinstance(version, bool)):
        return version
    if isinstance(version, str) and version.isdigit():
        return int(version)
    raise invalid([Fault("wrong_type", "version", {"wanted": "integer"})])


def _filled(value: Any, done: list[dict[str, Any]], path: str) -> Any:
    """The value with every `$n.path` replaced by what operation n made."""
    if isinstance(value, str):
        found = PLACE.fullmatch(value)
        return _look_up(found, done, path) if found else value
    if isinstance(value, Mapping):
        return {key: _filled(item, done, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, done, f"{path}[{place}]") for place, item in enumerate(value)]
    return value


def _look_up(found: re.Match[str], done: list[dict[str, Any]], path: str) -> Any:
    position = int(found.group(1))
    value: Any = done[position] if position < len(done) else None
    for name, index in PART.findall(found.group(2)):
        if name and isinstance(value, Mapping) and name in value:
            value = value[name]
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            raise invalid([Fault("unknown_place", path, {"value": found.group(0)})])
    return value["id"] if isinstance(value, Mapping) and "id" in value else value
