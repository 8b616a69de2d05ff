"""Typed tree → a Python expression on Decimal.

    check("ROUND(quantity * price, 2)", …)   →   f_round((q or ZERO) * (p or ZERO), 2)

with `q` and `p` the variables that `names` gives.  The expression holds lambdas (IFERROR, SWITCH), so it must
be compiled inside a function that has the variables as locals or arguments, with `RUNTIME` as its globals.
Blank is None; a text may also be blank as "".  Error values are raised: catch FAILURES.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from anlan.kernel.formula.check import Formula
from anlan.kernel.formula.errors import SYNTAX, DesignError
from anlan.kernel.formula.facts import may_be_blank, may_fail
from anlan.kernel.formula.functions import BUILTINS
from anlan.kernel.formula.functions.table import GATHERED, Function, Parameter
from anlan.kernel.formula.runtime import HELPERS, use_exact_decimals
from anlan.kernel.formula.tree import Call, Constant, Field, Node, Operation
from anlan.kernel.formula.types import (
    BLANK,
    BOOLEAN,
    CONTEXT,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    ListOf,
    Ref,
    Type,
)

Names = Callable[[Ref], str]

MAX_BRACKETS = 180  # Python's tokenizer takes 200; the rest is for the function around the expression
_STRINGS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_BRACKETS = re.compile(r"[()]")


def namespace(functions: Mapping[str, Function] = BUILTINS) -> dict[str, Any]:
    """The globals that compiled formulas need, with the helpers of these functions."""
    helpers = {function.helper: function.python for function in functions.values() if function.python}
    return HELPERS | helpers


RUNTIME: dict[str, Any] = namespace()


def python_source(formula: Formula, names: Names) -> str:
    """A Python expression for `formula`; `names` gives an expression for each Ref: a value (None: blank),
    for a column a list, for a path that ends in "*" the linked record as a mapping or None.

    Raises DesignError(syntax) where the expression would be nested deeper than Python can read.
    """
    written = PythonWriter(names).raw(formula.tree)
    depth = deepest = 0
    for mark in _BRACKETS.findall(_STRINGS.sub("", written)):
        depth += 1 if mark == "(" else -1
        deepest = max(depth, deepest)
    if deepest > MAX_BRACKETS:
        raise DesignError(SYNTAX, 0, reason="too_deep", near=formula.text[:10], limit=MAX_BRACKETS)
    return written


def python_function(
    formula: Formula,
    arguments: Mapping[Ref, str] | Sequence[Ref],
    *,
    functions: Mapping[str, Function] = BUILTINS,
) -> Callable[..., Any]:
    """`formula` as a function of `arguments`, in their order (a mapping gives them names as well).

    Raises KeyError when the formula reads something that is not among them; the function raises FAILURES.
    """
    if not isinstance(arguments, Mapping):
        arguments = {ref: f"v{number}" for number, ref in enumerate(arguments)}
    source = python_source(formula, arguments.__getitem__)
    parameters = ", ".join(arguments.values())
    code = f"def formula({parameters}):\n    use_exact_decimals()\n    return {source}\n"
    space = (RUNTIME if functions is BUILTINS else namespace(functions)) | {
        "use_exact_decimals": use_exact_decimals
    }
    exec(compile(code, "<formula>", "exec"), space)
    compiled: Callable[..., Any] = space["formula"]
    return compiled


_EMPTY: dict[Type, str] = {NUMBER: "ZERO", TEXT: '""', BOOLEAN: "False"}
_SMALL = frozenset(map(Decimal, range(100)))
_INFIX = {"+": "+", "-": "-", "*": "*", "=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_DAY_ORDER = {
    "<": "before({0}, {1})",
    ">": "before({1}, {0})",
    "<=": "not_after({0}, {1})",
    ">=": "not_after({1}, {0})",
}


class PythonWriter:
    """Writes nodes; lazy functions of the table call back into it."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def raw(self, node: Node) -> str:
        """An expression for the node, None where it is blank."""
        if isinstance(node, Constant):
            return _constant(node)
        if isinstance(node, Field):
            written = self.names(node.ref)
            return f"({written} or ())" if isinstance(node.type, ListOf) else written
        if isinstance(node, Operation):
            return self.operation(node)
        return self.call(node)

    def value(self, node: Node) -> str:
        """An expression for the node that is never None for a number, a text or a boolean."""
        if not may_be_blank(node):
            return self.raw(node)
        if isinstance(node, Constant):
            return _EMPTY.get(node.type, "None")
        empty = _EMPTY.get(node.type)
        return f"({self.raw(node)} or {empty})" if empty else self.raw(node)

    def context(self, name: str) -> str:
        return self.names(Ref(CONTEXT, (name,)))

    def operation(self, node: Operation) -> str:
        op, operands = node.op, node.operands
        if op in ("and", "or"):
            return self._logic(op, operands)
        if op in ("<", ">", "<=", ">=") and any(may_be_blank(n) and _is_time(n) for n in operands):
            return _DAY_ORDER[op].format(*(self.raw(operand) for operand in operands))
        if op in ("=", "<>") and operands[0].type not in _EMPTY and any(may_be_blank(n) for n in operands):
            same = f"same({', '.join(self.raw(operand) for operand in operands)})"
            return same if op == "=" else f"(not {same})"
        if op in ("+", "-", "*"):
            return self._arithmetic(node)
        if op in _INFIX:
            left, right = (self.value(operand) for operand in operands)
            return f"({left} {_INFIX[op]} {right})"
        if op == "&":
            return "(" + " + ".join(self.value(operand) for operand in _chain(node)) + ")"
        if op == "%":
            return f"({self.value(operands[0])} * constant('0.01'))"
        if op == "neg":
            return f"(-{self.value(operands[0])})"
        if op == "not":
            return f"(not {self.value(operands[0])})"
        return self._helper(op, operands)

    def _arithmetic(self, node: Operation) -> str:
        """Chains of one precedence without parentheses of their own: Python's parser nests 200 at most."""
        left, right = node.operands
        same = ("*",) if node.op == "*" else ("+", "-")
        first = self.value(left)
        if isinstance(left, Operation) and left.op in same:
            first = first[1:-1]
        return f"({first} {node.op} {self.value(right)})"

    def _logic(self, op: str, operands: Sequence[Node]) -> str:
        written = [self.value(operand) for operand in operands]
        if any(may_fail(operand) for operand in operands):
            return f"{'all_of' if op == 'and' else 'any_of'}(({', '.join(written)},))"
        return "(" + f" {op} ".join(written) + ")"

    def _helper(self, op: str, operands: Sequence[Node]) -> str:
        if op in ("/", "^"):
            a, b = (self.value(operand) for operand in operands)
            return f"{'divide' if op == '/' else 'power'}({a}, {b})"
        if op in ("day+", "second+"):
            name = "add_days" if op == "day+" else "add_seconds"
            return f"{name}({self.raw(operands[0])}, {self.value(operands[1])})"
        if op in ("days", "seconds"):
            return f"{op}_between({self.raw(operands[0])}, {self.raw(operands[1])})"
        if op == "blank":
            return f"is_blank({self.raw(operands[0])})"
        if op == "text":
            zone = f", {self.context('zone')}" if operands[0].type == DATETIME else ""
            return f"text_of({self.raw(operands[0])}{zone})"
        return f"{op}({self.raw(operands[0])}, {self.context('zone')})"  # midnight, local_date

    def call(self, node: Call) -> str:
        function = node.function
        if function.write_python is not None:
            return function.write_python(self, node)
        arguments: list[str] = []
        parameters = function.parameters
        for place, argument in enumerate(node.arguments):
            parameter = parameters[min(place, len(parameters) - 1)]
            if parameter.kind in GATHERED and parameter.repeated:
                arguments.append(self.gathered(node.arguments[place:]))
                break
            arguments.append(self.argument(parameter, argument))
        arguments += [self.context(name) for name in function.context]
        return f"{function.helper}({', '.join(arguments)})"

    def argument(self, parameter: Parameter, node: Node) -> str:
        if isinstance(node, Constant) and node.value is None and isinstance(node.type, ListOf):
            return "()"
        if parameter.kind in ("column", "days") and node.type == BLANK:
            return "()"
        constant = node.value if isinstance(node, Constant) else None
        if parameter.kind == "number" and isinstance(constant, Decimal) and constant in _SMALL:
            return str(int(constant))  # helpers take digits, places and counts faster as int
        if parameter.kind in ("number", "text", "boolean"):
            return self.value(node)
        return self.raw(node)

    def gathered(self, nodes: Sequence[Node]) -> str:
        """Scalars and columns as one iterable."""
        if len(nodes) == 1 and isinstance(nodes[0].type, ListOf):
            return self.raw(nodes[0])
        parts = [("*" if isinstance(node.type, ListOf) else "") + self.raw(node) for node in nodes]
        return f"({', '.join(parts)},)"


def _chain(node: Node) -> list[Node]:
    """The texts of a & b & c …, from left to right."""
    if isinstance(node, Operation) and node.op == "&":
        return [*_chain(node.operands[0]), node.operands[1]]
    return [node]


def _constant(node: Constant) -> str:
    value = node.value
    if isinstance(value, Decimal):
        return "ZERO" if value == 0 else "ONE" if value == 1 else f"constant('{value}')"
    if isinstance(value, date):
        return f"constant_{'moment' if isinstance(value, datetime) else 'day'}('{value.isoformat()}')"
    return repr(value)


def _is_time(node: Node) -> bool:
    return node.type in (DATE, DATETIME)
