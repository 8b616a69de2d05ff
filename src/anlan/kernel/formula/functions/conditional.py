"""Sums and counts of the rows that meet criteria: SUMIF and its kin.

In the typed tree all of them have one shape: the values, then columns and their criteria in turn.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from anlan.kernel.formula.errors import NOT_IN_SQL, DesignError
from anlan.kernel.formula.faults import count_error, mismatch
from anlan.kernel.formula.functions.aggregate import average, column_of, counted, item_of, of_one_table, total
from anlan.kernel.formula.functions.criteria import parse_criterion, test_of
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.runtime import Number
from anlan.kernel.formula.tree import Call, Constant, Field, Node
from anlan.kernel.formula.types import BLANK, NUMBER, TEXT, Link, ListOf, type_name

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.python import PythonWriter
    from anlan.kernel.formula.sql import SqlWriter


def _chosen(values: Sequence[Any], criteria: Sequence[Any]) -> list[Any]:
    """The cells of `values` in the rows that meet all of `criteria`: column, criterion, kind in turn."""
    tests = [
        (column, test_of(criterion, kind))
        for column, criterion, kind in zip(criteria[::3], criteria[1::3], criteria[2::3], strict=True)
    ]
    return [value for row, value in enumerate(values) if all(test(column[row]) for column, test in tests)]


def sum_if(values: Sequence[Number | None], *criteria: Any) -> Number:
    return total(_chosen(values, criteria))


def average_if(values: Sequence[Number | None], *criteria: Any) -> Decimal:
    return average(_chosen(values, criteria))


def count_if(values: Sequence[object], *criteria: Any) -> Decimal:
    return Decimal(len(_chosen(values, criteria)))


def _check_if(checker: "Checker", parsed: "Application") -> Node:
    """COUNTIF(column, criterion), SUMIF(column, criterion, values = column), AVERAGEIF alike."""
    function, arguments = counted(checker, parsed), parsed.arguments
    column = column_of(checker, arguments[0])
    criterion = checker.single(arguments[1])
    values = column_of(checker, arguments[2]) if len(arguments) > 2 else column
    return _conditional(checker, function, parsed, values, [(column, criterion)])


def _check_ifs(checker: "Checker", parsed: "Application") -> Node:
    """COUNTIFS(column, criterion, …), SUMIFS(values, column, criterion, …)."""
    function, arguments = counted(checker, parsed), parsed.arguments
    with_values = parsed.name != "COUNTIFS"
    if len(arguments) % 2 != with_values:
        count_error(parsed, len(arguments) + 1, None)
    rest = arguments[with_values:]
    pairs = [
        (column_of(checker, column), checker.single(criterion))
        for column, criterion in zip(rest[::2], rest[1::2], strict=True)
    ]
    values = column_of(checker, arguments[0]) if with_values else pairs[0][0]
    return _conditional(checker, function, parsed, values, pairs)


def _conditional(
    checker: "Checker",
    function: Function,
    parsed: "Application",
    values: Field,
    pairs: list[tuple[Field, Node]],
) -> Node:
    if "COUNT" not in function.name and item_of(values) not in (NUMBER, BLANK):
        mismatch(values, "wrong_type", expected="number")
    arguments: list[Node] = [values]
    for column, criterion in pairs:
        cells = column
        if isinstance(item_of(column), Link) and criterion.type == TEXT:
            cells = Field(checker.code_of(column), ListOf(TEXT), column.position)
        elif criterion.type not in (TEXT, BLANK, item_of(column)) and item_of(column) != BLANK:
            mismatch(
                criterion, "not_comparable", expected=type_name(column.type), got=type_name(criterion.type)
            )
        arguments += [cells, criterion]
    of_one_table([node for node in arguments if isinstance(node, Field) and isinstance(node.type, ListOf)])
    return Call(function, tuple(arguments), NUMBER, parsed.position)


def _python_conditional(writer: "PythonWriter", call: Call) -> str:
    values, *rest = call.arguments
    parts = [writer.raw(values)]
    for column, criterion in zip(rest[::2], rest[1::2], strict=True):
        kind = type_name(column.type.item) if isinstance(column.type, ListOf) else "text"
        parts += [writer.raw(column), writer.raw(criterion), repr(kind)]
    return f"{call.function.helper}({', '.join(parts)})"


def _sql_conditional(aggregate: str) -> "Callable[[SqlWriter, Call], str]":
    def write(writer: "SqlWriter", call: Call) -> str:
        values, *rest = call.arguments
        columns, criteria = rest[::2], rest[1::2]
        (value, *cells), source = writer.columns([values, *columns], call)
        tests = [
            _sql_test(writer, column, cell, criterion)
            for column, cell, criterion in zip(columns, cells, criteria, strict=True)
        ]
        written = f"(SELECT {aggregate.format(value=value, tests=' AND '.join(tests))} FROM {source})"
        return writer.unless_error(written, criteria)

    return write


def _sql_test(writer: "SqlWriter", column: Node, cell: str, criterion: Node) -> str:
    kind = type_name(column.type.item) if isinstance(column.type, ListOf) else "text"
    blank = f"COALESCE({cell}, '') = ''" if kind == "text" else f"{cell} IS NULL"
    if not isinstance(criterion, Constant):
        if criterion.type == TEXT:
            raise DesignError(NOT_IN_SQL, criterion.position, name="criterion")
        return f"COALESCE({cell} = {writer.value(criterion)}, FALSE)"
    op, operand, never = parse_criterion(criterion.value, kind)
    if operand is None and not never:
        return f"({blank})" if op == "=" else f"NOT ({blank})"
    if never:
        return "TRUE" if op == "<>" else "FALSE"
    order = ' COLLATE "C"' if kind == "text" and op not in ("=", "<>") else ""
    test = f"{cell} {op} {writer.literal(operand)}{order}"
    return f"({blank} OR {test})" if op == "<>" else f"(NOT ({blank}) AND {test})"


FUNCTIONS = (
    Function(
        "SUMIF",
        "column: column, criterion: any, values: column = blank",
        NUMBER,
        '按一个条件求和, 如 SUMIF(明细.类别,"A",明细.金额)',
        "Sum of the rows that meet a criterion",
        sum_if,
        _sql_conditional("COALESCE(sum({value}) FILTER (WHERE {tests}), 0)"),
        check=_check_if,
        write_python=_python_conditional,
    ),
    Function(
        "SUMIFS",
        "values: column, column: column, criterion: any, *more: any = blank",
        NUMBER,
        "按多个条件求和",
        "Sum of the rows that meet all criteria",
        sum_if,
        _sql_conditional("COALESCE(sum({value}) FILTER (WHERE {tests}), 0)"),
        check=_check_ifs,
        write_python=_python_conditional,
    ),
    Function(
        "COUNTIF",
        "column: column, criterion: any",
        NUMBER,
        '按一个条件计数, 如 COUNTIF(明细.金额,">=5")',
        "How many rows meet a criterion",
        count_if,
        _sql_conditional("(count(*) FILTER (WHERE {tests}))::numeric"),
        check=_check_if,
        write_python=_python_conditional,
    ),
    Function(
        "COUNTIFS",
        "column: column, criterion: any, *more: any = blank",
        NUMBER,
        "按多个条件计数",
        "How many rows meet all criteria",
        count_if,
        _sql_conditional("(count(*) FILTER (WHERE {tests}))::numeric"),
        check=_check_ifs,
        write_python=_python_conditional,
    ),
    Function(
        "AVERAGEIF",
        "column: column, criterion: any, values: column = blank",
        NUMBER,
        "按一个条件求平均",
        "Mean of the rows that meet a criterion",
        average_if,
        _sql_conditional(
            "round((sum({value}) FILTER (WHERE {tests}) + 0."
            + "0" * 40
            + ") / NULLIF(count({value}) FILTER (WHERE {tests}), 0), 16)"
        ),
        fails=True,
        check=_check_if,
        write_python=_python_conditional,
    ),
)
