"""Parse tree → typed tree: names get their places, operators their types, mistakes their position."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from anlan.kernel.formula.errors import (
    TYPE_MISMATCH,
    UNKNOWN_FIELD,
    UNKNOWN_FUNCTION,
    DesignError,
)
from anlan.kernel.formula.faults import count_error, is_empty_text, mismatch
from anlan.kernel.formula.functions import BUILTINS
from anlan.kernel.formula.functions.table import GATHERED, REQUIRED, Function, Parameter
from anlan.kernel.formula.parser import Application, Literal, Name, Operator, Parsed, parse
from anlan.kernel.formula.tree import Call, Constant, Field, Node, Operation, walk
from anlan.kernel.formula.types import (
    BLANK,
    BOOLEAN,
    CONTEXT,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    Link,
    ListOf,
    Ref,
    Scalar,
    Scope,
    Single,
    Symbol,
    Table,
    Type,
    type_name,
)

_WANTED = {"number": NUMBER, "numeric": NUMBER, "text": TEXT, "boolean": BOOLEAN, "moment": DATETIME}


@dataclass(frozen=True, slots=True)
class Formula:
    """A checked formula. refs: every place that computing it may read."""

    text: str
    tree: Node
    type: Type
    refs: frozenset[Ref]


def check(text: str, scope: Scope, *, functions: Mapping[str, Function] = BUILTINS) -> Formula:
    """The typed form of `text`.

    Raises DesignError with code syntax, unknown_field, unknown_function, arg_count or type_mismatch, and
    the position of the token at fault.  A result must be one value: a column or a table is a mismatch.
    """
    checker = Checker(scope, functions)
    tree = checker.single(parse(text))
    refs = {node.ref for node in walk(tree) if isinstance(node, Field)} | checker.also_read
    return Formula(text, tree, tree.type, frozenset(refs))


@dataclass
class Checker:
    """One pass over a parse tree; special forms of the function table call back into it."""

    scope: Scope
    functions: Mapping[str, Function]
    also_read: set[Ref] = field(default_factory=set)

    # -- nodes ------------------------------------------------------------------------------------------

    def node(self, parsed: Parsed) -> Node:
        """Any typed node, columns and tables included."""
        if isinstance(parsed, Literal):
            return _constant(parsed)
        if isinstance(parsed, Name):
            return self.name(parsed)
        if isinstance(parsed, Operator):
            return self.operator(parsed)
        return self.application(parsed)

    def single(self, parsed: Parsed) -> Node:
        """A node of one value: a scalar or a link."""
        node = self.node(parsed)
        if not isinstance(node.type, Scalar | Link):
            mismatch(node, "column_outside_aggregate", expected="value")
        return node

    def name(self, parsed: Name) -> Node:
        first, last, in_table = self._resolve(parsed)
        if in_table and isinstance(last.type, ListOf | Table):
            raise DesignError(
                TYPE_MISMATCH, parsed.positions[-1], reason="table_in_table", expected="value", got="table"
            )
        of: Type = last.type
        if in_table:
            of = ListOf(_single_type(last.type))
        return Field(Ref(first.owner, parsed.path), of, parsed.position)

    def _symbols(self, parsed: Name) -> list[Symbol]:
        """What each name of a path stands for.  Raises unknown_field."""
        scope: Scope | None = self.scope
        found: list[Symbol] = []
        for name, position in zip(parsed.path, parsed.positions, strict=True):
            symbol = scope.lookup(name) if scope is not None else None
            if symbol is None:
                near = difflib.get_close_matches(name, scope.names(), n=1) if scope is not None else []
                raise DesignError(UNKNOWN_FIELD, position, name=name, suggestion=_suggested(near))
            found.append(symbol)
            scope = symbol.scope
        return found

    def _resolve(self, parsed: Name) -> tuple[Symbol, Symbol, bool]:
        """The symbols of a path's first and last name, and whether it runs through a table."""
        found = self._symbols(parsed)
        tables = [symbol for symbol in found[:-1] if isinstance(symbol.type, Table)]
        if len(tables) > 1:
            raise DesignError(
                TYPE_MISMATCH, parsed.positions[-1], reason="table_in_table", expected="value", got="table"
            )
        return found[0], found[-1], bool(tables)

    def context(self, name: str, *further: str) -> Ref:
        ref = Ref(CONTEXT, (name, *further))
        self.also_read.add(ref)
        return ref

    # -- what a place asks for ----------------------------------------------------------------------------

    def required(self, node: Node, wanted: Scalar) -> Node:
        """`node` as a value of type `wanted`, with the few conversions that lose nothing."""
        of = node.type
        if of == wanted:
            return node
        if of == BLANK:
            return replace(node, type=wanted)
        if is_empty_text(node):
            return Constant(None, wanted, node.position)
        if of == DATE and wanted == DATETIME:
            self.context("zone")
            return Operation("midnight", (node,), DATETIME, node.position)
        return mismatch(node, "wrong_type", expected=type_name(wanted))

    def day(self, node: Node) -> Node:
        """`node` as a date: of an instant, the date in the zone."""
        if node.type == DATETIME:
            self.context("zone")
            return Operation("local_date", (node,), DATE, node.position)
        return self.required(node, DATE)

    def text(self, node: Node) -> Node:
        """Any scalar as text."""
        if node.type == TEXT:
            return node
        if isinstance(node.type, Link):
            return self.code(node)
        if not isinstance(node.type, Scalar):
            mismatch(node, "column_outside_aggregate", expected="value")
        if node.type == DATETIME:
            self.context("zone")
        return Operation("text", (node,), TEXT, node.position)

    def code(self, node: Node) -> Node:
        """The code of a linked record: what a link shows when it meets a text."""
        if not isinstance(node, Field):
            if isinstance(node, Call) and node.function.context:
                return Field(self.context(node.function.context[0], "code"), TEXT, node.position)
            mismatch(node, "wrong_type", expected="text")
        return Field(self.code_of(node), TEXT, node.position)

    def code_of(self, node: Field) -> Ref:
        """Where the code of a linked record, or of each in a column, stands; a document's is its number."""
        *_, link = self._symbols(Name(node.ref.path, (node.position,) * len(node.ref.path)))
        keys = [key for key in ("code", "number") if link.scope is None or link.scope.lookup(key) is not None]
        if not keys:
            mismatch(node, "no_code", expected="text")
        return Ref(node.ref.owner, (*node.ref.path, keys[0]))

    def alike(self, left: Node, right: Node, *, ordered: bool = False) -> tuple[Node, Node]:
        """Both operands of a comparison, made of one type.  Raises type_mismatch where they have none."""
        a, b = left.type, right.type
        if is_empty_text(left) and b != TEXT:
            return Constant(None, b, left.position), right
        if is_empty_text(right) and a != TEXT:
            return left, Constant(None, a, right.position)
        if BLANK in (a, b):
            known = TEXT if a == b else b if a == BLANK else a
            return replace(left, type=known), replace(right, type=known)
        if isinstance(a, Link) and b == TEXT:
            return self.code(left), right
        if a == TEXT and isinstance(b, Link):
            return left, self.code(right)
        left, right = _read_as_time(left, b), _read_as_time(right, a)
        a, b = left.type, right.type
        if ordered and {a, b} == {DATE, DATETIME}:
            return self.required(left, DATETIME), self.required(right, DATETIME)
        links = isinstance(a, Link) and isinstance(b, Link)
        if not (a == b or (links and _may_link_same(a, b))):
            mismatch(right, "not_comparable", expected=type_name(a), got=type_name(b))
        if ordered and (isinstance(a, Link) or isinstance(b, Link)):
            mismatch(left, "no_order")
        return left, right

    def unified(self, nodes: Iterable[Node]) -> tuple[tuple[Node, ...], Single]:
        """Branches that give one result: their common type; an empty text goes with every type."""
        branches = tuple(nodes)
        types = [node.type for node in branches if node.type != BLANK and not is_empty_text(node)]
        if not types:
            types = [node.type for node in branches if node.type != BLANK] or [BLANK]
        result = types[0]
        for node in branches:
            if node.type not in (result, BLANK) and not is_empty_text(node):
                mismatch(node, "branches_differ", expected=type_name(result), got=type_name(node.type))
        same = tuple(
            Constant(None, result, node.position)
            if is_empty_text(node) and result != TEXT
            else replace(node, type=result)
            if node.type == BLANK
            else node
            for node in branches
        )
        assert isinstance(result, Scalar | Link)
        return same, result

    # -- operators ----------------------------------------------------------------------------------------

    def operator(self, parsed: Operator) -> Node:
        op, at = parsed.op, parsed.position
        operands = tuple(self.single(operand) for operand in parsed.operands)
        if op == "pos":
            return self.required(operands[0], NUMBER)
        if op in ("neg", "%"):
            return Operation(op, (self.required(operands[0], NUMBER),), NUMBER, at)
        if op in ("and", "or", "not"):
            conditions = tuple(self.required(node, BOOLEAN) for node in operands)
            first = conditions[0]
            if op != "not" and isinstance(first, Operation) and first.op == op:  # a and b and c: one node
                conditions = (*first.operands, *conditions[1:])
            return Operation(op, conditions, BOOLEAN, at)
        if op == "&":
            return Operation("&", tuple(self.text(node) for node in operands), TEXT, at)
        if op in ("=", "<>", "<", ">", "<=", ">="):
            return self.comparison(op, operands[0], operands[1], at)
        if op in ("+", "-"):
            return self._sum(op, operands[0], operands[1], at)
        return Operation(op, tuple(self.required(node, NUMBER) for node in operands), NUMBER, at)

    def comparison(self, op: str, left: Node, right: Node, at: int) -> Node:
        """`left op right`; with an empty constant on one side of = or <>, whether the other is blank."""
        left, right = self.alike(left, right, ordered=op not in ("=", "<>"))
        if op in ("=", "<>"):
            for node, other in ((left, right), (right, left)):
                if isinstance(other, Constant) and other.value in (None, ""):
                    blank = Operation("blank", (node,), BOOLEAN, at)
                    return blank if op == "=" else Operation("not", (blank,), BOOLEAN, at)
        return Operation(op, (left, right), BOOLEAN, at)

    def _sum(self, op: str, left: Node, right: Node, at: int) -> Node:
        """+ and -, which also take dates and datetimes."""
        times = (DATE, DATETIME)
        if op == "+" and right.type in times and left.type not in times:
            left, right = right, left
        if left.type in times and right.type in times:
            if op == "+" or left.type != right.type:
                mismatch(right, "dates_do_not_add", expected="number")
            return Operation("days" if left.type == DATE else "seconds", (left, right), NUMBER, at)
        if left.type in times:
            step = self.required(right, NUMBER)
            if op == "-":
                step = Operation("neg", (step,), NUMBER, right.position)
            return Operation("day+" if left.type == DATE else "second+", (left, step), left.type, at)
        return Operation(op, (self.required(left, NUMBER), self.required(right, NUMBER)), NUMBER, at)

    # -- functions ----------------------------------------------------------------------------------------

    def application(self, parsed: Application) -> Node:
        function = self.functions.get(parsed.name)
        if function is None:
            near = difflib.get_close_matches(parsed.name, self.functions, n=1)
            raise DesignError(
                UNKNOWN_FUNCTION, parsed.position, name=parsed.name, suggestion=_suggested(near)
            )
        for name in function.context:
            self.context(name)
        if function.check is not None:
            return function.check(self, parsed)
        parameters = self.matched(function, parsed)
        arguments = [
            self.argument(function, parameter, argument)
            for parameter, argument in zip(parameters, parsed.arguments, strict=False)
        ]
        arguments += [_left_out(parameter) for parameter in parameters[len(parsed.arguments) :]]
        of = function.result
        if of is None:
            of = self._result_of(arguments)
        return Call(function, tuple(arguments), of, parsed.position)

    def matched(self, function: Function, parsed: Application) -> list[Parameter]:
        """One parameter per argument, then those left out.  Raises arg_count."""
        parameters, count = list(function.parameters), len(parsed.arguments)
        least = sum(parameter.default is REQUIRED for parameter in parameters)
        if parameters and parameters[-1].repeated and count > len(parameters):
            parameters += [parameters[-1]] * (count - len(parameters))
        if not least <= count <= len(parameters):
            repeated = bool(parameters) and parameters[-1].repeated
            count_error(parsed, least, None if repeated else len(parameters))
        return parameters

    def argument(self, function: Function, parameter: Parameter, parsed: Parsed) -> Node:
        """An argument as its parameter wants it."""
        node = self.node(parsed)
        kind = parameter.kind
        if kind in ("column", "days", *GATHERED):
            return _gathered(node, kind)
        if not isinstance(node.type, Scalar | Link):
            mismatch(node, "column_outside_aggregate", expected="value")
        if kind == "record":
            return self._record(function, parameter, node)
        if kind == "any":
            return node
        if kind == "day":
            return self.day(node)
        if kind == "text" and isinstance(node.type, Link):
            return self.code(node)
        return self.required(node, _WANTED[kind])

    def _record(self, function: Function, parameter: Parameter, node: Node) -> Node:
        """A linked record, together with what the function reads on it."""
        form = node.type.form if isinstance(node.type, Link) else None
        if form is None and node.type == BLANK:
            return node
        if form is None or not isinstance(node, Field) or (parameter.form and form != parameter.form):
            mismatch(node, "wrong_type", expected=f"link to {parameter.form}" if parameter.form else "link")
        owner, path = node.ref
        for read in function.reads:
            self.also_read.add(Ref(owner, (*path, *read.split("."))))
        return Field(Ref(owner, (*path, "*")), node.type, node.position)

    def _result_of(self, arguments: list[Node]) -> Type:
        """The one scalar type of all arguments, out of columns or not (MAX, MEDIAN …)."""
        result: Type = BLANK
        for node in arguments:
            item = node.type.item if isinstance(node.type, ListOf) else node.type
            if BLANK in (item, result):
                result = item if result == BLANK else result
            elif item != result:
                mismatch(node, "branches_differ", expected=type_name(result), got=type_name(item))
        return result


def _suggested(near: list[str]) -> str:
    """ " (price?)" behind a name that there is not, in any language."""
    return f" ({near[0]}?)" if near else ""


def _read_as_time(node: Node, beside: Type) -> Node:
    """A constant text beside a date or datetime is the one that it spells in ISO form, if it does."""
    if not (isinstance(node, Constant) and isinstance(node.value, str) and beside in (DATE, DATETIME)):
        return node
    try:
        if len(node.value) == len("2026-11-24"):
            return Constant(date.fromisoformat(node.value), DATE, node.position)
        moment = datetime.fromisoformat(node.value)
    except ValueError:
        return node
    return node if moment.tzinfo is None else Constant(moment.astimezone(UTC), DATETIME, node.position)


def _constant(parsed: Literal) -> Constant:
    value = parsed.value
    if isinstance(value, bool):
        return Constant(value, BOOLEAN, parsed.position)
    return Constant(value, TEXT if isinstance(value, str) else NUMBER, parsed.position)


def _left_out(parameter: Parameter) -> Constant:
    value = parameter.default
    if value is None:
        listed = parameter.kind in ("column", "days", *GATHERED)
        return Constant(None, ListOf(BLANK) if listed else BLANK)
    assert value is not REQUIRED
    return Constant(value, BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER)


def _gathered(node: Node, kind: str) -> Node:
    """An argument of a function that takes columns."""
    of = node.type
    if isinstance(of, Table):
        mismatch(node, "table_without_column")
    listed = isinstance(of, ListOf)
    if kind in ("column", "days") and not listed and of != BLANK:
        mismatch(node, "column_wanted", expected="list")
    item = of.item if isinstance(of, ListOf) else of
    if kind == "numbers" and item not in (NUMBER, BLANK):
        mismatch(node, "wrong_type", expected="number")
    if kind == "ordered" and item not in (NUMBER, DATE, DATETIME, BLANK):
        mismatch(node, "no_order", expected="number")
    if kind == "days" and item not in (DATE, BLANK):
        mismatch(node, "wrong_type", expected="list of date")
    return node


def _single_type(of: Type) -> Single:
    assert isinstance(of, Scalar | Link)
    return of


def _may_link_same(a: Type, b: Type) -> bool:
    """Links to different forms never meet; an empty form name stands for any form."""
    forms = {of.form for of in (a, b) if isinstance(of, Link)}
    return len(forms - {""}) <= 1
