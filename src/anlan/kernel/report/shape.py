"""What a report reads, as its definition says: the sources, and what formulas see of each."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.scope import FieldsScope, form_scope, row_scope
from anlan.kernel.definition.model import FieldDefinition, ReportDefinition, ReportPart, ReportSource
from anlan.kernel.fieldtype import FIELD_TYPES
from anlan.kernel.register.read import movement_shape
from anlan.kernel.report.parameters import with_parameters

__all__ = ["parts_of", "scope_of", "shape_of"]


def parts_of(report: ReportDefinition) -> Iterator[tuple[str, ReportPart]]:
    """(path, part) of every source; a report without `parts` is a report of one, whose path is empty."""
    if report.parts:
        yield from ((f"parts.{key}.", part) for key, part in report.parts.items())
        return
    values = {key: column.value for key, column in report.columns.items() if column.value is not None}
    yield "", ReportPart.model_construct(
        form=report.form, each=report.each, register_name=report.register_name, reading=report.reading, of=report.of,
        where=report.where, rows={path: path for path in report.rows}, columns=values)


def shape_of(catalogue: Catalogue, part: ReportSource) -> Form:
    """The form that formulas of a source speak of; a register is seen as one. KeyError where there is none."""
    if part.form is not None:
        return catalogue.forms[part.form]
    register = catalogue.registers[part.register_name or ""]
    if part.reading != "movements":
        return register.as_form(register.balance_table)
    shape = movement_shape(register)
    if part.of is not None:
        shape.fields["document"] = Field("document", "document", FieldDefinition(type="link", to=part.of), FIELD_TYPES["link"], "document", part.of)
    return shape


def scope_of(catalogue: Catalogue, report: ReportDefinition, part: ReportSource, shape: Form) -> FieldsScope:
    """What formulas of a source see: its fields, the line at hand, the parameters."""
    scope = row_scope(catalogue.forms, shape, part.each) if part.each else form_scope(catalogue.forms, shape)
    return with_parameters(report, scope)
