"""Tokens → parse tree, without types.

Precedence is OpenFormula's, from loose to tight: or, and, not, comparisons, &, + -, * /, ^ (left to right),
% behind, + - in front.  So -2^2 is 4 and 2^3^2 is 64.
"""

from dataclasses import dataclass
from decimal import Decimal

from anlan.kernel.formula.errors import SYNTAX, DesignError
from anlan.kernel.formula.tokens import Token, is_keyword, tokenize

MAX_NESTING = 64
MAX_TREE = 128  # long chains (a & b & c …) are deep trees as well; both back ends walk them recursively

_BINDING = {"or": 1, "and": 2, "&": 5, "+": 6, "-": 6, "*": 7, "/": 7, "^": 8} | dict.fromkeys(
    ("=", "<>", "<", ">", "<=", ">="), 4
)
_NOT_BINDS = 4


@dataclass(frozen=True, slots=True)
class Literal:
    value: Decimal | str | bool
    position: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted path; positions: where each of its names stands."""

    path: tuple[str, ...]
    positions: tuple[int, ...]
    depth: int = 1

    @property
    def position(self) -> int:
        return self.positions[0]


@dataclass(frozen=True, slots=True)
class Operator:
    """op: one of + - * / ^ & = <> < > <= >= and or, or with one operand: neg pos % not."""

    op: str
    operands: "tuple[Parsed, ...]"
    position: int
    depth: int


@dataclass(frozen=True, slots=True)
class Application:
    """A function's name, in upper case, and its arguments."""

    name: str
    arguments: "tuple[Parsed, ...]"
    position: int
    depth: int


Parsed = Literal | Name | Operator | Application


def parse(text: str) -> Parsed:
    """The parse tree of `text`.  Raises DesignError(syntax)."""
    parser = _Parser(tokenize(text))
    tree = parser.expression(0)
    token = parser.peek()
    if token.kind != "end":
        raise parser.error(token, "unexpected")
    return tree


@dataclass
class _Parser:
    tokens: list[Token]
    place: int = 0
    nesting: int = 0  # parentheses, calls and signs that are open
    rising: int = 0  # expressions that are open: what Python's stack holds

    def peek(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def is_op(self, *spellings: str) -> bool:
        token = self.peek()
        return token.kind == "op" and token.value in spellings

    def expect(self, spelling: str) -> None:
        if not self.is_op(spelling):
            token = self.peek()
            raise self.error(token, "expected", expected=spelling)
        self.place += 1

    def error(self, token: Token, reason: str, **params: object) -> DesignError:
        """A syntax error at a token; near: the token, at the end the one before it."""
        before = self.tokens[max(self.tokens.index(token) - 1, 0)]
        near = token.value if token.kind != "end" else before.value
        return DesignError(SYNTAX, token.start, reason=reason, near=near, **params)

    def expression(self, binding: int) -> Parsed:
        """An expression of operators that bind tighter than `binding`."""
        self.rising += 1
        if self.rising > MAX_TREE:
            raise self.error(self.peek(), "too_deep", limit=MAX_TREE)
        left = self.operand()
        while True:
            token = self.peek()
            op = token.value.lower() if is_keyword(token) else token.value if token.kind == "op" else ""
            tight = _BINDING.get(op, 0)
            if tight <= binding:
                self.rising -= 1
                return left
            self.place += 1
            right = self.expression(tight)
            left = _operator(op, (left, right), token.start)

    def operand(self) -> Parsed:
        """Signs and `not` in front, a primary, percent signs behind."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(self.peek(), "too_deep", limit=MAX_NESTING)
        token = self.peek()
        parsed: Parsed
        if self.is_op("+", "-"):
            self.place += 1
            parsed = _operator("neg" if token.value == "-" else "pos", (self.signed(),), token.start)
        elif self.is_not():
            self.place += 1
            parsed = _operator("not", (self.expression(_NOT_BINDS - 1),), token.start)
        else:
            parsed = self.primary()
        while self.is_op("%"):
            parsed = _operator("%", (parsed,), self.next().start)
        self.nesting -= 1
        return parsed

    def signed(self) -> Parsed:
        """What a sign stands before: another sign or a primary, so that % and ^ apply to the signed whole."""
        token = self.peek()
        if not self.is_op("+", "-"):
            return self.primary()
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(token, "too_deep", limit=MAX_NESTING)
        self.place += 1
        parsed = _operator("neg" if token.value == "-" else "pos", (self.signed(),), token.start)
        self.nesting -= 1
        return parsed

    def is_not(self) -> bool:
        """`not x` and `NOT x`, but not the call NOT(x); not(x) in small letters is the operator."""
        token = self.peek()
        if not is_keyword(token) or token.value.lower() != "not":
            return False
        following = self.tokens[self.place + 1]
        return token.value == "not" or not (following.kind == "op" and following.value == "(")

    def primary(self) -> Parsed:
        token = self.next()
        if token.kind == "number":
            return Literal(Decimal(token.value), token.start)
        if token.kind == "text":
            return Literal(token.value, token.start)
        if token.kind == "op" and token.value == "(":
            inner = self.expression(0)
            self.expect(")")
            return inner
        if token.kind == "name":
            return self.name(token)
        raise self.error(token, "unexpected_end" if token.kind == "end" else "unexpected")

    def name(self, token: Token) -> Parsed:
        called = self.is_op("(") and not token.quoted
        if is_keyword(token) and token.value.lower() in ("true", "false"):
            if called:  # the spreadsheet habit TRUE()
                self.place += 1
                self.expect(")")
            return Literal(token.value.lower() == "true", token.start)
        if called:
            return self.application(token)
        if is_keyword(token):
            raise self.error(token, "unexpected")
        path, positions = [token.value], [token.start]
        while self.is_op("."):
            self.place += 1
            following = self.next()
            if following.kind != "name":
                raise self.error(following, "expected", expected="name")
            path.append(following.value)
            positions.append(following.start)
        return Name(tuple(path), tuple(positions))

    def application(self, token: Token) -> Parsed:
        self.expect("(")
        arguments: list[Parsed] = []
        if not self.is_op(")"):
            arguments.append(self.expression(0))
            while self.is_op(","):
                self.place += 1
                arguments.append(self.expression(0))
        self.expect(")")
        depth = 1 + max((argument.depth for argument in arguments), default=0)
        return _bounded(Application(token.value.upper(), tuple(arguments), token.start, depth))


def _operator(op: str, operands: tuple[Parsed, ...], position: int) -> Parsed:
    return _bounded(Operator(op, operands, position, 1 + max(operand.depth for operand in operands)))


def _bounded(node: Operator | Application) -> Parsed:
    if node.depth > MAX_TREE:
        raise DesignError(SYNTAX, node.position, reason="too_deep", near="", limit=MAX_TREE)
    return node
