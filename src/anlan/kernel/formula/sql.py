"""Typed tree → SQL text for PostgreSQL 18.

    check("ROUND(quantity * price, 2)", …)  →  round((COALESCE(t.quantity, 0) * COALESCE(t.price, 0)), 2)

Blank is NULL, an error value is NULL as well; inside, the writer keeps the two apart, so that an error is
never taken for a 0.  Three ways to write a node: `raw` (NULL: blank or error), `value` (a blank number, text
or boolean is 0, '', FALSE; NULL: error), `truth` (for WHERE: NULL counts as false, so that indexes serve).

Names of the kind `v_`, `t_` are the writer's own; those that `names` gives must be qualified by a table.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from anlan.kernel.formula.check import Formula
from anlan.kernel.formula.errors import NOT_IN_SQL, DesignError
from anlan.kernel.formula.facts import day_arguments, may_be_blank, may_fail
from anlan.kernel.formula.functions.criteria import OPERATORS
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.tree import Call, Constant, Field, Node, Operation
from anlan.kernel.formula.types import BOOLEAN, DATE, DATETIME, NUMBER, TEXT, Link, ListOf, Ref, Type

MAX_SQL = 100_000  # characters; a formula that needs more repeats itself too often to be run
WIDE_ZERO = "0." + "0" * 40  # makes PostgreSQL compute 40 places of a quotient before it is rounded to 16
FIRST_DAY, LAST_DAY = "DATE '0001-01-01'", "DATE '9999-12-31'"
MAX_EXPONENT = 64
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_CAST: dict[Type, str] = {
    NUMBER: "numeric",
    TEXT: "text",
    BOOLEAN: "boolean",
    DATE: "date",
    DATETIME: "timestamptz",
}
_EMPTY: dict[Type, str] = {NUMBER: "0", TEXT: "''", BOOLEAN: "FALSE"}


class SqlNames(Protocol):
    """How the query that a formula becomes part of calls things.

    zone: of local dates.  scalar: SQL for a single value (numeric, text, boolean, date, timestamptz; a link's
    uuid).  column: (expression, source) for a column of a table, source being what stands behind FROM, with
    its condition ("line l WHERE l.head = h.id").  Columns that meet in one function must have one source:
    where they need different joins, give `columns` as well (see SqlTables).
    """

    @property
    def zone(self) -> str: ...

    def scalar(self, ref: Ref) -> str: ...

    def column(self, ref: Ref) -> tuple[str, str]: ...


@runtime_checkable
class SqlTables(Protocol):
    """Names that can give several columns of one table over one source, with the joins that they need."""

    def columns(self, refs: Sequence[Ref]) -> tuple[list[str], str]: ...


def sql(formula: Formula, names: SqlNames) -> str:
    """The formula as an SQL expression; NULL where it is blank or an error.

    Raises DesignError(not_in_sql) where a function has no SQL.
    """
    return SqlWriter(names).raw(formula.tree)


def sql_filter(formula: Formula, names: SqlNames) -> str:
    """A boolean formula as a condition for WHERE: true exactly where it is TRUE, else false or NULL.

    Raises DesignError(not_in_sql), as `sql`.
    """
    return SqlWriter(names).truth(formula.tree)


class SqlWriter:
    """Writes nodes; the SQL rules of the function table call back into it."""

    def __init__(self, names: SqlNames) -> None:
        self.names = names
        # Nodes are kept beside their text, so that an id is not given to another node in the meantime.
        self._raw: dict[int, tuple[Node, str]] = {}
        self._error: dict[int, tuple[Node, str | None]] = {}

    # -- the three ways ---------------------------------------------------------------------------------

    def raw(self, node: Node) -> str:
        if isinstance(node, Constant):
            return self.literal(node.value, node.type)
        if isinstance(node, Field):
            return self.names.scalar(node.ref)
        if id(node) in self._raw:
            return self._raw[id(node)][1]
        written = self._operation(node) if isinstance(node, Operation) else self._call(node)
        self._raw[id(node)] = node, written
        if len(written) > MAX_SQL:
            raise DesignError(NOT_IN_SQL, node.position, reason="too_long")
        return written

    def value(self, node: Node) -> str:
        empty = _EMPTY.get(node.type)
        if empty is None or not may_be_blank(node):
            return self.raw(node)
        if isinstance(node, Constant):
            return empty
        return self.unless_error(f"COALESCE({self.raw(node)}, {empty})", [node])

    def truth(self, node: Node) -> str:
        if isinstance(node, Field):
            return self.raw(node)
        if isinstance(node, Operation):
            written = self._truth_of(node)
            if written is not None:
                return written
        if isinstance(node, Call) and node.function.name == "IN":
            written = self._truth_of_in(node)
            if written is not None:
                return written
        return self.value(node)

    def error(self, node: Node) -> str | None:
        """A condition, never NULL, that the node is an error value; None where it cannot be."""
        if not may_fail(node):
            return None
        if id(node) not in self._error:
            self._error[id(node)] = node, self._error_of(node)
        return self._error[id(node)][1]

    def _error_of(self, node: Node) -> str | None:
        if isinstance(node, Call) and node.function.sql_error is not None:
            return node.function.sql_error(self, node)
        if not may_be_blank(node):
            return f"(({self.raw(node)}) IS NULL)"
        inner: Sequence[Node] = node.operands if isinstance(node, Operation) else ()
        fails, days = isinstance(node, Operation) and node.op in ("day+", "second+"), list(inner[:1])
        if isinstance(node, Call):
            inner, fails, days = node.arguments, node.function.fails, day_arguments(node)
        tests = [test for test in (self.error(child) for child in inner if _is_single(child)) if test]
        if fails:
            filled = [f"({self.raw(day)}) IS NOT NULL" for day in days if may_be_blank(day)]
            tests.append("(" + " AND ".join([f"({self.raw(node)}) IS NULL", *filled]) + ")")
        return "(" + " OR ".join(tests) + ")" if tests else None

    def unless_error(self, written: str, nodes: Sequence[Node]) -> str:
        """`written`, but NULL where one of the nodes is an error."""
        tests = [test for test in (self.error(node) for node in nodes if _is_single(node)) if test]
        return f"(CASE WHEN {' OR '.join(tests)} THEN NULL ELSE {written} END)" if tests else written

    # -- pieces for the rules of functions ----------------------------------------------------------------

    def literal(self, value: object, of: Type | None = None) -> str:
        """A constant; blank is a NULL of the type's own."""
        if value is None:
            cast = "uuid" if isinstance(of, Link) else _CAST.get(of) if of is not None else None
            return f"NULL::{cast}" if cast else "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, Decimal | int):
            # Whole numbers would be int4 and overflow in products.
            digits = format(value, "f")
            return digits if "." in digits else f"{digits}::numeric"
        if isinstance(value, datetime):
            return f"TIMESTAMPTZ '{value.isoformat()}'"
        if isinstance(value, date):
            return f"DATE '{value.isoformat()}'"
        return "'" + str(value).replace("'", "''") + "'"

    def let(self, names: Mapping[str, str], body: str) -> str:
        """`body` over values computed once: a subselect without a table."""
        given = ", ".join(f"{written} AS {name}" for name, written in names.items())
        return f"(SELECT {body} FROM (SELECT {given}) t_)"

    def choice(self, condition: Node, then: str, otherwise: str) -> str:
        """CASE; an error in the condition makes it NULL."""
        test = self.value(condition)
        if may_fail(condition):
            return f"(CASE WHEN {test} THEN {then} WHEN NOT {test} THEN {otherwise} END)"
        return f"(CASE WHEN {test} THEN {then} ELSE {otherwise} END)"

    def column(self, node: Node) -> tuple[str, str]:
        """(expression, source) of a column; an empty list is a source without rows."""
        if isinstance(node, Field):
            return self.names.column(node.ref)
        return "v_", "(SELECT NULL::numeric AS v_ WHERE FALSE) g_"

    def columns(self, nodes: Sequence[Node], call: Call) -> tuple[list[str], str]:
        """Columns that meet row by row, and their one source."""
        if isinstance(self.names, SqlTables):
            return self.names.columns([node.ref for node in nodes if isinstance(node, Field)])
        pairs = [self.column(node) for node in nodes]
        if len({source for _, source in pairs}) > 1:
            raise self.not_in_sql(call)
        return [value for value, _ in pairs], pairs[0][1]

    def gathered(self, nodes: Sequence[Node]) -> tuple[str, str]:
        """(expression, source) of columns and scalars together."""
        if len(nodes) == 1 and isinstance(nodes[0].type, ListOf):
            return self.column(nodes[0])
        parts = []
        for node in nodes:
            if isinstance(node.type, ListOf):
                value, source = self.column(node)
                parts.append(f"(SELECT {value} AS v_ FROM {source})")
            else:
                parts.append(f"(SELECT {self.raw(node)} AS v_)")
        return "v_", f"({' UNION ALL '.join(parts)}) g_"

    def constant_or_none(self, node: Node) -> Decimal | None:
        """The value of a constant number, signed ones included."""
        if isinstance(node, Constant):
            return node.value if isinstance(node.value, Decimal) else None
        if isinstance(node, Operation) and node.op == "neg":
            inner = self.constant_or_none(node.operands[0])
            return None if inner is None else -inner
        return None

    def constant_number(self, node: Node) -> Decimal:
        number = self.constant_or_none(node)
        if number is None:
            raise DesignError(NOT_IN_SQL, node.position, reason="constant_wanted")
        return number

    def whole(self, node: Node, least: int, most: int) -> str:
        """A number cut to a whole one between the bounds, as int."""
        number = self.constant_or_none(node)
        if number is not None:
            return str(max(least, min(most, int(number))))
        # LEAST and GREATEST leave NULLs out: an error must not become a bound.
        cut = f"LEAST(GREATEST(v_, {least}), {most})::int"
        return self.let({"v_": f"trunc({self.value(node)})"}, f"CASE WHEN v_ IS NOT NULL THEN {cut} END")

    def in_calendar(self, day: str) -> str:
        """`day`, or NULL beyond the years 1 to 9999, which Python does not have."""
        return self.let({"q_": day}, f"CASE WHEN q_ BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN q_ END")

    def add_days(self, day: str, days: str) -> str:
        body = f"CASE WHEN abs(n_) <= 3700000 THEN {self.in_calendar('d_ + trunc(n_)::int')} END"
        return self.let({"d_": day, "n_": days}, body)

    def not_in_sql(self, call: Call) -> DesignError:
        return not_in_sql(call.function, call.position)

    # -- operators ----------------------------------------------------------------------------------------

    def _operation(self, node: Operation) -> str:
        op, operands = node.op, node.operands
        if op in ("+", "-", "*"):
            return f"({self.value(operands[0])} {op} {self.value(operands[1])})"
        if op in COMPARISONS:
            return self._comparison(op, *operands)
        if op in ("and", "or"):
            written = "(" + f" {op.upper()} ".join(self.value(operand) for operand in operands) + ")"
            return self.unless_error(written, operands)
        if op == "&":
            return f"({self.value(operands[0])} || {self.value(operands[1])})"
        if op == "not":
            return f"(NOT {self.value(operands[0])})"
        if op == "blank":
            raw = self.raw(operands[0])
            test = f"(COALESCE({raw}, '') = '')" if operands[0].type == TEXT else f"({raw} IS NULL)"
            return self.unless_error(test, operands)
        if op == "text":
            return self._text(operands[0])
        if op in ("midnight", "local_date"):
            return self._zoned(op, operands[0])
        return self._number(node)

    def _number(self, node: Operation) -> str:
        op, operands = node.op, node.operands
        if op == "/":
            divisor = self.value(operands[1])
            if not self.constant_or_none(operands[1]):
                divisor = f"NULLIF({divisor}, 0)"
            return f"round(({self.value(operands[0])} + {WIDE_ZERO}) / {divisor}, 16)"
        if op == "^":
            return self._power(node)
        if op == "neg":
            return f"(- {self.value(operands[0])})"
        if op == "%":
            return f"({self.value(operands[0])} * 0.01)"
        first = self.raw(operands[0])
        if op == "day+":
            return self.add_days(first, self.value(operands[1]))
        if op == "second+":
            # Seconds since 1970 of the first and last days that Python's datetimes have.
            within = "extract(epoch FROM m_) + n_ BETWEEN -62135510400 AND 253402214400"
            body = f"CASE WHEN {within} THEN m_ + make_interval(secs => n_::float8) END"
            return self.let({"m_": first, "n_": f"trunc({self.value(operands[1])}, 6)"}, body)
        difference = f"({first} - {self.raw(operands[1])})"
        return f"{difference}::numeric" if op == "days" else f"extract(epoch FROM {difference})"

    def _power(self, node: Operation) -> str:
        """Constant whole exponents only, as products: PostgreSQL's power() rounds."""
        exponent = self.constant_number(node.operands[1])
        if exponent != int(exponent) or abs(exponent) > MAX_EXPONENT:
            raise DesignError(NOT_IN_SQL, node.operands[1].position, reason="constant_wanted")
        product = " * ".join(["v_"] * abs(int(exponent)))
        body = "CASE WHEN v_ <> 0 THEN 1::numeric END" if not exponent else product
        if exponent < 0:
            body = f"round((1 + {WIDE_ZERO}) / NULLIF({product}, 0), 16)"
        return self.let({"v_": self.value(node.operands[0])}, body)

    def _comparison(self, op: str, left: Node, right: Node) -> str:
        if left.type in _EMPTY:
            # UPPER and LOWER bring a collation of their own, so both sides have to say theirs.
            order = ' COLLATE "C"' if left.type == TEXT and op not in ("=", "<>") else ""
            return f"({self.value(left)}{order} {op} {self.value(right)}{order})"
        plain = f"({self.raw(left)} {op} {self.raw(right)})"
        if not (may_be_blank(left) or may_be_blank(right)):
            return plain
        return self.unless_error(f"COALESCE({plain}, {'TRUE' if op == '<>' else 'FALSE'})", [left, right])

    def _text(self, node: Node) -> str:
        raw = self.raw(node)
        if node.type == NUMBER:
            written = f"trim_scale({raw})::text"
        elif node.type == DATE:
            written = f"to_char({raw}, 'YYYY-MM-DD')"
        elif node.type == DATETIME:
            written = f"to_char({raw} AT TIME ZONE {self.literal(self.names.zone)}, 'YYYY-MM-DD HH24:MI:SS')"
        elif node.type == BOOLEAN:
            written = f"CASE {raw} WHEN TRUE THEN 'TRUE' WHEN FALSE THEN 'FALSE' END"
        else:
            return "''"
        return self.unless_error(f"COALESCE({written}, '')", [node])

    def _zoned(self, op: str, node: Node) -> str:
        zone = self.literal(self.names.zone)
        if op == "midnight":
            return f"(({self.raw(node)})::timestamp AT TIME ZONE {zone})"
        return f"({self.raw(node)} AT TIME ZONE {zone})::date"

    def _call(self, node: Call) -> str:
        rule = node.function.sql
        if rule is None:
            raise self.not_in_sql(node)
        if not isinstance(rule, str):
            return rule(self, node)
        arguments = []
        for place, argument in enumerate(node.arguments):
            parameter = node.function.parameters[min(place, len(node.function.parameters) - 1)]
            by_value = parameter.kind in ("number", "text", "boolean")
            arguments.append(self.value(argument) if by_value else self.raw(argument))
        return rule.format(*arguments)

    # -- conditions that indexes serve ----------------------------------------------------------------------

    def _truth_of(self, node: Operation) -> str | None:
        op, operands = node.op, node.operands
        if op == "and":
            return "(" + " AND ".join(self.truth(operand) for operand in operands) + ")"
        if op == "or" and not any(may_fail(operand) for operand in operands):
            return "(" + " OR ".join(self.truth(operand) for operand in operands) + ")"
        if op == "not" and isinstance(operands[0], Operation) and operands[0].op == "blank":
            asked = operands[0].operands[0]
            if isinstance(asked, Field):
                return (
                    f"({self.raw(asked)} <> '')" if asked.type == TEXT else f"({self.raw(asked)} IS NOT NULL)"
                )
        if op in COMPARISONS:
            return self._truth_of_comparison(op, *operands)
        return None

    def _truth_of_comparison(self, op: str, left: Node, right: Node) -> str | None:
        """field op constant without COALESCE around the field."""
        if left.type not in _EMPTY:
            return None if op == "<>" else f"({self.raw(left)} {op} {self.raw(right)})"
        if isinstance(right, Field) and not isinstance(left, Field):
            turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
            left, right, op = right, left, turned.get(op, op)
        constant = self._constant(right)
        if not isinstance(left, Field) or constant is None:
            return None
        order = ' COLLATE "C"' if left.type == TEXT and op not in ("=", "<>") else ""
        test = f"{self.raw(left)} {op} {self.value(right)}{order}"
        empty: object = {NUMBER: Decimal(0), TEXT: "", BOOLEAN: False}[left.type]  # type: ignore[index]
        return f"({test} OR {self.raw(left)} IS NULL)" if OPERATORS[op](empty, constant) else f"({test})"

    def _constant(self, node: Node) -> object:
        number = self.constant_or_none(node)
        if number is not None:
            return number
        return node.value if isinstance(node, Constant) else None

    def _truth_of_in(self, node: Call) -> str | None:
        subject, *choices = node.arguments
        constants = [self._constant(choice) for choice in choices]
        if not isinstance(subject, Field) or not all(
            constants
        ):  # a blank, 0 or FALSE among them meets blanks
            return None
        return f"({self.raw(subject)} IN ({', '.join(self.value(choice) for choice in choices)}))"


def not_in_sql(function: Function, position: int) -> DesignError:
    return DesignError(NOT_IN_SQL, position, name=function.name)


def _is_single(node: Node) -> bool:
    return not isinstance(node.type, ListOf)
