"""Limits of a register as SQL: which balances a write has made worse than they may be.

    keep: "AND(quantity >= 0, reserved <= quantity)"

Each comparison is a shortfall (0 − quantity, reserved − quantity). A write is refused where a shortfall is above
zero and larger than it was before: a receipt into negative stock is welcome. With `running: true` the balance after
every later movement is looked at too, when the write is dated before the key's latest movement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import ZERO_VALUES, Register
from anlan.kernel.catalogue.scope import HEAD, FieldsScope
from anlan.kernel.context import LIMIT, Context, Transaction
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.formula import DesignError, Formula, Ref, sql
from anlan.kernel.formula.tree import Node, Operation
from anlan.kernel.formula.types import CONTEXT

__all__ = ["BrokenLimit", "limit_select", "limits_refuse", "refuse_broken"]


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A limit that a write would break: by how much, what was left before it, on which key, with which lines."""

    register: Register
    code: str
    short: Decimal
    left: Decimal
    lines: tuple[str, ...]
    dimensions: dict[str, Any]
    resources: dict[str, Any]


class _LimitNames(FormNames):
    """Resources as they are now, or as they were before the write; dimensions and what they link to."""

    def __init__(self, catalogue: Catalogue, register: Register, shape: Form, *, old: bool) -> None:
        super().__init__(catalogue.forms, catalogue.registers, shape, head="c", functions=catalogue.functions)
        self.register, self.old = register, old

    def scalar(self, ref: Ref) -> str:
        if ref.owner != CONTEXT and self.old and ref.path[0] in self.register.resources:
            return f'c."old_{ref.path[0]}"'
        return super().scalar(ref)


def limit_select(catalogue: Catalogue, register: Register, mark: str = "") -> str:
    """A SELECT for the end of a write: rows (register, code, short, left, lines, dimensions, resources), numbers as texts,
    lines and both lists as lists of texts; "" for a register without limits."""
    if not register.definition.limits:
        return ""
    shape = register.as_form(register.balance_table)
    scope = FieldsScope(catalogue.forms, shape, shape.fields, HEAD)
    dims = [quoted(name) for name in register.dimensions]
    res = [quoted(name) for name in register.resources]
    same = " AND ".join(f"d.{name} = c.{name}" for name in dims)
    lists = f"ARRAY[{', '.join(f'c.{name}::text' for name in dims)}], ARRAY[{', '.join(f'c.{name}::text' for name in res)}]"
    selects = []
    for limit in register.definition.limits.values():
        formula = catalogue.check(limit.keep, scope)
        new_names = _LimitNames(catalogue, register, shape, old=False)
        old_names = _LimitNames(catalogue, register, shape, old=True)
        source = _running(register, dims, res, mark) if limit.running else f"bal{mark} c"
        for left, right in _comparisons(formula.tree):
            new = f"({_sql(left, formula, new_names)}) - ({_sql(right, formula, new_names)})"
            old = f"({_sql(left, formula, old_names)}) - ({_sql(right, formula, old_names)})"
            unless = ""
            if limit.unless:
                unless = f" AND NOT coalesce({sql(catalogue.check(limit.unless, scope), new_names)}, false)"
            # Both sides may join the same links: the old side only reads resources of c, the joins are the new side's.
            selects.append(
                f"SELECT '{register.name}' AS register, '{limit.code}' AS code, ({new})::text AS short, (GREATEST(- ({old}), 0))::text AS left, "
                f"(SELECT array_agg(DISTINCT d.document_line) FROM diff{mark} d WHERE {same}) AS lines, {lists} "
                f"FROM {source} {new_names.joins} WHERE {new} > 0 AND {new} > {old}{unless}"
            )
    return " UNION ALL ".join(selects)


def _sql(node: Node, formula: Formula, names: FormNames) -> str:
    return sql(Formula(formula.text, node, node.type, formula.refs), names)


def _comparisons(node: Node) -> Iterable[tuple[Node, Node]]:
    """(larger-is-worse side, bound) of each comparison: a >= b is a shortfall of b − a."""
    if isinstance(node, Operation) and node.op == "and":
        for operand in node.operands:
            yield from _comparisons(operand)
    elif isinstance(node, Operation) and node.op in (">=", "<="):
        left, right = node.operands
        yield (right, left) if node.op == ">=" else (left, right)
    else:
        raise DesignError("limit_shape", getattr(node, "position", 0))


def _running(register: Register, dims: list[str], res: list[str], mark: str) -> str:
    """The balances now, and after each later movement of a key that was moved in the past."""
    same = " AND ".join(f"m.{name} = b.{name}" for name in dims)
    suffix = ", ".join(f"sum(m.{name}) OVER w AS {name}" for name in res)
    later = ", ".join(
        f'b.{name} - s.{name} AS {name}, b."old_{name[1:-1]}" - s.{name} AS "old_{name[1:-1]}"'
        for name in res
    )
    plain = ", ".join(f'b.{name}, b."old_{name[1:-1]}"' for name in res)
    return (
        f"(SELECT {', '.join('b.' + name for name in dims)}, {plain} FROM bal{mark} b UNION ALL "
        f"SELECT {', '.join('b.' + name for name in dims)}, {later} FROM bal{mark} b "
        f"JOIN g{mark} g ON {' AND '.join(f'g.{name} = b.{name}' for name in dims)}, "
        f"LATERAL (SELECT {suffix} FROM {register.movement_table} m WHERE {same} AND m.date > g.earliest "
        f"WINDOW w AS (ORDER BY m.date DESC, m.seq DESC)) s WHERE b.old_date > g.earliest) c"
    )


def limits_refuse(selects: Iterable[str]) -> str:
    """The end of a write: a SELECT that refuses the whole transaction when one of the limits' SELECTs has a row."""
    text = " UNION ALL ".join(select for select in selects if select)
    if not text:
        return "SELECT WHERE false"
    row = 'json_build_array(x."register", x."code", x."short", x."left", x."lines", x."dims", x."res")'
    return (
        f"SELECT anlan_refuse('{LIMIT}', json_agg({row})::text) FROM ({text}) "
        'x ("register", "code", "short", "left", "lines", "dims", "res") HAVING count(*) > 0'
    )


def _broken(catalogue: Catalogue, detail: str) -> list[BrokenLimit]:
    """What a refusing write tells, the worst of each code and key."""
    worst: dict[tuple[Any, ...], BrokenLimit] = {}
    for name, code, short, left, lines, dims, res in orjson.loads(detail):
        register = catalogue.registers[name]
        dimensions = {
            key: date.fromisoformat(text) if register.dimensions[key].type == "date" else text
            for key, text in zip(register.dimensions, dims, strict=True)
        }
        resources = {key: Decimal(text) for key, text in zip(register.resources, res, strict=True)}
        found = BrokenLimit(
            register, code, Decimal(short), Decimal(left), tuple(line for line in lines or () if line),
            dimensions, resources,
        )  # fmt: skip
        key = (code, *dims)
        if key not in worst or worst[key].short < found.short:
            worst[key] = found
    return list(worst.values())


def refuse_broken(ctx: Context, tx: Transaction, detail: str, positions: dict[str, str]) -> Refused:
    """The refusal that names each key, what is left and what is missing.

    `detail` is what the write told; `positions` maps line ids to paths such as `lines[2].quantity`. The transaction
    is over: labels are read through another connection, or taken from what it had loaded.
    """
    faults = []
    with ctx.site.pool.connection() as connection:

        def label(form: str, key: str) -> str:
            row = connection.execute("SELECT code, title FROM record_index WHERE id = $1", [key]).fetchone()
            if row is None:
                setting = ctx.catalogue.forms[form].is_setting
                found = ctx.memory.row(form, key) if setting else tx.linked.get(form, {}).get(key, {})
                return str(found.get("name") or found.get("code") or key)
            return " ".join(str(part) for part in row if part)

        for item in _broken(ctx.catalogue, detail):
            params: dict[str, Any] = {"short": item.short, "left": item.left, **item.resources}
            for key, dimension in item.register.dimensions.items():
                value = item.dimensions[key]
                if value == ZERO_VALUES[dimension.type]:
                    params[key] = None
                elif dimension.type == "link" and dimension.to:
                    params[key] = label(dimension.to, value)
                else:
                    params[key] = value
            paths = sorted(positions[line] for line in item.lines if line in positions) or [""]
            faults += [Fault(item.code, path, params) for path in paths]
    return Refused(422, faults[0].code if len({fault.code for fault in faults}) == 1 else "invalid", faults)
