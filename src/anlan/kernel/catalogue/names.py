"""Where a formula's places are in SQL: columns, joined links, sub-tables, balances.

    names = FormNames(catalogue_forms, registers, form)
    names.scalar(Ref("head", ("partner", "code")))  →  'j1."code"', and a LEFT JOIN is remembered
    f"SELECT … FROM {form.table} h {names.joins} WHERE …"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.catalogue.scope import HEAD, LINE, ROW, form_scope, line_scope
from anlan.kernel.formula import DesignError, Formula, Ref, check, sql
from anlan.kernel.formula.types import CONTEXT

if TYPE_CHECKING:
    from anlan.kernel.catalogue.register import Register
    from anlan.kernel.definition.model import Balance
    from anlan.kernel.formula import Function

__all__ = ["ZERO_ID", "FormNames"]

# What a reference shows of a record of any form, by way of the record index.
REFERENCE_COLUMNS = {"code": "code", "number": "code", "title": "title", "label": "title", "form": "form", "state": "state"}
ZERO_ID = "00000000-0000-0000-0000-000000000000"


class FormNames:
    """The SQL of the places of one form, with the head as alias `head` and the line at hand as `line`.

    `context` gives the SQL of TODAY, USER and the like, e.g. `{("today",): "$4::date"}`.
    """

    def __init__(
        self, forms: Mapping[str, Form], registers: Mapping[str, Register], form: Form, *,
        head: str = "h", line: str = "l", lines: str | None = None, zone: str = "Asia/Shanghai",
        context: Mapping[tuple[str, ...], str] | None = None, functions: Mapping[str, Function] | None = None,
        prefix: str = "j",
    ) -> None:
        self.forms, self.registers, self.form, self.lines_key = forms, registers, form, lines
        self.aliases = {HEAD: head, LINE: line, ROW: line}
        self.zone = zone
        self.context = dict(context or {})
        self.functions = functions
        self._joined: dict[tuple[str, ...], str] = {}
        self._join_texts: list[str] = []
        self._prefix = prefix

    @property
    def joins(self) -> str:
        """The LEFT JOINs that the places asked for so far need."""
        return " ".join(self._join_texts)

    def scalar(self, ref: Ref) -> str:
        """The SQL of one value."""
        if ref.owner == CONTEXT:
            if ref.path not in self.context:
                raise DesignError("not_in_sql", 0, name=".".join(ref.path))
            return self.context[ref.path]
        alias, form, fields, path = self._start(ref)
        return self._walk(alias, form, fields, path, (alias,))

    def column(self, ref: Ref) -> tuple[str, str]:
        """The SQL of a column under an aggregate: (expression, "table alias … WHERE …")."""
        alias, form, fields, path = self._start(ref)
        head, rest = path[0], path[1:]
        if head in form.lines and fields is form.fields:
            table = form.lines[head]
            inner = FormNames(self.forms, self.registers, form, head=alias, line="x", lines=head, zone=self.zone,
                              context=self.context, functions=self.functions, prefix="xj")
            expression = inner._walk("x", form, table.fields, rest, ("x",))
            return expression, f'{table.table} x {inner.joins} WHERE x."record" = {alias}."id"'
        array = self._walk(alias, form, fields, path, (alias,))
        return "u.v", f"unnest({array}) AS u(v) WHERE true"

    def formula(self, formula: Formula) -> str:
        """The SQL of a checked formula."""
        return sql(formula, self)

    def _start(self, ref: Ref) -> tuple[str, Form, Mapping[str, Field], tuple[str, ...]]:
        alias = self.aliases[ref.owner]
        if ref.owner == ROW and self.lines_key is not None:
            rest = ref.path[1:] if ref.path[0] == self.lines_key else ref.path
            return alias, self.form, self.form.lines[self.lines_key].fields, rest or ("id",)
        if ref.owner == LINE and self.lines_key is not None:
            return alias, self.form, self.form.lines[self.lines_key].fields, ref.path
        return alias, self.form, self.form.fields, ref.path

    def _walk(
        self, alias: str, form: Form, fields: Mapping[str, Field], path: tuple[str, ...], trail: tuple[str, ...]
    ) -> str:
        key = path[0]
        if key == "id":
            return f'{alias}."id"'
        item = fields[key]
        if item.column is None:
            return self.virtual(alias, form, item, trail)
        if len(path) == 1:
            # A file is a text to formulas: it is there or not.
            return f"{alias}.{quoted(item.column)}" + ("::text" if item.type.key in ("file", "image") else "")
        if item.type.key == "reference":
            joined = self._join((*trail, key), "record_index", f"{alias}.{quoted(item.column)}")
            column = REFERENCE_COLUMNS.get(path[1])
            if column is None or len(path) > 2:
                raise DesignError("not_in_sql", 0, name=item.path)
            return f"{joined}.{column}"
        if item.type.key == "line":
            name, _, lines = (item.definition.to or "").rpartition(".")
            target = self.forms[name]
            below: Mapping[str, Field] = target.lines[lines].fields
            table = target.lines[lines].table
        else:
            target = self.forms[item.to or ""]
            below, table = target.fields, target.table
        joined = self._join((*trail, key), table, f"{alias}.{quoted(item.column)}")
        return self._walk(joined, target, below, path[1:], (*trail, key))

    def _join(self, trail: tuple[str, ...], table: str, on: str) -> str:
        if trail not in self._joined:
            alias = f"{self._prefix}{len(self._joined) + 1}"
            self._joined[trail] = alias
            self._join_texts.append(f'LEFT JOIN {table} {alias} ON {alias}."id" = {on}')
        return self._joined[trail]

    def virtual(self, alias: str, form: Form, item: Field, trail: tuple[str, ...]) -> str:
        """A value that is computed when read: a balance, a lookup, a formula that is not stored."""
        if form is not self.form or len(trail) > 1:
            raise DesignError("not_in_sql", 0, name=item.path)
        in_line = "." in item.path
        lines = item.path.split(".")[0] if in_line else None
        scope = line_scope(self.forms, form, lines) if lines else form_scope(self.forms, form)
        if item.definition.balance is not None:
            return self._balance(item, scope, in_line=in_line)
        text = item.definition.lookup or item.definition.formula or ""
        places = self if not in_line or self.lines_key == lines else FormNames(
            self.forms, self.registers, form, head=self.aliases[HEAD], line=alias, lines=lines, zone=self.zone,
            context=self.context, functions=self.functions, prefix=f"{self._prefix}v")
        formula = check(text, scope, functions=self.functions) if self.functions else check(text, scope)
        return f"({sql(formula, places)})"

    def _balance(self, item: Field, scope: object, *, in_line: bool) -> str:
        balance = item.definition.balance
        assert balance is not None
        return f"(SELECT coalesce(sum(b.{quoted(balance.resource)}), 0) {self._balance_rows(balance, scope)})"

    def _balance_rows(self, balance: Balance, scope: object) -> str:
        """FROM and WHERE of the rows that a balance field sums up."""
        conditions = []
        for dimension, text in (balance.key or {"line": "id"}).items():
            value = sql(check(text, scope), self)  # type: ignore[arg-type]  # a FieldsScope, typed loosely above
            conditions.append(f"b.{quoted(dimension)} = {value}")
        return f"FROM {self.registers[balance.register_name].balance_table} b WHERE {' AND '.join(conditions)}"

    def balances(self, form: Form, fields: Sequence[Field]) -> tuple[list[str], str]:
        """The values of balance fields of one table, and the joins that bring them: fields of one register and key are
        looked up together."""
        groups: dict[str, str] = {}
        sums: dict[str, list[str]] = {}
        values = []
        for item in fields:
            balance = item.definition.balance
            assert balance is not None
            lines = item.path.split(".")[0] if "." in item.path else None
            scope = line_scope(self.forms, form, lines) if lines else form_scope(self.forms, form)
            rows = self._balance_rows(balance, scope)
            alias = groups.setdefault(rows, f"b{len(groups)}")
            column = f"v{len(sums.setdefault(rows, []))}"
            sums[rows].append(f"coalesce(sum(b.{quoted(balance.resource)}), 0) AS {column}")
            values.append(f"{alias}.{column}")
        joins = " ".join(
            f"CROSS JOIN LATERAL (SELECT {', '.join(sums[rows])} {rows}) {alias}" for rows, alias in groups.items())
        return values, joins
