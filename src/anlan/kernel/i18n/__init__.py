"""What a user reads, in the language he reads it: sentences by code, and figures and days written his way."""

from anlan.kernel.i18n.formats import (
    format_amount,
    format_date,
    format_datetime,
    format_number,
    format_percent,
)
from anlan.kernel.i18n.languages import LANGUAGES, language_of, negotiate
from anlan.kernel.i18n.messages import BadMessages, Messages, Missing

__all__ = [
    "LANGUAGES",
    "BadMessages",
    "Messages",
    "Missing",
    "format_amount",
    "format_date",
    "format_datetime",
    "format_number",
    "format_percent",
    "language_of",
    "negotiate",
]
