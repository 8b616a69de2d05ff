"""Whether a catalogue makes sense: names exist, formulas type-check, postings translate, nothing goes in circles.

It compiles everything once, so that a published catalogue cannot fail on a definition at run time. Every fault is
collected, with file, path and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.references import form_references, other_references, table_clashes
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.definition.reader import BadDefinition
from anlan.kernel.fieldtype import Unreadable
from anlan.kernel.formula import BOOLEAN, DesignError, Scope, sql_filter

if TYPE_CHECKING:
    from anlan.kernel.catalogue.catalogue import Catalogue

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
CONTEXT = {("today",): "current_date", ("now",): "now()", ("user",): "NULL::uuid", ("user", "code"): "''", ("dept",): "NULL::uuid"}
Faults = Iterator[BadDefinition]


def design_sentence(error: DesignError) -> str:
    """A design error as a sentence for whoever writes definitions."""
    told = ", ".join(f"{key} {value}" for key, value in error.params.items())
    params = {"name": "", "names": "", "told": told, "position": error.position, **error.params}
    return SENTENCES.get(error.code, "{told}").format_map(params)


def inspect(catalogue: Catalogue, files: Mapping[str, str]) -> list[BadDefinition]:
    """Every fault of a catalogue, in the order of its forms. What a form names is checked before what it computes."""
    faults = list(table_clashes(catalogue, files))
    unknown: dict[str, list[BadDefinition]] = {
        form.name: list(form_references(catalogue, form, files.get(f"form:{form.name}", f"form {form.name}")))
        for form in catalogue.forms.values()}
    others = list(other_references(catalogue, files))
    for form in catalogue.forms.values():
        file = files.get(f"form:{form.name}", f"form {form.name}")
        faults += unknown[form.name]
        if not unknown[form.name]:
            faults += _compiled(catalogue, form, file)
            faults += _form_formulas(catalogue, form, file)
    faults += others
    if not faults:      # these look at several definitions at once; one fault would be told many times
        faults += _register_formulas(catalogue, files)
        faults += _report_formulas(catalogue, files)
        faults += _dashboard_formulas(catalogue, files)
    return faults


def _compiled(catalogue: Catalogue, form: Form, file: str) -> Faults:
    for part in _parts(catalogue, form):
        try:
            part()
        except DesignError as error:
            place = str(getattr(error, "place", "")).removeprefix(f"{form.name}.")
            yield BadDefinition(file, place or form.name, design_sentence(error))
        except Unreadable as error:
            yield BadDefinition(file, form.name, f"a default cannot be read: {error.code}")


def _parts(catalogue: Catalogue, form: Form) -> Iterator[Callable[[], Any]]:
    """Everything that is compiled for a form, as calls."""
    from anlan.kernel.posting.compiled import compiled_postings
    from anlan.kernel.record.compile import compiled
    from anlan.kernel.record.compile_steps import compile_conversion, guard
    from anlan.kernel.record.statements import statements

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
            for text in (approval.when, *(one.when for one in approval.steps.values())):
                if text is not None:
                    yield lambda name=name, text=text: guard(catalogue, form, f"approval.{name}", text)  # type: ignore[misc]  # bound at once


def _names(catalogue: Catalogue, form: Form) -> FormNames:
    return FormNames(catalogue.forms, catalogue.registers, form, context=CONTEXT, functions=catalogue.functions)


def _filter(catalogue: Catalogue, text: str, scope: Scope, names: FormNames) -> None:
    """Raises DesignError for what is no condition that the database can work out."""
    formula = catalogue.check(text, scope)
    if formula.type != BOOLEAN:
        raise DesignError("type_mismatch", 0, expected="boolean", got=getattr(formula.type, "name", "link"))
    sql_filter(formula, names)


def _tried(file: str, place: str, work: Callable[[], object]) -> Faults:
    try:
        work()
    except DesignError as error:
        yield BadDefinition(file, place, design_sentence(error))


def _form_formulas(catalogue: Catalogue, form: Form, file: str) -> Faults:
    """Row rules, filters of views, `only` of links."""
    definition, scope = form.definition, form_scope(catalogue.forms, form)
    if definition.source is not None:
        return
    for key, view in definition.views.items():
        if view.where:
            yield from _tried(file, f"views.{key}.where", lambda view=view: _filter(catalogue, view.where or "", scope, _names(catalogue, form)))  # type: ignore[misc]
    for role, grant in definition.grants.items():
        if grant.rows:
            yield from _tried(file, f"grants.{role}.rows", lambda grant=grant: _filter(catalogue, grant.rows or "", scope, _names(catalogue, form)))  # type: ignore[misc]
    for item in form.all_fields():
        target = catalogue.forms.get(item.to or "")
        if item.definition.only and target is not None:
            place = f"fields.{item.path.replace('.', '.fields.')}.only"
            yield from _tried(file, place, lambda item=item, target=target: _filter(  # type: ignore[misc]  # bound at once
                catalogue, item.definition.only or "", form_scope(catalogue.forms, target), _names(catalogue, target)))


def _register_formulas(catalogue: Catalogue, files: Mapping[str, str]) -> Faults:
    for register in catalogue.registers.values():
        shape = register.as_form(register.movement_table)
        scope = form_scope(catalogue.forms, shape)
        file = files.get(f"register:{register.name}", f"register {register.name}")
        for role, grant in register.definition.grants.items():
            if grant.rows:
                yield from _tried(file, f"grants.{role}.rows", lambda grant=grant, shape=shape, scope=scope: _filter(  # type: ignore[misc]
                    catalogue, grant.rows or "", scope, _names(catalogue, shape)))
        balance = register.as_form(register.balance_table)
        for key, limit in register.definition.limits.items():
            for part in ("keep", "unless"):
                text = getattr(limit, part)
                if text:
                    yield from _tried(file, f"limits.{key}.{part}", lambda text=text, shape=balance: _filter(  # type: ignore[misc]
                        catalogue, text, form_scope(catalogue.forms, shape), _names(catalogue, shape)))


def _dashboard_formulas(catalogue: Catalogue, files: Mapping[str, str]) -> Faults:
    for name, board in catalogue.dashboards.items():
        file = files.get(f"dashboard:{name}", f"dashboard {name}")
        for key, one in board.widgets.items():
            shape = catalogue.forms.get(one.form or "")
            if shape is not None and one.where:
                scope = form_scope(catalogue.forms, shape)
                yield from _tried(file, f"widgets.{key}.where", lambda text=one.where, shape=shape, scope=scope: _filter(  # type: ignore[misc]
                    catalogue, text, scope, _names(catalogue, shape)))


def _report_formulas(catalogue: Catalogue, files: Mapping[str, str]) -> Faults:
    from anlan.kernel.report import report_formulas

    for name, report in catalogue.reports.items():
        file = files.get(f"report:{name}", f"report {name}")
        for place, check in report_formulas(catalogue, report):
            yield from _tried(file, place, check)
