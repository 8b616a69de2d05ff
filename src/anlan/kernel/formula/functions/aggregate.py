"""Many values to one: over columns of sub-tables, scalars, or both together."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from anlan.kernel.formula.errors import DIV0, NUM, TYPE_MISMATCH, DesignError, FormulaError
from anlan.kernel.formula.faults import mismatch
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.runtime import ONE, ZERO, Number, bounded, divide, text_of
from anlan.kernel.formula.tree import Call, Field, Node
from anlan.kernel.formula.types import BLANK, DATE, NUMBER, TEXT, ListOf

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.sql import SqlWriter

Numbers = Iterable[Number | None]


def total(values: Numbers) -> Number:
    return sum(filter(None, values), ZERO)


def average(values: Numbers) -> Decimal:
    given = [value for value in values if value is not None]
    if not given:
        raise FormulaError(DIV0)
    return divide(sum(given, ZERO), Decimal(len(given)))


def least(values: Iterable[Any]) -> Any:
    return min((value for value in values if value is not None), default=None)


def greatest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def count_filled(values: Iterable[object]) -> Decimal:
    return Decimal(sum(value is not None and value != "" for value in values))


def median(values: Numbers) -> Number:
    given = sorted(value for value in values if value is not None)
    if not given:
        raise FormulaError(NUM)
    middle = len(given) // 2
    return given[middle] if len(given) % 2 else divide(given[middle - 1] + given[middle], Decimal(2))


def _nth(values: Iterable[Any], rank: Number, *, falling: bool) -> Any:
    given = sorted((value for value in values if value is not None), reverse=falling)
    place = int(rank)
    if not 1 <= place <= len(given):
        raise FormulaError(NUM)
    return given[place - 1]


def large(values: Iterable[Any], rank: Number) -> Any:
    return _nth(values, rank, falling=True)


def small(values: Iterable[Any], rank: Number) -> Any:
    return _nth(values, rank, falling=False)


def sum_product(*columns: Sequence[Number | None]) -> Number:
    """The sum over the rows of the product of their cells; a blank cell makes its row 0."""
    result = ZERO
    for row in zip(*columns, strict=True):
        product = ONE
        for cell in row:
            product = product * (cell or ZERO)
        result = result + product
    return result


def join_texts(separator: str, skip_blank: bool, values: Iterable[object], zone: str) -> str:
    texts = (text_of(value, zone) for value in values)
    return bounded(separator.join(text for text in texts if text or not skip_blank))


def counted(checker: "Checker", parsed: "Application") -> Function:
    function = checker.functions[parsed.name]
    checker.matched(function, parsed)
    return function


def column_of(checker: "Checker", parsed: Any) -> Field:
    node = checker.node(parsed)
    if not isinstance(node, Field) or not isinstance(node.type, ListOf):
        mismatch(node, "column_wanted", expected="list")
    return node


def item_of(column: Field) -> object:
    return column.type.item if isinstance(column.type, ListOf) else column.type


def of_one_table(columns: list[Field]) -> None:
    columns = sorted(columns, key=lambda column: column.position)
    for column in columns[1:]:
        if column.ref.owner != columns[0].ref.owner or column.ref.path[0] != columns[0].ref.path[0]:
            raise DesignError(
                TYPE_MISMATCH, column.position, reason="columns_of_two_tables", expected="list", got="list"
            )


def _check_sumproduct(checker: "Checker", parsed: "Application") -> Node:
    function = counted(checker, parsed)
    columns = [column_of(checker, argument) for argument in parsed.arguments]
    for column in columns:
        if item_of(column) not in (NUMBER, BLANK):
            mismatch(column, "wrong_type", expected="number")
    of_one_table(columns)
    return Call(function, tuple(columns), NUMBER, parsed.position)


def _check_nth(checker: "Checker", parsed: "Application") -> Node:
    function = counted(checker, parsed)
    column = column_of(checker, parsed.arguments[0])
    rank = checker.required(checker.single(parsed.arguments[1]), NUMBER)
    item = column.type.item if isinstance(column.type, ListOf) else BLANK
    if item not in (NUMBER, DATE, BLANK):
        mismatch(column, "wrong_type", expected="number")
    return Call(function, (column, rank), item, parsed.position)


# -- SQL -----------------------------------------------------------------------------------------------------


def _sql_aggregate(aggregate: str, empty: str = "NULL") -> "Callable[[SqlWriter, Call], str]":
    """An aggregate over all arguments gathered; {value} stands for the cell."""

    def write(writer: "SqlWriter", call: Call) -> str:
        value, source = writer.gathered(call.arguments)
        written = f"(SELECT {aggregate.format(value=value)} FROM {source})"
        if empty != "NULL":
            written = f"COALESCE({written}, {empty})"
        return writer.unless_error(written, call.arguments)

    return write


def _sql_count(writer: "SqlWriter", call: Call) -> str:
    counts = []
    for node in call.arguments:
        column = isinstance(node.type, ListOf)
        value, source = writer.column(node) if column else (writer.raw(node), "")
        item = node.type.item if isinstance(node.type, ListOf) else node.type
        cell = f"NULLIF({value}, '')" if item == TEXT else value
        counts.append(f"(SELECT count({cell}) FROM {source})" if column else f"({cell} IS NOT NULL)::int")
    return writer.unless_error(f"({' + '.join(counts)})::numeric", call.arguments)


def _sql_nth(order: str) -> "Callable[[SqlWriter, Call], str]":
    def write(writer: "SqlWriter", call: Call) -> str:
        value, source = writer.column(call.arguments[0])
        rank = writer.whole(call.arguments[1], 0, 10**6)
        return (
            f"(SELECT v_ FROM (SELECT {value} AS v_, row_number() OVER (ORDER BY {value} {order} NULLS LAST)"
            f" AS n_ FROM {source}) t_ WHERE n_ = {rank})"
        )

    return write


_MEDIAN = (
    "(SELECT round(avg(v_), 16) FROM"
    " (SELECT v_, row_number() OVER (ORDER BY v_) AS n_, count(*) OVER () AS c_ FROM"
    " (SELECT {value} AS v_ FROM {source}) t_ WHERE v_ IS NOT NULL) u_"
    " WHERE n_ IN ((c_ + 1) / 2, (c_ + 2) / 2))"
)


def _sql_median(writer: "SqlWriter", call: Call) -> str:
    value, source = writer.gathered(call.arguments)
    return writer.unless_error(_MEDIAN.format(value=value, source=source), call.arguments)


def _sql_sumproduct(writer: "SqlWriter", call: Call) -> str:
    cells, source = writer.columns(call.arguments, call)
    return f"COALESCE((SELECT sum({' * '.join(cells)}) FROM {source}), 0)"


def _sql_textjoin(writer: "SqlWriter", call: Call) -> str:
    separator, skip, *nodes = call.arguments
    if len(nodes) != 1 or not isinstance(nodes[0].type, ListOf) or nodes[0].type.item != TEXT:
        raise writer.not_in_sql(call)
    value, source = writer.column(nodes[0])
    kept = f"CASE WHEN {writer.value(skip)} THEN NULLIF({value}, '') ELSE COALESCE({value}, '') END"
    written = f"COALESCE((SELECT string_agg({kept}, {writer.value(separator)}) FROM {source}), '')"
    return writer.unless_error(written, [separator, skip])


FUNCTIONS = (
    Function(
        "SUM",
        "*values: numbers",
        NUMBER,
        "求和, 空值跳过",
        "Sum; blanks are skipped",
        total,
        _sql_aggregate("sum({value})", "0"),
    ),
    Function(
        "AVERAGE",
        "*values: numbers",
        NUMBER,
        "平均值, 空值跳过",
        "Mean; blanks are skipped",
        average,
        _sql_aggregate("round((sum({value}) + 0." + "0" * 40 + ") / NULLIF(count({value}), 0), 16)"),
        fails=True,
    ),
    Function(
        "MIN",
        "*values: ordered",
        None,
        "最小值, 没有值时为空",
        "Least value; blank when there is none",
        least,
        _sql_aggregate("min({value})"),
        blank=True,
    ),
    Function(
        "MAX",
        "*values: ordered",
        None,
        "最大值, 没有值时为空",
        "Greatest value; blank when there is none",
        greatest,
        _sql_aggregate("max({value})"),
        blank=True,
    ),
    Function(
        "COUNT", "*values: values", NUMBER, "不为空的个数", "How many are not blank", count_filled, _sql_count
    ),
    Function(
        "COUNTA",
        "*values: values",
        NUMBER,
        "不为空的个数",
        "How many are not blank",
        count_filled,
        _sql_count,
    ),
    Function("MEDIAN", "*values: numbers", NUMBER, "中位数", "Middle value", median, _sql_median, fails=True),
    Function(
        "LARGE",
        "column: column, rank: number",
        None,
        "第 n 大的值",
        "The nth greatest value",
        large,
        _sql_nth("DESC"),
        fails=True,
        check=_check_nth,
    ),
    Function(
        "SMALL",
        "column: column, rank: number",
        None,
        "第 n 小的值",
        "The nth least value",
        small,
        _sql_nth("ASC"),
        fails=True,
        check=_check_nth,
    ),
    Function(
        "SUMPRODUCT",
        "column: column, *more: column = blank",
        NUMBER,
        "各行乘积之和",
        "Sum over the rows of the product of their cells",
        sum_product,
        _sql_sumproduct,
        check=_check_sumproduct,
    ),
    Function(
        "TEXTJOIN",
        "separator: text, skip_blank: boolean, *values: values",
        TEXT,
        "用分隔符连接文字",
        "Joins texts with a separator",
        join_texts,
        _sql_textjoin,
        context=("zone",),
        fails=True,
    ),
)
