"""The one spreadsheet language: text → typed tree → Python on Decimal, or SQL."""

from anlan.kernel.formula.check import Formula, check
from anlan.kernel.formula.dependency import dependency_order
from anlan.kernel.formula.errors import FAILURES, DesignError, FormulaError, error_code
from anlan.kernel.formula.evaluate import evaluate
from anlan.kernel.formula.functions import BUILTINS
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.python import RUNTIME, namespace, python_function, python_source
from anlan.kernel.formula.rewrite import Path, references, rename
from anlan.kernel.formula.runtime import use_exact_decimals
from anlan.kernel.formula.sql import SqlNames, SqlTables, sql, sql_filter
from anlan.kernel.formula.tokens import normalise_name, quote_name
from anlan.kernel.formula.tree import Node, Operation
from anlan.kernel.formula.types import (
    BLANK,
    BOOLEAN,
    CONTEXT,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    DictScope,
    Link,
    ListOf,
    Ref,
    Scalar,
    Scope,
    Symbol,
    Table,
    Type,
)

__all__ = [
    "BLANK",
    "BOOLEAN",
    "BUILTINS",
    "CONTEXT",
    "DATE",
    "DATETIME",
    "FAILURES",
    "NUMBER",
    "RUNTIME",
    "TEXT",
    "DesignError",
    "DictScope",
    "Formula",
    "FormulaError",
    "Function",
    "Link",
    "ListOf",
    "Node",
    "Operation",
    "Path",
    "Ref",
    "Scalar",
    "Scope",
    "SqlNames",
    "SqlTables",
    "Symbol",
    "Table",
    "Type",
    "check",
    "dependency_order",
    "error_code",
    "evaluate",
    "namespace",
    "normalise_name",
    "python_function",
    "python_source",
    "quote_name",
    "references",
    "rename",
    "sql",
    "sql_filter",
    "use_exact_decimals",
]
