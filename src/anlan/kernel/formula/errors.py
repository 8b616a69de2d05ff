"""The two ways in which a formula can be wrong.

A design error is the author's: found when the formula is written, shown under the token at `position`.
An error value is the data's: `#DIV/0!` and its kin, met while a correct formula is computed.
"""

from decimal import DecimalException

SYNTAX = "syntax"
UNKNOWN_FIELD = "unknown_field"
UNKNOWN_FUNCTION = "unknown_function"
ARG_COUNT = "arg_count"
TYPE_MISMATCH = "type_mismatch"
CYCLE = "cycle"
NOT_IN_SQL = "not_in_sql"

DESIGN_CODES = (SYNTAX, UNKNOWN_FIELD, UNKNOWN_FUNCTION, ARG_COUNT, TYPE_MISMATCH, CYCLE, NOT_IN_SQL)

DIV0 = "#DIV/0!"
VALUE = "#VALUE!"
NUM = "#NUM!"
NA = "#N/A"
REF = "#REF!"


class DesignError(Exception):
    """The formula cannot be accepted as it is written.

    code: one of DESIGN_CODES. position: offset in characters of the token at fault, from 0.
    params: values for the message of that code (`reason` tells its kind, in a stable word).
    """

    def __init__(self, code: str, position: int = 0, **params: object) -> None:
        super().__init__(code, position, params)
        self.code = code
        self.position = position
        self.params = params

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} at {self.position}" + (f" ({told})" if told else "")


class FormulaError(Exception):
    """An error value (`#DIV/0!` …) on its way up; IFERROR and ISERROR catch it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


FAILURES = (FormulaError, DecimalException)
"""What computing a checked formula may raise; `error_code` names the error value of each."""


def error_code(failure: BaseException) -> str:
    """The error value that a caught failure stands for; arithmetic beyond all bounds is #NUM!."""
    return failure.code if isinstance(failure, FormulaError) else NUM
