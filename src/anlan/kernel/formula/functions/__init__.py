"""The functions of the language: one table, a file per family."""

from anlan.kernel.formula.functions import aggregate, china, conditional, context, date, logic, math, text
from anlan.kernel.formula.functions.table import Function

FAMILIES: tuple[tuple[str, str, tuple[Function, ...]], ...] = (
    ("数学", "Numbers", math.FUNCTIONS),
    ("汇总", "Aggregates", aggregate.FUNCTIONS + conditional.FUNCTIONS),
    ("逻辑", "Logic", logic.FUNCTIONS),
    ("文字", "Text", text.FUNCTIONS),
    ("日期", "Dates", date.FUNCTIONS),
    ("中国业务", "China", china.FUNCTIONS),
    ("环境", "Context", context.FUNCTIONS),
)

BUILTINS: dict[str, Function] = {
    function.name: function for _, _, functions in FAMILIES for function in functions
}
