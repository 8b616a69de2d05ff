"""Names in formulas, without a scope: which there are, and putting others in their place.

    references("SUM(lines.net) - {paid so far}")           → {("lines", "net"), ("paid so far",)}
    rename("n1/( n1+n2)", {("n1",): ("m1",)})              → "m1/( m1+n2)"

Works on tokens, never on the parsed tree: what is not a renamed name stays as it was written, spaces,
parentheses and all.
"""

from collections.abc import Iterator, Mapping

from anlan.kernel.formula.tokens import Token, is_keyword, quote_name, tokenize

Path = tuple[str, ...]


def references(text: str) -> set[Path]:
    """Every dotted path that `text` names, as a tuple of its normalised segments.

    Functions and keywords are not among them.  Raises DesignError(syntax) where the text has no tokens;
    it need not parse.
    """
    return {tuple(token.value for token in path) for path in _paths(tokenize(text))}


def rename(text: str, renames: Mapping[Path, Path]) -> str:
    """`text` with each path, or beginning of a path, that `renames` lists replaced; all at once.

    The longest listed beginning wins: with {("a",): ("x",), ("a", "b"): ("c",)} `a.b.d` becomes `c.d`,
    `a.e` becomes `x.e`.  Names that need it are put in braces.  Raises DesignError(syntax) where the
    text has no tokens or a new name cannot be written.
    """
    pieces: list[str] = []
    done = 0
    for path in _paths(tokenize(text)):
        names = tuple(token.value for token in path)
        length = next((n for n in range(len(names), 0, -1) if names[:n] in renames), 0)
        if length == 0:
            continue
        for start, end, written in _replacements(path[:length], renames[names[:length]]):
            pieces += [text[done:start], written]
            done = end
    return "".join(pieces) + text[done:]


def _replacements(old: list[Token], new: Path) -> Iterator[tuple[int, int, str]]:
    """(start, end, text) of what to write: segment by segment where their number stays, else as a whole."""
    if len(old) == len(new):
        for token, name in zip(old, new, strict=True):
            if token.value != name:
                yield token.start, token.end, quote_name(name)
    else:
        yield old[0].start, old[-1].end, ".".join(quote_name(name) for name in new)


def _paths(tokens: list[Token]) -> Iterator[list[Token]]:
    """The runs `name . name . name` that are not a call."""
    place = 0
    while tokens[place].kind != "end":
        if tokens[place].kind != "name" or is_keyword(tokens[place]):
            place += 1
            continue
        path = [tokens[place]]
        place += 1
        while tokens[place].value == "." and tokens[place].kind == "op" and tokens[place + 1].kind == "name":
            path.append(tokens[place + 1])
            place += 2
        called = tokens[place].kind == "op" and tokens[place].value == "("
        if not (called and len(path) == 1 and not path[0].quoted):
            yield path
