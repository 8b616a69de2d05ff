"""The one spreadsheet language: text → typed tree → Python on Decimal, or SQL."""

from anlan.kernel.formula.errors import FAILURES, DesignError, FormulaError, error_code
from anlan.kernel.formula.rewrite import Path, references, rename
from anlan.kernel.formula.tokens import normalise_name, quote_name

__all__ = [
    "FAILURES",
    "DesignError",
    "FormulaError",
    "Path",
    "error_code",
    "normalise_name",
    "quote_name",
    "references",
    "rename",
]
