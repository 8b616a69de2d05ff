"""What the places of a definition are to the merge: one table each, read by the merge, the designer and docs.

A place is a path of keys, `("fields", "lines", "fields", "quantity", "label")`. Everything keyed in a
collection is an *element*; the rest of a path below its last element is the *attribute*. Fields of a
sub-table are like fields of the form: leading `fields.<key>` pairs are left out before the tables are asked.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache

Path = tuple[str, ...]

# Elements, `*` is any key. Each has a stable key, so it can be followed through versions.
ELEMENTS: tuple[Path, ...] = tuple(
    tuple(pattern.split("."))
    for pattern in (
        "fields.*", "fields.*.options.*", "fields.*.hints.*", "workflow.states.*", "workflow.transitions.*", "states.*",
        "transitions.*", "grants.*", "views.*", "sections.*", "postings.*", "conversions.*", "checks.*",
        "unique.*", "indexes.*", "events.*", "limits.*", "dimensions.*", "resources.*", "memory.*",
        "rollups.*", "parameters.*", "columns.*", "blocks.*", "steps.*",
    )
)  # fmt: skip


class Kind(Enum):
    """How two changes of one leaf are settled."""

    BEHAVIOUR = auto()  # the company's runs, and it is told
    COSMETIC = auto()  # the company's runs
    LEVEL = auto()  # a permission: the stricter runs
    ROW_RULE = auto()  # a permission by formula: both must hold
    ACTIONS = auto()  # a permission by list: what both allow


# Attributes that change how something looks, not what it does.
COSMETIC = frozenset({"label", "help", "width", "icon", "colour"})

# Levels of a grant, from the strictest; what is not granted is none.
LEVELS = ("none", "read", "write")
GRANT_ATTRIBUTES = {"actions": Kind.ACTIONS, "rows": Kind.ROW_RULE, "retained": Kind.BEHAVIOUR}


class Names(Enum):
    """What the texts at a place name; a rename follows them, and what they name is in use."""

    FORMULA = auto()  # a formula over the definition's own fields
    FIELDS = auto()  # fields, as `quantity`, `lines.quantity`, `-date`
    STATES = auto()
    ROLES = auto()
    DEFAULT = auto()  # an option, or a formula


# (collection of the element, "" outside any; first keys of the attribute) → what is named there.
NAMES: dict[tuple[str, Path], Names] = {
    ("", ("order",)): Names.FIELDS,
    ("", ("title",)): Names.FORMULA,
    ("", ("where",)): Names.FORMULA,
    ("", ("sort",)): Names.FIELDS,
    ("", ("workflow", "start")): Names.STATES,
    ("fields", ("formula",)): Names.FORMULA,
    ("fields", ("check",)): Names.FORMULA,
    ("fields", ("lookup",)): Names.FORMULA,
    ("fields", ("in",)): Names.FORMULA,
    ("fields", ("unit",)): Names.FORMULA,
    ("fields", ("default",)): Names.DEFAULT,
    ("fields", ("order",)): Names.FIELDS,
    ("states", ("editable",)): Names.FIELDS,
    ("transitions", ("from",)): Names.STATES,
    ("transitions", ("to",)): Names.STATES,
    ("transitions", ("check",)): Names.FORMULA,
    ("transitions", ("role",)): Names.ROLES,
    ("views", ("columns",)): Names.FIELDS,
    ("views", ("totals",)): Names.FIELDS,
    ("views", ("sort",)): Names.FIELDS,
    ("views", ("where",)): Names.FORMULA,
    ("views", ("by",)): Names.FIELDS,
    ("sections", ("fields",)): Names.FIELDS,
    ("grants", ("rows",)): Names.FORMULA,
    ("steps", ("roles",)): Names.ROLES,
    ("checks", ("keep",)): Names.FORMULA,
    ("checks", ("path",)): Names.FIELDS,
    ("unique", ()): Names.FIELDS,
    ("indexes", ()): Names.FIELDS,
    ("postings", ("while",)): Names.STATES,
    ("postings", ("each",)): Names.FIELDS,
    ("postings", ("when",)): Names.FORMULA,
    ("postings", ("date",)): Names.FORMULA,
    ("postings", ("dimensions",)): Names.FORMULA,
    ("postings", ("resources",)): Names.FORMULA,
    ("conversions", ("states",)): Names.STATES,
    ("conversions", ("each",)): Names.FIELDS,
    ("conversions", ("open",)): Names.FORMULA,
    ("conversions", ("when",)): Names.FORMULA,
    ("conversions", ("copy",)): Names.FORMULA,
}

# Names that every record has without declaring them (docs/definitions.md), or that formulas know.
RESERVED = frozenset({
    "id", "form", "number", "company", "version", "state", "workflow_version", "created_at", "created_by",
    "updated_at", "updated_by", "code", "name", "open", "user", "dept", "today", "now", "*",
})  # fmt: skip

# Numbers from narrow to wide; every value of one is a value of those after it.
_NUMBERS = ("integer", "money", "quantity", "price", "decimal")
# Types that take every value of another type as it is. Whatever becomes text; nothing else is assumed.
WIDER: frozenset[tuple[str, str]] = frozenset(
    {(low, high) for place, low in enumerate(_NUMBERS) for high in _NUMBERS[place + 1 :]}
    | {("duration", "integer"), ("duration", "decimal"), ("percent", "decimal"), ("decimal", "percent")}
    | {("text", "long_text"), ("choice", "multi_choice"), ("date", "instant"), ("date", "datetime")}
    | {("link", "reference"), ("user", "link"), ("department", "link"), ("company", "link")}
    | {("image", "file")}
)
_TEXTS = frozenset({"text", "long_text"})
# What has no one text that says all of it.
_NOT_AS_TEXT = frozenset({"lines", "file", "image", "secret", "multi_choice", "long_text"})


def is_narrowing(old: str, new: str) -> bool:
    """Whether some value of a field of type `old` may have no place in type `new`."""
    if old == new or (old, new) in WIDER:
        return False
    return new not in _TEXTS or old in _NOT_AS_TEXT


@lru_cache(maxsize=20_000)
def element_prefixes(path: Path) -> tuple[int, ...]:
    """The lengths of the beginnings of `path` that are elements, shortest first."""
    return tuple(length for length in range(1, len(path) + 1) if _is_element(path[:length]))


@lru_cache(maxsize=20_000)
def place_of(path: Path) -> tuple[str, Path]:
    """(collection of the last element of `path`, attribute); "" where the path meets no element."""
    prefixes = element_prefixes(path)
    if not prefixes:
        return "", path
    return path[prefixes[-1] - 2], path[prefixes[-1] :]


def kind_of(path: Path) -> Kind:
    """How two changes of the leaf at `path` are settled."""
    if path[:1] == ("grants",) and len(path) > 2:
        return GRANT_ATTRIBUTES.get(path[2], Kind.LEVEL)
    collection, attribute = place_of(path)
    if (attribute and attribute[0] in COSMETIC) or (collection == "options" and not attribute):
        return Kind.COSMETIC
    return Kind.BEHAVIOUR


def names_at(path: Path) -> Names | None:
    """What the text at `path` names, or those of the list or mapping there; None: nothing to follow."""
    collection, attribute = place_of(path)
    if collection == "" and attribute == ("workflow", "start"):
        return Names.STATES
    return NAMES.get((collection, attribute[:1]))


def is_field(path: Path) -> bool:
    """Whether `path` is a field of the form or of a sub-table."""
    return path[:1] == ("fields",) and len(path) % 2 == 0 and set(path[::2]) == {"fields"}


def lines_of(path: Path) -> Path:
    """The keys of the sub-tables that `path` lies in: ("lines",) for `fields.lines.fields.quantity.label`."""
    found = []
    while path[:1] == ("fields",) and path[2:3] == ("fields",):
        found.append(path[1])
        path = path[2:]
    return tuple(found)


def can_move(path: Path, target: Path) -> bool:
    """Whether the pack may say that the element `path` is `target` now: one of the same collection kind."""
    return (
        bool(element_prefixes(path))
        and element_prefixes(path)[-1] == len(path)
        and element_prefixes(target)[-1:] == (len(target),)
        and path[-2] == target[-2]
        and path != target[: len(path)]
        and target != path[: len(target)]
    )


def _is_element(path: Path) -> bool:
    path = path[2 * len(lines_of(path)) :]
    return any(
        len(path) == len(pattern) and all(mine in ("*", key) for mine, key in zip(pattern, path, strict=True))
        for pattern in ELEMENTS
    )
