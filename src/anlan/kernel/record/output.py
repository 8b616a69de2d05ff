"""A record in flight → the JSON that a caller reads: decimals as text, links as `{id, code, label}`.

What the caller may not see is left out. One function is compiled per form and set of hidden paths, like

    {'form': 'demo.note', 'id': H.get('id'), 'thing': {'id': v, 'code': (r := M0.get(v, E)).get('code'), …}, …}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.context import Context
from anlan.kernel.fieldtype import FieldType
from anlan.kernel.fieldtype.types import plain

__all__ = ["amount", "output", "raw_json"]

Writer = Callable[[Mapping[str, Any], Context], dict[str, Any]]
MOST_WRITERS = 200
FIRST = ("id", "number", "company", "version", "state")


def amount(value: Decimal) -> str:
    """Money as text: all its digits, at least two places."""
    text = format(value, "f")
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    return f"{whole}.{places.ljust(2, '0')}"


def output(
    ctx: Context, form: Form, record: Mapping[str, Any], hidden: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON of a record; paths whose access in `hidden` is `none` are left out."""
    left_out = frozenset(path for path, level in hidden.items() if level == "none") if hidden else frozenset()
    writers: dict[frozenset[str], Writer] = form.part("output", dict)
    write = writers.get(left_out)
    if write is None:
        if len(writers) >= MOST_WRITERS:  # callers may ask for any set of fields
            writers.clear()
        write = writers[left_out] = _Writer(ctx, form, left_out).compile()
    return write(record, ctx)


class _Writer:
    """Writes the source of one form's output function."""

    def __init__(self, ctx: Context, form: Form, left_out: frozenset[str]) -> None:
        self.ctx, self.form, self.left_out = ctx, form, left_out
        self.links: dict[str, str] = {}
        self.space: dict[str, Any] = {"plain": plain, "amount": amount, "E": {}}

    def compile(self) -> Writer:
        form = self.form
        first = [key for key in FIRST if key in form.fields]
        keys = first + [key for key in form.fields if key not in first]
        parts = [f"'form': {form.name!r}", *self._parts("H", (form.fields[key] for key in keys))]
        prelude = [
            f"    {local} = ctx.rows({name!r})"
            if not (name in self.ctx.catalogue.forms and self.ctx.catalogue.forms[name].is_setting)
            else f"    {local} = ctx.memory.rows({name!r})"
            for name, local in self.links.items()
        ]
        code = "\n".join(["def write(H, ctx):", *prelude, f"    return {{{', '.join(parts)}}}"])
        exec(compile(code, f"<{form.name} output>", "exec"), self.space)
        made: Writer = self.space["write"]
        return made

    def _parts(self, base: str, fields: Iterable[Field]) -> Iterable[str]:
        for item in fields:
            if item.path in self.left_out:
                continue
            if item.type.is_lines:
                inner = ", ".join(
                    ["'id': L.get('id')", *self._parts("L", self.form.lines[item.key].fields.values())]
                )
                yield f"'{item.key}': [{{{inner}}} for L in {base}.get('{item.key}') or ()]"
            else:
                yield f"'{item.key}': {self._value(f'{base}.get({item.key!r})', item)}"

    def _value(self, value: str, item: Field) -> str:
        if item.to is not None and item.to in self.ctx.catalogue.forms:
            target = self.ctx.catalogue.forms[item.to]
            row = f"{self._rows(target.name)}.get(v, E)"
            return (
                f"({{'id': v, 'code': (r := {row}).get('{target.code_column}'), 'label': r.get('{target.label_column}')}} "
                f"if (v := {value}) is not None else None)"
            )
        if item.type.key == "reference":
            return (
                f"({{'form': (r := {self._rows('')}.get(v, E)).get('form'), 'id': v, 'code': r.get('code'), 'label': r.get('label')}} "
                f"if (v := {value}) is not None else None)"
            )
        if item.type.key in ("file", "image"):
            return f"({{'id': v, 'name': {self._rows('system.file')}.get(v, E).get('name')}} if (v := {value}) is not None else None)"
        function = (
            "amount" if item.type.key == "money" else "plain" if item.type.sql.startswith("numeric") else None
        )
        if function is None and type(item.type).dump is FieldType.dump:
            return value  # text, choice, boolean: JSON as they are
        if function is None:
            function = f"dump_{item.type.key}"
            self.space[function] = item.type.dump
        return f"({function}(v) if (v := {value}) is not None else None)"

    def _rows(self, name: str) -> str:
        return self.links.setdefault(name, f"M{len(self.links)}")


def raw_json(value: Any) -> Any:
    """For orjson: decimals and whatever else it does not know, as text; instants it knows itself."""
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(type(value).__name__)
