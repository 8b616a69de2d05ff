"""Templates, compiled once for each language: what a template says the same way on every page is text there already.

A page asks for some hundred words and icons by name. `t('list.new')`, `icon('plus')` and `static('anlan.css')` with nothing
but constants are put in when the template is compiled; the compiler then joins them with the text around them. With
parameters (`t('todo.left', n=3)`) they are asked when the page is drawn, as any other function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

__all__ = ["compiled_for"]

Known = Mapping[str, Callable[..., str]]


class _Constants(NodeTransformer):
    """Calls of known functions with constants, replaced by what they answer."""

    def __init__(self, known: Known) -> None:
        self.known = known

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node, *args, **kwargs)
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        constant = all(isinstance(one, nodes.Const) for one in node.args)
        if name not in self.known or not constant or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        text = self.known[name](*(one.value for one in node.args if isinstance(one, nodes.Const)))
        told = nodes.Const(str(text), lineno=node.lineno)
        return nodes.MarkSafe(told, lineno=node.lineno) if isinstance(text, Markup) else told


class _Templates(Environment):
    """An environment of one language."""

    def __init__(self, folder: Path, known: Known) -> None:
        super().__init__(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self.constants = _Constants(known)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        self.constants.visit(tree)
        return tree


def compiled_for(folder: Path, known: Known) -> Environment:
    """The templates of a folder; `known`: functions whose answer to constants is the same on every page of theirs."""
    return _Templates(folder, known)
