"""Whether a catalogue makes sense: names exist, formulas type-check, postings translate, nothing goes in circles.

It compiles everything once, so that a published catalogue cannot fail on a definition at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from anlan.kernel.definition.reader import BadDefinition
from anlan.kernel.fieldtype import FIELD_TYPES, Unreadable
from anlan.kernel.formula import DesignError

if TYPE_CHECKING:
    from anlan.kernel.catalogue.catalogue import Catalogue
    from anlan.kernel.catalogue.form import Field, Form

__all__ = ["design_sentence", "inspect"]

SENTENCES = {
    "syntax": "this formula cannot be read at position {position}",
    "unknown_field": "there is no field {name} here (position {position})",
    "unknown_function": "there is no function {name} (position {position})",
    "arg_count": "{name} has the wrong number of arguments (position {position})",
    "type_mismatch": "the types do not go together at position {position}: {told}",
    "cycle": "these fields need each other: {names}",
    "not_in_sql": "this cannot be worked out in the database: {told}",
    "limit_shape": "a limit is one or more comparisons with >= or <=, joined by AND",
}


def design_sentence(error: DesignError) -> str:
    """A design error as a sentence for whoever writes definitions."""
    told = ", ".join(f"{key} {value}" for key, value in error.params.items())
    params = {"name": "", "names": "", "told": told, "position": error.position, **error.params}
    return SENTENCES.get(error.code, "{told}").format_map(params)


def inspect(catalogue: Catalogue, files: Mapping[str, str]) -> list[BadDefinition]:
    """Every fault of a catalogue, in the order of its forms."""
    faults: list[BadDefinition] = []
    for form in catalogue.forms.values():
        file = files.get(f"form:{form.name}", f"form {form.name}")
        shape = list(_shape_faults(catalogue, form, file))
        faults += shape
        if shape:
            continue
        for part in _parts(catalogue, form):
            try:
                part()
            except DesignError as error:
                faults.append(BadDefinition(file, getattr(error, "place", form.name), design_sentence(error)))
            except Unreadable as error:
                faults.append(BadDefinition(file, form.name, f"a default cannot be read: {error.code}"))
    for register in catalogue.registers.values():
        file = files.get(f"register:{register.name}", f"register {register.name}")
        for key, dimension in register.dimensions.items():
            if dimension.type == "link" and dimension.to not in catalogue.forms:
                faults.append(BadDefinition(file, f"dimensions.{key}.to", f"there is no form {dimension.to}"))
    return faults


def _shape_faults(catalogue: Catalogue, form: Form, file: str) -> Iterable[BadDefinition]:
    definition = form.definition
    for item in form.all_fields():
        yield from _field_faults(catalogue, item, file)
    if definition.kind in ("master", "setting") and definition.workflow is None:
        for key in ("code", "name"):
            if key not in definition.fields and definition.number is None:
                yield BadDefinition(file, f"fields.{key}", "masters and settings have a code and a name")
    if definition.workflow is not None:
        states = definition.workflow.states
        if definition.workflow.start not in states:
            yield BadDefinition(file, "workflow.start", f"there is no state {definition.workflow.start}")
        for key, move in definition.workflow.transitions.items():
            for state in (*move.source, move.to):
                if state not in states:
                    yield BadDefinition(file, f"workflow.transitions.{key}", f"there is no state {state}")
            for name in move.unused_by:
                if name not in catalogue.forms:
                    yield BadDefinition(file, f"workflow.transitions.{key}.unused_by", f"there is no form {name}")
            if move.approval is not None and move.approval not in catalogue.approvals:
                yield BadDefinition(file, f"workflow.transitions.{key}.approval", f"there is no approval {move.approval}")
    for key, posting in definition.postings.items():
        register = catalogue.registers.get(posting.register_name)
        if register is None:
            yield BadDefinition(file, f"postings.{key}.register", f"there is no register {posting.register_name}")
            continue
        for part, known in (("dimensions", register.dimensions), ("resources", register.resources)):
            for name in getattr(posting, part):
                if name not in known:
                    yield BadDefinition(file, f"postings.{key}.{part}.{name}", f"the register {register.name} has no {name}")
        if posting.each is not None and posting.each not in form.lines:
            yield BadDefinition(file, f"postings.{key}.each", f"there is no lines field {posting.each}")
        if posting.compute is not None:
            name = posting.compute if "." in posting.compute else f"{register.pack}.{posting.compute}"
            if name not in catalogue.computes:
                yield BadDefinition(file, f"postings.{key}.compute", f"there is no @compute function {name}")
    for key, conversion in definition.conversions.items():
        target = catalogue.forms.get(conversion.to)
        if target is None:
            yield BadDefinition(file, f"conversions.{key}.to", f"there is no form {conversion.to}")
            continue
        for path in conversion.copied:
            if target.field_at(path) is None:
                yield BadDefinition(file, f"conversions.{key}.copy.{path}", f"the form {conversion.to} has no field {path}")
    for role in definition.grants:
        if role not in catalogue.roles:
            yield BadDefinition(file, f"grants.{role}", f"there is no role {role}")


def _field_faults(catalogue: Catalogue, item: Field, file: str) -> Iterable[BadDefinition]:
    definition = item.definition
    place = f"fields.{item.path}"
    if definition.type not in FIELD_TYPES:
        yield BadDefinition(file, f"{place}.type", f"there is no type {definition.type}")
    if item.type.key == "link" and (definition.to is None or definition.to not in catalogue.forms):
        yield BadDefinition(file, f"{place}.to", f"there is no form {definition.to}")
    if item.type.is_lines and not definition.fields:
        yield BadDefinition(file, f"{place}.fields", "lines have fields of their own")
    if definition.balance is not None:
        register = catalogue.registers.get(definition.balance.register_name)
        if register is None:
            yield BadDefinition(file, f"{place}.balance", f"there is no register {definition.balance.register_name}")
        elif definition.balance.resource not in register.resources:
            yield BadDefinition(file, f"{place}.balance", f"{register.name} has no resource {definition.balance.resource}")


def _parts(catalogue: Catalogue, form: Form) -> Iterable[Callable[[], Any]]:
    """Everything that is compiled for a form, as calls."""
    from anlan.kernel.record.compile import compile_conversion, compiled, guard
    from anlan.kernel.record.statements import statements
    from anlan.kernel.posting.compiled import compiled_postings

    yield lambda: compiled(catalogue, form)
    yield lambda: statements(catalogue, form)
    yield lambda: compiled_postings(catalogue, form)
    for name, conversion in form.definition.conversions.items():
        yield lambda name=name, conversion=conversion: form.part(  # type: ignore[misc]  # bound at once
            f"conversion {name}", lambda: compile_conversion(catalogue, form, name, conversion))
    for name, move in form.transitions.items():
        if move.check is not None:
            yield lambda name=name, move=move: guard(catalogue, form, f"transitions.{name}.check", move.check)  # type: ignore[misc]  # bound at once
        if move.approval is not None:
            approval = catalogue.approvals[move.approval]
            if approval.when is not None:
                yield lambda name=name, text=approval.when: guard(catalogue, form, f"approval.{name}", text)  # type: ignore[misc]  # bound at once
