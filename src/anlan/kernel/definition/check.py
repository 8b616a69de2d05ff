"""What a merged definition names: what must be kept for it, and what no longer works."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from anlan.kernel import formula
from anlan.kernel.definition.annotations import (
    RESERVED,
    Names,
    Path,
    is_field,
    is_narrowing,
    lines_of,
    names_at,
)
from anlan.kernel.definition.tree import MISSING, Tree, get
from anlan.kernel.fieldtype import FIELD_TYPES
from anlan.kernel.formula.tokens import tokenize

Place = tuple[Path, Any]

_SCALARS = {
    "number": formula.NUMBER, "text": formula.TEXT, "date": formula.DATE, "datetime": formula.DATETIME,
    "boolean": formula.BOOLEAN,
}  # fmt: skip
_LITERAL_CODES = frozenset({"type_mismatch", "arg_count", "syntax"})


class Use(NamedTuple):
    """`text` at `path` names something of kind `names`."""

    path: Path
    names: Names
    text: str


def uses(places: Iterable[Place]) -> Iterator[Use]:
    """Everything that the values at these places name."""
    for path, value in places:
        names = names_at(path)
        if names is not None:
            yield from (Use(path, names, text) for text in _texts(value))
        elif isinstance(value, dict):
            yield from uses(((*path, key), below) for key, below in value.items())


def needed_elements(result: Tree, base: Tree, places: Iterable[Place]) -> Iterator[tuple[str, Path]]:
    """(code, element of `base`) of what the places name and `result` has no more."""
    for use in uses(places):
        if use.names is Names.STATES:
            wanted = [(*_states(use.path), use.text)]
        else:
            wanted = [path for keys in _keys(use) if _field(result, keys, use.path) is None
                      and (path := _field(base, keys, use.path)) is not None]  # fmt: skip
        for path in wanted:
            if get(base, path) is not MISSING and get(result, path) is MISSING:
                yield "removed_but_used", path
        for path in _options(use, base):
            if get(base, path) is not MISSING and get(result, path) is MISSING:
                yield "option_in_use", path


def dangling(result: Tree, places: Iterable[Place], gone: Collection[Path]) -> list[Path]:
    """Where the places name what is nowhere, or anything names a state that the company removed."""
    found = []
    for use in uses(places):
        if use.names is Names.STATES:
            states = get(result, _states(use.path))
            lost = isinstance(states, dict) and use.text not in states
        else:
            told = use.names is not Names.DEFAULT and isinstance(result.get("fields"), dict)
            keys = _keys(use) if told else []
            lost = any(_field(result, one, use.path) is None and not _reserved(one, result) for one in keys)
        if lost:
            found.append(use.path)
    removed = {(path[:-1], path[-1]) for path in gone}
    if removed:
        found += [use.path for use in uses([((), result)])
                  if use.names is Names.STATES and (_states(use.path), use.text) in removed]  # fmt: skip
    return found


def cycles(result: Tree, places: Iterable[Place]) -> list[Path]:
    """The formulas among the places that depend on themselves."""
    own = [use.path for use in uses(places) if _computes(use.path)]
    reads: dict[Path, list[Path]] = {}

    def read_by(field: Path) -> list[Path]:
        if field not in reads:
            text = get(result, (*field, "formula"))
            keys = _keys(Use((*field, "formula"), Names.FORMULA, text)) if isinstance(text, str) else []
            reads[field] = [path for one in keys if (path := _field(result, one, field)) is not None]
        return reads[field]

    found = []
    for path in own:
        seen: set[Path] = set()
        waiting = list(read_by(path[:-1]))
        while waiting:
            field = waiting.pop()
            if field not in seen:
                seen.add(field)
                waiting.extend(read_by(field))
        if path[:-1] in seen:
            found.append(path)
    return found


def mistyped(result: Tree, places: Iterable[Place], known: Collection[Path]) -> list[Path]:
    """The formulas among the places that do not fit the types of what they read, or of their field.

    Left out are those in `known` (reported for another reason), and those whose types cannot be told from
    this definition alone: what they read through links, or with functions of packs, the catalogue checks.
    """
    found = []
    for use in uses(places):
        if use.names is not Names.FORMULA or use.path in known:
            continue
        scope = _scope(result, lines_of(use.path))
        try:
            if not all(_known(scope, keys) for keys in formula.references(use.text)):
                continue
            checked = formula.check(use.text, _dict_scope(scope))
        except formula.DesignError as error:
            if error.code in _LITERAL_CODES:
                found.append(use.path)
            continue
        wanted = _scalar(get(result, (*use.path[:-1], "type"))) if _computes(use.path) else None
        if wanted is not None and checked.type not in (wanted, formula.BLANK):
            found.append(use.path)
    return found


def retypes(base: Tree, new: Tree) -> Iterator[tuple[Path, Any]]:
    """(path of the type, old type) of every field that the pack gave a narrower type."""
    for path in fields_of(new, ()):
        old, type_ = get(base, (*path, "type")), get(new, (*path, "type"))
        if isinstance(old, str) and isinstance(type_, str) and is_narrowing(old, type_):
            yield (*path, "type"), old


def required_but_hidden(result: Tree, places: Iterable[Place], hidden: Iterable[Path]) -> list[Path]:
    """The fields that the company hid, that must be filled in, and that nothing fills in."""
    shut = [path[:-1] for path, value in places if path[-1:] == ("hidden",) and value is True]
    found = []
    for path in [*hidden, *shut]:
        field = get(result, path)
        if is_field(path) and isinstance(field, dict) and field.get("required") is True:
            filled = any(field.get(name) is not None for name in ("default", "formula", "lookup", "balance"))
            if not filled:
                found.append(path)
    return found


def fields_of(tree: Tree, path: Path) -> Iterator[Path]:
    """The paths of all fields below `path`, those of sub-tables after their table."""
    fields = get(tree, (*path, "fields"))
    for key, field in fields.items() if isinstance(fields, dict) else ():
        here = (*path, "fields", key)
        yield here
        if isinstance(field, dict):
            yield from fields_of(tree, here)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)


def _keys(use: Use) -> list[Path]:
    """The dotted names that a text has, as tuples."""
    if use.names is Names.FIELDS:
        return [tuple(use.text.removeprefix("-").split("."))]
    if use.names not in (Names.FORMULA, Names.DEFAULT):
        return []
    try:
        return sorted(formula.references(use.text))
    except formula.DesignError:
        return []


def _field(tree: Tree, keys: Path, path: Path) -> Path | None:
    """The path of the field that `keys` name, seen from `path`: columns of its own sub-table come first.

    None if there is none. Behind a link the names are another form's: the link itself is the answer.
    """
    lines = lines_of(path)
    if path[-1:] == ("order",) and is_field(path[:-1]):
        lines = (*lines, path[-2])  # the order of a sub-table's columns
    for depth in range(len(lines), -1, -1):
        holder = tuple(key for line in lines[:depth] for key in ("fields", line))
        field = (*holder, "fields", keys[0])
        if get(tree, field) is MISSING:
            continue
        columns = get(tree, (*field, "fields"))
        if len(keys) == 1 or not isinstance(columns, dict):
            return field
        column = (*field, "fields", keys[1])
        if keys[1] in RESERVED and keys[1] not in columns:
            return field
        return column if keys[1] in columns else None
    return None


def _reserved(keys: Path, tree: Tree) -> bool:
    return keys[0].lower() in RESERVED and get(tree, ("fields", keys[0])) is MISSING


def _states(path: Path) -> Path:
    return ("states",) if path[:1] == ("transitions",) else ("workflow", "states")


def _options(use: Use, base: Tree) -> Iterator[Path]:
    """The options that a default or a formula's text constant may name."""
    if use.names is Names.DEFAULT:
        yield (*use.path[:-1], "options", use.text.strip('"'))
    if use.names is Names.FORMULA:
        fields = [field for keys in _keys(use) if (field := _field(base, keys, use.path)) is not None]
        try:
            literals = [token.value for token in tokenize(use.text) if token.kind == "text"]
        except formula.DesignError:
            return
        yield from ((*field, "options", literal) for field in fields for literal in literals)


def _computes(path: Path) -> bool:
    return path[-1:] == ("formula",) and is_field(path[:-1])


# A scope before it is one: name → its scalar type, None where it cannot be told, a mapping for a sub-table.
_Names = dict[str, Any]


def _scope(tree: Tree, lines: Path) -> _Names:
    """What formulas in sub-table `lines` can name: its columns, then the head's fields."""
    names: _Names = {}
    for depth in range(len(lines) + 1):
        holder = tuple(key for line in lines[:depth] for key in ("fields", line))
        fields = get(tree, (*holder, "fields"))
        if isinstance(fields, dict):
            names |= {key: _described(field) for key, field in fields.items()}
    return names


def _described(field: Any) -> Any:
    if not isinstance(field, dict):
        return None
    if field.get("type") == "lines" and isinstance(field.get("fields"), dict):
        return {key: _described(column) for key, column in field["fields"].items()}
    return _scalar(field.get("type"))


def _scalar(type_: Any) -> Any:
    """The formula type of a field type; None if it is no scalar or not known."""
    if not isinstance(type_, str):
        return None
    known = FIELD_TYPES.get(type_)
    return _SCALARS.get(type_ if known is None else known.formula)


def _known(scope: _Names, keys: Path) -> bool:
    found: Any = scope
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found is not None


def _dict_scope(scope: _Names) -> formula.DictScope:
    described: dict[str, Any] = {}
    for name, of in scope.items():
        if isinstance(of, dict):
            described[name] = (formula.Table(), _dict_scope(of))
        elif of is not None:
            described[name] = of
    return formula.DictScope(described)
