"""What both back ends want to know of a node: may it be blank, may it be an error."""

from anlan.kernel.formula.tree import Call, Constant, Field, Node, Operation
from anlan.kernel.formula.types import DATE, DATETIME

_DAY_OPERATIONS = ("day+", "second+", "days", "seconds", "midnight", "local_date")


def may_be_blank(node: Node) -> bool:
    """Whether the node's own value may be blank."""
    if isinstance(node, Constant):
        return node.value is None or node.value == ""
    if isinstance(node, Field):
        return True
    if isinstance(node, Operation):
        return node.op in _DAY_OPERATIONS and any(may_be_blank(operand) for operand in node.operands)
    if node.function.blank:
        return True
    return any(may_be_blank(argument) for argument in day_arguments(node))


def may_fail(node: Node) -> bool:
    """Whether computing the node may meet an error value.  (Overflow beyond 100 digits is left out.)"""
    if isinstance(node, Constant | Field):
        return False
    if isinstance(node, Operation):
        if node.op in ("^", "day+", "second+"):
            return True
        if node.op == "/" and not (isinstance(node.operands[1], Constant) and node.operands[1].value):
            return True
        return any(may_fail(operand) for operand in node.operands)
    if node.function.name == "ISERROR":
        return False
    if node.function.name == "IFERROR":
        return may_fail(node.arguments[0]) and may_fail(node.arguments[1])
    return node.function.fails or any(may_fail(argument) for argument in node.arguments)


def day_arguments(call: Call) -> list[Node]:
    """The arguments that make a blank of the whole call when they are blank."""
    return [
        argument
        for parameter, argument in zip(call.function.parameters, call.arguments, strict=False)
        if parameter.kind in ("day", "moment") and argument.type in (DATE, DATETIME)
    ]
