"""The field types, one class each, and the table of them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import urlsplit

from anlan.kernel.definition.model import FieldDefinition
from anlan.kernel.fieldtype.base import FieldType, LinkValue, Unreadable

__all__ = ["FIELD_TYPES"]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _text(value: Any, limit: int, *, lines: bool) -> str | None:
    if not isinstance(value, str):
        raise Unreadable("wrong_type", wanted="text")
    text = unicodedata.normalize("NFC", value) if not value.isascii() else value
    if CONTROL.search(text):
        raise Unreadable("control_character")
    text = text.strip() if not lines else text.rstrip()
    if not lines and "\n" in text:
        text = " ".join(text.split())
    if len(text) > limit:
        raise Unreadable("too_long", limit=limit, length=len(text))
    return text or None


class Text(FieldType):
    key, sql = "text", "text"
    empty_text = True
    limit: ClassVar[int] = 200
    multiline: ClassVar[bool] = False

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        return _text(value, field.max_length or self.limit, lines=self.multiline)

    def fits(self, value: Any, field: FieldDefinition) -> Any:
        limit = field.max_length or self.limit
        if len(value) > limit:
            raise Unreadable("too_long", limit=limit, length=len(value))
        return value or None


class LongText(Text):
    key = "long_text"
    limit = 20_000
    multiline = True
    sortable = False


class Address(Text):
    key = "address"
    limit = 500


class Number(Text):
    """The record's own number, given by its `number:` pattern."""

    key = "number"


class _Checked(Text):
    """A text of a known shape."""

    shape: ClassVar[re.Pattern[str]]

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        text = super().parse(value, field)
        if text is not None and not self.shape.fullmatch(text):
            raise Unreadable(f"not_{self.key}", value=text)
        return text


class Phone(_Checked):
    key = "phone"
    shape = re.compile(r"\+?[0-9][0-9 ()/-]{3,30}(?:(?:转|ext\.?|x)\s?[0-9]{1,6})?")


class Email(_Checked):
    key = "email"
    shape = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")


class Barcode(_Checked):
    key = "barcode"
    shape = re.compile(r"[\x21-\x7e]{1,80}")


class URL(Text):
    key = "url"
    limit = 2_000

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        text = super().parse(value, field)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
        except ValueError:
            raise Unreadable("not_url", value=text) from None
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Unreadable("not_url", value=text)
        return text


class Integer(FieldType):
    key, sql, formula = "integer", "bigint", "number"
    numeric = True

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        number = as_decimal(value)
        if abs(number) >= 10**18:
            raise Unreadable("too_large", limit="9" * 18)
        if number != number.to_integral_value():
            raise Unreadable("not_whole", value=str(value))
        return self.fits(number, field)

    def fits(self, value: Any, field: FieldDefinition) -> Any:
        number = Decimal(value).quantize(Decimal(1), ROUND_HALF_UP) if abs(value) < 10**18 else None
        if number is None:
            raise Unreadable("too_large", limit="999,999,999,999,999,999")
        within(number, field)
        return number

    def dump(self, value: Any) -> Any:
        return int(value)

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "integer"}


class Duration(Integer):
    key = "duration"


def as_decimal(value: Any) -> Decimal:
    """A decimal from a JSON number or text, never through a float's binary digits."""
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, bool):
        raise Unreadable("wrong_type", wanted="number")
    elif isinstance(value, int):
        number = Decimal(value) if -(10**40) < value < 10**40 else Decimal("1E+40")
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, str):
        if len(value) > 60:
            raise Unreadable("wrong_type", wanted="number")
        try:
            number = Decimal(unicodedata.normalize("NFKC", value).strip().replace(",", ""))
        except InvalidOperation:
            raise Unreadable("wrong_type", wanted="number") from None
    else:
        raise Unreadable("wrong_type", wanted="number")
    if not number.is_finite():
        raise Unreadable("wrong_type", wanted="number")
    return number


def within(number: Decimal, field: FieldDefinition) -> None:
    """Refuse a number outside the field's bounds."""
    if field.minimum is not None and number < Decimal(str(field.minimum)):
        raise Unreadable("below_minimum", limit=str(field.minimum))
    if field.maximum is not None and number > Decimal(str(field.maximum)):
        raise Unreadable("above_maximum", limit=str(field.maximum))


class Exact(FieldType):
    """A decimal of fixed precision and scale: what does not fit is refused before SQL sees it."""

    key, sql, formula = "decimal", "numeric(24,10)", "number"
    numeric = True
    whole: ClassVar[int] = 14
    scale: ClassVar[int] = 10
    step: ClassVar[Decimal] = Decimal("1E-10")
    bound: ClassVar[Decimal] = Decimal(10) ** 14

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        number = as_decimal(value)
        if number.copy_abs() >= self.bound:  # abs() would overflow at 1e400
            raise Unreadable("too_large", limit="9" * self.whole)
        exponent = number.as_tuple().exponent
        scale = self.scale if field.digits is None else min(field.digits, self.scale)
        if isinstance(exponent, int) and -exponent > scale and number != round(number, scale):
            raise Unreadable("too_many_digits", digits=scale)
        within(number, field)
        return number

    def fits(self, value: Any, field: FieldDefinition) -> Any:
        if -self.bound < value < self.bound:
            scale = field.digits
            return value.quantize(self.step if scale is None else Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        raise Unreadable("too_large", limit="9" * self.whole)

    def dump(self, value: Any) -> Any:
        return plain(value)


def plain(value: Decimal) -> str:
    """A decimal as text with no exponent and no trailing zeros after the point."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Percent(Exact):
    key = "percent"


class Price(Exact):
    key = "price"


class Quantity(Exact):
    key, sql = "quantity", "numeric(24,8)"
    whole, scale = 16, 8
    step, bound = Decimal("1E-8"), Decimal(10) ** 16


class Money(Exact):
    key, sql = "money", "numeric(20,4)"
    whole, scale = 16, 4
    step, bound = Decimal("1E-4"), Decimal(10) ** 16


class Boolean(FieldType):
    key, sql, formula = "boolean", "boolean", "boolean"

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if isinstance(value, bool):
            return value
        raise Unreadable("wrong_type", wanted="boolean")

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "boolean"}


class Date(FieldType):
    key, sql, formula = "date", "date", "date"

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
            raise Unreadable("not_date", value=str(value)[:40])
        try:
            day = date.fromisoformat(value.strip())
        except ValueError:
            raise Unreadable("not_date", value=value) from None
        if not 1900 <= day.year <= 2200:
            raise Unreadable("date_out_of_range", value=value)
        return day

    def dump(self, value: Any) -> Any:
        return value.isoformat()

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class Instant(FieldType):
    key, sql, formula = "instant", "timestamptz", "datetime"

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if not isinstance(value, str) or len(value) > 40:
            raise Unreadable("not_instant", value=str(value)[:40])
        try:
            instant = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Unreadable("not_instant", value=value) from None
        if instant.tzinfo is None or not 1900 <= instant.year <= 2200:
            raise Unreadable("not_instant", value=value)
        return instant.astimezone(UTC)

    def dump(self, value: Any) -> Any:
        text: str = value.astimezone(UTC).isoformat()
        return text.replace("+00:00", "Z")

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class Choice(FieldType):
    key, sql = "choice", "text"

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if not isinstance(value, str):
            raise Unreadable("wrong_type", wanted="choice")
        if value == "":
            return None
        if field.options is not None and value not in field.options:
            raise Unreadable("unknown_option", value=value[:60], options=", ".join(field.options))
        return value

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "string", "enum": list(field.options)} if field.options else {"type": "string"}


class MultiChoice(FieldType):
    key, sql, formula = "multi_choice", "text[]", "list"
    sortable = False

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Unreadable("wrong_type", wanted="multi_choice")
        for item in value:
            if field.options is not None and item not in field.options:
                raise Unreadable("unknown_option", value=item[:60], options=", ".join(field.options))
        return list(dict.fromkeys(value)) or None

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}


class Link(FieldType):
    """A record of another form: read as `{id, code, label}`, named by id, code, `{"id"}` or `{"code"}`."""

    key, sql, formula = "link", "uuid", "link"
    is_link = True
    target: ClassVar[str | None] = None

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        form = None
        if isinstance(value, dict):
            form = value.get("form")
            if isinstance(value.get("id"), str):
                value = value["id"]
            elif isinstance(value.get("code"), str):
                return LinkValue(_code(value["code"]), False, form) if value["code"].strip() else None
            else:
                raise Unreadable("wrong_type", wanted="link")
        if not isinstance(value, str):
            raise Unreadable("wrong_type", wanted="link")
        if not value.strip():
            return None
        if UUID.fullmatch(value):
            return LinkValue(value.lower(), True, form)
        return LinkValue(_code(value), False, form)

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "code": {"type": ["string", "null"]},
                "label": {"type": ["string", "null"]},
            },
        }


def _code(text: str) -> str:
    if CONTROL.search(text) or len(text) > 200:
        raise Unreadable("wrong_type", wanted="link")
    return unicodedata.normalize("NFC", text.strip())


class UserLink(Link):
    key, target = "user", "system.user"


class DepartmentLink(Link):
    key, target = "department", "system.department"


class CompanyLink(Link):
    key, target = "company", "system.company"


class LineLink(FieldType):
    """A line of another record, by its id."""

    key, sql, formula = "line", "uuid", "link"

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if isinstance(value, dict):
            value = value.get("id")
        if not isinstance(value, str):
            raise Unreadable("wrong_type", wanted="line")
        if not value:
            return None
        if not UUID.fullmatch(value):
            raise Unreadable("wrong_type", wanted="line")
        return LinkValue(value.lower(), True)


class Reference(Link):
    """A record of any form, found by the record index; needs `form` beside a code."""

    key, formula = "reference", "text"


class Lines(FieldType):
    """A field that holds a sub-table; its rows live in a table of their own."""

    key, sql, formula = "lines", "", "table"
    is_lines = True
    sortable = False


class File(FieldType):
    key, sql = "file", "uuid"
    sortable = False

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        if isinstance(value, dict):
            value = value.get("id")
        if not isinstance(value, str) or not UUID.fullmatch(value):
            raise Unreadable("wrong_type", wanted="file")
        return value.lower()


class Image(File):
    key = "image"


class SecretText(FieldType):
    """Write-only, encrypted under a key outside the database, masked everywhere."""

    key, sql = "secret", "text"
    sortable = False

    def parse(self, value: Any, field: FieldDefinition) -> Any:
        return _text(value, 2_000, lines=False)

    def dump(self, value: Any) -> Any:
        return "•••"


FIELD_TYPES: dict[str, FieldType] = {
    kind.key: kind
    for kind in (
        Text(),
        LongText(),
        Integer(),
        Exact(),
        Percent(),
        Quantity(),
        Money(),
        Price(),
        Boolean(),
        Date(),
        Instant(),
        Duration(),
        Choice(),
        MultiChoice(),
        Link(),
        UserLink(),
        DepartmentLink(),
        CompanyLink(),
        LineLink(),
        Reference(),
        Lines(),
        File(),
        Image(),
        Address(),
        Phone(),
        Email(),
        URL(),
        Barcode(),
        SecretText(),
        Number(),
    )
}
