"""What a formula of a form may speak of.

A head formula sees the record's fields; a line's formula its own fields first, then the head's; a posting or
conversion sees `lines.x` as the row at hand. Links open the linked form's fields, at most `STEPS` deep.
Owners that come back in a formula's refs: "head" for the record, "line" for the line itself, "row" for the
row at hand of a posting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.formula import (
    BOOLEAN,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    Link,
    ListOf,
    Symbol,
    Table,
    Type,
)

__all__ = ["HEAD", "LINE", "ROW", "FieldsScope", "form_scope", "line_scope", "row_scope", "scalar_type"]

HEAD, LINE, ROW = "head", "line", "row"
STEPS = 2

SCALARS: dict[str, Type] = {
    "number": NUMBER, "text": TEXT, "date": DATE, "datetime": DATETIME, "boolean": BOOLEAN, "list": ListOf(TEXT),
}


def scalar_type(item: Field) -> Type:
    """What formulas call a field's value."""
    if item.to is not None:
        return Link(item.to)
    if item.type.key == "line":
        return Link(item.definition.to or "")
    if item.type.is_lines:
        return Table(item.path)
    if item.type.key == "reference":
        return Link("")
    return SCALARS[item.type.formula]


class FieldsScope:
    """The fields of a form or of one of its lines tables, then those of an outer scope."""

    def __init__(
        self, forms: Mapping[str, Form], form: Form, fields: Mapping[str, Field], owner: str, *,
        steps: int = STEPS, outer: FieldsScope | None = None, own_id: str = "", extra: Mapping[str, Symbol] | None = None,
    ) -> None:
        self.forms, self.form, self.fields, self.owner = forms, form, fields, owner
        self.steps, self.outer, self.own_id, self.extra = steps, outer, own_id, dict(extra or {})

    def lookup(self, name: str) -> Symbol | None:
        """The symbol of a name, or None."""
        if name in self.extra:
            return self.extra[name]
        if name == "id" and (self.own_id or "id" in self.form.fields):      # a register's rows have none
            return Symbol(name, Link(self.own_id or self.form.name), self.owner)
        item = self.fields.get(name)
        if item is None:
            return self.outer.lookup(name) if self.outer else None
        if item.type.key == "secret":
            return None
        return Symbol(name, scalar_type(item), self.owner, self._below(item))

    def names(self) -> Iterable[str]:
        """All names that can be looked up."""
        yield from self.extra
        yield from self.fields
        if self.outer:
            yield from self.outer.names()

    def _below(self, item: Field) -> FieldsScope | None:
        if item.type.is_lines:
            table = self.form.lines[item.key]
            return FieldsScope(self.forms, self.form, table.fields, self.owner, steps=self.steps,
                               own_id=f"{self.form.name}.{item.key}")
        if self.steps == 0:
            return None
        if item.type.key == "line":
            return _lines_of(self.forms, item.definition.to, self.owner, self.steps - 1)
        target = self.forms.get(item.to or "")
        if target is None:
            return None
        return FieldsScope(self.forms, target, target.fields, self.owner, steps=self.steps - 1)


def _lines_of(forms: Mapping[str, Form], path: str | None, owner: str, steps: int) -> FieldsScope | None:
    name, _, key = (path or "").rpartition(".")
    form = forms.get(name)
    if form is None or key not in form.lines:
        return None
    return FieldsScope(forms, form, form.lines[key].fields, owner, steps=steps, own_id=path or "")


def form_scope(forms: Mapping[str, Form], form: Form) -> FieldsScope:
    """What formulas of the head, filters and row rules see."""
    return FieldsScope(forms, form, form.fields, HEAD)


def line_scope(forms: Mapping[str, Form], form: Form, lines: str) -> FieldsScope:
    """What formulas of a line see: its own fields, then the head's."""
    return FieldsScope(forms, form, form.lines[lines].fields, LINE, outer=form_scope(forms, form),
                       own_id=f"{form.name}.{lines}")


def row_scope(
    forms: Mapping[str, Form], form: Form, each: str | None, extra: Mapping[str, Symbol] | None = None
) -> FieldsScope:
    """What postings and conversions see: the head, and `each` as the row at hand."""
    symbols = dict(extra or {})
    if each is not None:
        inner = FieldsScope(forms, form, form.lines[each].fields, ROW, own_id=f"{form.name}.{each}")
        symbols[each] = Symbol(each, Link(f"{form.name}.{each}"), ROW, inner)
    return FieldsScope(forms, form, form.fields, HEAD, extra=symbols)
