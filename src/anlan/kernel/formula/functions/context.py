"""What is not in any record: the day, the instant, who asks."""

from typing import TYPE_CHECKING

from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.tree import Call
from anlan.kernel.formula.types import CONTEXT, DATE, DATETIME, Link, Ref, Type

if TYPE_CHECKING:
    from anlan.kernel.formula.python import PythonWriter
    from anlan.kernel.formula.sql import SqlWriter


def _context(name: str, result: Type, zh: str, en: str) -> Function:
    def write_python(writer: "PythonWriter", _call: Call) -> str:
        return writer.context(name)

    def write_sql(writer: "SqlWriter", _call: Call) -> str:
        return writer.names.scalar(Ref(CONTEXT, (name,)))

    return Function(
        name.upper(),
        "",
        result,
        zh,
        en,
        sql=write_sql,
        write_python=write_python,
        context=(name,),
    )


FUNCTIONS = (
    _context("today", DATE, "今天的日期", "Today's date"),
    _context("now", DATETIME, "现在的时刻", "The present instant"),
    _context("user", Link("system.user"), "当前用户", "The user who asks"),
    _context("dept", Link("system.department"), "当前用户的部门", "The department of the user who asks"),
)
