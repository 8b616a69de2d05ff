"""Everything that can be defined: forms, registers, roles, reports, dashboards, prints, packs.

A definition is data. It is written in YAML by packs and in JSON by the browser; every element has a stable
key, nothing is addressed by position, and order stands in explicit `order` lists::

    form: demo.note
    kind: document
    label: {zh: 便条, en: Note}
    fields:
      subject: {type: text, required: true, label: {zh: 主题, en: Subject}}

The models only say what a definition may look like. Whether names exist and formulas type-check is said by
the catalogue, which sees all definitions together. Fields (`fields.py`) and what shows figures (`shown.py`) have files of
their own; everything can be had from here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from anlan.kernel.definition.elements import Action, FormulaText, Grant, Key, Label, LabelText, Model, Name
from anlan.kernel.definition.fields import (
    Balance,
    FieldDefinition,
)
from anlan.kernel.definition.shown import (
    DashboardDefinition,
    Parameter,
    PrintDefinition,
    ReportColumn,
    ReportDefinition,
    ReportPart,
    ReportSource,
    Widget,
)

__all__ = [
    "Action",
    "ApprovalDefinition",
    "ApprovalStep",
    "Balance",
    "Conversion",
    "DashboardDefinition",
    "FieldDefinition",
    "FormDefinition",
    "Grant",
    "Label",
    "Limit",
    "NumberPattern",
    "PackDefinition",
    "Parameter",
    "Posting",
    "PrintDefinition",
    "RegisterDefinition",
    "ReportColumn",
    "ReportDefinition",
    "ReportPart",
    "ReportSource",
    "RoleDefinition",
    "State",
    "Transition",
    "View",
    "Widget",
    "Workflow",
]


class NumberPattern(Model):
    """How a document is numbered when it leaves draft.

    `pattern` has date parts `{yyyy} {yy} {MM} {dd}`, `{company}`, a field `{word}`, and one counter
    `{0000}`. The counter restarts when the text before it changes. `gapless` numbers are given by the
    last statement of the transaction; others come from a sequence and may have holes.
    """

    pattern: str = Field(max_length=80)
    gapless: bool = False
    per: list[Key] = Field(default_factory=list)
    field: Key = "number"


class State(Model):
    """A state of a workflow; `editable` lists the paths that may still change in it (`*` for all)."""

    label: LabelText
    colour: str = "grey"
    editable: list[str] = Field(default_factory=list)
    retained: bool = False  # a newer definition dropped it; records are still in it


class Transition(Model):
    """A step between states; the caller needs a grant for the action of the same key.

    `unused_by`: forms; the step is refused while a record of them that was made from this one exists
    and is not cancelled.
    """

    source: list[Key] = Field(alias="from")
    to: Key
    label: LabelText
    check: FormulaText | None = None
    check_message: LabelText | None = None
    approval: Name | None = None
    unused_by: list[Name] = Field(default_factory=list)
    role: Key | None = None
    primary: bool = False
    danger: bool = False
    comment: bool = False
    retained: bool = False


class Workflow(Model):
    states: dict[Key, State]
    transitions: dict[Key, Transition]
    start: Key = "draft"
    order: list[Key] | None = None


class Posting(Model):
    """A pure function from a document to the movements that it should have.

    `while` names the states in which it has any; `each` the lines field that it walks (none: one row for
    the document); `when` leaves rows out. Formulas see `lines.x` as the row at hand. `compute` names a
    function of the pack that completes resources from the locked balance; `carry` hands it the row of
    another posting of the same line (a move between two keys carries its value).
    """

    states: list[Key] = Field(alias="while")
    register_name: Name = Field(alias="register")
    each: Key | None = None
    when: FormulaText | None = None
    dimensions: dict[Key, FormulaText]
    resources: dict[Key, FormulaText]
    date: FormulaText | None = None
    compute: str | None = None
    carry: Key | None = None


class Conversion(Model):
    """How one document makes the next: `open` is what is left of a row, `copy` maps target to source.

    In `copy`, keys are paths of the target, values formulas over the source, where `lines.x` is the row
    at hand and `open` the quantity to take. `aside`: an exception (sending back, correcting), not the next step.
    """

    to: Name
    label: LabelText
    states: list[Key] = Field(default_factory=lambda: ["confirmed", "posted"])
    each: Key | None = None
    target: Key | None = None
    open: FormulaText | None = None
    quantity: Key = "quantity"
    copied: dict[str, FormulaText] = Field(default_factory=dict, alias="copy")
    when: FormulaText | None = None
    aside: bool = False


class View(Model):
    """How records are listed: columns in order, filter, sort.

    `kind` `board`: cards in columns by `by`, the state or a choice; `calendar`: cards on the day `by`. A card
    has the first column as its title, the others below it.
    """

    kind: Literal["list", "board", "calendar"] = "list"
    label: LabelText
    columns: list[str]
    by: Key | None = None
    where: FormulaText | None = None
    sort: list[str] = Field(default_factory=list)
    totals: list[str] = Field(default_factory=list)


class Section(Model):
    label: LabelText
    fields: list[Key]
    folded: bool = False


class ScanLines(Model):
    """How the lines of a document are entered by scanning, one piece a scan.

    mode `expected`: the lines say what should come, a scan counts up towards it, other codes are refused;
    `free`: what is scanned is added. `blind`: what is expected is not shown.
    """

    lines: Key = "lines"
    item: Key = "item"
    quantity: Key = "quantity"
    lot: Key | None = None
    mode: Literal["expected", "free"] = "free"
    blind: bool = False


class FormDefinition(Model):
    """The definition of one kind of record.

    kind `master`: usable at once, has a code; `document`: has a draft, a number, a workflow; `setting`:
    a small master that the kernel keeps in memory.
    """

    form: Name
    kind: Literal["master", "document", "setting"]
    label: LabelText
    help: LabelText | None = None
    icon: str | None = None
    menu: int | None = None
    company: bool | None = None
    title: FormulaText | None = None
    number: NumberPattern | None = None
    fields: dict[Key, FieldDefinition]
    order: list[Key] | None = None
    sections: dict[Key, Section] = Field(default_factory=dict)
    workflow: Workflow | None = None
    postings: dict[Key, Posting] = Field(default_factory=dict)
    conversions: dict[Key, Conversion] = Field(default_factory=dict)
    grants: dict[Key, Grant] = Field(default_factory=dict)
    views: dict[Key, View] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    unique: dict[Key, list[str]] = Field(default_factory=dict)
    indexes: dict[Key, list[str]] = Field(default_factory=dict)
    checks: dict[Key, Check] = Field(default_factory=dict)
    scan: ScanLines | None = None
    source: str | None = None
    locked: list[str] | None = None
    renames: dict[str, str] | None = None
    replaced: dict[str, str] | None = None


class Check(Model):
    """A rule across fields that must hold when the document leaves draft (a master: at each save)."""

    keep: FormulaText
    message: LabelText
    path: str | None = None


class Dimension(Model):
    type: Literal["link", "line", "text", "date", "choice"]
    to: str | None = None
    label: LabelText | None = None


class Resource(Model):
    type: Literal["quantity", "money", "decimal", "integer", "boolean", "duration"]
    label: LabelText | None = None
    unit: FormulaText | None = None
    currency: FormulaText | None = Field(default=None, alias="in")


class Limit(Model):
    """What a balance must keep. Formulas see resources and dimensions (`item.name`)."""

    keep: FormulaText
    unless: FormulaText | None = None
    code: str
    running: bool = False


class Rollup(Model):
    keep: str


class Raw(Model):
    keep: str
    partition: Literal["1d"] = "1d"


class RegisterDefinition(Model):
    """Append-only movements with dimensions and resources, and their balances (`balance`), or
    measurements with roll-ups (`series`). `memory` are columns of the balance that only a posting's
    `compute` sets (a last rate)."""

    register_name: Name = Field(alias="register")
    kind: Literal["balance", "series"] = "balance"
    label: LabelText
    store: Literal["site", "samples"] = "site"
    dimensions: dict[Key, Dimension]
    resources: dict[Key, Resource]
    memory: dict[Key, Resource] = Field(default_factory=dict)
    periods: Literal["month"] | None = None
    limits: dict[Key, Limit] = Field(default_factory=dict)
    indexes: dict[Key, list[Key]] = Field(default_factory=dict)
    rollups: dict[str, Rollup] = Field(default_factory=dict)
    raw: Raw | None = None
    grants: dict[Key, Grant] = Field(default_factory=dict)


class RoleDefinition(Model):
    role: Key
    label: LabelText
    help: LabelText | None = None
    all_rights: bool = False


ApprovalMode = Literal["one", "all", "any", "sequence"]


class ApprovalStep(Model):
    """One round of an approval: who is asked, how many of them must agree, and what happens when nobody decides.

    mode `one`, `all`, `any` n (`count`) of the approvers, or `sequence`: one after the other. `empty`: whom to
    ask when nobody fits (`admin`, the `superior` of who submitted, or nobody: `approve`). `timeout_hours` are
    hours of the company's calendar; `on_timeout` says what happens then.
    """

    label: LabelText | None = None
    when: FormulaText | None = None
    mode: ApprovalMode = "one"
    count: int = Field(default=1, ge=1)
    roles: list[Key] = Field(default_factory=list)
    users: list[str] = Field(default_factory=list)
    manager: bool = False
    empty: Literal["admin", "approve", "superior"] = "admin"
    timeout_hours: int | None = Field(default=None, ge=1, le=10_000)
    on_timeout: Literal["remind", "superior", "approve", "return"] = "remind"


class ApprovalDefinition(ApprovalStep):
    """Who must agree before a step is taken: in one round that stands here, or in several `steps`.

    `repeated`: what is asked of somebody who agreed in the round before (`ask` again, or `pass`);
    `copy_roles`, `copy_users`: who gets a copy when it is approved; `figures`: the paths of the record that an
    approver sees first; `reasons`: what is often said, one tap away.
    """

    approval: Name
    label: LabelText
    steps: dict[Key, ApprovalStep] = Field(default_factory=dict)
    order: list[Key] | None = None
    repeated: Literal["ask", "pass"] = "ask"
    copy_roles: list[Key] = Field(default_factory=list)
    copy_users: list[str] = Field(default_factory=list)
    figures: list[str] = Field(default_factory=list, max_length=6)
    reasons: list[LabelText] = Field(default_factory=list, max_length=12)

    @property
    def rounds(self) -> list[ApprovalStep]:
        """The rounds in their order; the definition itself where it names none."""
        if not self.steps:
            return [self]
        order = self.order or list(self.steps)
        return [self.steps[key] for key in (*order, *(key for key in self.steps if key not in order)) if key in self.steps]

class PackDefinition(Model):
    pack: Key
    label: LabelText
    help: LabelText | None = None
    version: str
    requires: list[Key] = Field(default_factory=list)
    icon: str | None = None
    menu: int = 50


for _model in (FieldDefinition, FormDefinition):
    _model.model_rebuild()
