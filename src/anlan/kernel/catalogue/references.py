"""Every name that a definition mentions must be there: fields, forms, registers, states, roles, actions.

Each fault names the file, the path in the definition and what is not known there. Formulas are checked elsewhere
(`inspect`), with what they speak of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anlan.kernel.catalogue.dashboards import dashboard_faults
from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.register import Register
from anlan.kernel.catalogue.scope import form_scope
from anlan.kernel.definition.model import (
    ApprovalDefinition,
    Grant,
    PrintDefinition,
    ReportDefinition,
    ReportSource,
    View,
)
from anlan.kernel.definition.reader import BadDefinition
from anlan.kernel.fieldtype import FIELD_TYPES
from anlan.kernel.series.tables import STEPS, keep_of, key_table, raw_table, roll_table

if TYPE_CHECKING:
    from anlan.kernel.catalogue.catalogue import Catalogue

__all__ = ["form_references", "other_references", "table_clashes"]

BASIC_ACTIONS = frozenset({"read", "create", "update", "delete", "export", "import", "print", "share", "*"})
READ_ACTIONS = frozenset({"read", "export", "print", "*", "create"})
DECISIONS = frozenset({"approve", "reject", "return", "withdraw", "submit"})
REGISTER_COLUMNS = frozenset({"seq", "date", "recorded_at", "document", "document_form", "posting", "document_line", "last_date", "period", "at", "n"})
Faults = Iterator[BadDefinition]


def form_references(catalogue: Catalogue, form: Form, file: str) -> Faults:
    """Names in a form that nothing has."""
    for item in form.all_fields():
        yield from _field_faults(catalogue, form, item, file)
        yield from _entry_faults(catalogue, form, item, file)
    yield from _frame_faults(catalogue, form, file)
    yield from _workflow_faults(catalogue, form, file)
    yield from _scan_faults(form, file)
    yield from _posting_faults(catalogue, form, file)
    yield from _conversion_faults(catalogue, form, file)
    yield from _grant_faults(catalogue, form.definition.grants, BASIC_ACTIONS | DECISIONS | set(form.transitions), form, file)


def _field_faults(catalogue: Catalogue, form: Form, item: Field, file: str) -> Faults:
    definition, place = item.definition, f"fields.{item.path.replace('.', '.fields.')}"
    if item.type.key == "link" and definition.to not in catalogue.forms:
        yield BadDefinition(file, f"{place}.to", f"there is no form {definition.to}")
    if item.type.key == "line":
        owner, _, lines = (definition.to or "").rpartition(".")
        if owner not in catalogue.forms or lines not in catalogue.forms[owner].lines:
            yield BadDefinition(file, f"{place}.to", f"there are no lines {definition.to}; write <form>.<lines>")
    if item.type.is_lines:
        if not definition.fields:
            yield BadDefinition(file, f"{place}.fields", "lines have fields of their own")
        yield from _unknown(file, f"{place}.order", definition.order or (), form.lines[item.key].fields if item.key in form.lines else {}, "field")
        yield from (BadDefinition(file, f"{place}.fields.{key}.type", "lines cannot have lines of their own")
                    for key, below in (definition.fields or {}).items() if below.type == "lines")
    if item.type.key in ("choice", "multi_choice") and not item.reserved and definition.options is None and definition.options_from is None:
        yield BadDefinition(file, f"{place}.options", "a choice has options, or options_from")
    if definition.balance is not None:
        register = catalogue.registers.get(definition.balance.register_name)
        if register is None or register.definition.kind != "balance":
            yield BadDefinition(file, f"{place}.balance", f"there is no balance register {definition.balance.register_name}")
            return
        if definition.balance.resource not in register.resources:
            yield BadDefinition(file, f"{place}.balance", f"{register.name} has no resource {definition.balance.resource}")
        yield from _unknown(file, f"{place}.balance.key", definition.balance.key or ("line",), register.dimensions, f"dimension of {register.name}")


def _entry_faults(catalogue: Catalogue, form: Form, item: Field, file: str) -> Faults:
    """What helps while one types: hints of a link, the grid of lines."""
    place = f"fields.{item.path}"
    for key, hint in item.definition.hints.items():
        at = f"{place}.hints.{key}"
        yield from _unknown(file, f"{at}.key", hint.key.values(), form.fields, "field")
        if hint.register_name is not None:
            register = catalogue.registers.get(hint.register_name)
            if register is None or register.definition.kind != "balance":
                yield BadDefinition(file, f"{at}.register", f"there is no balance register {hint.register_name}")
                continue
            yield from _unknown(file, f"{at}.resource", [hint.resource or ""], register.resources, f"resource of {register.name}")
            yield from _unknown(file, at, [hint.dimension or "", *hint.key], register.dimensions, f"dimension of {register.name}")
        elif hint.form is not None:
            source = catalogue.forms.get(hint.form)
            if source is None:
                yield BadDefinition(file, f"{at}.form", f"there is no form {hint.form}")
                continue
            stored = [path for path in (hint.value, hint.link) if (one := source.field_at(path or "")) is not None and one.column is not None]
            yield from _unknown(file, at, [hint.value or "", hint.link or ""], [path or "" for path in stored], f"stored field of {source.name}")
            yield from _unknown(file, f"{at}.key", hint.key, [one.key for one in source.stored], f"stored field of {source.name}")
        else:
            yield BadDefinition(file, at, "a hint has a register or a form")
    grid = item.definition.grid
    if grid is None:
        return
    if not item.type.is_lines:
        yield BadDefinition(file, f"{place}.grid", "only lines have a grid")
        return
    inner = form.lines[item.key].fields
    if len(grid.sides) not in (0, 2):
        yield BadDefinition(file, f"{place}.grid.sides", "write two amounts, such as [debit, credit]")
    scanned = grid.scan.model_dump(include={"item", "quantity", "lot", "expiry", "serial"}, exclude_none=True).values() if grid.scan else ()
    yield from _unknown(file, f"{place}.grid", [*grid.sides, *(one for one in scanned if one)], inner, "field of the lines")
    target = catalogue.forms.get(inner[grid.scan.item].to or "") if grid.scan and grid.scan.item in inner else None
    if grid.scan and target is not None:
        yield from _unknown(file, f"{place}.grid.scan.by", grid.scan.by, target.fields, f"field of {target.name}")


def _frame_faults(catalogue: Catalogue, form: Form, file: str) -> Faults:
    """What stands around the fields: order, sections, views, keys, checks."""
    definition = form.definition
    if form.kind in ("master", "setting") and definition.workflow is None and definition.source is None:
        for key in ("code", "name"):
            if key not in definition.fields and definition.number is None:
                yield BadDefinition(file, f"fields.{key}", "masters and settings have a code and a name")
    yield from _unknown(file, "order", definition.order or (), form.fields, "field")
    for key, section in definition.sections.items():
        yield from _unknown(file, f"sections.{key}.fields", section.fields, form.fields, "field")
    for name in ("unique", "indexes"):
        for key, parts in getattr(definition, name).items():
            stored = [path for path in parts if (item := form.fields.get(path)) is not None and item.column is not None]
            yield from _unknown(file, f"{name}.{key}", parts, stored, "stored field")
    for key, view in definition.views.items():
        for name in ("columns", "totals"):
            yield from _unreachable(catalogue, form, getattr(view, name), file, f"views.{key}.{name}")
        yield from _unreachable(catalogue, form, [path.lstrip("-+") for path in view.sort], file, f"views.{key}.sort")
        yield from _view_faults(form, key, view, file)
    for key, check in definition.checks.items():
        if check.path is not None:
            yield from _unreachable(catalogue, form, [check.path], file, f"checks.{key}.path")
    if definition.number is not None:
        yield from _unknown(file, "number.per", definition.number.per, form.fields, "field")
        yield from _unknown(file, "number.pattern", [part for part in re.findall(r"\{([a-z_]+)\}", definition.number.pattern)
                                                     if part not in ("yyyy", "yy", "dd", "company")], form.fields, "field")


def _view_faults(form: Form, key: str, view: View, file: str) -> Faults:
    """A board stands by a state or a choice, a calendar by a day."""
    kinds = {"board": ("choice",), "calendar": ("date", "instant")}.get(view.kind)
    if kinds is None:
        if view.by is not None:
            yield BadDefinition(file, f"views.{key}.by", "only a board or a calendar stands by a field")
        return
    item = form.fields.get(view.by or "")
    if item is None or item.type.key not in kinds or item.column is None:
        wanted = "the state or a choice" if view.kind == "board" else "a date or an instant"
        yield BadDefinition(file, f"views.{key}.by", f"a {view.kind} stands by {wanted} of the form")


def _scan_faults(form: Form, file: str) -> Faults:
    scan = form.definition.scan
    if scan is None:
        return
    lines = form.definition.fields.get(scan.lines)
    if lines is None or lines.type != "lines":
        yield BadDefinition(file, "scan.lines", f"{scan.lines} is no field of lines")
        return
    known = lines.fields or {}
    named = [("item", scan.item), ("quantity", scan.quantity), *([("lot", scan.lot)] if scan.lot else [])]
    for what, key in named:
        yield from _unknown(file, f"scan.{what}", [key], known, "field")


def _workflow_faults(catalogue: Catalogue, form: Form, file: str) -> Faults:
    workflow = form.definition.workflow
    if workflow is None:
        if form.is_document:
            yield BadDefinition(file, "workflow", "a document has a workflow with a start state")
        return
    states = workflow.states
    yield from _unknown(file, "workflow.start", [workflow.start], states, "state")
    yield from _unknown(file, "workflow.order", workflow.order or (), states, "state")
    for key, state in states.items():
        yield from _unreachable(catalogue, form, [path for path in state.editable if path != "*"], file, f"workflow.states.{key}.editable")
    for key, move in workflow.transitions.items():
        place = f"workflow.transitions.{key}"
        yield from _unknown(file, f"{place}.from", move.source, states, "state")
        yield from _unknown(file, f"{place}.to", [move.to], states, "state")
        yield from _unknown(file, f"{place}.unused_by", move.unused_by, catalogue.forms, "form")
        yield from _unknown(file, f"{place}.approval", [move.approval] if move.approval else (), catalogue.approvals, "approval")
        yield from _unknown(file, f"{place}.role", [move.role] if move.role else (), catalogue.roles, "role")


def _posting_faults(catalogue: Catalogue, form: Form, file: str) -> Faults:
    for key, posting in form.definition.postings.items():
        place = f"postings.{key}"
        register = catalogue.registers.get(posting.register_name)
        if register is None or register.definition.kind != "balance":
            yield BadDefinition(file, f"{place}.register", f"there is no balance register {posting.register_name}")
            continue
        yield from _unknown(file, f"{place}.dimensions", posting.dimensions, register.dimensions, f"dimension of {register.name}")
        yield from _unknown(file, f"{place}.resources", posting.resources, register.resources, f"resource of {register.name}")
        yield from _unknown(file, f"{place}.while", posting.states, form.states, "state")
        yield from _unknown(file, f"{place}.each", [posting.each] if posting.each else (), form.lines, "lines field")
        yield from _unknown(file, f"{place}.carry", [posting.carry] if posting.carry else (), form.definition.postings, "posting")
        if posting.compute is not None:
            name = posting.compute if "." in posting.compute else f"{register.pack}.{posting.compute}"
            yield from _unknown(file, f"{place}.compute", [name], catalogue.computes, "@compute function")


def _conversion_faults(catalogue: Catalogue, form: Form, file: str) -> Faults:
    for key, conversion in form.definition.conversions.items():
        place = f"conversions.{key}"
        target = catalogue.forms.get(conversion.to)
        if target is None:
            yield BadDefinition(file, f"{place}.to", f"there is no form {conversion.to}")
            continue
        yield from (BadDefinition(file, f"{place}.copy.{path}", f"the form {conversion.to} has no field {path}")
                    for path in conversion.copied if target.field_at(path) is None)
        yield from _unknown(file, f"{place}.states", conversion.states if conversion.states != ["confirmed", "posted"] else (), form.states, "state")
        yield from _unknown(file, f"{place}.each", [conversion.each] if conversion.each else (), form.lines, "lines field")
        yield from _unknown(file, f"{place}.target", [conversion.target] if conversion.target else (), target.lines, f"lines field of {target.name}")


def _grant_faults(catalogue: Catalogue, grants: Mapping[str, Grant], actions: Iterable[str], form: Form | None, file: str) -> Faults:
    for role, grant in grants.items():
        place = f"grants.{role}"
        if role not in catalogue.roles:
            yield BadDefinition(file, place, f"there is no role {role}")
        yield from _unknown(file, f"{place}.actions", grant.actions, actions, "action")
        if form is not None:
            yield from (BadDefinition(file, f"{place}.fields.{path}", f"there is no field {path}")
                        for path in grant.fields if form.field_at(path) is None)


def other_references(catalogue: Catalogue, files: Mapping[str, str]) -> Faults:
    """Names in registers, reports, prints and approvals that nothing has."""
    for register in catalogue.registers.values():
        yield from _register_faults(catalogue, register, files.get(f"register:{register.name}", f"register {register.name}"))
    for name, report in catalogue.reports.items():
        yield from _report_faults(catalogue, report, files.get(f"report:{name}", f"report {name}"))
    for name, board in catalogue.dashboards.items():
        yield from dashboard_faults(catalogue, board, files.get(f"dashboard:{name}", f"dashboard {name}"))
    for name, paper in catalogue.prints.items():
        yield from _print_faults(catalogue, paper, files.get(f"print:{name}", f"print {name}"))
    for name, approval in catalogue.approvals.items():
        yield from _approval_faults(catalogue, approval, files.get(f"approval:{name}", f"approval {name}"))
    for event, rules in catalogue.rules.items():
        yield from (BadDefinition(f"{rule.pack}/rules.py", rule.function.__name__, f"there is no form {event[0]}")
                    for rule in rules if event[0] not in catalogue.forms)


def _approval_faults(catalogue: Catalogue, approval: ApprovalDefinition, file: str) -> Faults:
    yield from _unknown(file, "roles", approval.roles, catalogue.roles, "role")
    yield from _unknown(file, "copy_roles", approval.copy_roles, catalogue.roles, "role")
    yield from _unknown(file, "order", approval.order or (), approval.steps, "step")
    for key, one in approval.steps.items():
        yield from _unknown(file, f"steps.{key}.roles", one.roles, catalogue.roles, "role")


def _register_faults(catalogue: Catalogue, register: Register, file: str) -> Faults:
    definition = register.definition
    for key, dimension in register.dimensions.items():
        if dimension.type == "link":
            yield from _unknown(file, f"dimensions.{key}.to", [dimension.to or ""], catalogue.forms, "form")
        elif dimension.type == "line":
            owner, _, lines = (dimension.to or "").rpartition(".")
            if owner not in catalogue.forms or lines not in catalogue.forms[owner].lines:
                yield BadDefinition(file, f"dimensions.{key}.to", f"there are no lines {dimension.to}; write <form>.<lines>")
    yield from (BadDefinition(file, f"resources.{key}", f"{key} is a dimension already") for key in register.resources if key in register.dimensions)
    yield from (BadDefinition(file, key, f"{key} is a column of every register; take another key")
                for key in (*register.dimensions, *register.resources, *definition.memory) if key in REGISTER_COLUMNS)
    for key, parts in definition.indexes.items():
        yield from _unknown(file, f"indexes.{key}", parts, register.dimensions, "dimension")
    if definition.kind == "series" and (definition.limits or definition.periods or definition.memory):
        yield BadDefinition(file, "kind", "a series has no balance: no limits, periods or memory")
    if definition.kind == "balance" and (definition.rollups or definition.raw):
        yield BadDefinition(file, "kind", "a balance register has no roll-ups; write kind: series")
    if definition.store != "site":
        yield BadDefinition(file, "store", "measurements are kept in the site's own database; leave store out")
    yield from _unknown(file, "rollups", definition.rollups, STEPS, f"step (there are {', '.join(STEPS)})")
    kept = {f"rollups.{step}.keep": one.keep for step, one in definition.rollups.items()} | ({"raw.keep": definition.raw.keep} if definition.raw else {})
    yield from (BadDefinition(file, place, f"write how long as 48h, 14d or 2y, not {text}") for place, text in kept.items() if keep_of(text) is None)
    yield from _grant_faults(catalogue, definition.grants, READ_ACTIONS, None, file)
    for role, grant in definition.grants.items():
        yield from _unknown(file, f"grants.{role}.fields", grant.fields, [*register.dimensions, *register.resources], "dimension or resource")


def _report_faults(catalogue: Catalogue, report: ReportDefinition, file: str) -> Faults:
    yield from _grant_faults(catalogue, report.grants, READ_ACTIONS, None, file)
    if report.parts:
        if report.form is not None or report.register_name is not None:
            yield BadDefinition(file, "parts", "a report with parts has no form or register of its own")
        for key, part in report.parts.items():
            yield from _source_faults(catalogue, report, part, file, f"parts.{key}.")
            yield from _unknown(file, f"parts.{key}.rows", part.rows, report.rows, "row of this report")
            yield from _unknown(file, f"parts.{key}.columns", part.columns, report.columns, "column")
    else:
        yield from _source_faults(catalogue, report, report, file, "")
    given = {key for part in report.parts.values() for key in (*part.rows, *part.columns)}
    for key, column in report.columns.items():
        if report.parts and column.value is not None:
            yield BadDefinition(file, f"columns.{key}.value", "with parts, each part gives the value under its own columns")
        elif (column.result is None) == (column.value is None and key not in given):
            yield BadDefinition(file, f"columns.{key}", "write value (of each row) or result (of the sums), one of them")
        elif column.result is not None and report.reading == "turnover":
            yield BadDefinition(file, f"columns.{key}.result", "a turnover's columns compare sums already; write value")
        if column.opens is not None:
            yield from _unknown(file, f"columns.{key}.opens", [column.opens], catalogue.reports, "report")
    if report.parts:
        yield from _unknown(file, "rows", report.rows, given, "value in any part for row")
    for key, item in report.parameters.items():
        if item.type not in FIELD_TYPES or FIELD_TYPES[item.type].is_lines:
            yield BadDefinition(file, f"parameters.{key}.type", f"there is no type {item.type}")
        elif item.type == "link":
            yield from _unknown(file, f"parameters.{key}.to", [item.to or ""], catalogue.forms, "form")
    for text in report.sort:
        path = text.lstrip("-")
        if not {path, path.split(".")[0]} & {*report.columns, *report.rows}:
            yield BadDefinition(file, "sort", f"{path} is no column and no row of this report")
    yield from _unknown(file, "subtotals", report.subtotals, report.rows, "row of this report")
    if any(column.running for column in report.columns.values()) and (report.parts or report.reading != "movements"):
        yield BadDefinition(file, "columns", "a running figure needs reading: movements")


def _source_faults(catalogue: Catalogue, report: ReportDefinition, source: ReportSource, file: str, place: str) -> Faults:
    if (source.form is None) == (source.register_name is None):
        yield BadDefinition(file, f"{place}form", "a report reads a form or a register, one of them")
    elif source.form is not None:
        yield from _unknown(file, f"{place}form", [source.form], catalogue.forms, "form")
        if source.each is not None and source.form in catalogue.forms:
            yield from _unknown(file, f"{place}each", [source.each], catalogue.forms[source.form].lines, "lines field")
    elif source.register_name not in catalogue.registers or catalogue.registers[source.register_name].definition.kind != "balance":
        yield BadDefinition(file, f"{place}register", f"there is no balance register {source.register_name}")
    elif source.reading is None:
        yield BadDefinition(file, f"{place}reading", "write reading: balance, turnover or movements")
    elif source.reading == "turnover":
        if place:
            yield BadDefinition(file, f"{place}reading", "a part reads balance or movements; a turnover stands alone")
        yield from _unknown(file, "parameters", [key for key in ("from", "to") if key not in report.parameters], (), "parameter (a turnover has from and to)")
        yield from _unknown(file, "rows", report.rows, catalogue.registers[source.register_name].dimensions, "dimension")
    if source.each is not None and source.form is None:
        yield BadDefinition(file, f"{place}each", "only a form has lines; leave each out")
    if source.of is not None:
        yield from _unknown(file, f"{place}of", [source.of], catalogue.forms, "form")
        if source.reading != "movements":
            yield BadDefinition(file, f"{place}of", "of narrows movements to one form's documents; write reading: movements")


def _print_faults(catalogue: Catalogue, paper: PrintDefinition, file: str) -> Faults:
    form = catalogue.forms.get(paper.form)
    if form is None:
        yield BadDefinition(file, "form", f"there is no form {paper.form}")
        return
    yield from _unknown(file, "order", paper.order, paper.blocks, "block")
    for key, block in paper.blocks.items():
        place = f"blocks.{key}"
        paths = [re.sub(r"^RMBCAP\((.*)\)$", r"\1", path).strip() for path in block.fields]
        yield from _unreachable(catalogue, form, paths, file, f"{place}.fields")
        if block.each is not None:
            yield from _unknown(file, f"{place}.each", [block.each], form.lines, "lines field")
        each = block.each or next(iter(form.lines), None)
        if each in form.lines:
            yield from _unreachable(catalogue, form, [f"{each}.{path}" for path in block.columns], file, f"{place}.columns")


def _unknown(file: str, place: str, names: Iterable[str], known: Iterable[str], what: str) -> Faults:
    there = set(known)
    yield from (BadDefinition(file, place, f"there is no {what} {name}") for name in names if name not in there)


def _unreachable(catalogue: Catalogue, form: Form, paths: Sequence[str], file: str, place: str) -> Faults:
    """Paths through links and lines that lead nowhere."""
    for path in paths:
        if form.field_at(path) is not None or path == "id":
            continue
        scope: Any = form_scope(catalogue.forms, form)
        for key in path.split("."):
            symbol = scope.lookup(key) if scope is not None else None
            if symbol is None:
                yield BadDefinition(file, place, f"there is no field {path}")
                break
            scope = symbol.scope


def table_clashes(catalogue: Catalogue, files: Mapping[str, str]) -> Faults:
    """Two definitions must not share a table, nor take one of the kernel's own."""
    taken: dict[str, str] = dict.fromkeys(_kernel_tables(), "the kernel")
    for form in catalogue.forms.values():
        for table in (form.table, *(lines.table for lines in form.lines.values())):
            yield from _take(taken, table.strip('"'), form.name, files.get(f"form:{form.name}", f"form {form.name}"))
    for register in catalogue.registers.values():
        for table in _tables_of(register):
            yield from _take(taken, table, register.name, files.get(f"register:{register.name}", f"register {register.name}"))


def _tables_of(register: Register) -> list[str]:
    if register.definition.kind == "series":
        return [key_table(register), raw_table(register), *(roll_table(register, step) for step in STEPS)]
    return [register.movement_table, register.balance_table, register.period_table]


def _take(taken: dict[str, str], table: str, name: str, file: str) -> Faults:
    if table in taken:
        yield BadDefinition(file, "", f"{name} needs another name: its table {table} belongs to {taken[table]}")
    taken.setdefault(table, name)


def _kernel_tables() -> list[str]:
    """Tables that the kernel's own steps make. Reads files."""
    folder = Path(__file__).parents[1] / "storage" / "migrations"
    return [name for path in sorted(folder.glob("*.sql")) for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", path.read_text("utf-8"))]
