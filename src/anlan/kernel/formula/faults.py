"""The mistakes that typing finds, raised where they stand."""

from typing import NoReturn

from anlan.kernel.formula.errors import ARG_COUNT, TYPE_MISMATCH, DesignError
from anlan.kernel.formula.parser import Application
from anlan.kernel.formula.tree import Constant, Node
from anlan.kernel.formula.types import TEXT, type_name


def mismatch(node: Node, reason: str, **params: object) -> NoReturn:
    """Raises type_mismatch at `node`; `got` is its type unless told otherwise."""
    told: dict[str, object] = {"reason": reason, "expected": "value", "got": type_name(node.type)}
    raise DesignError(TYPE_MISMATCH, node.position, **told | params)


def count_error(parsed: Application, least: int, most: int | None) -> NoReturn:
    """Raises arg_count; most None: as many as you like."""
    expected = f"≥ {least}" if most is None else str(least) if least == most else f"{least}–{most}"
    raise DesignError(
        ARG_COUNT, parsed.position, name=parsed.name, expected=expected, got=len(parsed.arguments)
    )


def is_empty_text(node: Node) -> bool:
    """The constant "", which stands for blank beside any type."""
    return isinstance(node, Constant) and node.value == "" and node.type == TEXT
