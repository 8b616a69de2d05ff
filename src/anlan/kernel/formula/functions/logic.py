"""Choices: which of several values holds.  IF, IFS, SWITCH and IFERROR compute only what they need."""

from typing import TYPE_CHECKING

from anlan.kernel.formula.errors import NA
from anlan.kernel.formula.faults import count_error, is_empty_text, mismatch
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.tree import Call, Constant, Field, Node, Operation
from anlan.kernel.formula.types import BLANK, BOOLEAN, TEXT, Link, ListOf, Scalar, type_name

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.python import PythonWriter
    from anlan.kernel.formula.sql import SqlWriter


def xor(*values: bool) -> bool:
    return sum(values) % 2 == 1


def coalesce(*values: object) -> object:
    return next((value for value in values if value is not None and value != ""), None)


# -- typing ---------------------------------------------------------------------------------------------


def _counted(checker: "Checker", parsed: "Application") -> Function:
    function = checker.functions[parsed.name]
    checker.matched(function, parsed)
    return function


def _check_if(checker: "Checker", parsed: "Application") -> Node:
    function = _counted(checker, parsed)
    condition = checker.required(checker.single(parsed.arguments[0]), BOOLEAN)
    branches = [checker.single(argument) for argument in parsed.arguments[1:]]
    if len(branches) == 1:
        branches.append(Constant(None, BLANK, parsed.position))
    same, result = checker.unified(branches)
    return Call(function, (condition, *same), result, parsed.position)


def _check_ifs(checker: "Checker", parsed: "Application") -> Node:
    function, arguments = _counted(checker, parsed), parsed.arguments
    if len(arguments) % 2:
        count_error(parsed, len(arguments) + 1, None)
    conditions = [checker.required(checker.single(argument), BOOLEAN) for argument in arguments[::2]]
    same, result = checker.unified(checker.single(argument) for argument in arguments[1::2])
    pairs = [node for pair in zip(conditions, same, strict=True) for node in pair]
    return Call(function, tuple(pairs), result, parsed.position)


def _check_switch(checker: "Checker", parsed: "Application") -> Node:
    """Becomes the subject, then keys and results in turn, then the default if there is one."""
    function, arguments = _counted(checker, parsed), parsed.arguments
    subject = checker.single(arguments[0])
    keys = [checker.single(argument) for argument in arguments[1 : len(arguments) - 1 : 2]]
    if isinstance(subject.type, Link) and any(key.type == TEXT and not is_empty_text(key) for key in keys):
        subject = checker.code(subject)
    keys = [checker.alike(subject, key)[1] for key in keys]
    results = [checker.single(argument) for argument in arguments[2::2]]
    if len(arguments) % 2 == 0:
        results.append(checker.single(arguments[-1]))
    same, result = checker.unified(results)
    pairs = [node for pair in zip(keys, same, strict=False) for node in pair]
    return Call(function, (subject, *pairs, *same[len(keys) :]), result, parsed.position)


def _check_logic(checker: "Checker", parsed: "Application") -> Node:
    _counted(checker, parsed)
    operands = tuple(checker.required(checker.single(argument), BOOLEAN) for argument in parsed.arguments)
    return Operation(parsed.name.lower(), operands, BOOLEAN, parsed.position)


def _check_same(checker: "Checker", parsed: "Application") -> Node:
    """IFERROR and COALESCE: all arguments and the result have one type."""
    function = _counted(checker, parsed)
    same, result = checker.unified(checker.single(argument) for argument in parsed.arguments)
    return Call(function, same, result, parsed.position)


def _check_isblank(checker: "Checker", parsed: "Application") -> Node:
    _counted(checker, parsed)
    return Operation("blank", (checker.single(parsed.arguments[0]),), BOOLEAN, parsed.position)


def _check_in(checker: "Checker", parsed: "Application") -> Node:
    function = _counted(checker, parsed)
    subject = checker.single(parsed.arguments[0])
    choices = [checker.node(argument) for argument in parsed.arguments[1:]]
    if isinstance(subject.type, Link) and any(
        _item(node) == TEXT and not is_empty_text(node) for node in choices
    ):
        subject = checker.code(subject)
    return Call(
        function,
        (subject, *(_choice(checker, subject, node) for node in choices)),
        BOOLEAN,
        parsed.position,
    )


def _item(node: Node) -> object:
    return node.type.item if isinstance(node.type, ListOf) else node.type


def _choice(checker: "Checker", subject: Node, node: Node) -> Node:
    if not isinstance(node.type, ListOf):
        if not isinstance(node.type, Scalar | Link):
            mismatch(node, "table_without_column")
        return checker.alike(subject, node)[1]
    if subject.type == TEXT and isinstance(node.type.item, Link) and isinstance(node, Field):
        return Field(checker.code_of(node), ListOf(TEXT), node.position)
    if BLANK not in (node.type.item, subject.type) and node.type.item != subject.type:
        mismatch(node, "not_comparable", expected=type_name(subject.type), got=type_name(node.type))
    return node


# -- Python -----------------------------------------------------------------------------------------------


def _python_if(writer: "PythonWriter", call: Call) -> str:
    condition, then, otherwise = call.arguments
    return f"({writer.raw(then)} if {writer.value(condition)} else {writer.raw(otherwise)})"


def _python_ifs(writer: "PythonWriter", call: Call) -> str:
    written = f"fail({NA!r})"
    parts = []
    for condition, then in zip(call.arguments[::2], call.arguments[1::2], strict=True):
        parts.append(f"{writer.raw(then)} if {writer.value(condition)} else ")
    return "(" + "".join(parts) + written + ")"


def _python_switch(writer: "PythonWriter", call: Call) -> str:
    """The subject is computed once, as the argument of a function of one expression."""
    subject, *rest = call.arguments
    parts = [
        f"{writer.raw(then)} if t_ == {writer.value(key)} else "
        for key, then in zip(rest[::2], rest[1::2], strict=False)
    ]
    default = writer.raw(rest[-1]) if len(rest) % 2 else f"fail({NA!r})"
    return f"(lambda t_: {''.join(parts)}{default})({writer.value(subject)})"


def _python_iferror(writer: "PythonWriter", call: Call) -> str:
    attempt, instead = (writer.raw(argument) for argument in call.arguments)
    return f"if_error(lambda: {attempt}, lambda: {instead})"


def _python_iserror(writer: "PythonWriter", call: Call) -> str:
    return f"is_error(lambda: {writer.raw(call.arguments[0])})"


def _python_in(writer: "PythonWriter", call: Call) -> str:
    subject, *choices = call.arguments
    parts = [
        f"*filled({writer.raw(node)})" if isinstance(node.type, ListOf) else writer.value(node)
        for node in choices
    ]
    return f"({writer.value(subject)} in ({', '.join(parts)},))"


# -- SQL --------------------------------------------------------------------------------------------------


def _sql_if(writer: "SqlWriter", call: Call) -> str:
    condition, then, otherwise = call.arguments
    return writer.choice(condition, writer.raw(then), writer.raw(otherwise))


def _error_if(writer: "SqlWriter", call: Call) -> str:
    condition, *branches = call.arguments
    then, otherwise = (writer.error(branch) or "FALSE" for branch in branches)
    return f"COALESCE({writer.choice(condition, then, otherwise)}, TRUE)"


def _pairs(call: Call) -> tuple[list[tuple[Node, Node]], Node | None]:
    """Conditions with results, from last to first, and the default of IFS and SWITCH."""
    if call.function.name == "IFS":
        pairs = list(zip(call.arguments[::2], call.arguments[1::2], strict=True))
        return pairs[::-1], None
    subject, *rest = call.arguments
    pairs = [
        (Operation("=", (subject, key), BOOLEAN, call.position), then)
        for key, then in zip(rest[::2], rest[1::2], strict=False)
    ]
    return pairs[::-1], rest[-1] if len(rest) % 2 else None


def _sql_first(writer: "SqlWriter", call: Call) -> str:
    pairs, default = _pairs(call)
    written = writer.raw(default) if default is not None else writer.literal(None, call.type)
    for condition, then in pairs:
        written = writer.choice(condition, writer.raw(then), written)
    return written


def _error_first(writer: "SqlWriter", call: Call) -> str:
    pairs, default = _pairs(call)
    written = "TRUE" if default is None else writer.error(default) or "FALSE"
    for condition, then in pairs:
        written = writer.choice(condition, writer.error(then) or "FALSE", written)
    return f"COALESCE({written}, TRUE)"


def _sql_iferror(writer: "SqlWriter", call: Call) -> str:
    attempt, instead = call.arguments
    error = writer.error(attempt)
    if error is None:
        return writer.raw(attempt)
    return f"(CASE WHEN {error} THEN {writer.raw(instead)} ELSE {writer.raw(attempt)} END)"


def _error_iferror(writer: "SqlWriter", call: Call) -> str | None:
    attempt, instead = (writer.error(argument) for argument in call.arguments)
    return f"({attempt} AND {instead})" if attempt and instead else None


def _sql_iserror(writer: "SqlWriter", call: Call) -> str:
    return writer.error(call.arguments[0]) or "FALSE"


def _sql_xor(writer: "SqlWriter", call: Call) -> str:
    odd = " + ".join(f"({writer.value(argument)})::int" for argument in call.arguments)
    return f"(({odd}) % 2 = 1)"


def _sql_coalesce(writer: "SqlWriter", call: Call) -> str:
    values = [writer.raw(argument) for argument in call.arguments]
    if call.type == TEXT:
        values = [f"NULLIF({value}, '')" for value in values]
    return writer.unless_error(f"COALESCE({', '.join(values)})", call.arguments)


def _sql_in(writer: "SqlWriter", call: Call) -> str:
    subject, *choices = call.arguments
    tests = []
    for node in choices:
        if isinstance(node, Field) and isinstance(node.type, ListOf):
            value, source = writer.names.column(node.ref)
            tests.append(
                f"COALESCE((SELECT bool_or({value} = {writer.value(subject)}) FROM {source}), FALSE)"
            )
        else:
            tests.append(writer.value(Operation("=", (subject, node), BOOLEAN, call.position)))
    return writer.unless_error(f"({' OR '.join(tests)})", call.arguments)


FUNCTIONS = (
    Function(
        "IF",
        "condition: boolean, then: any, otherwise: any = blank",
        None,
        "条件成立取前者, 否则取后者",
        "One of two values, by a condition",
        sql=_sql_if,
        sql_error=_error_if,
        check=_check_if,
        write_python=_python_if,
        blank=True,
    ),
    Function(
        "IFS",
        "condition: boolean, then: any, *more: any = blank",
        None,
        "取第一个成立的条件后面的值",
        "The value behind the first condition that holds",
        sql=_sql_first,
        sql_error=_error_first,
        check=_check_ifs,
        write_python=_python_ifs,
        blank=True,
        fails=True,
    ),
    Function(
        "SWITCH",
        "value: any, match: any, then: any, *more: any = blank",
        None,
        "取与值相等的那一项后面的结果, 最后一个是默认值",
        "The result behind the match that is equal; a last one is the default",
        sql=_sql_first,
        sql_error=_error_first,
        check=_check_switch,
        write_python=_python_switch,
        blank=True,
        fails=True,
    ),
    Function(
        "AND",
        "condition: boolean, *more: boolean = TRUE",
        BOOLEAN,
        "全部成立",
        "Whether all hold",
        check=_check_logic,
    ),
    Function(
        "OR",
        "condition: boolean, *more: boolean = FALSE",
        BOOLEAN,
        "任一成立",
        "Whether one holds",
        check=_check_logic,
    ),
    Function("NOT", "condition: boolean", BOOLEAN, "取反", "Whether it does not hold", check=_check_logic),
    Function(
        "XOR",
        "condition: boolean, *more: boolean = FALSE",
        BOOLEAN,
        "成立的个数是奇数",
        "Whether an odd number of them hold",
        xor,
        _sql_xor,
    ),
    Function(
        "IFERROR",
        "value: any, instead: any",
        None,
        "出错时用另一个值",
        "Another value in place of an error",
        sql=_sql_iferror,
        sql_error=_error_iferror,
        check=_check_same,
        write_python=_python_iferror,
        blank=True,
    ),
    Function(
        "ISERROR",
        "value: any",
        BOOLEAN,
        "是否出错",
        "Whether it is an error",
        sql=_sql_iserror,
        write_python=_python_iserror,
    ),
    Function(
        "ISBLANK",
        "value: any",
        BOOLEAN,
        "是否为空 (0 不算空)",
        "Whether it is blank (0 is not)",
        check=_check_isblank,
    ),
    Function(
        "COALESCE",
        "value: any, *more: any = blank",
        None,
        "第一个不为空的值",
        "The first value that is not blank",
        coalesce,
        _sql_coalesce,
        check=_check_same,
        blank=True,
    ),
    Function(
        "IN",
        "value: any, choice: any, *more: any = blank",
        BOOLEAN,
        "是否等于其中之一; 也可给出明细的一列",
        "Whether it equals one of the choices, which may be a column",
        sql=_sql_in,
        check=_check_in,
        write_python=_python_in,
    ),
)
