"""From what packs and the company say to one catalogue: merged, checked, compiled.

1. Packs in order of their requirements; `extends` of later packs on forms of earlier ones.
2. The company's overlay on the result.
3. Models (shape), then names and formulas (sense). All faults are collected; a bad definition is refused with
   file, path and a sentence, and nothing is half built.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import build_form
from anlan.kernel.catalogue.inspect import inspect
from anlan.kernel.catalogue.register import build_register
from anlan.kernel.definition.merge import apply_overlay
from anlan.kernel.definition.model import (
    ApprovalDefinition,
    DashboardDefinition,
    FormDefinition,
    PackDefinition,
    PrintDefinition,
    RegisterDefinition,
    ReportDefinition,
    RoleDefinition,
)
from anlan.kernel.definition.reader import KINDS, BadDefinition, Broken, Source, faults_of, validate
from anlan.kernel.errors import Refused
from anlan.kernel.fieldtype import FIELD_TYPES
from anlan.kernel.formula import BUILTINS, Function
from anlan.kernel.rules import rules_of

__all__ = ["COMPANY", "Definitions", "Overlay", "assemble", "bare", "build_catalogue", "in_order", "overlaid"]

COMPANY = "company"      # the pack of what a company defines itself

# What is published: {"packs": {name: {...}}, "form": {name: {"pack": …, "definition": {...}}}, "register": …}
Definitions = dict[str, Any]
Overlay = Mapping[tuple[str, str], Mapping[str, Any]]


def in_order(sources: Iterable[Source]) -> list[Source]:
    """The packs with every pack after those it requires. Raises Broken for a missing or circular requirement."""
    found = {source.name: source for source in sources}
    done: list[Source] = []
    faults: list[BadDefinition] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        source = found[name]
        if source in done:
            return
        if name in trail:
            faults.append(BadDefinition(f"{name}/pack.yaml", "requires", f"{' → '.join((*trail, name))} is a circle"))
            return
        requires = source.pack.get("requires", [])
        for needed in requires if isinstance(requires, list) else [requires]:
            if not isinstance(needed, str) or needed not in found:
                faults.append(BadDefinition(f"{name}/pack.yaml", "requires", f"install the pack {needed} first"))
            else:
                visit(needed, (*trail, name))
        done.append(source)

    for name in sorted(found, key=lambda name: (name != "system", name)):     # the kernel's own forms come first
        visit(name, ())
    if faults:
        raise Broken(faults)
    return done


def assemble(sources: Iterable[Source], overlay: Overlay | None = None) -> Definitions:
    """One set of definitions from packs and the company's overlay. Raises Broken."""
    ordered = in_order(sources)
    result: Definitions = {"packs": {}, "files": {}}
    faults: list[BadDefinition] = []
    for source in ordered:
        result["packs"][source.name] = source.pack | {"module": source.module}
        for (kind, name), content in source.definitions.items():
            group = result.setdefault(kind, {})
            if name in group:
                faults.append(BadDefinition(source.files[kind, name], kind,
                                            f"{name} is already defined by the pack {group[name]['pack']}"))
                continue
            group[name] = {"pack": source.name, "definition": copy.deepcopy(content)}
            result["files"][f"{kind}:{name}"] = source.files[kind, name]
        for name, change, file in source.extends:
            target = result.get("form", {}).get(name)
            if target is None:
                faults.append(BadDefinition(file, "extends", f"there is no form {name} in the packs that this one requires"))
                continue
            try:
                target["definition"] = apply_overlay(target["definition"], change)
            except Refused as refused:
                faults += [BadDefinition(file, fault.path.removeprefix("overlay."), f"this is no change of a form ({fault.code})")
                           for fault in refused.faults]
    if faults:
        raise Broken(faults)
    return overlaid(result, overlay or {})


def overlaid(definitions: Definitions, overlay: Overlay) -> Definitions:
    """The packs' definitions with what the company changed; `overlay` and `base` (the packs' own of what it changed) go along.

    An entry is `{"definition": {...}}` for one of the company's own, else `{"overlay": {set, unset, lists}}`. A change of
    something that no pack has any more has no effect. Raises Refused 422 for an overlay of the wrong shape.
    """
    result: Definitions = {key: dict(value) if isinstance(value, dict) else value for key, value in definitions.items()}
    result["overlay"] = {f"{kind}:{name}": entry for (kind, name), entry in overlay.items()}
    result["base"] = {}
    for (kind, name), entry in overlay.items():
        group = result.setdefault(kind, {})
        if "definition" in entry:
            group[name] = {"pack": COMPANY, "definition": copy.deepcopy(dict(entry["definition"]))}
        elif name in group:
            result["base"][f"{kind}:{name}"] = group[name]["definition"]
            group[name] = group[name] | {"definition": apply_overlay(group[name]["definition"], entry.get("overlay", {}))}
    return result


def bare(definitions: Definitions) -> Definitions:
    """Published definitions without what the company changed: what the packs say."""
    result: Definitions = {key: dict(value) if isinstance(value, dict) else value for key, value in definitions.items()}
    for place, content in result.pop("base", {}).items():
        kind, _, name = place.partition(":")
        result[kind][name] = result[kind][name] | {"definition": content}
    for kind in KINDS:
        result[kind] = {name: entry for name, entry in result.get(kind, {}).items() if entry["pack"] != COMPANY}
    result.pop("overlay", None)
    return result


def build_catalogue(
    definitions: Definitions, *, version: int, columns: Mapping[tuple[str, str], str] | None = None,
    load: Callable[[str], object] = importlib.import_module,
) -> Catalogue:
    """The checked catalogue of a set of definitions. Raises Broken with every fault found."""
    faults: list[BadDefinition] = []
    files = definitions.get("files", {})
    models: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        models[kind] = {}
        for name, entry in definitions.get(kind, {}).items():
            try:
                models[kind][name] = validate(kind, entry["definition"], files.get(f"{kind}:{name}", f"{kind} {name}"))
            except Broken as broken:
                faults.extend(broken.faults)
    packs: dict[str, PackDefinition] = {}
    for name, content in definitions["packs"].items():
        try:
            packs[name] = PackDefinition.model_validate({key: value for key, value in content.items() if key != "module"})
        except ValidationError as error:
            faults += faults_of(error, f"{name}/pack.yaml")
    for name, form in models["form"].items():
        faults += _unknown_types(form, files.get(f"form:{name}", f"form {name}"))
    if faults:
        raise Broken(faults)
    catalogue = _compile(definitions, models, packs, version, dict(columns or {}))
    for name, content in definitions["packs"].items():
        if content.get("module"):
            _take_code(catalogue, load(content["module"]), name)
    faults = inspect(catalogue, files)
    if faults:
        raise Broken(faults)
    return catalogue


def _unknown_types(form: FormDefinition, file: str) -> list[BadDefinition]:
    """Fields of no known type: nothing else can be said about such a form."""
    fields = {f"fields.{key}": item for key, item in form.fields.items()}
    for key, item in form.fields.items():
        fields |= {f"fields.{key}.fields.{below}": one for below, one in (item.fields or {}).items()}
    return [BadDefinition(file, f"{place}.type", f"there is no type {item.type}; docs/definitions.md lists them")
            for place, item in fields.items() if item.type not in FIELD_TYPES]


def _compile(
    definitions: Definitions, models: dict[str, dict[str, Any]], packs: dict[str, PackDefinition], version: int,
    columns: dict[tuple[str, str], str],
) -> Catalogue:
    forms: dict[str, FormDefinition] = models["form"]
    registers: dict[str, RegisterDefinition] = models["register"]
    roles: dict[str, RoleDefinition] = models["role"]
    approvals: dict[str, ApprovalDefinition] = models["approval"]
    reports: dict[str, ReportDefinition] = models["report"]
    prints: dict[str, PrintDefinition] = models["print"]
    dashboards: dict[str, DashboardDefinition] = models["dashboard"]
    return Catalogue(
        version=version,
        packs=packs,
        forms={name: build_form(item, pack=definitions["form"][name]["pack"], columns=columns)
               for name, item in forms.items()},
        registers={name: build_register(item, pack=definitions["register"][name]["pack"])
                   for name, item in registers.items()},
        roles=roles, approvals=approvals, reports=reports, prints=prints, dashboards=dashboards,
        functions=dict(BUILTINS),
    )


def _take_code(catalogue: Catalogue, module: object, pack: str) -> None:
    rules, computes = rules_of(module, pack)
    for rule in rules:
        catalogue.rules.setdefault((rule.form, rule.event), []).append(rule)
    for item in computes:
        catalogue.computes[item.name] = item
    for value in vars(module).values():
        if isinstance(value, Function):
            catalogue.functions[value.name] = value
