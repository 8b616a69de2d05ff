"""The functions of the language: one table, a file per family."""

from anlan.kernel.formula.functions import aggregate, china, context, date, logic, math, text
from anlan.kernel.formula.functions.table import Function

BUILTINS: dict[str, Function] = {
    function.name: function
    for family in (math, aggregate, logic, text, date, china, context)
    for function in family.FUNCTIONS
}
