"""Definitions read from a pack's folder: YAML in, plain data out, each with the file it came from.

    packs/demo/pack.yaml, forms/order.yaml, registers/progress.yaml, roles.yaml, extends/item.yaml …
    →  Source("demo", …, definitions={("form", "demo.order"): {...}}, extends=[("base.item", {...})])

Every fault is collected and named by file, path and a sentence; a folder is never half read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from anlan.kernel.definition import model

__all__ = ["KINDS", "BadDefinition", "Broken", "Source", "faults_of", "read_pack", "validate"]

KINDS: dict[str, type[BaseModel]] = {
    "form": model.FormDefinition,
    "register": model.RegisterDefinition,
    "role": model.RoleDefinition,
    "approval": model.ApprovalDefinition,
    "report": model.ReportDefinition,
    "dashboard": model.DashboardDefinition,
    "print": model.PrintDefinition,
}

# Folder (one definition a file) or file (a list of them) → kind.
FOLDERS = {"forms": "form", "registers": "register", "reports": "report", "dashboards": "dashboard", "prints": "print"}
LISTS = {"roles.yaml": "role", "approvals.yaml": "approval"}


class BadDefinition(NamedTuple):
    """One fault: where, and a sentence that says what to do."""

    file: str
    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}: {self.path}: {self.sentence}" if self.path else f"{self.file}: {self.sentence}"


class Broken(Exception):
    """Definitions cannot be used; `faults` lists all that is wrong."""

    def __init__(self, faults: Iterable[BadDefinition]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass
class Source:
    """What one pack says, as plain data."""

    name: str
    folder: Path
    module: str | None
    pack: dict[str, Any]
    definitions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    extends: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    seeds: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)


def read_pack(folder: Path, *, module: str | None = None) -> Source:
    """Read a pack's folder. Raises Broken."""
    faults: list[BadDefinition] = []
    about = (
        _load(folder / "pack.yaml", faults)
        if (folder / "pack.yaml").exists()
        else {"pack": folder.name, "label": folder.name, "version": "0"}
    )
    source = Source(folder.name, folder, module, about if isinstance(about, dict) else {})
    for name, kind in FOLDERS.items():
        for path in sorted((folder / name).glob("*.yaml")):
            _take(source, kind, _load(path, faults), path, faults)
    for name, kind in LISTS.items():
        if (folder / name).exists():
            items = _load(folder / name, faults)
            if items is not None and not isinstance(items, list):
                faults.append(
                    BadDefinition(
                        _short(folder / name), "", f"this file is a list of definitions: - {kind}: …"
                    )
                )
            for item in items if isinstance(items, list) else []:
                _take(source, kind, item, folder / name, faults)
    for path in sorted((folder / "extends").glob("*.yaml")):
        content = _load(path, faults)
        if isinstance(content, dict) and isinstance(content.get("extends"), str):
            target = content.pop("extends")
            source.extends.append((target, content, _short(path)))
        elif content is not None:
            faults.append(BadDefinition(_short(path), "extends", "name the form that is extended"))
    for path in sorted((folder / "data").glob("*.yaml")):
        content = _load(path, faults)
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, dict) and {"form", "records"} <= part.keys():
                source.seeds.append((part["form"], part["records"]))
            elif part is not None:
                faults.append(BadDefinition(_short(path), "", "write form: and records:"))
    if faults:
        raise Broken(faults)
    return source


def validate(kind: str, content: Mapping[str, Any], file: str) -> BaseModel:
    """The model of one definition. Raises Broken with a sentence per fault."""
    try:
        return KINDS[kind].model_validate(content)
    except ValidationError as error:
        raise Broken(faults_of(error, file)) from None


def faults_of(error: ValidationError, file: str) -> Iterator[BadDefinition]:
    """What a model says, as faults of a file."""
    for fault in error.errors():
        path = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            sentence = "there is no such attribute; look it up in docs/definitions.md"
        elif fault["type"] == "missing":
            sentence = "this attribute is obligatory"
        else:
            sentence = fault["msg"]
        yield BadDefinition(file, path, sentence)


def _take(source: Source, kind: str, content: Any, path: Path, faults: list[BadDefinition]) -> None:
    if content is None:
        return
    if not isinstance(content, dict) or not isinstance(content.get(kind), str):
        faults.append(BadDefinition(_short(path), kind, f"a definition begins with {kind}: <name>"))
        return
    key = (kind, content[kind])
    if key in source.definitions:
        faults.append(BadDefinition(_short(path), kind, f"{content[kind]} is defined twice"))
        return
    source.definitions[key] = content
    source.files[key] = _short(path)


# The C parser reads the packs ten times faster; the pure one does the same where it is not there.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # one of PyYAML's two safe loaders
    """YAML with duplicate keys refused, and `on`, `off`, `yes`, `no`, dates and floats left as text."""


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", key_node.start_mark)
        seen.add(key)
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return found


_TEXTS = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in _TEXTS and not (first in "yYnNoO" and tag == "tag:yaml.org,2002:bool")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """YAML as definitions are written: no dates, no floats (decimals stay text), duplicate keys refused."""
    return yaml.load(text, Loader=_Loader)  # a SafeLoader


def _load(path: Path, faults: list[BadDefinition]) -> Any:
    """Reads a file."""
    try:
        content = load_yaml(path.read_text("utf-8"))
        if content is None:
            faults.append(
                BadDefinition(_short(path), "", "this file is empty; delete it or write its definition")
            )
        return content
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        faults.append(BadDefinition(_short(path), "", f"this is not YAML: {' '.join(str(error).split())}"))
        return None


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
