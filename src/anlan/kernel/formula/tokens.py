"""Text of a formula → tokens that remember their place.

Full-width punctuation and digits count as their half-width twins outside of strings; names are NFKC
normalised, as field names are.  Tokens keep offsets into the text as written, so that a rename can put
a name in place without touching anything else.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

from anlan.kernel.formula.errors import SYNTAX, DesignError

MAX_BYTES = 8192

Kind = Literal["number", "text", "name", "op", "end"]


class Token(NamedTuple):
    """kind, its meaning, and where it stands: text[start:end].

    value: a number's digits, a string's content, a name (normalised), an operator in its one spelling.
    quoted: a name written in braces, which is never a keyword or a function.
    """

    kind: Kind
    value: str
    start: int
    end: int
    quoted: bool = False


KEYWORDS = frozenset({"and", "or", "not", "true", "false"})

# One character for one, so that offsets stay true.  Quotation marks are left out: a string ends with the
# kind of mark that it began with.  Letters are left out as well: names are normalised as a whole.
_HALF_WIDTH = str.maketrans(
    {
        chr(code): chr(code - 0xFEE0)
        for code in range(0xFF01, 0xFF5F)
        if chr(code) != "＂" and not chr(code).isalpha()
    }
    | {"\u3000": " ", "\u00a0": " ", "×": "*", "÷": "/", "−": "-"}
)
_SPELLING = {"==": "=", "!=": "<>", "≤": "<=", "≥": ">=", "≠": "<>"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>"(?:[^"]|"")*"|“(?:[^”]|””)*”|”(?:[^”“])*[”“]|＂(?:[^＂]|＂＂)*＂)
      | (?P<braced>\{[^{}]+\})
      | (?P<name>[^\W\d]\w*)
      | (?P<op><>|<=|>=|==|!=|[≤≥≠=<>+\-*/^%&(),.])""",
    re.VERBOSE,
)


def normalise_name(name: str) -> str:
    """The one spelling of a field name: NFKC, without spaces around it."""
    return unicodedata.normalize("NFKC", name).strip()


def tokenize(text: str) -> list[Token]:
    """All tokens of `text` in order, the last of kind "end".

    Raises DesignError(syntax) for what is no token, or when the text is longer than MAX_BYTES of UTF-8.
    """
    _refuse_unstorable(text)
    scan = text.translate(_HALF_WIDTH)
    tokens: list[Token] = []
    place = 0
    while place < len(scan):
        match = _TOKEN.match(scan, place)
        if match is None:
            raise DesignError(SYNTAX, place, **_why(scan[place]))
        start, place = place, match.end()
        kind = match.lastgroup
        if kind == "number":
            tokens.append(_number(match[0], start, place, scan))
        elif kind == "text":
            mark = text[place - 1]
            tokens.append(Token("text", text[start + 1 : place - 1].replace(mark * 2, mark), start, place))
        elif kind == "braced":
            name = normalise_name(text[start + 1 : place - 1])
            if not name:
                raise DesignError(SYNTAX, start, reason="empty_name", near=match[0])
            tokens.append(Token("name", name, start, place, quoted=True))
        elif kind == "name":
            tokens.append(Token("name", normalise_name(text[start:place]), start, place))
        elif kind == "op":
            tokens.append(Token("op", _SPELLING.get(match[0], match[0]), start, place))
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def is_keyword(token: Token) -> bool:
    """A bare word that the language keeps for itself."""
    return token.kind == "name" and not token.quoted and token.value.lower() in KEYWORDS


def quote_name(name: str) -> str:
    """`name` as a formula must write it: bare where that reads back as the same name, else in braces."""
    normal = normalise_name(name)
    if not normal or "{" in normal or "}" in normal:
        raise DesignError(SYNTAX, 0, reason="unwritable_name", near=name)
    match = _TOKEN.fullmatch(normal)
    if match is not None and match.lastgroup == "name" and normal.lower() not in KEYWORDS:
        return normal
    return "{" + normal + "}"


def _refuse_unstorable(text: str) -> None:
    """PostgreSQL stores neither NUL nor half a surrogate pair, so no formula may hold them."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise DesignError(SYNTAX, 0, reason="too_long", near=text[:10], limit=MAX_BYTES)
    for place, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise DesignError(SYNTAX, place, reason="unknown_character", near="?")


def _number(digits: str, start: int, end: int, scan: str) -> Token:
    if end < len(scan) and (scan[end].isalnum() or scan[end] == "_"):
        raise DesignError(SYNTAX, end, reason="letter_after_number", near=scan[end])
    mantissa, _, exponent = digits.lower().partition("e")
    if len(mantissa) > 60 or (exponent and abs(int(exponent[:9])) > 30):
        raise DesignError(SYNTAX, start, reason="number_too_long", near=digits[:10])
    return Token("number", digits, start, end)


def _why(character: str) -> dict[str, object]:
    if character in '"“”＂':
        return {"reason": "unclosed_text", "near": character}
    return {"reason": "unclosed_name" if character in "{}" else "unknown_character", "near": character}
